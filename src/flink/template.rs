//! Pod templates merged as the Flink Kubernetes operator merges them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The option that makes the operator merge lists by the names of their elements.
pub const MERGE_BY_NAME: &str = "kubernetes.operator.pod-template.merge-arrays-by-name";

/// `specific` (of a role) merged into `base` (of the whole cluster).
///
/// Maps merge key by key. Lists merge by position: element *i* into element *i*, whatever their names; with `by_name`
/// and names on every element of both lists, by name, where of several elements with one name in one list the last is kept:
/// two mounts of one volume become one. A scalar in a list stays that of `base`. A null says nothing.
/// Source: `FlinkUtils.mergePodTemplates`, executed for operator 1.7, read in 1.15.
#[must_use]
pub fn merge(base: Option<&Value>, specific: Option<&Value>, by_name: bool) -> Value {
    match (base.filter(|value| value.is_object()), specific.filter(|value| value.is_object())) {
        (None, None) => Value::Object(Map::new()),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (Some(base), Some(specific)) => {
            let mut merged = base.clone();
            merge_into(&mut merged, specific, by_name);
            merged
        }
    }
}

fn merge_into(to: &mut Value, from: &Value, by_name: bool) {
    let (Value::Object(to), Value::Object(from)) = (to, from) else { return };
    for (key, theirs) in from {
        if theirs.is_null() {
            continue;
        }
        match (to.get_mut(key), theirs) {
            (Some(Value::Array(ours)), Value::Array(theirs)) => merge_lists(ours, theirs, by_name),
            (Some(ours @ Value::Object(_)), theirs) => merge_into(ours, theirs, by_name),
            _ => {
                to.insert(key.clone(), theirs.clone());
            }
        }
    }
}

fn merge_lists(ours: &mut Vec<Value>, theirs: &[Value], by_name: bool) {
    let named = |list: &[Value]| list.iter().all(|element| element.get("name").is_some());
    if by_name && named(ours) && named(theirs) {
        *ours = each_once(ours.iter());
        let positions: BTreeMap<String, usize> =
            (0..).zip(ours.iter()).map(|(at, element)| (name(element), at)).collect();
        for element in each_once(theirs.iter()) {
            match positions.get(&name(&element)).and_then(|position| ours.get_mut(*position)) {
                Some(ours) => merge_into(ours, &element, by_name),
                None => ours.push(element),
            }
        }
        return;
    }
    for (position, element) in theirs.iter().enumerate() {
        match ours.get_mut(position) {
            Some(ours) => merge_into(ours, element, by_name),
            None => ours.push(element.clone()),
        }
    }
}

/// `list` with each name once, in the place of the first element that has it: of several the last is kept.
fn each_once<'v>(list: impl Iterator<Item = &'v Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for element in list {
        if let Some(former) = positions.get(&name(element)).and_then(|position| kept.get_mut(*position)) {
            former.clone_from(element);
            continue;
        }
        positions.insert(name(element), kept.len());
        kept.push(element.clone());
    }
    kept
}

fn name(element: &Value) -> String {
    element.get("name").map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_merge_by_position_into_hybrids() {
        let base = json!({"spec": {"volumes": [{"name": "a", "emptyDir": {}}], "args": ["x"]}});
        let role =
            json!({"spec": {"volumes": [{"name": "b", "hostPath": {"path": "/"}}, {"name": "c"}], "args": ["y", "z"]}});
        assert_eq!(
            merge(Some(&base), Some(&role), false),
            json!({"spec": {
                "volumes": [{"name": "b", "emptyDir": {}, "hostPath": {"path": "/"}}, {"name": "c"}],
                "args": ["x", "z"],
            }})
        );
    }

    #[test]
    fn lists_merge_by_name_where_the_configuration_says_so() {
        let base = json!({"containers": [{"name": "main", "image": "a"}, {"name": "side"}]});
        let role = json!({"containers": [{"name": "other"}, {"name": "main", "tty": true}]});
        assert_eq!(
            merge(Some(&base), Some(&role), true),
            json!({"containers": [{"name": "main", "image": "a", "tty": true}, {"name": "side"}, {"name": "other"}]})
        );
    }

    #[test]
    fn of_several_with_one_name_the_last_is_kept() {
        let mounts = |paths: &[(&str, &str)]| {
            json!(paths.iter().map(|(name, path)| json!({"name": name, "mountPath": path})).collect::<Vec<_>>())
        };
        let base = json!({"volumeMounts": mounts(&[("v", "/1"), ("w", "/2"), ("v", "/3")])});
        let role = json!({"volumeMounts": mounts(&[("x", "/4"), ("x", "/5")])});
        let merged = json!({"volumeMounts": mounts(&[("v", "/3"), ("w", "/2"), ("x", "/5")])});
        assert_eq!(merge(Some(&base), Some(&role), true), merged);
        assert_eq!(merge(Some(&base), Some(&json!({"tty": true})), true)["volumeMounts"], base["volumeMounts"]);
    }

    #[test]
    fn nulls_and_missing_templates_change_nothing() {
        let base = json!({"spec": {"serviceAccountName": "x"}});
        assert_eq!(merge(Some(&base), Some(&json!({"spec": null})), false), base);
        assert_eq!(merge(None, Some(&base), false), base);
        assert_eq!(merge(None, None, false), json!({}));
    }
}
