//! A document as nodes with their lines and the text of their scalars, for readers with a schema of their own.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::value::MAX_DEPTH;

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line at which it begins, from 1.
    pub line: usize,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A scalar.
    Scalar {
        /// Its text, escapes resolved.
        text: String,
        /// Whether it stands without quotes and is no block, so that a schema may take it for a number or a boolean.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text; a key may stand in it twice.
    Map(Vec<Pair>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The key, escapes resolved.
    pub key: String,
    /// Whether it stands without quotes, so that a schema may take it for a number or a boolean.
    pub plain: bool,
    /// Line at which the key begins, from 1.
    pub line: usize,
    /// The value.
    pub value: Node,
}

/// Where and why a text has no nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub cause: Cause,
}

/// Why a text has no nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It is not YAML: the parser's words.
    Syntax(String),
    /// A second document begins.
    Documents,
    /// A key is a list or a mapping, and in none of the lists around it.
    Key,
    /// A tab stands before a value.
    Tab,
    /// It is YAML that is not read here: it nests or grows beyond bounds, has an alias inside of what it names, or such a
    /// key in a list.
    Other(String),
}

/// The document in `text`; `None` where there is none.
///
/// # Errors
/// What is not YAML, several documents, keys that are no scalars, and what nests or grows beyond bounds.
pub fn node(text: &str) -> Result<Option<Node>, Refusal> {
    let mut builder = Builder::default();
    let mut scalars = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| Refusal { line: error.marker().line(), cause: Cause::Syntax(error.info().clone()) })?;
        let line = span.start.line();
        builder.is_over_lines = span.end.line() > line;
        if let (Event::Scalar(_, style, ..), Some(range)) = (&event, span.byte_range()) {
            scalars.push((range, *style == ScalarStyle::Plain));
        }
        let event = match event {
            // The parser has a text for what is not there.
            Event::Scalar(_, ScalarStyle::Plain, anchor, tag) if span.start.index() == span.end.index() => {
                Event::Scalar("".into(), ScalarStyle::Plain, anchor, tag)
            }
            event => without_end(event, span.end.byte_offset() == Some(text.len()) && !text.ends_with('\n')),
        };
        builder.take(event, line).map_err(|cause| Refusal { line, cause })?;
    }
    match between(text, &scalars) {
        Some((at, cause)) => {
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            Err(Refusal { line, cause })
        }
        None => Ok(builder.root),
    }
}

/// What snakeyaml does not take between scalars although YAML allows it, and where: a tab where it expects the next token,
/// behind a colon or a dash or in an empty line; and perhaps a colon on another line than its key, and names of anchors.
///
/// `scalars` are in the order of the text, those without quotes marked: these take the blanks behind them.
fn between(text: &str, scalars: &[(Range<usize>, bool)]) -> Option<(usize, Cause)> {
    let mut behind = 0;
    let mut is_plain = false;
    for (range, next_is_plain) in scalars.iter().chain([&(text.len()..text.len(), false)]) {
        let (mut is_comment, mut is_line_begin) = (false, false);
        let between = text.get(behind..range.start)?;
        for (index, c) in between.char_indices() {
            match c {
                '&' | '*' if !is_comment && has_sign(between.get(index + 1..)?) => {
                    return Some((behind + index, Cause::Other("the name of an anchor has a sign".to_owned())));
                }
                '\t' if !is_comment && !is_plain => return Some((behind + index, Cause::Tab)),
                ':' if is_line_begin => {
                    let words = "a colon stands on another line than its key".to_owned();
                    return Some((behind + index, Cause::Other(words)));
                }
                '\n' | '\r' => (is_comment, is_plain, is_line_begin) = (false, false, true),
                '#' => (is_comment, is_line_begin) = (true, false),
                ' ' | '\t' => {}
                _ => (is_plain, is_line_begin) = (false, false),
            }
        }
        (behind, is_plain) = (range.end, *next_is_plain);
    }
    None
}

/// Whether the name that `text` begins with has a sign that snakeyaml has no names with.
fn has_sign(text: &str) -> bool {
    let end = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    text.split(end).next().is_some_and(|name| name.contains(['.', '/', '*', '&']))
}

/// A block whose last line has no end, as `is_at_end` says, has none in its value either, whatever the parser makes of it.
fn without_end(event: Event<'_>, is_at_end: bool) -> Event<'_> {
    match event {
        Event::Scalar(text, style @ (ScalarStyle::Literal | ScalarStyle::Folded), anchor, tag) if is_at_end => {
            let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
            Event::Scalar(text.into(), style, anchor, tag)
        }
        event => event,
    }
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    documents: usize,
    nodes: usize,
    /// Bytes of text that aliases repeat.
    repeated: usize,
    /// Whether the event at hand goes over several lines.
    is_over_lines: bool,
}

/// A list or mapping that is not closed yet.
struct Open {
    line: usize,
    anchor: usize,
    content: Content,
    /// The key of a mapping whose value comes next, with whether it is plain, and its line.
    key: Option<(String, bool, usize)>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Cause> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Cause::Documents);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag.as_deref().filter(|tag| !is_of_text(tag)) {
                    return Err(Cause::Other(format!("a value has the tag `{tag}`")));
                }
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) && text.trim_matches('\n').is_empty() {
                    return Err(Cause::Other("a block is empty".to_owned()));
                }
                let plain = style == ScalarStyle::Plain && tag.is_none();
                if plain && text.starts_with(':') {
                    return Err(Cause::Other("a value begins with a colon".to_owned()));
                }
                let content = Content::Scalar { text: text.into_owned(), plain };
                self.close(Node { line, content }, anchor)?;
            }
            Event::SequenceStart(_, _, Some(tag)) | Event::MappingStart(_, _, Some(tag)) => {
                return Err(Cause::Other(format!("a list or a map has the tag `{tag}`")));
            }
            Event::SequenceStart(_, anchor, _) => self.open(line, anchor, Content::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => self.open(line, anchor, Content::Map(Vec::new()))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { line, anchor, content, .. }) = self.open.pop() {
                    self.close(Node { line, content }, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let inside = || Cause::Other("an alias stands inside of what it names".to_owned());
                let node = self.anchors.get(&anchor).ok_or_else(inside)?;
                let (nodes, bytes) = size(node);
                self.nodes += nodes;
                self.repeated += bytes;
                if self.repeated > MAX_REPEATED {
                    return Err(Cause::Other(format!("its aliases repeat more than {MAX_REPEATED} bytes")));
                }
                let content = node.content.clone();
                self.close(Node { line, content }, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, line: usize, anchor: usize, content: Content) -> Result<(), Cause> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Cause::Other(format!("it nests deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { line, anchor, content, key: None });
        Ok(())
    }

    /// Puts a whole node where it belongs: into what is open, or at the root.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Cause> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Cause::Other(format!("it has more than {MAX_NODES} nodes, its aliases expanded")));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let in_list = self.open.iter().any(|open| matches!(open.content, Content::List(_)));
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.content {
            Content::List(list) => list.push(node),
            Content::Map(map) => match (parent.key.take(), node.content) {
                (Some((key, plain, line)), content) => {
                    map.push(Pair { key, plain, line, value: Node { line: node.line, content } });
                }
                (None, Content::Scalar { text, plain: true }) if text.is_empty() => {
                    return Err(Cause::Other("a key is empty".to_owned()));
                }
                // Behind a question mark it may.
                (None, Content::Scalar { .. }) if self.is_over_lines => {
                    return Err(Cause::Other("a key goes over several lines".to_owned()));
                }
                (None, Content::Scalar { text, plain }) => parent.key = Some((text, plain, node.line)),
                (None, _) if in_list => return Err(Cause::Other("a key is a list or a mapping".to_owned())),
                (None, _) => return Err(Cause::Key),
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }
}

/// Whether `tag` says what quotes say: that it is text.
fn is_of_text(tag: &Tag) -> bool {
    tag.is_yaml_core_schema() && tag.suffix() == "str"
}

/// The nodes below `node`, and the bytes of all text in it.
fn size(node: &Node) -> (usize, usize) {
    let below = |(nodes, bytes): (usize, usize), key: usize, node: &Node| {
        let (more, text) = size(node);
        (nodes + 1 + more, bytes + key + text)
    };
    match &node.content {
        Content::Scalar { text, .. } => (0, text.len()),
        Content::List(list) => list.iter().fold((0, 0), |sum, node| below(sum, 0, node)),
        Content::Map(map) => map.iter().fold((0, 0), |sum, pair| below(sum, pair.key.len(), &pair.value)),
    }
}

/// Most nodes of a document. A ConfigMap holds 1 MiB, and no configuration has a tenth of this.
const MAX_NODES: usize = 100_000;
/// Most bytes that aliases repeat.
const MAX_REPEATED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(line: usize, text: &str, plain: bool) -> Node {
        Node { line, content: Content::Scalar { text: text.to_owned(), plain } }
    }

    #[test]
    fn nodes_keep_their_lines_and_their_text() {
        let root = node("# note\na:\n  b: 007\n  c: 'x'\nd: [y, *z]\n".replace("*z", "z").as_str()).unwrap().unwrap();
        let Content::Map(map) = root.content else { panic!("it is a mapping") };
        let pair = |key: &str, line, value| Pair { key: key.to_owned(), plain: true, line, value };
        let inner = vec![pair("b", 3, scalar(3, "007", true)), pair("c", 4, scalar(4, "x", false))];
        assert_eq!(map[0], pair("a", 2, Node { line: 3, content: Content::Map(inner) }));
        assert_eq!(map[1].value.content, Content::List(vec![scalar(5, "y", true), scalar(5, "z", true)]));
        assert_eq!(node("# nothing\n"), Ok(None));
    }

    #[test]
    fn what_is_broken_or_grows_without_end_is_refused() {
        let level =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(","));
        let bomb = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()).chain((1..10).map(level)).collect();
        for text in [bomb, "[".repeat(10_000), "a: &a [*a]\n".into(), "a: 1\n---\nb: 2\n".into(), "? [a]\n: b\n".into()]
        {
            assert!(node(&text).is_err(), "{}", text.get(..20).unwrap_or(&text));
        }
        let aliases = node("a: &x 1\nb: *x\n").unwrap().unwrap();
        assert_eq!(size(&aliases), (2, 4));
        let long = |aliases: usize| format!("a: &a {}\n{}", "x".repeat(1_000), "b: [*a, *a]\n".repeat(aliases));
        assert!(node(&long(1)).is_ok() && node(&long(1_000)).is_err(), "a long text many times");
    }
}
