//! Flink's configuration files: which one a version reads, and what it reads in it.

use serde_json::Value;

use crate::flink::version::FlinkVersion;
use crate::yaml;

/// The file of Flink up to 1.18, still read by 1.19 and 1.20 where it exists.
pub const LEGACY: &str = "flink-conf.yaml";
/// The file of Flink from 1.19, the only one from 2.0.
pub const STANDARD: &str = "config.yaml";

/// Flink's longest option has fewer than 128 characters; what is longer is none.
const LONGEST_KEY: usize = 256;

/// One line of a configuration: key, value, line number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dotted key.
    pub key: String,
    /// The value as Flink reads it.
    pub value: String,
    /// The line, from 1; 0 where a parser does not tell.
    pub line: usize,
}

/// The file that `version` reads, of those that `exists` knows; `None` where it reads none of them.
///
/// Source: `GlobalConfiguration.loadConfiguration`, executed for 1.13 to 2.3. Where the version is not known, a file
/// that stands alone is the one.
#[must_use]
pub fn chosen(version: Option<FlinkVersion>, exists: impl Fn(&str) -> bool) -> Option<&'static str> {
    let (legacy, standard) = (exists(LEGACY), exists(STANDARD));
    let reads_legacy = version.is_none_or(|version| !version.at_least(2, 0));
    let reads_standard = version.is_none_or(|version| version.at_least(1, 19));
    match (legacy && reads_legacy, standard && reads_standard) {
        (true, true) if version.is_none() => None,
        (true, _) => Some(LEGACY),
        (false, true) => Some(STANDARD),
        (false, false) => None,
    }
}

/// Reads `text` as `flink-conf.yaml`.
///
/// A line is cut at its first `#`, trimmed and split once at `: `; a line without it is ignored; quotes are part of the
/// value; there is no nesting. Source: `GlobalConfiguration.loadLegacyYAMLResource`, executed for 1.16.3 and 1.20.5.
#[must_use]
pub fn legacy(text: &str) -> Vec<Entry> {
    let entry = |(index, line): (usize, &str)| {
        let (key, value) = line.split('#').next()?.trim().split_once(": ")?;
        let (key, value) = (key.trim(), value.trim());
        (!key.is_empty() && !value.is_empty()).then(|| Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            line: index + 1,
        })
    };
    text.lines().enumerate().filter_map(entry).collect()
}

/// Reads `text` as `config.yaml`.
///
/// Source: `YamlParserUtils`, executed for 1.20.5 and 2.3.0: maps are joined with dots, lists become `[a, b]`.
///
/// # Errors
/// What Flink refuses: no map at the root, several documents, a key without a value, and what is not YAML.
pub fn standard(text: &str) -> Result<Vec<Entry>, String> {
    let documents = yaml::documents(text).map_err(|error| error.to_string())?;
    let mut documents = documents.into_iter().map(|document| document.value);
    let Some(root) = documents.next() else { return Ok(Vec::new()) };
    if documents.next().is_some() {
        return Err("it holds several documents".to_owned());
    }
    let mut entries = Vec::new();
    match root {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in &map {
                flatten(&mut entries, key.clone(), value)?;
            }
        }
        _ => return Err("its root is not a map".to_owned()),
    }
    Ok(entries)
}

fn flatten(entries: &mut Vec<Entry>, key: String, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => return Err(format!("`{key}` has no value")),
        Value::Object(_) if key.len() > LONGEST_KEY => {}
        Value::Object(map) => {
            for (name, value) in map {
                flatten(entries, format!("{key}.{name}"), value)?;
            }
        }
        value => entries.push(Entry { key, value: text_of(value), line: 0 }),
    }
    Ok(())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text_of).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Reads `FLINK_PROPERTIES`, a text of `key: value` lines.
///
/// Up to 1.18 the image appends it to the legacy file; from 1.19 it takes all white space out of each line and splits at
/// the first colon. Source: flink-docker `docker-entrypoint.sh`.
#[must_use]
pub fn properties(text: &str, version: Option<FlinkVersion>) -> Vec<Entry> {
    if version.is_some_and(|version| !version.at_least(1, 19)) {
        return legacy(text);
    }
    let entry = |(index, line): (usize, &str)| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        let (key, value) = line.split_once(':')?;
        (!key.is_empty() && !key.starts_with('#')).then(|| Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            line: index + 1,
        })
    };
    text.lines().enumerate().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(entries: Vec<Entry>) -> Vec<(String, String)> {
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn each_version_reads_its_file() {
        let v = |major, minor| Some(FlinkVersion::new(major, minor));
        let both = |_: &str| true;
        assert_eq!(chosen(v(1, 18), both), Some(LEGACY));
        assert_eq!(chosen(v(1, 20), both), Some(LEGACY));
        assert_eq!(chosen(v(2, 0), both), Some(STANDARD));
        assert_eq!(chosen(v(2, 0), |name| name == LEGACY), None);
        assert_eq!(chosen(v(1, 18), |name| name == STANDARD), None);
        assert_eq!(chosen(None, |name| name == STANDARD), Some(STANDARD));
        assert_eq!(chosen(None, both), None);
    }

    #[test]
    fn the_legacy_file_is_lines() {
        let text = "a: 1 # one\nb:2\n  c: x: y\nd: \"q\"\ne:\n a: 2\ns3://x#y: z\n";
        assert_eq!(pairs(legacy(text)), [pair("a", "1"), pair("c", "x: y"), pair("d", "\"q\""), pair("a", "2")]);
    }

    #[test]
    fn the_standard_file_is_yaml() {
        let text = "high-availability:\n  type: kubernetes\na.b: [x, 1]\nc: true\n";
        let expected = [pair("high-availability.type", "kubernetes"), pair("a.b", "[x, 1]"), pair("c", "true")];
        assert_eq!(pairs(standard(text).unwrap()), expected);
        for broken in ["a:", "- a", "a: 1\n---\nb: 2", "a: [", "a: 1\na: 2"] {
            assert!(standard(broken).is_err(), "{broken}");
        }
        assert_eq!(standard(""), Ok(Vec::new()));
    }

    #[test]
    fn properties_lose_their_blanks_from_1_19() {
        let text = "a: b c\n# d: e\nf:g";
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(1, 18)))), [pair("a", "b c")]);
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(2, 0)))), [pair("a", "bc"), pair("f", "g")]);
    }
}
