//! The table that `make fidelity-live` prints.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::namespaces::tell;
use super::rows::is_wanted;

/// Tells a line for each of `items`, what its `story` gives behind its `title`, and fails at the end where a story has failed.
pub fn tell_each<T>(items: &[T], title: impl Fn(&T) -> String, story: impl Fn(&T) -> String) {
    let mut failed = Vec::new();
    for item in items {
        let title = title(item);
        if !is_wanted(&title) {
            continue;
        }
        let told = catch_unwind(AssertUnwindSafe(|| story(item)));
        tell(&format!("{title}: {}", told.as_deref().unwrap_or("FAILED")));
        if told.is_err() {
            failed.push(title);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
