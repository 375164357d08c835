//! The ways that lead to the REST API of a cluster, which asks nobody who they are.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::cluster_ids;
use crate::flink::rest;
use crate::object::{FieldPath, integer, list, map, name, named, text};
use crate::policy::finding::Role;
use crate::policy::rules::Case;

/// The JobManager's REST API, as far as the object shows it.
pub(super) struct Rest<'a> {
    /// The JobManager.
    pub(super) view: &'a RoleView,
    /// The port in its pod.
    port: i64,
    /// Labels that its pods have for certain, for each cluster of the object.
    labels: Vec<BTreeMap<String, String>>,
}

/// The port of a Service that leads to a REST API.
pub(super) struct Way<'a> {
    /// The Service.
    pub(super) service: &'a Value,
    /// The Service's name.
    pub(super) name: &'a str,
    /// Its port.
    pub(super) port: &'a Value,
}

/// The REST API of the JobManager of `case`; `None` where it asks every caller for a certificate, or its port is a range.
pub(super) fn rest<'a>(case: &Case<'a>) -> Option<Rest<'a>> {
    let view = case.cluster.role(Role::JobManager)?;
    let version = case.cluster.version;
    // Bound to the pod's own loop no Service leads there.
    let bound = view.config.value("rest.bind-address", version);
    let is_local = bound.is_some_and(|address| matches!(address, "localhost" | "127.0.0.1" | "::1"));
    if is_local || rest::asks_for_certificates(view, version) {
        return None;
    }
    Some(Rest { view, port: rest::port(view, version)?, labels: labels(case, view) })
}

/// The labels that the JobManager's pods have, for each cluster of the object.
///
/// Source: Flink `KubernetesUtils.getJobManagerSelectors`, operator `StandaloneKubernetesUtils.getJobManagerSelectors`.
fn labels(case: &Case<'_>, view: &RoleView) -> Vec<BTreeMap<String, String>> {
    let written = map(&view.pod.template, &["metadata", "labels"]).into_iter().flatten();
    let written: BTreeMap<String, String> =
        written.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let Shape::FlinkDeployment { standalone } = case.cluster.shape else { return vec![written] };
    let kind = if standalone { "flink-standalone-kubernetes" } else { "flink-native-kubernetes" };
    let of_cluster = |id: String| {
        let made = [("app", id), ("component", "jobmanager".to_owned()), ("type", kind.to_owned())];
        written.clone().into_iter().chain(made.map(|(key, value)| (key.to_owned(), value))).collect()
    };
    cluster_ids(case.object).into_iter().map(of_cluster).collect()
}

/// Where it is said that something else leads to the REST API: at what makes it lead there.
pub(super) fn place(case: &Case<'_>) -> FieldPath {
    match case.cluster.shape {
        Shape::FlinkDeployment { .. } => FieldPath::of(&["metadata", "name"]),
        Shape::Raw => FieldPath::of(&["spec", "template", "metadata", "labels"]),
    }
}

impl<'a> Rest<'a> {
    /// The Services of the namespace with a port that leads to it.
    pub(super) fn ways(&self, case: &Case<'a>) -> Vec<Way<'a>> {
        let services = case.facts.list(Listed::Services, case.namespace).iter();
        services
            .filter(|service| self.is_selected(service))
            .filter_map(|service| Some((service.get("metadata").and_then(name)?, &**service)))
            .filter_map(|(name, service)| {
                let port = list(service, &["spec", "ports"]).iter().find(|port| self.is_target(port))?;
                Some(Way { service, name, port })
            })
            .collect()
    }

    fn is_selected(&self, service: &Value) -> bool {
        let Some(selector) = map(service, &["spec", "selector"]).filter(|selector| !selector.is_empty()) else {
            return false;
        };
        let has_all = |labels: &BTreeMap<String, String>| {
            selector.iter().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
        };
        self.labels.iter().any(has_all)
    }

    /// Whether the port of a Service leads to the REST port of the container.
    fn is_target(&self, port: &Value) -> bool {
        let target = integer(port, &["targetPort"]);
        let by_name = text(port, &["targetPort"]).filter(|_| target.is_none());
        let number = match by_name {
            Some(name) => self.named(name),
            None => target.or_else(|| integer(port, &["port"])),
        };
        number == Some(self.port)
    }

    /// The number of the container's port `wanted`; native mode and the operator call that of the REST API `rest`.
    fn named(&self, wanted: &str) -> Option<i64> {
        let container = self.view.pod.container();
        let declared = container.and_then(|container| named(list(container, &["ports"]), wanted));
        let number = declared.and_then(|(_, port)| integer(port, &["containerPort"]));
        number.or_else(|| (wanted == "rest").then_some(self.port))
    }
}

/// What who reaches the REST API of `case` may do.
///
/// The endpoint of an application takes no jars, whatever `web.submit.enable` says: `MiniDispatcherRestEndpoint` has no
/// handlers for them, executed for 1.20.5 and 2.3.0.
pub(super) const fn harm(case: &Case<'_>) -> &'static str {
    if case.cluster.application {
        "may cancel its job, take savepoints and read its configuration"
    } else {
        "may run any code in this cluster"
    }
}

/// Whether an annotation says that only a private network gets there, or may say so: the words differ between platforms.
pub(super) fn may_be_internal(annotations: impl Iterator<Item = (String, String)>) -> bool {
    annotations.into_iter().any(|(key, value)| {
        let (key, value) = (key.to_ascii_lowercase(), value.to_ascii_lowercase());
        let is_yes = !matches!(value.as_str(), "" | "false");
        let is_internal = ["internal", "private", "intranet"].contains(&value.as_str());
        is_internal || (is_yes && (key.contains("internal") || key.contains("private")))
    })
}

/// The annotations of `object`.
pub(super) fn annotations(object: &Value, keys: &[&str]) -> Vec<(String, String)> {
    let written = map(object, keys).into_iter().flatten();
    written.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
