//! The report for people.

use std::io::{self, Write};

use crate::cli::review::Reviewed;

/// Writes the report as text.
///
/// # Errors
/// Those of `output`.
pub fn write(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "{} objects", reviewed.objects.len())
}
