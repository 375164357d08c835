//! JSON texts: values one after the other, as kubectl takes them.

use serde::de::{DeserializeSeed, IgnoredAny};

use super::value::Limits;
use super::{Document, YamlError};

/// `text` as JSON values; `None` when it does not begin as JSON, or begins so and is YAML in flow style.
pub(super) fn documents(text: &str, most: usize) -> Option<Vec<Result<Document, YamlError>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    if !rest.starts_with('{') {
        return None;
    }
    let mut line = 1 + breaks(text, rest);
    while !rest.is_empty() && found.len() < most {
        let index = found.len();
        let limits = Limits::default();
        let value = match limits.seed().deserialize(&mut serde_json::Deserializer::from_str(rest)) {
            Ok(value) => value,
            Err(error) if error.is_syntax() && limits.refused().is_none() => return None,
            Err(error) => {
                let reason = limits.refused().unwrap_or_else(|| error.to_string());
                let line = line + error.line().saturating_sub(1);
                found.push(Err(YamlError { index, line, reason, is_template: false }));
                return Some(found);
            }
        };
        // serde_json tells where a value ends only to its own iterator.
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let _ = values.next();
        let (start, length) = (text.len() - rest.len(), values.byte_offset());
        let range = start..start + length;
        found.push(Ok(Document { value, line, index, range, repeated: limits.into_repeated() }));
        let behind = rest.get(length..)?.trim_start();
        line += breaks(rest, behind);
        rest = behind;
    }
    Some(found)
}

/// Line breaks in what `rest`, the end of `text`, leaves of it.
fn breaks(text: &str, rest: &str) -> usize {
    text.as_bytes().iter().take(text.len() - rest.len()).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_each_other() {
        let found = documents("\n{\"a\": 1}\n{\"a\": 2} {\"a\": 3}\n", 10).unwrap();
        let lines: Vec<_> = found.iter().map(|document| document.as_ref().unwrap().line).collect();
        assert_eq!(lines, [2, 3, 3]);
    }

    #[test]
    fn what_is_not_json_in_form_is_left_to_yaml() {
        assert!(documents("{a: 1}", 10).is_none());
        assert!(documents("{\"a\": 1}\n---\n{\"a\": 2}", 10).is_none());
        assert!(documents("{{- if .Values.x }}", 10).is_none());
        assert!(documents("a: 1", 10).is_none());
    }

    #[test]
    fn a_text_that_ends_too_early_is_an_error_of_its_line() {
        let error = documents("{}\n{\"a\":\n", 10).unwrap().remove(1).unwrap_err();
        assert_eq!((error.index, error.line), (1, 3));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let error = documents(&"{\"a\":".repeat(1_000), 10).unwrap().remove(0).unwrap_err();
        assert!(error.reason.contains("nested more than 64 deep"), "{error}");
    }
}
