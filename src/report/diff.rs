//! What completing the objects changes, as a unified diff of their YAML.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::{paint, plain};
use crate::cli::review::{Object, Reviewed};
use crate::yaml;

/// Writes one diff for each object that is changed.
///
/// # Errors
/// Those of `output`.
pub fn write(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    reviewed
        .objects
        .iter()
        .filter(|object| object.stored() != &object.source.object)
        .try_for_each(|object| one(object, output))
}

fn one(object: &Object, output: &mut dyn Write) -> io::Result<()> {
    let (before, after) = (yaml::to_text(&object.source.object), yaml::to_text(object.stored()));
    let diff = TextDiff::from_lines(&before, &after);
    let (strong, place, title) = (paint::STRONG, paint::PLACE, object.title());
    writeln!(output, "{strong}--- {}: {}{strong:#}", plain(&object.source.to_string()), plain(&title))?;
    writeln!(output, "{strong}+++ as stored: {}{strong:#}", plain(&title))?;
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        writeln!(output, "{place}{}{place:#}", hunk.header())?;
        for change in hunk.iter_changes() {
            let (mark, paint) = match change.tag() {
                ChangeTag::Delete => ('-', paint::REMOVED),
                ChangeTag::Insert => ('+', paint::ADDED),
                ChangeTag::Equal => (' ', anstyle::Style::new()),
            };
            writeln!(output, "{paint}{mark}{}{paint:#}", plain(change.value().trim_end_matches('\n')))?;
        }
    }
    Ok(())
}

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
