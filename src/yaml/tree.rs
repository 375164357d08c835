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
    Map(Vec<(String, Node)>),
}

/// The document in `text`; `None` where there is none.
///
/// # Errors
/// What is not YAML, several documents, keys that are no scalars, and what nests or grows beyond bounds.
pub fn node(text: &str) -> Result<Option<Node>, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let line = span.start.line();
        builder.take(event, line).map_err(|why| format!("line {line}: {why}"))?;
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
    /// The key of a mapping whose value comes next.
    key: Option<String>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document begins".to_owned());
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
                let node = self.anchors.get(&anchor).cloned().ok_or("an alias stands inside of what it names")?;
                self.nodes += size(&node);
                self.close(Node { line, ..node }, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, line: usize, anchor: usize, content: Content) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
        }
        self.open.push(Open { line, anchor, content, key: None });
        Ok(())
    }

    /// Puts a whole node where it belongs: into what is open, or at the root.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("it has more than {MAX_NODES} nodes, its aliases expanded"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.content {
            Content::List(list) => list.push(node),
            Content::Map(map) => match (parent.key.take(), node.content) {
                (Some(key), content) => map.push((key, Node { line: node.line, content })),
                (None, Content::Scalar { text, .. }) => parent.key = Some(text),
                (None, _) => return Err("a key is a list or a mapping".to_owned()),
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
        Content::Map(map) => map.iter().map(|(_, node)| 1 + size(node)).sum(),
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
        let inner = vec![("b".to_owned(), scalar(3, "007", true)), ("c".to_owned(), scalar(4, "x", false))];
        assert_eq!(map[0], ("a".to_owned(), Node { line: 3, content: Content::Map(inner) }));
        assert_eq!(map[1].1.content, Content::List(vec![scalar(5, "y", true), scalar(5, "z", true)]));
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
