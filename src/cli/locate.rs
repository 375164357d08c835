//! From a finding to the characters of a file that it speaks of.
//!
//! A finding knows the path of a field in the object as it would be stored, and where its value comes from. The value may
//! stand in the object's own manifest, or in a text inside of a manifest: a configuration file in a ConfigMap,
//! `FLINK_PROPERTIES`. What is not found there is pointed at as near as can be, at last at the object.

mod edit;
mod origin;
mod target;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::input::{Place, Source};
use super::review::Object;
use crate::object::{FieldPath, Segment};
use crate::policy::{Finding, Replacement};
use crate::yaml::Located;
pub use edit::Edit;
use origin::Origin;
use target::Target;

/// Finds places in the files of objects; each document is taken apart once.
#[derive(Debug)]
pub struct Locator<'a> {
    objects: &'a [Object],
    documents: BTreeMap<(&'a str, usize), Option<Located>>,
}

/// Where a finding points to, and what would settle it there.
#[derive(Debug, Clone)]
pub struct Pointed<'a> {
    /// The object in whose manifest it is; the one that was judged, or a ConfigMap.
    pub source: &'a Source,
    /// Where.
    pub place: Place,
    /// Where the object that was judged refers to it, when it stands in another one.
    pub reader: Option<(&'a Source, Place)>,
    /// The change of the text that settles the finding, where there is one that is sure.
    pub edit: Option<Edit>,
}

impl<'a> Locator<'a> {
    /// Finds places in the files that `objects` were read from.
    #[must_use]
    pub const fn of(objects: &'a [Object]) -> Self {
        Self { objects, documents: BTreeMap::new() }
    }

    /// Where `finding` on `object` points to.
    pub fn point(&mut self, object: &'a Object, finding: &Finding) -> Pointed<'a> {
        let origin = Origin::parse(&finding.origin);
        let own = in_source(&object.source.object, object.stored(), &finding.at);
        match self.config_map(object, &origin) {
            Some((config_map, path)) => {
                let reader = self.point_at(&object.source, &own, finding, &Origin::parse("")).place;
                let reader = Some((&object.source, reader));
                Pointed { reader, ..self.point_at(&config_map.source, &path, finding, &origin) }
            }
            None => self.point_at(&object.source, &own, finding, &origin),
        }
    }

    fn point_at(
        &mut self,
        source: &'a Source,
        path: &FieldPath,
        finding: &Finding,
        origin: &Origin<'_>,
    ) -> Pointed<'a> {
        let Some(document) = self.document(source) else {
            let place = source.text.place(source.text.line(source.line));
            return Pointed { source, place, reader: None, edit: None };
        };
        let target = Target::find(document, source, path, finding, origin);
        let at_key = matches!(finding.replacement, Some(Replacement::Key { .. }));
        let range = target.range(at_key).unwrap_or_else(|| title(document, source));
        let edit = finding.replacement.as_ref().and_then(|replacement| edit::sure(source, path, &target, replacement));
        Pointed { source, place: in_file(source, &range), reader: None, edit }
    }

    /// Where `object` itself stands: its name, its kind or where it begins.
    pub fn point_at_object(&mut self, object: &'a Object) -> Place {
        let source = &object.source;
        match self.document(source).map(|document| title(document, source)) {
            Some(range) => in_file(source, &range),
            None => source.text.place(source.text.line(source.line)),
        }
    }

    /// The ConfigMap of the input that the value comes from, and the path of the text in it.
    fn config_map(&self, object: &Object, origin: &Origin<'_>) -> Option<(&'a Object, FieldPath)> {
        let (name, key) = origin.config_map?;
        let is_meant = |other: &&Object| {
            other.name == name
                && other.namespace == object.namespace
                && other.source.object.get("kind").and_then(Value::as_str) == Some("ConfigMap")
        };
        let found = self.objects.iter().rev().find(is_meant)?;
        Some((found, FieldPath::of(&["data", key])))
    }

    fn document(&mut self, source: &'a Source) -> Option<&Located> {
        let parsed = self.documents.entry((source.file.as_str(), source.document));
        parsed.or_insert_with(|| Located::parse(&for_yaml(source.document_text()))).as_ref()
    }
}

/// The place in the file of `range` in the document of `source`.
fn in_file(source: &Source, range: &Range<usize>) -> Place {
    source.text.place(source.range.start + range.start..source.range.start + range.end)
}

/// JSON as YAML takes it: tabs between its values, of which none can be inside of one, are blanks.
fn for_yaml(text: &str) -> Cow<'_, str> {
    if text.starts_with('{') && text.contains('\t') { text.replace('\t', " ").into() } else { text.into() }
}

/// The name of the object of `source`, else its kind, else its first line.
fn title(document: &Located, source: &Source) -> Range<usize> {
    let text = source.document_text();
    let of = |keys: &[&str]| {
        let path = source.item.keys(keys);
        let steps = path.segments();
        let found = document.find(steps.iter().copied());
        (found.steps == steps.len()).then(|| found.range(text))
    };
    of(&["metadata", "name"])
        .or_else(|| of(&["kind"]))
        .unwrap_or_else(|| document.find(source.item.segments()).range(text))
}

/// `path` of the stored object in the object as it was written, as far as it leads there: what was filled in shifts what
/// stands behind it in a list.
fn in_source(written: &Value, stored: &Value, path: &FieldPath) -> FieldPath {
    let (mut written, mut stored) = (Some(written), Some(stored));
    let mut own = FieldPath::default();
    for segment in path.segments() {
        own = match segment {
            Segment::Key(key) => {
                (written, stored) = (written.and_then(|value| value.get(key)), stored.and_then(|value| value.get(key)));
                own.key(key)
            }
            Segment::Index(index) => {
                let lists = written.and_then(Value::as_array).zip(stored.and_then(Value::as_array));
                let Some(position) = lists.map_or(Some(*index), |(was, is)| position_before(was, is, *index)) else {
                    break;
                };
                written = written.and_then(|value| value.get(position));
                stored = stored.and_then(|value| value.get(*index));
                own.index(position)
            }
        };
    }
    own
}

/// Where the element `index` of the list `is` stood in `was`, into which others were put; `None` for one of those.
fn position_before(was: &[Value], is: &[Value], index: usize) -> Option<usize> {
    let added = is.len().saturating_sub(was.len());
    let element = is.get(index)?;
    if let Some(name) = element.get("name") {
        return was.iter().position(|other| other.get("name") == Some(name));
    }
    let same = was.iter().zip(is).take_while(|(was, is)| was == is).count();
    if index < same.min(was.len()) || added == 0 {
        Some(index).filter(|index| *index < was.len())
    } else {
        index.checked_sub(added).filter(|position| *position >= same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_filled_in_is_counted_out() {
        let written = json!({"args": ["jobmanager", "x"], "env": [{"name": "A"}], "l": [1]});
        let stored =
            json!({"args": ["jobmanager", "-D", "a=b", "x"], "env": [{"name": "B"}, {"name": "A", "v": 1}], "l": [1]});
        let path = |list: &str, index| FieldPath::of(&[list]).index(index);
        for (from, to) in [
            (path("args", 0), path("args", 0)),
            (path("args", 1), FieldPath::of(&["args"])),
            (path("args", 2), FieldPath::of(&["args"])),
            (path("args", 3), path("args", 1)),
            (path("env", 1).key("v"), path("env", 0).key("v")),
            (path("env", 0), FieldPath::of(&["env"])),
            (path("l", 0), path("l", 0)),
            (FieldPath::of(&["x", "y"]), FieldPath::of(&["x", "y"])),
        ] {
            assert_eq!(in_source(&written, &stored, &from), to, "{from}");
        }
    }
}
