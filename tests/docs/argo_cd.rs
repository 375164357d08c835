//! Argo CD's older diff as far as it matters here: a three-way merge, and what it is told to ignore.

use serde_json::Value;

/// Whether `stored` differs from `written`, of which it is the last applied manifest too.
///
/// What only `stored` has is no difference. A list is one value, but of a built-in kind those whose elements Kubernetes
/// knows by a key are merged by it (`patchMergeKey` of `PodSpec` and `Container`).
pub(crate) fn differs(written: &Value, stored: &Value, is_custom: bool) -> bool {
    match (written, stored) {
        (Value::Object(written), Value::Object(stored)) => written.iter().any(|(key, written)| match stored.get(key) {
            None => !written.is_null(),
            Some(stored) => match merge_key(key).filter(|_| !is_custom) {
                Some(name) => elements_differ(written, stored, name),
                None if written.is_array() => written != stored,
                None => differs(written, stored, is_custom),
            },
        }),
        _ => written != stored,
    }
}

fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        _ => None,
    }
}

fn elements_differ(written: &Value, stored: &Value, key: &str) -> bool {
    let (Some(written), Some(stored)) = (written.as_array(), stored.as_array()) else { return written != stored };
    written.iter().any(|element| {
        let same = stored.iter().find(|other| other.get(key) == element.get(key));
        same.is_none_or(|same| differs(element, same, false))
    })
}

/// Deletes what the jq path `expression` selects, as `del` does: fields, `[]?`, and one `select` at the end.
pub(crate) fn delete(object: &mut Value, expression: &str) {
    let (path, condition) = expression.split_once(" | ").unwrap();
    let condition = condition.strip_prefix("select(").and_then(|rest| rest.strip_suffix(')')).unwrap();
    let steps: Vec<&str> = path.strip_prefix('.').unwrap().split('.').collect();
    walk(object, &steps, &|value| holds(value, condition));
}

fn walk(value: &mut Value, steps: &[&str], is_meant: &dyn Fn(&Value) -> bool) {
    let Some((step, rest)) = steps.split_first() else { return };
    let (field, each) = step.strip_suffix("[]?").map_or((*step, false), |field| (field, true));
    let Some(inner) = value.get_mut(field) else { return };
    match (each, rest.is_empty()) {
        (true, true) => inner.as_array_mut().into_iter().for_each(|list| list.retain(|element| !is_meant(element))),
        (true, false) => {
            inner.as_array_mut().into_iter().flatten().for_each(|element| walk(element, rest, is_meant));
        }
        (false, true) if is_meant(inner) => {
            value.as_object_mut().unwrap().remove(field);
        }
        (false, true) => {}
        (false, false) => walk(inner, rest, is_meant),
    }
}

/// Whether the condition of a `select` holds: `.name == "x"`, `. == <JSON>`, `ltrimstr("-D") | startswith("x")`.
fn holds(value: &Value, condition: &str) -> bool {
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    if let Some(name) = condition.strip_prefix(".name == ") {
        return value["name"] == json(name);
    }
    if let Some(other) = condition.strip_prefix(". == ") {
        return *value == json(other);
    }
    let prefix =
        condition.strip_prefix("ltrimstr(\"-D\") | startswith(").and_then(|rest| rest.strip_suffix(')')).unwrap();
    let prefix = json(prefix);
    let word = value.as_str().unwrap_or_default();
    word.strip_prefix("-D").unwrap_or(word).starts_with(prefix.as_str().unwrap())
}
