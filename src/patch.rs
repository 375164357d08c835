//! Edits of an object, and the JSON Patch (RFC 6902) that makes them.
//!
//! The patch is built from the edits, not from a comparison of two documents: what nobody edited cannot be in it. It is
//! minimal: a parent that is missing comes with its child in one operation, and an edit that ends where it began is none.
//!
//! ```
//! use flink_admission::{object::FieldPath, patch::Edits};
//! let object = serde_json::json!({"spec": {}});
//! let mut edits = Edits::of(&object);
//! edits.set(&FieldPath::of(&["spec", "podTemplate", "spec", "tier"]), "a".into());
//! edits.set(&FieldPath::of(&["spec", "podTemplate", "spec", "zone"]), "b".into());
//! let patch = edits.patch();
//! assert_eq!(serde_json::to_value(&patch).unwrap(), serde_json::json!([
//!     {"op": "add", "path": "/spec/podTemplate", "value": {"spec": {"tier": "a", "zone": "b"}}},
//! ]));
//! ```

use std::borrow::Cow;
use std::collections::BTreeSet;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value};

use crate::object::{FieldPath, Segment};

/// An object under edit.
#[derive(Debug, Clone)]
pub struct Edits<'a> {
    original: &'a Value,
    /// Its own only from the first edit on.
    document: Cow<'a, Value>,
    touched: Vec<FieldPath>,
}

impl<'a> Edits<'a> {
    /// No edits yet of `original`.
    #[must_use]
    pub fn of(original: &'a Value) -> Self {
        Self { original, document: Cow::Borrowed(original), touched: Vec::new() }
    }

    /// The object with the edits.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// How many edits were made. It grows with every one, so two looks at one number see one document.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.touched.len()
    }

    /// Whether the object differs from the original.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations().is_empty()
    }

    /// Sets the map key at `path`, making the maps above it where they are missing or null.
    ///
    /// A path through something that is neither a map nor null is left alone: what is there is the user's. Whether the
    /// value was set.
    pub fn set(&mut self, path: &FieldPath, value: Value) -> bool {
        let Some((parent, Segment::Key(key))) = path.split_last() else { return false };
        let Some(map) = map_at(self.document.to_mut(), &parent.segments()) else { return false };
        map.insert(key.clone(), value);
        self.touched.push(path.clone());
        true
    }

    /// Appends to the list at `path`, making it where it is missing or null. Whether it was appended: what is no list is left
    /// alone.
    pub fn append(&mut self, path: &FieldPath, value: Value) -> bool {
        let Some((parent, Segment::Key(key))) = path.split_last() else { return false };
        let Some(map) = map_at(self.document.to_mut(), &parent.segments()) else { return false };
        let list = map.entry(key.clone()).or_insert(Value::Null);
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
        let Value::Array(list) = list else { return false };
        let position = list.len();
        list.push(value);
        self.touched.push(path.index(position));
        true
    }

    /// Removes the map key at `path`, where it is there.
    pub fn remove(&mut self, path: &FieldPath) {
        let Some((parent, Segment::Key(key))) = path.split_last() else { return };
        if path.value_in(&self.document).is_none() {
            return;
        }
        let Some(Value::Object(map)) = self.document.to_mut().pointer_mut(&parent.pointer()) else { return };
        if map.shift_remove(key).is_some() {
            self.touched.push(path.clone());
        }
    }

    /// Removes the map at `path` where it is empty, and those above it that this empties.
    pub fn prune(&mut self, path: &FieldPath) {
        for above in path.and_above() {
            if above.value_in(&self.document).and_then(Value::as_object).is_none_or(|map| !map.is_empty()) {
                return;
            }
            self.remove(above);
        }
    }

    /// The patch that leads from the original to the document.
    #[must_use]
    pub fn patch(&self) -> Patch {
        Patch(self.operations())
    }

    fn operations(&self) -> Vec<PatchOperation> {
        let mut done: BTreeSet<FieldPath> = BTreeSet::new();
        let mut operations = Vec::new();
        for path in &self.touched {
            let path = self.highest_new(path);
            if path.and_above().any(|above| done.contains(above)) {
                continue;
            }
            operations.extend(self.operation(&path));
            done.insert(path);
        }
        operations
    }

    /// The highest step of `path` that the original lacks, or holds as null; `path` itself where it lacks none.
    fn highest_new(&self, path: &FieldPath) -> FieldPath {
        let is_new = |path: &&FieldPath| path.value_in(self.original).is_none_or(Value::is_null);
        let new: Vec<&FieldPath> = path.and_above().take_while(is_new).collect();
        new.last().map_or_else(|| path.clone(), |highest| (*highest).clone())
    }

    fn operation(&self, path: &FieldPath) -> Option<PatchOperation> {
        let target = PointerBuf::parse(path.pointer()).ok()?;
        match (path.value_in(self.original), path.value_in(&self.document)) {
            (None, Some(value)) => Some(PatchOperation::Add(AddOperation { path: target, value: value.clone() })),
            (Some(_), None) => Some(PatchOperation::Remove(RemoveOperation { path: target })),
            (Some(was), Some(is)) if was != is => {
                Some(PatchOperation::Replace(ReplaceOperation { path: target, value: is.clone() }))
            }
            (None, None) | (Some(_), Some(_)) => None,
        }
    }
}

/// The map at `segments`, made where it is missing or null; `None` where something else stands in the way.
fn map_at<'a>(value: &'a mut Value, segments: &[&Segment]) -> Option<&'a mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match (segments.split_first(), value) {
        (None, Value::Object(map)) => Some(map),
        (Some((Segment::Key(key), rest)), Value::Object(map)) => {
            map_at(map.entry(key.clone()).or_insert(Value::Null), rest)
        }
        (Some((Segment::Index(index), rest)), Value::Array(list)) => map_at(list.get_mut(*index)?, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(keys: &[&str]) -> FieldPath {
        FieldPath::of(keys)
    }

    fn applied(object: &Value, edits: &Edits<'_>) -> Value {
        let mut patched = object.clone();
        json_patch::patch(&mut patched, &edits.patch()).unwrap();
        patched
    }

    #[test]
    fn edits_below_one_new_parent_are_one_operation() {
        let object = json!({"spec": {"list": [1], "null": null}});
        let mut edits = Edits::of(&object);
        edits.append(&path(&["spec", "list"]), json!({"a": 1}));
        edits.set(&path(&["spec", "list"]).index(1).key("b"), json!(2));
        edits.append(&path(&["spec", "new"]), json!(1));
        edits.append(&path(&["spec", "new"]), json!(2));
        edits.set(&path(&["spec", "null", "x"]), json!(true));
        assert_eq!(
            serde_json::to_value(edits.patch()).unwrap(),
            json!([
                {"op": "add", "path": "/spec/list/1", "value": {"a": 1, "b": 2}},
                {"op": "add", "path": "/spec/new", "value": [1, 2]},
                {"op": "replace", "path": "/spec/null", "value": {"x": true}},
            ])
        );
        assert_eq!(applied(&object, &edits), *edits.document());
    }

    #[test]
    fn an_edit_that_ends_where_it_began_is_none() {
        let object = json!({"a": "1", "b": "2"});
        let mut edits = Edits::of(&object);
        edits.remove(&path(&["a"]));
        edits.set(&path(&["a"]), json!("1"));
        edits.set(&path(&["c"]), json!(1));
        edits.remove(&path(&["c"]));
        edits.set(&path(&["b"]), json!("3"));
        assert_eq!(
            serde_json::to_value(edits.patch()).unwrap(),
            json!([{"op": "replace", "path": "/b", "value": "3"}])
        );
        assert!(!edits.is_empty());
    }

    #[test]
    fn what_stands_in_the_way_is_left_alone() {
        let object = json!({"a": "text", "b": [1]});
        let mut edits = Edits::of(&object);
        edits.set(&path(&["a", "x"]), json!(1));
        edits.append(&path(&["a"]), json!(1));
        edits.set(&path(&["b", "x"]), json!(1));
        edits.remove(&path(&["a", "x"]));
        assert!(edits.is_empty());
        assert_eq!(*edits.document(), object);
    }
}
