//! Writes a value as YAML that every reader takes for the same value.

use serde_json::Value;

/// `value` as YAML text, as people write it: block style, strings quoted only where they must be.
#[must_use]
pub fn to_text(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|_| value.to_string())
}
