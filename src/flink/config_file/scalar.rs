//! Scalars of a `config.yaml`: what YAML 1.2 takes them for, and how Flink writes lists of them down as one value.
//!
//! Sources: snakeyaml-engine `CoreScalarResolver`, `Emitter`; Flink `YamlParserUtils.toYAMLString`; Java `Double.toString`.
//! Executed for 1.20.5 and 2.3.0.

use std::fmt::Write as _;

use crate::yaml::{Content, Node, Pair};

/// What a plain scalar is by the core schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    /// A number or a boolean, as Flink writes it down.
    Typed(String),
    Word,
}

/// What the plain scalar `text` is.
pub(super) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Plain::Typed(text.to_ascii_lowercase()),
        _ => {}
    }
    match whole(text).or_else(|| float(text)) {
        Some(number) => Plain::Typed(number),
        None => Plain::Word,
    }
}

/// `text` as a whole number: decimal with a sign, octal behind `0o`, hexadecimal behind `0x`.
fn whole(text: &str) -> Option<String> {
    for (prefix, base) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = digits.chars().all(|digit| digit.is_digit(base));
            return u128::from_str_radix(digits, base).ok().filter(|_| is_number).map(|number| number.to_string());
        }
    }
    let (sign, digits) = signed(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

/// `text` as a number with a point or an exponent.
fn float(text: &str) -> Option<String> {
    let (sign, rest) = signed(text);
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(format!("{sign}.inf")),
        ".nan" | ".NaN" | ".NAN" if rest == text => return Some(".nan".to_owned()),
        _ => {}
    }
    // Rust reads `inf` and `nan` too.
    let is_number = rest.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    text.parse().ok().filter(|_| is_number).map(java_double)
}

fn signed(text: &str) -> (&str, &str) {
    match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `value` as Java prints it: `1.0E7`.
pub(in crate::flink) fn java_double(value: f64) -> String {
    let (sign, size) = (if value.is_sign_negative() { "-" } else { "" }, value.abs());
    if size.is_infinite() {
        return format!("{sign}.inf");
    }
    if size.to_bits() == 1 {
        // Java prints two digits at least.
        return format!("{sign}4.9E-324");
    }
    let text = if size == 0.0 || (1e-3..1e7).contains(&size) { value.to_string() } else { format!("{value:E}") };
    let (mantissa, exponent) = text.split_once('E').map_or((text.as_str(), None), |(m, e)| (m, Some(e)));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    exponent.map_or_else(|| format!("{mantissa}{point}"), |exponent| format!("{mantissa}{point}E{exponent}"))
}

/// The value of an option that is `node`: a scalar's text, a list as Flink writes it down.
pub(super) fn value(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, plain: true } => match plain(text) {
            Plain::Typed(text) => text,
            Plain::Null | Plain::Word => text.clone(),
        },
        Content::Scalar { text, .. } => text.clone(),
        Content::List(_) | Content::Map(_) => dumped(node),
    }
}

/// `node` inside of a list.
fn dumped(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, plain } => dumped_scalar(text, *plain),
        Content::List(list) => format!("[{}]", list.iter().map(dumped).collect::<Vec<_>>().join(", ")),
        Content::Map(map) => {
            let pair = |pair: &Pair| {
                // A key of several lines or of nothing gets a sign of its own. So does one beyond 122 characters, with a
                // line for its value, which is not done here.
                let key = dumped_scalar(&pair.key, pair.plain);
                let is_marked = key == "''" || pair.key.contains('\n');
                let (sign, colon) = if is_marked { ("? ", " : ") } else { ("", ": ") };
                format!("{sign}{key}{colon}{}", dumped(&pair.value))
            };
            format!("{{{}}}", map.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

fn dumped_scalar(text: &str, is_plain: bool) -> String {
    if is_plain {
        match plain(text) {
            Plain::Null => return "null".to_owned(),
            Plain::Typed(text) => return text,
            Plain::Word => {}
        }
    }
    if text.chars().any(is_special) {
        return double_quoted(text);
    }
    if is_word_in_flow(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Whether `text` is the same word again where it stands in a list without quotes.
fn is_word_in_flow(text: &str) -> bool {
    plain(text) == Plain::Word
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.starts_with(['#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`'])
        && !text.contains([':', ',', '?', '[', ']', '{', '}'])
        && !text.contains(" #")
        && text != "-"
        && !text.starts_with("- ")
}

/// Characters for which Flink takes double quotes.
const fn is_special(c: char) -> bool {
    !matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn double_quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        let escaped = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ if is_special(c) => {
                let code = u32::from(c);
                // Writing to a string does not fail.
                let _ = if code < 0x100 { write!(quoted, "\\x{code:02x}") } else { write!(quoted, "\\u{code:04x}") };
                continue;
            }
            _ => {
                quoted.push(c);
                continue;
            }
        };
        quoted.extend(['\\', escaped]);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use crate::flink::config_file::standard;

    /// What Flink takes `text` for, the value of an option.
    fn read(text: &str) -> String {
        standard(&format!("k: {text}\n")).unwrap().pop().unwrap().value
    }

    /// Each was read by 2.3.0.
    #[test]
    fn numbers_are_written_as_java_writes_them() {
        for (text, expected) in [
            ("+7", "7"),
            ("-0", "0"),
            ("-12", "-12"),
            ("0o17", "15"),
            ("+.5", "0.5"),
            ("1.", "1.0"),
            ("1.e3", "1000.0"),
            (".5e3", "500.0"),
            ("1E-5", "1.0E-5"),
            ("0.001", "0.001"),
            ("9999999.0", "9999999.0"),
            ("-0.0", "-0.0"),
            ("1e-400", "0.0"),
            ("4.9e-324", "4.9E-324"),
            ("-4.9e-324", "-4.9E-324"),
            ("1e400", ".inf"),
            ("-1e400", "-.inf"),
            (".Inf", ".inf"),
            ("-.INF", "-.inf"),
            (".NaN", ".nan"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let words = [
            "0o", "0x", "0x+1", ".e5", "1e", ".", "+", "e5", "+e5", "1d", "1-2", "1.2.3", "inf", "-inf", "nan", "-.nan",
        ];
        for word in words {
            assert_eq!(read(word), word);
        }
    }

    /// Each was read by 2.3.0.
    #[test]
    fn a_list_has_quotes_where_a_word_would_be_something_else() {
        let quoted = ["", "~", " a", "a ", "a:b", "a,b", "a #b", "- a"];
        let signs = "1 true --- ---a ... ...a #a &a *a !a |a >a \"a %a @a `a a?b a[b a]b a{b a}b -";
        for text in quoted.into_iter().chain(signs.split(' ')) {
            assert_eq!(read(&format!("['{text}']")), format!("['{text}']"));
        }
        for text in ["a#b", "-a", "a - b", "a\"b", "a`b", "a%b", "--", "-- a", "a b", "é"] {
            assert_eq!(read(&format!("['{text}']")), format!("[{text}]"));
        }
        assert_eq!(read("['''a', 'b''c', [d], {e: 'f:'}]"), "['''a', b'c, [d], {e: 'f:'}]");
        assert_eq!(read("[a, ~, 007, .INF]"), "[a, null, 7, .inf]");
    }

    /// Each was read by 2.3.0, which writes it as it was.
    #[test]
    fn what_cannot_be_printed_is_escaped_in_double_quotes() {
        for text in [
            r#"["a\0b"]"#,
            r#"["\a\b\t\n\v\f\r\e\"\\\N\L\P"]"#,
            r#"["\x01é\x7f\x80\x9f\ufffe\uffff"]"#,
            r#"["\x01"]"#,
            r#"[{"a\tb": c}]"#,
            r#"[{? "a\nb" : c}]"#,
        ] {
            assert_eq!(read(text), text);
        }
        assert_eq!(read("[{'': a, '''': b, ~: c}]"), "[{? '' : a, '''': b, null: c}]");
        assert_eq!(read(r#"["\u00e9\U0001F600\ufeff"]"#), "[é\u{1f600}\u{feff}]");
    }
}
