//! Why Flink does not read a `config.yaml`, and whether that is certain.
//!
//! Flink reads it with snakeyaml-engine, we with another parser. Both were given texts that random small changes make of two
//! configurations, and what they refuse was compared. Certain is what they agreed on in all of them: the words in
//! [`SHARED`], in texts without what the two are known to take differently.

use crate::yaml::{self, Cause};

/// Where and why a `config.yaml` is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub flaw: Flaw,
    /// Whether Flink is sure to refuse it as we do.
    pub certain: bool,
}

/// What is wrong with a `config.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// It is not YAML: the parser's words.
    Syntax(String),
    /// A second document begins.
    Documents,
    /// It is a list or a word, and no map.
    Root,
    /// This key stands twice in one map.
    Repeated(String),
    /// This option has no value.
    Empty(String),
    /// A key is a list or a map, as in `{{ placeholder }}`.
    Key,
    /// This key is a number or a boolean.
    KeyType(String),
    /// A tab stands before a value, or in an empty line.
    Tab,
    /// It is not read here.
    Other(String),
}

impl Refusal {
    pub(super) const fn new(line: usize, flaw: Flaw) -> Self {
        Self { line, flaw, certain: false }
    }

    /// The same, certain where it is in `text`.
    pub(super) fn in_text(mut self, text: &str) -> Self {
        self.certain = is_shared(text)
            && match &self.flaw {
                Flaw::Syntax(words) => SHARED.iter().any(|shared| words.starts_with(shared)),
                Flaw::Repeated(_)
                | Flaw::Documents
                | Flaw::Root
                | Flaw::Empty(_)
                | Flaw::Key
                | Flaw::KeyType(_)
                | Flaw::Tab => true,
                Flaw::Other(_) => false,
            };
        self
    }
}

impl Flaw {
    /// What is wrong, in words: the key `a` stands twice in one map.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Syntax(words) => format!("this is no YAML ({})", words.replace('`', "'")),
            Self::Documents => "a second document begins".to_owned(),
            Self::Root => "it is no map of options".to_owned(),
            Self::Repeated(key) => format!("the key `{key}` stands twice in one map"),
            Self::Empty(key) => format!("`{key}` has no value"),
            Self::Key => "a key is a list or a map, as a placeholder in braces is".to_owned(),
            Self::KeyType(key) => format!("the key `{key}` is a number or a boolean"),
            Self::Tab => "a tab stands where a value begins".to_owned(),
            Self::Other(words) => words.clone(),
        }
    }

    /// What to do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "correct it; quote a value that holds `: ` or ` #`, or begins with a special character",
            Self::Documents => "keep one document, with no `---` behind it",
            Self::Root => "write lines of `key: value`, with a blank behind the colon",
            Self::Repeated(_) => "remove one of the two",
            Self::Empty(_) => "give it a value, `\"\"` for an empty one, or remove the line",
            Self::Key => "put the placeholder's value there, or quotes around it",
            Self::KeyType(_) => "put quotes around the key, or remove the line",
            Self::Tab => "put blanks in the place of the tab",
            Self::Other(_) => "write it more simply",
        }
    }
}

impl From<yaml::Refusal> for Refusal {
    fn from(refusal: yaml::Refusal) -> Self {
        let flaw = match refusal.cause {
            Cause::Syntax(words) => Flaw::Syntax(words),
            Cause::Documents => Flaw::Documents,
            Cause::Key => Flaw::Key,
            Cause::Tab => Flaw::Tab,
            Cause::Other(words) => Flaw::Other(words),
        };
        Self::new(refusal.line, flaw)
    }
}

/// Whether `text` is free of what the parsers are known to take differently: tags, directives, byte-order marks, line ends
/// of old systems, control characters, a block whose sign has a line of its own, keys behind a question mark.
fn is_shared(text: &str) -> bool {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_plain = match c {
            '\n' | '\t' => true,
            '\r' => rest.peek() == Some(&'\n'),
            '!' | '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
            c => !c.is_control(),
        };
        if !is_plain {
            return false;
        }
    }
    // A block's sign on a line of its own is taken for a key.
    !text.lines().any(|line| line.starts_with('%') || line.trim_start().starts_with(['|', '>', '?']))
}

/// How our parser begins to say what both refuse.
const SHARED: [&str; 25] = [
    "\"-\" is only valid inside a block",
    "a block scalar content cannot start with a tab",
    "block sequence entries are not allowed in this context",
    "comment intercepting the multiline text",
    "did not find expected <document start>",
    "illegal placement of ':' indicator",
    "invalid trailing content after double-quoted scalar",
    "invalid trailing content after single-quoted scalar",
    "mapping keys are not allowed in this context",
    "mapping values are not allowed in this context",
    "mismatched bracket",
    "misplaced bracket",
    "simple key expected ':'",
    "tabs disallowed within this context",
    "unclosed bracket",
    "unclosed quote",
    "unexpected EOF while parsing",
    "unexpected character: ",
    "while parsing a block collection, did not find expected '-' indicator",
    "while parsing a block mapping, did not find expected key",
    "while parsing a flow mapping, did not find expected",
    "while parsing node, found unknown anchor",
    "while scanning a block scalar, did not find expected comment or line break",
    "while scanning a plain scalar, found a tab",
    "while scanning an anchor or alias, did not find expected",
];

#[cfg(test)]
mod tests {
    use crate::flink::config_file::standard;

    fn refused(text: &str) -> (usize, bool, String) {
        let refusal = standard(text).unwrap_err();
        (refusal.line, refusal.certain, refusal.flaw.in_words())
    }

    /// Each of these was given to `GlobalConfiguration` of Flink 1.19.3, 1.20.5, 2.0.2 and 2.3.0, which refused it.
    #[test]
    fn what_flink_refuses_is_certain() {
        for (text, line, words) in [
            ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "the key `c` stands twice in one map"),
            ("a: 1\na:\n  b: 2\n", 2, "the key `a` stands twice in one map"),
            ("b: 1\na:\n# nothing\nc: 1\n", 2, "`a` has no value"),
            ("a:\n  b: null\n", 2, "`a.b` has no value"),
            ("- a\n", 1, "it is no map of options"),
            ("a:b\n", 1, "it is no map of options"),
            ("a: 1\n---\nb: 2\n", 2, "a second document begins"),
            ("a: {{ b }}\n", 1, "a key is a list or a map, as a placeholder in braces is"),
            ("a: b: c\n", 1, "this is no YAML (mapping values are not allowed in this context)"),
            ("a:\n  b: 1\n c: 2\n", 3, "this is no YAML (while parsing a block mapping, did not find expected key)"),
            ("1: a\n", 1, "the key `1` is a number or a boolean"),
            ("a:\n  True: b\n", 2, "the key `True` is a number or a boolean"),
            ("a: b\nc:\td\n", 2, "a tab stands where a value begins"),
            ("a: @b\n", 1, "this is no YAML (unexpected character: '@')"),
            ("a: *b\n", 1, "this is no YAML (while parsing node, found unknown anchor)"),
        ] {
            assert_eq!(refused(text), (line, true, words.to_owned()), "{text}");
        }
    }

    /// Flink reads each of these, or may: what is refused here is not certain.
    #[test]
    fn what_the_parsers_take_differently_is_not_certain() {
        let deep = format!("a: {}{}\n", "[".repeat(80), "]".repeat(80));
        for text in [
            "a: !!set {x}\n",
            "a: &x [*x]\n",
            "a: 1\n\u{feff}b: 2\n",
            "text: \r|-\n  literal\n",
            "a:\n  b: \"c\nd\"\n",
            "a:\n|",
            "a: {b: c}#\n",
            "a: {b:{c: d}}\n",
            "a:\n- {[x]: y}\n",
            "? b\n # c\n 2\n",
            &deep,
        ] {
            assert!(!refused(text).1, "{text}");
        }
    }
}
