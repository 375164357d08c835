//! What completing the objects changes, as a unified diff.

use std::io::{self, Write};

use crate::cli::review::Reviewed;
use crate::yaml;

/// Writes one diff for each object that is changed.
///
/// # Errors
/// Those of `output`.
pub fn write(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    for object in &reviewed.objects {
        let (before, after) = (yaml::to_text(&object.source.object), yaml::to_text(object.stored()));
        write!(output, "{}", similar::TextDiff::from_lines(&before, &after).unified_diff())?;
    }
    Ok(())
}
