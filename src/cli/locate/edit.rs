//! A change of a file's text that settles a finding: offered only where the changed file was read again and nothing else
//! of it changed.

use std::ops::Range;

use serde_json::Value;

use super::target::Target;
use super::{Place, in_file};
use crate::cli::input::Source;
use crate::object::{FieldPath, Segment};
use crate::policy::Replacement;
use crate::yaml::{self, Located};

/// New text in the place of old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub place: Place,
    /// What takes its place.
    pub text: String,
}

/// The edit that `replacement` is at `target`, the value at `path`; `None` where it cannot be made by one piece of text.
pub(super) fn sure(source: &Source, path: &FieldPath, target: &Target<'_>, replacement: &Replacement) -> Option<Edit> {
    let text = source.document_text();
    let before = only_document(text)?;
    let steps = source.item.segments().into_iter().chain(path.segments()).take(target.found.steps);
    let at: FieldPath = steps.cloned().collect();
    let mut wanted = before;
    let (range, new) = match &target.inner {
        Some(_) => inside(text, target, replacement, wanted.pointer_mut(&at.pointer())?)?,
        None if target.is_whole => outside(text, target, replacement, &mut wanted, &at)?,
        None => return None,
    };
    let changed = format!("{}{new}{}", text.get(..range.start)?, text.get(range.end..)?);
    (only_document(&changed)? == wanted).then(|| Edit { place: in_file(source, &range), text: new })
}

fn only_document(text: &str) -> Option<Value> {
    let mut documents = yaml::documents(text).ok()?;
    (documents.len() == 1).then(|| documents.remove(0).value)
}

/// The change of a field: what is replaced, what takes its place, and `wanted` as it then is.
fn outside(
    text: &str,
    target: &Target<'_>,
    replacement: &Replacement,
    wanted: &mut Value,
    at: &FieldPath,
) -> Option<(Range<usize>, String)> {
    match replacement {
        Replacement::Value(new) => {
            target.found.value.scalar()?;
            *wanted.pointer_mut(&at.pointer())? = Value::from(new.as_str());
            let range = target.found.range(text);
            let new = written(text.get(range.clone())?, new)?;
            Some((range, new))
        }
        Replacement::Key { old, new } => {
            let (parent, last) = at.split_last()?;
            let map = wanted.pointer_mut(&parent.pointer())?.as_object_mut()?;
            if *last != Segment::Key(old.clone()) || map.contains_key(new) {
                return None;
            }
            let value = map.remove(old)?;
            map.insert(new.clone(), value);
            let range = target.found.key.clone()?;
            let new = written(text.get(range.clone())?, new)?;
            Some((range, new))
        }
    }
}

/// The change of a piece of a scalar's text, which is `wanted`.
fn inside(
    text: &str,
    target: &Target<'_>,
    replacement: &Replacement,
    wanted: &mut Value,
) -> Option<(Range<usize>, String)> {
    let (scalar, inner) = target.found.value.scalar().zip(target.inner.as_ref())?;
    let own = scalar.text();
    let (range, new) = match replacement {
        Replacement::Value(new) => (inner.value.clone(), new),
        Replacement::Key { old, new } => {
            let key = inner.key.clone()?;
            (own.get(key.clone())? == old).then_some((key, new))?
        }
    };
    let new = match inner.is_yaml {
        true => written(own.get(range.clone())?, new)?,
        false if new.chars().any(char::is_whitespace) => return None,
        false => new.clone(),
    };
    *wanted = Value::from(format!("{}{new}{}", own.get(..range.start)?, own.get(range.end..)?));
    Some((scalar.origin(text, &range)?, new))
}

/// `new` quoted as `former` is; `None` where it would have to be quoted otherwise.
fn written(former: &str, new: &str) -> Option<String> {
    if new.contains(['\'', '"', '\\', '\n']) {
        return None;
    }
    if let quote @ ('"' | '\'') = former.chars().next()? {
        return Some(format!("{quote}{new}{quote}"));
    }
    let parsed = Located::parse(new)?;
    parsed.scalar().is_some_and(|scalar| scalar.is_plain() && scalar.text() == new).then(|| new.to_owned())
}
