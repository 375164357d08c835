//! Look-ups in untyped objects, and the paths of their fields.
//!
//! Objects stay [`serde_json::Value`] trees from the wire to the reply: a field that we do not know survives.

mod moved;
mod name;
mod path;

pub use moved::place_before;
pub use name::{is_dns_label, is_dns_subdomain};
pub use path::{FieldPath, Segment};

use serde_json::{Map, Value};

/// The value at `keys` below `value`, through objects only; `None` where a key is missing, null or not an object.
///
/// ```
/// let object = serde_json::json!({"spec": {"flinkVersion": "v1_20"}});
/// assert_eq!(flink_admission::object::at(&object, &["spec", "flinkVersion"]).and_then(|v| v.as_str()), Some("v1_20"));
/// ```
#[must_use]
pub fn at<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| value.get(*key)).filter(|value| !value.is_null())
}

/// The text at `keys`; `None` where it is missing or not a string.
#[must_use]
pub fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    at(value, keys)?.as_str()
}

/// The elements of the list at `keys`; none where it is missing or not a list.
#[must_use]
pub fn list<'a>(value: &'a Value, keys: &[&str]) -> &'a [Value] {
    at(value, keys).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The map at `keys`; `None` where it is missing or not a map.
#[must_use]
pub fn map<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Map<String, Value>> {
    at(value, keys)?.as_object()
}

/// The integer at `keys`, also where it is written as text.
#[must_use]
pub fn integer(value: &Value, keys: &[&str]) -> Option<i64> {
    let value = at(value, keys)?;
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The annotation `key` of `object`.
#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    text(object, &["metadata", "annotations", key])
}

/// The label `key` of `object`.
#[must_use]
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    text(object, &["metadata", "labels", key])
}

/// The `name` of a list element such as a container or a volume.
#[must_use]
pub fn name(element: &Value) -> Option<&str> {
    text(element, &["name"])
}

/// The element called `wanted` in a list such as `containers` or `volumes`, with its position.
#[must_use]
pub fn named<'a>(elements: &'a [Value], wanted: &str) -> Option<(usize, &'a Value)> {
    elements.iter().enumerate().find(|(_, element)| name(element) == Some(wanted))
}

/// What a value is, in a word for people: `a list`, `a number`.
#[must_use]
pub const fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
