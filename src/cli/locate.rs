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
use crate::object::{FieldPath, place_before};
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
        // What was filled in has no place in what was written; its list has.
        let (own, _) = place_before(&object.source.object, object.stored(), &finding.at);
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
