//! The value that a finding speaks of: a node of a document, or a piece of the text that a scalar of it is.

use std::ops::Range;

use super::origin::Origin;
use crate::cli::input::Source;
use crate::object::{FieldPath, Segment};
use crate::policy::Finding;
use crate::yaml::{Found, Located, Scalar};

/// Where a path of a document leads.
#[derive(Debug)]
pub(super) struct Target<'a> {
    text: &'a str,
    /// The last step of the path that exists.
    pub(super) found: Found<'a>,
    /// Whether all of them do.
    pub(super) is_whole: bool,
    /// The piece of the scalar that was found.
    pub(super) inner: Option<Inner>,
    /// How many steps lead to the object.
    base: usize,
}

/// A piece of a scalar's text.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    /// The bytes of the value.
    pub(super) value: Range<usize>,
    /// Those of its key, where it has one.
    pub(super) key: Option<Range<usize>>,
    /// Whether the text is YAML, in which what takes its place may have to be quoted.
    pub(super) is_yaml: bool,
}

impl<'a> Target<'a> {
    /// Follows `path` of the object of `source` in `document`, and the key and the line that the finding names inside of it.
    pub(super) fn find(
        document: &'a Located,
        source: &'a Source,
        path: &FieldPath,
        finding: &Finding,
        origin: &Origin<'_>,
    ) -> Self {
        let base = source.item.segments();
        let steps: Vec<&Segment> = base.iter().copied().chain(path.segments()).collect();
        let found = document.find(steps.iter().copied());
        let is_whole = found.steps == steps.len();
        let inner = found.value.scalar().and_then(|scalar| match origin.line {
            Some(line) => inside(scalar.text(), finding.at.last_key(), line),
            None if is_whole && origin.is_argument => assigned(scalar),
            None => None,
        });
        Self { text: source.document_text(), found, is_whole, inner, base: base.len() }
    }

    /// The bytes of the document to point at; `None` where not even the first step exists.
    pub(super) fn range(&self, at_key: bool) -> Option<Range<usize>> {
        if self.found.steps <= self.base && !self.is_whole {
            return None;
        }
        if let Some((scalar, inner)) = self.found.value.scalar().zip(self.inner.as_ref()) {
            let wanted = inner.key.as_ref().filter(|_| at_key).unwrap_or(&inner.value);
            if let Some(range) = scalar.origin(self.text, wanted) {
                return Some(range);
            }
        }
        match &self.found.key {
            // What is missing is missing below this key.
            Some(key) if at_key || !self.is_whole => Some(key.clone()),
            _ => Some(self.found.range(self.text)),
        }
    }
}

/// The option `key` at `line` of a configuration: by the mappings of YAML, else by the line alone.
fn inside(text: &str, key: &str, line: usize) -> Option<Inner> {
    let start = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let written = text.get(start..)?.lines().next()?;
    let in_line = |range: &Range<usize>| (start..=start + written.len()).contains(&range.start);
    let document = Located::parse(text);
    let found = document.as_ref().and_then(|document| document.find_dotted(key));
    if let Some(found) = found {
        let value = found.range(text);
        if in_line(&value) {
            return Some(Inner { value, key: found.key, is_yaml: true });
        }
    }
    let before = written.len() - written.trim_start().len();
    let whole = start + before..start + written.trim_end().len();
    let Some((name, rest)) = written.split_once(':').filter(|(name, _)| name.trim() == key) else {
        return (!whole.is_empty()).then_some(Inner { value: whole, key: None, is_yaml: false });
    };
    let value = rest.split(" #").next().unwrap_or_default();
    let at = start + name.len() + 1 + (value.len() - value.trim_start().len());
    let key = start + before..start + before + key.len();
    let value = if value.trim().is_empty() { key.clone() } else { at..at + value.trim().len() };
    Some(Inner { value, key: Some(key), is_yaml: false })
}

/// The value of `key=value` or `-Dkey=value`.
fn assigned(scalar: &Scalar) -> Option<Inner> {
    let text = scalar.text();
    let (name, value) = text.split_once('=').filter(|(_, value)| !value.is_empty())?;
    let start = if name.starts_with("-D") { 2 } else { 0 };
    Some(Inner { value: text.len() - value.len()..text.len(), key: Some(start..name.len()), is_yaml: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value and the key of `key` at `line`.
    fn pieces<'a>(text: &'a str, key: &str, line: usize) -> (&'a str, Option<&'a str>) {
        let inner = inside(text, key, line).unwrap();
        (text.get(inner.value).unwrap(), inner.key.and_then(|key| text.get(key)))
    }

    #[test]
    fn options_are_found_in_yaml_and_in_lines() {
        let yaml = "# x\nhigh-availability:\n  type: NONE # c\n  list:\n  - a\n";
        assert_eq!(pieces(yaml, "high-availability.type", 3), ("NONE", Some("type")));
        let lines = "a: 1\n  high-availability: x: y   # c\nb:2\nnothing\ne:\n";
        assert_eq!(pieces(lines, "high-availability", 2), ("x: y", Some("high-availability")));
        assert_eq!(pieces(lines, "b", 3), ("2", Some("b")));
        assert_eq!(pieces(lines, "other", 4), ("nothing", None));
        assert_eq!(pieces(lines, "e", 5), ("e", Some("e")));
        assert!(inside(lines, "a", 9).is_none());
    }

    #[test]
    fn of_two_equal_keys_the_line_decides() {
        assert_eq!(pieces("a: 1\na: 2\n", "a", 1), ("1", Some("a")));
        assert_eq!(pieces("a: 1\na: 2\n", "a", 2), ("2", Some("a")));
    }
}
