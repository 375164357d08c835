//! Cuts a text into its documents, so that a broken one does not take the others with it.

/// One document as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// The text, its `---` line included.
    pub(super) text: &'a str,
    /// The byte at which it begins.
    pub(super) start: usize,
    /// Line at which the text begins, from 1.
    pub(super) line: usize,
    /// Line of its first content: behind comments, directives and a bare `---`.
    pub(super) content_line: usize,
    /// Its place among the documents, from 0.
    pub(super) index: usize,
}

/// The first `most` documents of `text`. What holds nothing but comments and has no `---` of its own is none.
pub(super) fn chunks(text: &str, most: usize) -> impl Iterator<Item = Chunk<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if pieces.len() >= most {
            break;
        }
        if marks(line, "---") && has_content(text, start, offset) {
            pieces.push((start, offset, start_line));
            (start, start_line) = (offset, number + 1);
        }
        offset += line.len();
        if marks(line, "...") {
            pieces.push((start, offset, start_line));
            (start, start_line) = (offset, number + 2);
        }
    }
    if pieces.len() < most {
        pieces.push((start, text.len(), start_line));
    }
    pieces
        .into_iter()
        .filter_map(|(from, to, line)| text.get(from..to).map(|piece| (piece, from, line)))
        .filter(|(piece, ..)| piece.lines().any(|line| !is_blank(line) && !marks(line, "...")))
        .enumerate()
        .map(|(index, (text, start, line))| {
            let before = text.lines().take_while(|line| is_blank(line) || is_head(line)).count();
            let content_line = if before < text.lines().count() { line + before } else { line };
            Chunk { text, start, line, content_line, index }
        })
}

/// Whether `line` is the marker: at the very beginning, followed by white space or nothing.
fn marks(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether the piece would be a document: directives and comments belong to the `---` that follows them.
fn has_content(text: &str, from: usize, to: usize) -> bool {
    text.get(from..to).is_some_and(|piece| piece.lines().any(|line| !is_blank(line) && !line.starts_with('%')))
}

/// Whether `line` is a directive, or a `---` with nothing but a comment behind it.
fn is_head(line: &str) -> bool {
    line.starts_with('%') || (marks(line, "---") && line.strip_prefix("---").is_some_and(is_blank))
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(&str, usize)> {
        chunks(text, 10).map(|chunk| (chunk.text, chunk.line)).collect()
    }

    #[test]
    fn cuts_at_markers_only() {
        assert_eq!(cut("a: 1\n---\nb: |\n  ---\n---x: 2\n"), [("a: 1\n", 1), ("---\nb: |\n  ---\n---x: 2\n", 2)]);
    }

    #[test]
    fn comments_and_directives_belong_to_what_follows() {
        assert_eq!(cut("# head\n%YAML 1.1\n--- # first\na: 1\n"), [("# head\n%YAML 1.1\n--- # first\na: 1\n", 1)]);
        assert_eq!(cut("# only a comment\n\n"), []);
        assert_eq!(cut(""), []);
    }

    #[test]
    fn empty_documents_are_kept_for_their_place() {
        assert_eq!(cut("---\n---\na: 1\n"), [("---\n", 1), ("---\na: 1\n", 2)]);
    }

    #[test]
    fn content_begins_behind_what_says_nothing() {
        let lines = |text| chunks(text, 10).map(|chunk| chunk.content_line).collect::<Vec<_>>();
        assert_eq!(lines("# head\n---\n\na: 1\n--- # next\nb: 2\n--- {c: 3}\n---\n"), [4, 6, 7, 8]);
    }

    #[test]
    fn an_end_marker_ends_a_document() {
        assert_eq!(cut("a: 1\r\n...\r\nb: 2\r\n"), [("a: 1\r\n...\r\n", 1), ("b: 2\r\n", 3)]);
    }
}
