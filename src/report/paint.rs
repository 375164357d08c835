//! The few colours of the program. They are written always; a stream that cannot show them takes them out.

use anstyle::{AnsiColor, Style};

use crate::policy::Level;

/// For what the eye should find first.
pub const STRONG: Style = Style::new().bold();
/// For what only some readers need.
pub const FAINT: Style = Style::new().dimmed();
/// For what was added.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// For what was removed, and for denials.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// For the heads of a diff.
pub const PLACE: Style = AnsiColor::Cyan.on_default();

/// The colour of a verdict.
#[must_use]
pub const fn of(level: Option<Level>) -> Style {
    match level {
        Some(Level::Deny) => REMOVED.bold(),
        Some(Level::Warn) => AnsiColor::Yellow.on_default().bold(),
        Some(Level::Audit) => AnsiColor::Blue.on_default(),
        Some(Level::Off) | None => ADDED,
    }
}
