//! What is printed: the same findings for people and for programs.

pub mod diff;
pub mod json;
pub mod text;

use crate::policy::Level;

/// The word for the verdict of an object.
fn verdict_word(verdict: Option<Level>) -> &'static str {
    verdict.map_or("allow", Level::word)
}
