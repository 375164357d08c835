//! A document as nodes with their lines and the text of their scalars, for readers with a schema of their own.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle};

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
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| Refusal { line: error.marker().line(), cause: Cause::Syntax(error.info().clone()) })?;
        let line = span.start.line();
        builder.take(event, line).map_err(|cause| Refusal { line, cause })?;
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    documents: usize,
    nodes: usize,
}

/// A list or mapping that is not closed yet.
struct Open {
    line: usize,
    anchor: usize,
    content: Content,
    /// The key of a mapping whose value comes next, with its line.
    key: Option<(String, usize)>,
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
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let content = Content::Scalar { text: text.into_owned(), plain };
                self.close(Node { line, content }, anchor)?;
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
                let node = self.anchors.get(&anchor).cloned().ok_or_else(inside)?;
                self.nodes += size(&node);
                self.close(Node { line, ..node }, 0)?;
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
                (Some((key, line)), content) => {
                    map.push(Pair { key, line, value: Node { line: node.line, content } });
                }
                (None, Content::Scalar { text, .. }) => parent.key = Some((text, node.line)),
                (None, _) if in_list => return Err(Cause::Other("a key is a list or a mapping".to_owned())),
                (None, _) => return Err(Cause::Key),
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match &node.content {
        Content::Scalar { .. } => 0,
        Content::List(list) => list.iter().map(|node| 1 + size(node)).sum(),
        Content::Map(map) => map.iter().map(|pair| 1 + size(&pair.value)).sum(),
    }
}

/// Most nodes of a document. A ConfigMap holds 1 MiB, and no configuration has a tenth of this.
const MAX_NODES: usize = 100_000;

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
        let pair = |key: &str, line, value| Pair { key: key.to_owned(), line, value };
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
        assert_eq!(size(&aliases), 2);
    }
}
