//! Pod templates as they are edited: where they stand, how lists in them grow, and whether two of them say the same.

use serde_json::{Value, json};

use crate::flink::deployment::{field, walk};
use crate::flink::pod::{MAIN_CONTAINER, Pod};
use crate::inject::{Place, Work};
use crate::object::{FieldPath, list, named};
use crate::patch::Edits;
use crate::policy::Role;

/// The pod template of `role` alone, or the common one; a standalone role has one template.
pub(super) fn template_of(work: &Work<'_>, role: Option<Role>) -> FieldPath {
    let root = work.target.root();
    match (work.target.place(), role) {
        (Some(Place::Pods(_)), _) => root,
        (_, Some(role)) => root.key(field(role)).key("podTemplate"),
        (_, None) => root.key("podTemplate"),
    }
}

/// The pod template that reaches `roles` alone: the common one for both, else the role's own.
pub(super) fn template_for(work: &Work<'_>, roles: &[Role]) -> Option<FieldPath> {
    let root = work.target.root();
    match (work.target.place(), roles) {
        (None, _) | (_, []) => None,
        (Some(Place::Pods(_)), _) => Some(root),
        // A new `jobManager` block would bring its default of one replica with it.
        (Some(Place::Resource(_)), [role])
            if *role == Role::TaskManager || walk(work.edits.document(), &root.key(field(*role))).is_some() =>
        {
            Some(root.key(field(*role)).key("podTemplate"))
        }
        (Some(Place::Resource(_)), _) => Some(root.key("podTemplate")),
    }
}

/// Whether only the roles' own templates hold the Flink container.
pub(super) fn is_in_role_templates(work: &Work<'_>) -> bool {
    let holds = |role: Option<Role>| {
        walk(work.edits.document(), &template_of(work, role).keys(&["spec", "containers"]))
            .and_then(Value::as_array)
            .is_some_and(|containers| named(containers, MAIN_CONTAINER).is_some())
    };
    let in_roles = [Role::JobManager, Role::TaskManager].into_iter().any(|role| holds(Some(role)));
    in_roles && !holds(None)
}

/// The Flink container in the template at `template`, made where it is missing: at the position that it has in `merged`,
/// else behind everything else.
pub(super) fn main_container(edits: &mut Edits<'_>, template: &FieldPath, merged: Option<&Pod>) -> FieldPath {
    let containers = template.keys(&["spec", "containers"]);
    let merged_containers = merged.map(|pod| list(&pod.template, &["spec", "containers"])).unwrap_or_default();
    let position = match (position_of_main(edits, &containers), merged.and_then(|pod| pod.main)) {
        (Some(position), _) => position,
        (None, Some(main)) => {
            fill_up(edits, &containers, merged_containers.get(..main).unwrap_or_default());
            if length(edits, &containers) <= main {
                edits.append(&containers, json!({"name": MAIN_CONTAINER}));
            }
            main
        }
        (None, None) => {
            fill_up(edits, &containers, merged_containers);
            edits.append(&containers, json!({"name": MAIN_CONTAINER}));
            length(edits, &containers).saturating_sub(1)
        }
    };
    containers.index(position)
}

/// The elements of the list at `path`; none where there is no list.
pub(super) fn elements<'e>(edits: &'e Edits<'_>, path: &FieldPath) -> &'e [Value] {
    walk(edits.document(), path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the Flink container of the common template has an element in its `list` that `is` what is looked for; a standalone
/// role has no common template.
pub(super) fn is_in_common(work: &Work<'_>, list: &str, is: impl Fn(&Value) -> bool) -> bool {
    let containers = template_of(work, None).keys(&["spec", "containers"]);
    let Some(Place::Resource(_)) = work.target.place() else { return false };
    let Some(main) = position_of_main(&work.edits, &containers) else { return false };
    elements(&work.edits, &containers.index(main).key(list)).iter().any(is)
}

/// Position of the Flink container in the list at `containers`, where it is called by its name.
pub(super) fn position_of_main(edits: &Edits<'_>, containers: &FieldPath) -> Option<usize> {
    let containers = walk(edits.document(), containers)?.as_array()?;
    named(containers, MAIN_CONTAINER).map(|(position, _)| position)
}

fn length(edits: &Edits<'_>, path: &FieldPath) -> usize {
    elements(edits, path).len()
}

/// Appends to the list at `path` what `merged` has behind its end.
pub(super) fn fill_up(edits: &mut Edits<'_>, path: &FieldPath, merged: &[Value]) {
    for element in merged.iter().skip(length(edits, path)) {
        edits.append(path, element.clone());
    }
}

/// Whether two values say the same: nulls, empty maps and empty lists in a map say nothing.
pub(super) fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_alone = |key: &String| !one.contains_key(key);
            one.iter().all(|(key, ours)| match other.get(key) {
                Some(theirs) => is_alike(ours, theirs) || (says_nothing(ours) && says_nothing(theirs)),
                None => says_nothing(ours),
            }) && other.iter().all(|(key, theirs)| !is_alone(key) || says_nothing(theirs))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(ours, theirs)| is_alike(ours, theirs))
        }
        _ => one == other,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(says_nothing),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
