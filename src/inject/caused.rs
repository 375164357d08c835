//! Which findings come from what was filled in.
//!
//! A finding that the author had anyway is none of them, also where our words came to stand before the word that it is
//! about: `args[1]` of the author's is `args[7]` then.

use std::borrow::Borrow;

use serde_json::Value;

use crate::flink::deployment::walk;
use crate::flink::raw::container_path;
use crate::inject::{Injected, Place, Work};
use crate::object::FieldPath;
use crate::policy::rules;
use crate::policy::{Finding, Level};

/// Those of `findings`, made on `is`, that were not there before, when the work was what `was` gives, and that refuse the
/// object or warn of a value of `ours`.
pub(super) fn among<'a, W: Borrow<Work<'a>>>(
    findings: &[Finding],
    ours: &[Injected],
    is: &Work<'a>,
    was: impl FnOnce() -> W,
) -> Vec<Finding> {
    let ours: Vec<String> = ours.iter().filter_map(Injected::path).map(|path| path.to_string()).collect();
    let counts = |finding: &&Finding| {
        let is_of_ours = finding.level == Level::Warn && ours.contains(&finding.path);
        finding.level == Level::Deny || is_of_ours || rules::is_denied_by_default(finding.rule)
    };
    let mut caused: Vec<Finding> = findings.iter().filter(counts).cloned().collect();
    if !caused.is_empty() {
        let was = was();
        let was = was.borrow();
        let before = was.findings();
        let before: Vec<_> = before.iter().map(|finding| (finding.rule, finding.role, finding.path.as_str())).collect();
        let words = Words::between(was, is);
        let was_there = |finding: &Finding| {
            let path = words.place_before(&finding.path);
            path.is_some_and(|path| before.contains(&(finding.rule, finding.role, path.as_str())))
        };
        caused.retain(|finding| !was_there(finding));
    }
    caused
}

/// The words of a role's command line, before and behind a step that puts in some.
struct Words<'w> {
    lists: Vec<(FieldPath, &'w [Value], &'w [Value])>,
}

impl<'w> Words<'w> {
    fn between(was: &'w Work<'_>, is: &'w Work<'_>) -> Self {
        let Some(Place::Pods(raw)) = is.target.place() else { return Self { lists: Vec::new() } };
        let container = container_path(raw);
        let words = |work: &'w Work<'_>, path: &FieldPath| {
            walk(work.edits.document(), path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
        };
        let lists = ["command", "args"].map(|field| container.key(field));
        Self { lists: lists.into_iter().map(|path| (path.clone(), words(was, &path), words(is, &path))).collect() }
    }

    /// Where what stands at `path` stood before; `None` where it is a word that was put in.
    fn place_before(&self, path: &str) -> Option<String> {
        for (list, was, is) in &self.lists {
            let index = path.strip_prefix(&list.to_string()).and_then(|rest| rest.strip_prefix('['));
            let Some((index, rest)) = index.and_then(|rest| rest.split_once(']')) else { continue };
            // An option that is missing has a place by its name: `args["kubernetes.cluster-id"]`.
            let Ok(index) = index.parse() else { continue };
            return position_before(was, is, index).map(|index| format!("{}{rest}", list.index(index)));
        }
        Some(path.to_owned())
    }
}

/// The position in `was` of the word at `index` of `is`, which has some words more in one place. From behind, since an
/// author's `-D` may follow ours.
fn position_before(was: &[Value], is: &[Value], index: usize) -> Option<usize> {
    let behind = was.iter().rev().zip(is.iter().rev()).take_while(|(was, is)| was == is).count();
    let from_end = is.len().checked_sub(index)?;
    let index = if from_end <= behind { was.len().checked_sub(from_end)? } else { index };
    (from_end <= behind || index < was.len() - behind).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_authors_word_is_found_where_it_stood() {
        for (was, is, expected) in [
            ("standalone-job -Da=1", "standalone-job -Dx=1 -Dy=1 -Da=1", "0 . . 1"),
            ("jobmanager -D a=1", "jobmanager -D x=1 -D y=1 -D a=1", "0 . . . . 1 2"),
            ("jobmanager host", "jobmanager host -D x=1", "0 1 . ."),
            ("jobmanager", "jobmanager", "0"),
            ("", "-D x=1", ". ."),
        ] {
            let list = |line: &str| line.split_whitespace().map(|word| json!(word)).collect::<Vec<_>>();
            let (was, is) = (list(was), list(is));
            let found = (0..is.len()).map(|index| position_before(&was, &is, index));
            let found: Vec<String> =
                found.map(|index| index.map_or(".".to_owned(), |index| index.to_string())).collect();
            assert_eq!(found.join(" "), expected);
        }
    }
}
