//! Where a volume of a cluster's pods is written down.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::raw::TEMPLATE;
use crate::object::FieldPath;
use crate::policy::rules::Case;

/// Path of the first volume that `is_it`, in the pod template that brings it.
pub(super) fn place(case: &Case<'_>, is_it: impl Fn(&Value) -> bool) -> Option<FieldPath> {
    let spec = case.spec();
    let templates = match case.cluster.shape {
        Shape::Raw => vec![FieldPath::of(&TEMPLATE)],
        Shape::FlinkDeployment { .. } => vec![
            spec.key("podTemplate"),
            spec.keys(&["jobManager", "podTemplate"]),
            spec.keys(&["taskManager", "podTemplate"]),
        ],
    };
    templates.iter().find_map(|template| {
        let volumes = template.keys(&["spec", "volumes"]);
        let position = walk(case.object, &volumes)?.as_array()?.iter().position(&is_it)?;
        Some(volumes.index(position))
    })
}
