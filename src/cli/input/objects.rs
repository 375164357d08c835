//! What is an object, and lists of them.

use std::rc::Rc;

use serde_json::Value;

use super::{Problem, Source};
use crate::object::FieldPath;

/// Whether `value` says what it is.
pub(super) fn is_object(value: &Value) -> bool {
    word(value, "apiVersion").is_some() && word(value, "kind").is_some()
}

/// Appends the object, or each object of the list that it is. Empty entries of a list are left out as kubectl does.
pub(super) fn take_apart(source: Source, objects: &mut Vec<Source>, problems: &mut Vec<Problem>) {
    let kind = word(&source.object, "kind").unwrap_or_default().to_owned();
    let api_version = word(&source.object, "apiVersion").unwrap_or_default().to_owned();
    let Some(member) = kind.strip_suffix("List") else {
        objects.push(source);
        return;
    };
    let Some(items) = source.object.get("items").and_then(Value::as_array) else {
        objects.push(source);
        return;
    };
    for (position, entry) in items.iter().enumerate() {
        if entry.is_null() {
            continue;
        }
        let item = source.item.key("items").index(position);
        let mut entry = entry.clone();
        name_member(&mut entry, &api_version, member);
        if is_object(&entry) {
            take_apart(Source { item, object: entry, ..source.clone_place() }, objects, problems);
        } else {
            problems.push(Problem {
                file: source.file.clone(),
                document: Some(source.document),
                line: Some(source.line),
                message: format!("{item} is no Kubernetes object, since it has no `apiVersion` or no `kind`"),
            });
        }
    }
}

/// The API server leaves `apiVersion` and `kind` out of the members of a typed list (`ConfigMapList`).
fn name_member(entry: &mut Value, api_version: &str, kind: &str) {
    if kind.is_empty() {
        return;
    }
    if let Some(fields) = entry.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| Value::from(api_version));
        fields.entry("kind").or_insert_with(|| Value::from(kind));
    }
}

impl Source {
    /// The place alone, without the weight of the object.
    fn clone_place(&self) -> Self {
        Self {
            file: self.file.clone(),
            document: self.document,
            line: self.line,
            item: FieldPath::default(),
            text: Rc::clone(&self.text),
            range: self.range.clone(),
            object: Value::Null,
        }
    }
}

fn word<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apart(object: Value) -> (Vec<Source>, Vec<Problem>) {
        let text = Rc::new(crate::cli::input::Text::new(String::new()));
        let item = FieldPath::default();
        let source = Source { file: "a.yaml".into(), document: 0, line: 1, item, text, range: 0..0, object };
        let (mut objects, mut problems) = (Vec::new(), Vec::new());
        take_apart(source, &mut objects, &mut problems);
        (objects, problems)
    }

    #[test]
    fn nested_lists_are_taken_apart() {
        let (objects, problems) = apart(json!({"apiVersion": "v1", "kind": "List", "items": [
            null,
            {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod"}]},
        ]}));
        assert_eq!(problems, []);
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0].item.to_string(), "items[1].items[0]");
        assert_eq!(objects[0].object["kind"], "Pod");
    }

    #[test]
    fn members_of_a_typed_list_get_its_kind() {
        let (objects, _) = apart(json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"data": {}}]}));
        assert_eq!(objects[0].object["kind"], "ConfigMap");
        assert_eq!(objects[0].object["apiVersion"], "v1");
    }

    #[test]
    fn a_kind_that_ends_like_a_list_is_an_object() {
        let (objects, _) = apart(json!({"apiVersion": "x.io/v1", "kind": "AllowList", "spec": {}}));
        assert_eq!(objects[0].object["kind"], "AllowList");
    }

    #[test]
    fn what_is_no_object_in_a_list_is_a_problem() {
        let (objects, problems) = apart(json!({"apiVersion": "v1", "kind": "List", "items": [7]}));
        assert_eq!(objects, []);
        assert!(problems[0].message.starts_with("items[0]"), "{problems:?}");
    }
}
