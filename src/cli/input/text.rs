//! The text of a file, and the lines and columns of its bytes.

use std::ops::Range;

use crate::yaml;

/// The text of a file; a byte order mark is no part of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    text: String,
    /// The byte at which each line begins.
    starts: Vec<usize>,
}

/// A line and a column, both from 1; a column is a character, whatever its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character of the line.
    pub column: usize,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its bytes.
    pub range: Range<usize>,
    /// Its first character.
    pub start: Position,
    /// The character behind its last one.
    pub end: Position,
}

impl Text {
    /// The text of a file that holds `text`.
    #[must_use]
    pub fn new(mut text: String) -> Self {
        let mark = text.len() - yaml::without_mark(&text).len();
        text.drain(..mark);
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(position, _)| position + 1)).collect();
        Self { text, starts }
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes of line `number`, from 1, without its line break.
    #[must_use]
    pub fn line(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        start..start + line.len()
    }

    /// The piece that `range` is.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> Place {
        Place { start: self.position(range.start), end: self.position(range.end), range }
    }

    fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or_default();
        let column = self.text.get(start..byte).map_or(1, |before| before.chars().count() + 1);
        Position { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let text = Text::new("a\r\n  é: ü1\n".to_owned());
        let range = text.line(2);
        assert_eq!(text.as_str().get(range.clone()), Some("  é: ü1"));
        let value = text.place(range.end - 3..range.end);
        assert_eq!((value.start, value.end), (Position { line: 2, column: 6 }, Position { line: 2, column: 8 }));
        assert_eq!(text.as_str().get(text.line(1)), Some("a"));
        assert_eq!(text.as_str().get(text.line(9)), Some(""));
        assert_eq!(text.place(0..0).start, Position { line: 1, column: 1 });
    }
}
