//! Flink's configuration files: which one a version reads, and what it reads in it.

mod refusal;
mod scalar;

pub use refusal::{Flaw, Refusal};

use std::collections::{BTreeMap, BTreeSet};

use crate::flink::version::FlinkVersion;
use crate::yaml::{self, Content, Node, Pair};
use scalar::Plain;
pub(super) use scalar::java_double;

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
    /// The line of the value, from 1.
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
/// value; there is no nesting. Lines end and blanks are trimmed as Java does it: a carriage return ends a line too, a
/// no-break space stays. Source: `GlobalConfiguration.loadLegacyYAMLResource`, executed for 1.16.3 and 1.20.5.
#[must_use]
pub fn legacy(text: &str) -> Vec<Entry> {
    let entry = |(index, line): (usize, &str)| {
        let (key, value) = trim(line.split('#').next()?).split_once(": ")?;
        let (key, value) = (trim(key), trim(value));
        (!key.is_empty() && !value.is_empty()).then(|| Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            line: index + 1,
        })
    };
    let lines = text.split('\n').enumerate();
    lines.flat_map(|(index, line)| line.split('\r').map(move |line| (index, line))).filter_map(entry).collect()
}

/// `text` without the blanks around it, as Java's `String.trim` sees them: whatever is not above U+0020. A no-break space,
/// which comes along when text is copied from a page, is none.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// Reads `text` as `config.yaml`.
///
/// Maps are joined with dots, lists become `[a, 'b:c']`; of the scalars without quotes those that are numbers or booleans by
/// YAML 1.2 take their plain form (`007` is `7`, `yes` a word). Source: `YamlParserUtils`, executed for 1.19 to 2.3.
///
/// # Errors
/// What Flink refuses: no map at the root, several documents, a key twice in a map, or without a value, or that is a number
/// or a boolean, and what is not YAML; and what is not read here, of which that is not certain.
pub fn standard(text: &str) -> Result<Vec<Entry>, Refusal> {
    let mut flat = Flat::default();
    let first = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('#'));
    let begins = |mark: &str| first.is_some_and(|line| line.starts_with(mark));
    let read = match yaml::node(text) {
        // Where a document ends, one must have begun.
        Ok(_) if begins("...") => Err(Refusal::new(1, Flaw::Other("it ends before it begins".to_owned()))),
        // Line ends for snakeyaml, and none for our parser.
        Ok(_) if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) => {
            Err(Refusal::new(1, Flaw::Other("it has line ends of Unicode".to_owned())))
        }
        Ok(_) if begins("%") && !begins("%YAML 1.") => {
            Err(Refusal::new(1, Flaw::Other("it begins with a directive".to_owned())))
        }
        Err(refusal) => Err(refusal.into()),
        Ok(None) => Ok(()),
        Ok(Some(Node { content: Content::Map(map), .. })) => flat.take(None, &map),
        Ok(Some(Node { content: Content::Scalar { text, plain: true }, .. }))
            if scalar::plain(&text) == Plain::Null =>
        {
            Ok(())
        }
        Ok(Some(node)) => Err(Refusal::new(node.line, Flaw::Root)),
    };
    read.and_then(|()| flat.entries()).map_err(|refusal: Refusal| refusal.in_text(text))
}

/// A configuration without its nesting.
#[derive(Default)]
struct Flat {
    entries: Vec<Entry>,
    /// Keys without a value, with their lines: Flink refuses those that get none behind it either.
    empty: BTreeMap<String, usize>,
}

impl Flat {
    fn take(&mut self, prefix: Option<&str>, map: &[Pair]) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for Pair { key: name, plain: is_plain, line, value: node } in map {
            let kind = if *is_plain { scalar::plain(name) } else { Plain::Word };
            let name = match &kind {
                Plain::Null => "null",
                Plain::Typed(_) => return Err(Refusal::new(*line, Flaw::KeyType(name.clone()))),
                Plain::Word => name,
            };
            if !seen.insert((kind == Plain::Null, name)) {
                return Err(Refusal::new(*line, Flaw::Repeated(name.to_owned())));
            }
            let key = prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}.{name}"));
            match &node.content {
                Content::Map(_) if key.len() > LONGEST_KEY => {}
                Content::Map(map) => self.take(Some(&key), map)?,
                Content::Scalar { text, plain: true } if scalar::plain(text) == Plain::Null => {
                    self.empty.insert(key, *line);
                }
                _ => {
                    self.empty.remove(&key);
                    self.entries.push(Entry { key, value: scalar::value(node), line: node.line });
                }
            }
        }
        Ok(())
    }

    fn entries(self) -> Result<Vec<Entry>, Refusal> {
        match self.empty.into_iter().min_by_key(|(_, line)| *line) {
            Some((key, line)) => Err(Refusal::new(line, Flaw::Empty(key))),
            None => Ok(self.entries),
        }
    }
}

/// Reads `FLINK_PROPERTIES`, a text of `key: value` lines.
///
/// Up to 1.18 the image appends it to the legacy file; from 1.19 it takes all white space of ASCII out of each line and
/// splits at the first colon; what it makes of both parts is an argument `-Dkey=value`, which Flink splits at the first `=`.
/// Source: flink-docker `docker-entrypoint.sh`, `tr -d '[:space:]'`, which knows bytes, and `IFS=: read`; executed with the
/// scripts of 1.19 to 2.3.
#[must_use]
pub fn properties(text: &str, version: Option<FlinkVersion>) -> Vec<Entry> {
    if version.is_some_and(|version| !version.at_least(1, 19)) {
        return legacy(text);
    }
    let entry = |(index, line): (usize, &str)| {
        let line: String = line.chars().filter(|c| !matches!(c, ' ' | '\t'..='\r')).collect();
        let (key, value) = line.split_once(':').or_else(|| version.map(|_| (line.as_str(), "")))?;
        // A colon at the end is none where it is the only one.
        let value = value.strip_suffix(':').filter(|value| !value.contains(':')).unwrap_or(value);
        let (key, value) = match key.split_once('=') {
            Some((key, behind)) => (key, format!("{behind}={value}")),
            None => (key, value.to_owned()),
        };
        // To these images a comment is an option, which nobody reads.
        let counts = !key.is_empty() && (version.is_some() || !key.starts_with('#'));
        counts.then(|| Entry { key: key.to_owned(), value, line: index + 1 })
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
        let text = "a: 1 # one\nb:2\n  c: x: y\nd: \"q\"\ne:\n a: 2\ns3://x#y: z\n: v\n";
        assert_eq!(pairs(legacy(text)), [pair("a", "1"), pair("c", "x: y"), pair("d", "\"q\""), pair("a", "2")]);
    }

    #[test]
    fn blanks_are_those_of_java() {
        let text = "a: \u{a0}x\u{a0}\n\u{a0}b: 1\nc: \u{1f}y\u{1f}\nd: \u{3000}\ne: p\rf: q\r\ng: \u{b}z";
        let expected = [
            pair("a", "\u{a0}x\u{a0}"),
            pair("\u{a0}b", "1"),
            pair("c", "y"),
            pair("d", "\u{3000}"),
            pair("e", "p"),
            pair("f", "q"),
            pair("g", "z"),
        ];
        assert_eq!(pairs(legacy(text)), expected, "executed for 1.20.5");
        assert_eq!(legacy(text).iter().map(|entry| entry.line).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 5, 6]);
        let of = |minor| pairs(properties("a: \u{a0}x y", Some(FlinkVersion::new(1, minor))));
        assert_eq!(of(18), [pair("a", "\u{a0}x y")]);
        assert_eq!(of(19), [pair("a", "\u{a0}xy")]);
    }

    #[test]
    fn the_standard_file_is_yaml() {
        let text = "high-availability:\n  type: kubernetes\na.b: [x, 1]\nc: true\n";
        let expected = [pair("high-availability.type", "kubernetes"), pair("a.b", "[x, 1]"), pair("c", "true")];
        assert_eq!(pairs(standard(text).unwrap()), expected);
        for broken in ["a:", "- a", "a: 1\n---\nb: 2", "a: [", "a: 1\na: 2"] {
            assert!(standard(broken).is_err(), "{broken}");
        }
        assert_eq!(pairs(standard("a:\n  b:\na.b: c\n").unwrap()), [pair("a.b", "c")], "it gets a value later");
        assert_eq!(standard(""), Ok(Vec::new()));
        assert_eq!(standard("a:\n  b:\n    - x\nc: 1\n").unwrap().last().map(|entry| entry.line), Some(4));
    }

    #[test]
    fn scalars_are_those_of_yaml_1_2() {
        for (text, expected) in [
            ("yes", "yes"),
            ("True", "true"),
            ("007", "7"),
            ("\"007\"", "007"),
            ("0x10", "16"),
            ("1.20", "1.2"),
            ("1.0", "1.0"),
            ("1e7", "1.0E7"),
            ("1600m", "1600m"),
            ("1.20.1", "1.20.1"),
            ("e", "e"),
            ("\"\"", ""),
        ] {
            assert_eq!(pairs(standard(&format!("k: {text}")).unwrap()), [pair("k", expected)], "{text}");
        }
    }

    #[test]
    fn properties_lose_their_blanks_from_1_19() {
        let text = "a: b c\n# d: e\nf:g";
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(1, 18)))), [pair("a", "b c")]);
        assert_eq!(
            pairs(properties(text, Some(FlinkVersion::new(2, 0)))),
            [pair("a", "bc"), pair("#d", "e"), pair("f", "g")]
        );
    }

    #[test]
    fn properties_are_split_twice_from_1_19() {
        let text = "a=b\nc\nd: e:\nf: g:h:\ni=j: k\n";
        let expected = [pair("a", "b="), pair("c", ""), pair("d", "e"), pair("f", "g:h:"), pair("i", "j=k")];
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(1, 19)))), expected);
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(1, 18)))).len(), 3);
        assert_eq!(pairs(properties("a=b\n", None)), []);
    }

    #[test]
    fn a_document_begins_and_ends_where_flink_says() {
        for broken in [
            "...\na: 1\n",
            "\n# b\n...\na: 1\n",
            "%YAML 2.0\n---\na: 1\n",
            "%TAG ! tag:x,2000:\n---\na: 1\n",
            "%FOO\n---\na: 1\n",
            "a: \u{2028}\n",
            "a: b\u{2028}c: d\n",
            "a: b\u{85}c: d\n",
            "word\n",
        ] {
            assert!(standard(broken).is_err(), "{broken}");
        }
        for fine in ["%YAML 1.2\n---\na: 1\n", "\n# b\n%YAML 1.1\n---\na: 1\n"] {
            assert_eq!(standard(fine).map(pairs), Ok(vec![pair("a", "1")]), "{fine}");
        }
        for empty in ["~\n", "null", "# b\n"] {
            assert_eq!(standard(empty), Ok(Vec::new()), "{empty}");
        }
    }

    #[test]
    fn below_a_name_longer_than_any_option_is_none() {
        let options = |length| standard(&format!("{}:\n  a: 1\n", "x".repeat(length))).unwrap().len();
        assert_eq!([LONGEST_KEY, LONGEST_KEY + 1].map(options), [1, 0]);
    }

    #[test]
    fn a_property_has_a_name_and_is_a_comment_to_old_images_only() {
        let text = "#d: e\n: f\na: b\n";
        assert_eq!(pairs(properties(text, None)), [pair("a", "b")]);
        assert_eq!(pairs(properties(text, Some(FlinkVersion::new(1, 19)))), [pair("#d", "e"), pair("a", "b")]);
    }
}
