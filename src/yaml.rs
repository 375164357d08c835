//! YAML and JSON text to objects and back, read as kubectl reads it.
//!
//! This is the only user of the YAML crate. kubectl (sigs.k8s.io/yaml) speaks YAML 1.1: `yes` is a boolean, `0755`
//! an octal number, `<<` a merge. Where kubectl keeps the last of two equal keys in silence, this refuses the document:
//! what the author meant with the first one cannot be known.
//!
//! ```
//! let documents = flink_admission::yaml::documents("mode: 0755\n---\nhost: yes\n").unwrap();
//! assert_eq!(documents[0].value["mode"], 493);
//! assert_eq!(documents[1].value["host"], true);
//! assert_eq!(documents[1].line, 3);
//! ```

mod split;
mod text;
mod value;

use serde::de::DeserializeSeed;
use serde_json::Value;

pub use text::to_text;

use split::Chunk;
use value::{Limits, MAX_DEPTH};

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// Line of the text at which it begins, from 1.
    pub line: usize,
    /// Its place among the documents of the text, from 0; empty documents count.
    pub index: usize,
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
}

/// All documents of `text`; empty ones are left out.
///
/// # Errors
/// The first document that cannot be read. [`each_document`] goes on behind it.
pub fn documents(text: &str) -> Result<Vec<Document>, YamlError> {
    each_document(text).into_iter().collect()
}

/// Each document of `text`, or why it cannot be read; empty ones are left out.
#[must_use]
pub fn each_document(text: &str) -> Vec<Result<Document, YamlError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(documents) = json_documents(text) {
        return documents;
    }
    split::chunks(text).filter_map(|chunk| read(&chunk).transpose()).collect()
}

/// `text` as JSON values one after the other; `None` when it does not begin as JSON or is not JSON to its end.
fn json_documents(text: &str) -> Option<Vec<Result<Document, YamlError>>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let limits = Limits::default();
        let line = line_of(text, text.len() - rest.len());
        let mut deserializer = serde_json::Deserializer::from_str(rest);
        match limits.seed().deserialize(&mut deserializer) {
            Ok(value) => found.push(Ok(Document { value, line, index: found.len() })),
            // A YAML flow mapping begins as JSON does: what is not JSON in form is left to the YAML parser.
            Err(error) if error.is_syntax() && limits.refused().is_none() => return None,
            Err(error) => {
                let reason = limits.refused().unwrap_or_else(|| error.to_string());
                found.push(Err(YamlError { index: found.len(), line: line + error.line().saturating_sub(1), reason }));
                return Some(found);
            }
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        let _ = stream.next();
        rest = rest.get(stream.byte_offset()..)?.trim_start();
    }
    Some(found)
}

/// Line of the byte `offset`, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

fn read(chunk: &Chunk<'_>) -> Result<Option<Document>, YamlError> {
    let limits = Limits::default();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(chunk.text, options(), |deserializer| {
        limits.seed().deserialize(deserializer)
    });
    match parsed {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(Document { value, line: chunk.line, index: chunk.index })),
        Err(error) => {
            let at = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1)).max(1);
            let reason = limits.refused().unwrap_or_else(|| explained(&error, chunk.text));
            Err(YamlError { index: chunk.index, line: chunk.line + at - 1, reason })
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_documents: 1,
        },
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// The parser's words without its position, and a hint where the cause is a common one.
fn explained(error: &serde_saphyr::Error, text: &str) -> String {
    let words = error.render_with_options(serde_saphyr::render_options! { snippets: serde_saphyr::SnippetMode::Off });
    if text.contains("{{") {
        format!("{words}; this looks like a template: give the output of `helm template` instead")
    } else {
        words
    }
}

/// Most mappings, lists and scalars in one document.
const MAX_NODES: usize = 1_000_000;
