//! YAML and JSON text to objects and back, read as kubectl reads it.
//!
//! This is the only user of the YAML crates. kubectl (sigs.k8s.io/yaml) speaks YAML 1.1: `yes` is a boolean, `0755`
//! an octal number, `<<` a merge. Of two equal keys in one mapping it keeps the last one in silence; so does
//! [`each_document`], which names them, while [`documents`] refuses them.
//!
//! ```
//! let documents = flink_admission::yaml::documents("mode: 0755\n---\nhost: yes\n").unwrap();
//! assert_eq!(documents[0].value["mode"], 493);
//! assert_eq!(documents[1].value["host"], true);
//! assert_eq!(documents[1].line, 3);
//! ```

mod align;
mod json;
mod located;
mod reason;
mod split;
mod template;
mod text;
mod tree;
mod value;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::DeserializeSeed;
use serde_json::Value;

pub use located::{Found, Located, Scalar};
pub use text::to_text;
pub use tree::{Cause, Content, Node, Pair, Refusal, node};

use split::Chunk;
use value::{Limits, MAX_DEPTH};

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// Line of the text at which its content begins, from 1.
    pub line: usize,
    /// Its place among the documents of the text, from 0; empty documents count.
    pub index: usize,
    /// The bytes of the text that it stands in; a byte order mark does not count.
    pub range: Range<usize>,
    /// Keys that stand twice in one mapping, of which the last one was kept.
    pub repeated: BTreeSet<String>,
}

/// Why one document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("document {index}, line {line}: {reason}")]
pub struct YamlError {
    /// The document's place in the text, from 0.
    pub index: usize,
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong, and what to do where that is known.
    pub reason: String,
    /// Whether the text is a template, of which a program makes YAML.
    pub is_template: bool,
}

/// All documents of `text`, read strictly; empty ones are left out.
///
/// # Errors
/// The first document that cannot be read or in which a key stands twice. [`each_document`] goes on behind it.
pub fn documents(text: &str) -> Result<Vec<Document>, YamlError> {
    let strict = |document: Result<Document, YamlError>| {
        let document = document?;
        match document.repeated.first() {
            None => Ok(document),
            Some(key) => Err(YamlError {
                index: document.index,
                line: document.line,
                reason: format!("the key `{key}` stands twice in one mapping; remove one of them"),
                is_template: false,
            }),
        }
    };
    each_document(text).into_iter().map(strict).collect()
}

/// Each document of `text`, or why it cannot be read; empty ones are left out.
#[must_use]
pub fn each_document(text: &str) -> Vec<Result<Document, YamlError>> {
    let text = without_mark(text);
    if let Some(found) = json::documents(text, MAX_DOCUMENTS + 1) {
        return bounded(found);
    }
    // Empty documents count here, and are left out afterwards.
    let pieces: Vec<_> = split::chunks(text, MAX_DOCUMENTS + 1).map(|chunk| read(&chunk)).collect();
    bounded(pieces).into_iter().filter_map(Result::transpose).collect()
}

/// `text` without the byte order mark that some editors put in front of it.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Where `text`, which is YAML, holds what Helm would have replaced: the line, from 1, and what to say of it.
#[must_use]
pub fn unrendered(text: &str) -> Option<(usize, String)> {
    let (line, mark) = template::quoted_mark(text)?;
    Some((line + 1, format!("`{mark}` is taken as it stands; if this is a template, {RENDER}")))
}

fn bounded<T>(mut found: Vec<Result<T, YamlError>>) -> Vec<Result<T, YamlError>> {
    if found.len() > MAX_DOCUMENTS {
        found.truncate(MAX_DOCUMENTS);
        let reason = format!("the text holds more than {MAX_DOCUMENTS} documents; split it");
        found.push(Err(YamlError { index: MAX_DOCUMENTS, line: 1, reason, is_template: false }));
    }
    found
}

fn read(chunk: &Chunk<'_>) -> Result<Option<Document>, YamlError> {
    let limits = Limits::default();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(chunk.text, options(), |deserializer| {
        limits.seed().deserialize(deserializer)
    });
    match parsed {
        Ok(Value::Null) => Ok(None),
        Ok(value) => {
            let repeated = limits.into_repeated();
            let range = chunk.start..chunk.start + chunk.text.len();
            Ok(Some(Document { value, line: chunk.content_line, index: chunk.index, range, repeated }))
        }
        Err(error) => {
            // What the parser says of a template helps nobody.
            if let Some((line, mark)) = template::mark(chunk.text) {
                let reason = format!("`{mark}` makes this a template and no manifest; {RENDER}");
                return Err(YamlError { index: chunk.index, line: chunk.line + line, reason, is_template: true });
            }
            let at = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1)).max(1);
            let reason = limits.refused().unwrap_or_else(|| reason::reason(&error));
            Err(YamlError { index: chunk.index, line: chunk.line + at - 1, reason, is_template: false })
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_total_scalar_bytes: MAX_SCALAR_BYTES,
            // One anchor that serves a hundred containers is no attack; the other limits hold.
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// What to do with a template.
const RENDER: &str = "give what is made of it, as in `helm template … | flink-admission check -`";
/// Most documents of one text.
const MAX_DOCUMENTS: usize = 100_000;
/// Most mappings, lists and scalars in one document, its aliases expanded.
const MAX_NODES: usize = 1_000_000;
/// Most bytes of text in one document, its aliases expanded.
const MAX_SCALAR_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Value {
        documents(text).unwrap().remove(0).value
    }

    #[test]
    fn scalars_are_what_kubectl_takes_them_for() {
        // Compared with sigs.k8s.io/yaml 1.6.0, which kubectl reads manifests with.
        for (text, value) in [
            ("0755", json!(493)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("08", json!(8)),
            ("1_000", json!(1000)),
            ("1.0", json!(1)),
            ("1e3", json!(1000)),
            ("1.20", json!(1.2)),
            ("12345678901234567890", json!(12_345_678_901_234_567_890_u64)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("~", json!(null)),
            ("", json!(null)),
            ("2001-01-01", json!("2001-01-01")),
            ("1:30", json!("1:30")),
            ("1.20.1", json!("1.20.1")),
            ("'yes'", json!("yes")),
            ("!!str 1", json!("1")),
            ("http://x:80#y", json!("http://x:80#y")),
        ] {
            assert_eq!(one(&format!("v: {text}")), json!({ "v": value }), "{text}");
        }
        assert_eq!(one("{1: a, yes: b, 1.5: c}"), json!({"1": "a", "true": "b", "1.5": "c"}));
    }

    #[test]
    fn anchors_and_merges_are_expanded() {
        let text = "base: &b {a: 1, b: 2}\nv: {<<: *b, b: 3}\nw: {<<: [{a: 5}, *b]}\n";
        let value = one(text);
        assert_eq!(value["v"], json!({"a": 1, "b": 3}));
        assert_eq!(value["w"], json!({"a": 5, "b": 2}));
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let found = each_document("a: 1\n---\nb: [\n---\nc: 3\n");
        assert_eq!(found[0].as_ref().unwrap().value, json!({"a": 1}));
        let error = found[1].as_ref().unwrap_err();
        assert_eq!((error.index, error.line >= 3), (1, true), "{error}");
        assert_eq!(found[2].as_ref().unwrap().value, json!({"c": 3}));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_unless_reading_is_strict() {
        let text = "a: 1\na: 2\n";
        let document = each_document(text).remove(0).unwrap();
        assert_eq!(document.value, json!({"a": 2}));
        assert!(document.repeated.contains("a"));
        assert!(documents(text).unwrap_err().reason.contains("`a` stands twice"));
        assert!(documents("{\"a\": 1, \"a\": 2}").is_err());
    }

    #[test]
    fn what_grows_or_nests_without_end_is_refused() {
        let level = |level: usize| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(",");
            format!("a{level}: &a{level} [{aliases}]\n")
        };
        let bomb = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()).chain((1..10).map(level)).collect();
        let large = format!("a: &a {}\nb: [{}]\n", "z".repeat(1 << 20), vec!["*a"; 1000].join(","));
        for text in [bomb, large, "a: &a [*a]\n".into(), "[".repeat(10_000), "- ".repeat(10_000), "? ".repeat(10_000)] {
            let error = documents(&text).unwrap_err();
            assert!(!error.reason.is_empty() && error.reason.len() < 200, "{error}");
        }
    }

    #[test]
    fn one_anchor_may_serve_many_places() {
        let text = format!("a: &a {{x: 1}}\nb: [{}]\n", vec!["*a"; 500].join(","));
        assert_eq!(one(&text)["b"].as_array().unwrap().len(), 500);
    }

    #[test]
    fn a_template_is_named_as_one() {
        let error = documents("{{- if .Values.x }}\na: 1\n{{- end }}\n").unwrap_err();
        assert!(error.is_template && error.reason.starts_with("`{{- if .Values.x }}` makes"), "{error}");
        assert!(!documents("a: [\nb: \"{{ x }}\"\n").unwrap_err().is_template);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = each_document(&text);
        }

        #[test]
        fn any_text_of_yaml_marks_is_read_or_refused(
            text in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\t~<0-9a-c]|---\n|<<: \\*a|&a |\\*a|!!str )*",
        ) {
            let _ = each_document(&text);
        }
    }
}
