//! From the text of a scalar back to the characters that it is written with.
//!
//! What is read and what is written differ in white space (indentation, folded lines) and in quoting only, so both are
//! walked side by side: every character that is no white space must be met in its turn, or nothing is said.

use std::ops::Range;

/// A plain scalar or a block, which have no quoting.
pub(super) fn bare(written: &str, read: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    aligned(written, read, inner, |rest| Some((rest.chars().next()?, rest.chars().next()?.len_utf8())))
}

/// A scalar in single quotes, in which two of them are one.
pub(super) fn single_quoted(written: &str, read: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    quoted(written, '\'', read, inner, |rest| match rest.strip_prefix("''") {
        Some(_) => Some(('\'', 2)),
        None => Some((rest.chars().next()?, rest.chars().next()?.len_utf8())),
    })
}

/// A scalar in double quotes, which has escapes.
pub(super) fn escaped(written: &str, read: &str, inner: &Range<usize>) -> Option<Range<usize>> {
    quoted(written, '"', read, inner, |rest| match rest.strip_prefix('\\') {
        Some(escape) => unescape(escape).map(|(c, length)| (c, length + 1)),
        None => Some((rest.chars().next()?, rest.chars().next()?.len_utf8())),
    })
}

fn quoted(
    written: &str,
    quote: char,
    read: &str,
    inner: &Range<usize>,
    next: impl Fn(&str) -> Option<(char, usize)>,
) -> Option<Range<usize>> {
    let body = written.strip_prefix(quote)?.strip_suffix(quote)?;
    let range = aligned(body, read, inner, next)?;
    Some(range.start + quote.len_utf8()..range.end + quote.len_utf8())
}

/// The bytes of `written` for the bytes `inner` of `read`; `next` reads a character off what is written.
fn aligned(
    written: &str,
    read: &str,
    inner: &Range<usize>,
    next: impl Fn(&str) -> Option<(char, usize)>,
) -> Option<Range<usize>> {
    let (mut cursor, mut start, mut end) = (0, None, None);
    for (position, wanted) in read.char_indices().take_while(|(position, _)| *position < inner.end) {
        if wanted.is_whitespace() {
            // Where it is written as it is, it is passed; where it stands for a fold or an indentation, what follows tells.
            if let Some((c, length)) = written.get(cursor..).and_then(&next)
                && c == wanted
            {
                cursor += length;
            }
            continue;
        }
        let length = loop {
            let (c, length) = next(written.get(cursor..)?)?;
            if c == wanted {
                break length;
            }
            if !c.is_whitespace() {
                return None;
            }
            cursor += length;
        };
        if position >= inner.start {
            start.get_or_insert(cursor);
            end = Some(cursor + length);
        }
        cursor += length;
    }
    Some(start?..end?)
}

/// The character that `escape`, the text behind a backslash, begins with, and its length. A line break that is escaped is
/// white space here, and so is all that stands for nothing.
fn unescape(escape: &str) -> Option<(char, usize)> {
    let first = escape.chars().next()?;
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let c = match first {
                '0' => '\0',
                'a' => '\u{7}',
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'v' => '\u{b}',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                'N' => '\u{85}',
                '_' => '\u{a0}',
                'L' => '\u{2028}',
                'P' => '\u{2029}',
                other => other,
            };
            return Some((c, first.len_utf8()));
        }
    };
    let code = u32::from_str_radix(escape.get(1..=digits)?, 16).ok()?;
    Some((char::from_u32(code)?, digits + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(
        written: &'a str,
        read: &str,
        word: &str,
        by: fn(&str, &str, &Range<usize>) -> Option<Range<usize>>,
    ) -> Option<&'a str> {
        let at = read.find(word).unwrap();
        written.get(by(written, read, &(at..at + word.len()))?)
    }

    #[test]
    fn words_are_found_behind_folds_and_escapes() {
        assert_eq!(found("a\n    b\n\n    cd", "a b\ncd", "cd", bare), Some("cd"));
        assert_eq!(found("'it''s\n  so'", "it's so", "t's", single_quoted), Some("t''s"));
        assert_eq!(found("\"a\\tb\\u00e9\\\n  c d\"", "a\tb\u{e9}c d", "\u{e9}c", escaped), Some("\\u00e9\\\n  c"));
        assert_eq!(found("\"a \\n b\"", "a \n b", "b", escaped), Some("b"));
    }

    #[test]
    fn what_does_not_fit_is_not_guessed() {
        assert_eq!(bare("abc", "abd", &(2..3)), None);
        assert_eq!(bare("a", "ab", &(1..2)), None);
        assert_eq!(escaped("\"\\ud83d\"", "x", &(0..1)), None);
    }
}
