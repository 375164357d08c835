//! Where in a text its values stand: for reports that point at a line of a file.
//!
//! Nothing of an answer to the API server comes from here. A place is a range of bytes of the text; a value in a text
//! inside of the text, as a configuration file in a ConfigMap's manifest, is found through [`Scalar::origin`].
//!
//! ```
//! use flink_admission::{object::FieldPath, yaml::Located};
//! let text = "spec:\n  image: flink:1.20\n";
//! let document = Located::parse(text).unwrap();
//! let found = document.find(FieldPath::of(&["spec", "image"]).segments());
//! assert_eq!(text.get(found.range(text)), Some("flink:1.20"));
//! ```

mod repeated;

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle};

use super::align;
use super::value::MAX_DEPTH;
use crate::object::Segment;

/// A value and the bytes that it stands in.
#[derive(Debug, Clone)]
pub struct Located {
    range: Range<usize>,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(Scalar),
    List(Vec<Rc<Located>>),
    Map(Vec<Entry>),
    /// What it stands for has its own place.
    Alias(Rc<Located>),
}

/// A scalar: its text as it is read, and how it is written.
#[derive(Debug, Clone)]
pub struct Scalar {
    text: String,
    style: ScalarStyle,
    range: Range<usize>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: String,
    key_range: Range<usize>,
    value: Rc<Located>,
}

/// How far a path leads.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// How many of its steps exist.
    pub steps: usize,
    /// What stands there.
    pub value: &'a Located,
    /// The key that it stands under, where it is an entry of a mapping.
    pub key: Option<Range<usize>>,
}

impl Located {
    /// The first document of `text`; `None` where there is none, or where it cannot be told apart.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut builder = Builder::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.ok()?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            builder.take(event, span.byte_range()?)?;
        }
        builder.root.map(|root| Rc::try_unwrap(root).unwrap_or_else(|shared| (*shared).clone()))
    }

    /// Follows `path` as far as it leads. A key in a list is the name of one of its elements.
    #[must_use]
    pub fn find<'p>(&self, path: impl IntoIterator<Item = &'p Segment>) -> Found<'_> {
        let mut found = Found { steps: 0, value: self, key: None };
        for segment in path {
            let Some((value, key)) = found.value.step(segment) else { break };
            found = Found { steps: found.steps + 1, value, key };
        }
        found
    }

    /// The value under the dotted `key` of nested mappings, as Flink joins them: `high-availability.type`.
    #[must_use]
    pub fn find_dotted(&self, key: &str) -> Option<Found<'_>> {
        let Content::Map(map) = &self.meant().content else { return None };
        map.iter().rev().find_map(|entry| {
            let rest = key.strip_prefix(entry.key.as_str())?;
            if rest.is_empty() {
                return Some(Found { steps: 1, value: &entry.value, key: Some(entry.key_range.clone()) });
            }
            entry.value.find_dotted(rest.strip_prefix('.')?)
        })
    }

    /// The scalar that it is; an alias is what it stands for.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.meant().content {
            Content::Scalar(scalar) => Some(scalar),
            Content::List(_) | Content::Map(_) | Content::Alias(_) => None,
        }
    }

    fn meant(&self) -> &Self {
        match &self.content {
            Content::Alias(value) => value.meant(),
            _ => self,
        }
    }

    fn step(&self, segment: &Segment) -> Option<(&Self, Option<Range<usize>>)> {
        match (&self.meant().content, segment) {
            (Content::List(list), Segment::Index(index)) => Some((list.get(*index)?, None)),
            (Content::List(list), Segment::Key(name)) => {
                let is_named = |element: &&Rc<Self>| {
                    let (own, _) = element.step(&Segment::Key("name".to_owned()))?;
                    (own.scalar()?.text == *name).then_some(())
                };
                Some((list.iter().find(|element| is_named(element).is_some())?, None))
            }
            (Content::Map(map), Segment::Key(key)) => entry(map, key, 0),
            _ => None,
        }
    }
}

/// The value under `key`: the last one of that name, else one that is merged in.
fn entry<'a>(map: &'a [Entry], key: &str, depth: usize) -> Option<(&'a Located, Option<Range<usize>>)> {
    if let Some(entry) = map.iter().rev().find(|entry| entry.key == key) {
        return Some((&entry.value, Some(entry.key_range.clone())));
    }
    let merged = map.iter().filter(|entry| entry.key == "<<" && depth < MAX_DEPTH);
    merged.flat_map(|merge| merge.value.sources()).find_map(|source| match &source.content {
        Content::Map(map) => entry(map, key, depth + 1),
        _ => None,
    })
}

impl Located {
    /// The mappings that a merge brings in.
    fn sources(&self) -> Vec<&Self> {
        match &self.meant().content {
            Content::List(list) => list.iter().map(|source| source.meant()).collect(),
            _ => vec![self.meant()],
        }
    }
}

impl Found<'_> {
    /// The bytes of `text` to point at: a scalar of one line or an alias itself, of anything larger its key or its first line.
    #[must_use]
    pub fn range(&self, text: &str) -> Range<usize> {
        let own = trimmed(text, self.value.range.clone());
        let is_of_one_line = text.get(own.clone()).is_some_and(|written| !written.contains('\n'));
        match (&self.value.content, &self.key) {
            (Content::Scalar(_) | Content::Alias(_), _) if !own.is_empty() && is_of_one_line => own,
            (_, Some(key)) => key.clone(),
            _ => first_line(text, self.value.range.start),
        }
    }
}

impl Scalar {
    /// The text as it is read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is written without quotes and is no block.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.style == ScalarStyle::Plain
    }

    /// Where in `text`, of which this is a scalar, the bytes `inner` of its own text stand; `None` where that cannot be told.
    #[must_use]
    pub fn origin(&self, text: &str, inner: &Range<usize>) -> Option<Range<usize>> {
        let written = text.get(self.range.clone())?;
        let range = match self.style {
            ScalarStyle::DoubleQuoted => align::escaped(written, &self.text, inner),
            ScalarStyle::SingleQuoted => align::single_quoted(written, &self.text, inner),
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => align::bare(written, &self.text, inner),
        }?;
        Some(self.range.start + range.start..self.range.start + range.end)
    }
}

/// `range` without the white space around it: a block scalar's ends before the next key.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let Some(written) = text.get(range.clone()) else { return range };
    let start = range.start + (written.len() - written.trim_start().len());
    start..start + written.trim().len()
}

fn first_line(text: &str, start: usize) -> Range<usize> {
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    start..start + line.trim_end().len()
}

#[derive(Default)]
struct Builder {
    root: Option<Rc<Located>>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Located>>,
}

/// A list or mapping that is not closed yet.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
    /// The key of a mapping whose value comes next.
    key: Option<(String, Range<usize>)>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let scalar = Scalar { text: text.into_owned(), style, range: range.clone() };
                self.close(Located { range, content: Content::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(range.start, anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.open(range.start, anchor, Content::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { start, anchor, content, .. } = self.open.pop()?;
                self.close(Located { range: start..range.end, content }, anchor)
            }
            Event::Alias(anchor) => {
                let meant = self.anchors.get(&anchor)?.clone();
                self.close(Located { range, content: Content::Alias(meant) }, 0)
            }
            _ => Some(()),
        }
    }

    fn open(&mut self, start: usize, anchor: usize, content: Content) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        self.open.push(Open { start, anchor, content, key: None });
        Some(())
    }

    fn close(&mut self, value: Located, anchor: usize) -> Option<()> {
        let value = Rc::new(value);
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(value);
            return Some(());
        };
        match &mut parent.content {
            Content::List(list) => list.push(value),
            Content::Map(map) => match parent.key.take() {
                Some((key, key_range)) => map.push(Entry { key, key_range, value }),
                None => parent.key = Some((value.scalar()?.text.clone(), value.range.clone())),
            },
            Content::Scalar(_) | Content::Alias(_) => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::object::FieldPath;
    use crate::yaml::to_text;

    /// What the path points at, and how many of its steps exist.
    fn pointed<'a>(text: &'a str, path: &FieldPath) -> (&'a str, usize) {
        let document = Located::parse(text).unwrap();
        let found = document.find(path.segments());
        (text.get(found.range(text)).unwrap(), found.steps)
    }

    fn path(keys: &[&str]) -> FieldPath {
        FieldPath::of(keys)
    }

    #[test]
    fn values_stand_where_they_are_written() {
        let text = "# é\n--- # first\nspec:\n  image: 'a b' # c\n  l:\n  - name: x\n    v: 1\n  - {name: y, v: [2]}\n  n:\n  t: |\n    a\n    b\n  u: 'a\n    b'\n";
        for (path, expected) in [
            (path(&["spec", "image"]), ("'a b'", 2)),
            (path(&["spec", "l"]).index(0).key("v"), ("1", 4)),
            (path(&["spec", "l", "y", "v"]).index(0), ("2", 5)),
            (path(&["spec", "l", "y", "v"]), ("v", 4)),
            (path(&["spec", "l"]).index(0), ("name: x", 3)),
            (path(&["spec", "l"]), ("l", 2)),
            (path(&["spec", "n"]), ("n", 2)),
            (path(&["spec", "t"]), ("t", 2)),
            (path(&["spec", "u"]), ("u", 2)),
            (path(&["spec", "missing", "x"]), ("spec", 1)),
            (path(&["missing"]), ("spec:", 0)),
            (path(&["spec", "l"]).index(7), ("l", 2)),
        ] {
            assert_eq!(pointed(text, &path), expected, "{path}");
        }
    }

    #[test]
    fn an_alias_is_its_own_place_and_a_way_to_others() {
        let text = "base: &b {x: 1, y: 2}\nv: *b\nw: {<<: *b, y: 3}\nu: {<<: [{z: 4}, *b]}\n";
        for (keys, expected) in [
            (["v"].as_slice(), "*b"),
            (&["v", "x"], "1"),
            (&["w", "x"], "1"),
            (&["w", "y"], "3"),
            (&["u", "z"], "4"),
            (&["u", "y"], "2"),
        ] {
            assert_eq!(pointed(text, &path(keys)).0, expected, "{keys:?}");
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(pointed("a: 1\na: 2\n", &path(&["a"])).0, "2");
    }

    #[test]
    fn nested_and_dotted_options_are_found() {
        let text = "a:\n  b: 1\n  c.d: 2\na.e: 3\n";
        let document = Located::parse(text).unwrap();
        let value = |key| document.find_dotted(key).map(|found| text.get(found.range(text)).unwrap());
        assert_eq!(["a.b", "a.c.d", "a.e", "a.f", "b"].map(value), [Some("1"), Some("2"), Some("3"), None, None]);
    }

    #[test]
    fn a_text_inside_of_the_text_is_seen_through() {
        let inner = "one: 1\nhigh-availability:\n  type: \"NONE\"\n";
        let indented = "    one: 1\n    high-availability:\n      type: \"NONE\"\n";
        for text in [
            format!("data:\n  f: |\n{indented}  g: x\n"),
            format!("data:\n  f: |+2\n{indented}\n\n"),
            format!("data: {{\"f\": {inner:?}}}\n"),
            "data:\n  f: 'one: 1\n\n    high-availability:\n\n    type: \"NONE\"\n\n    '\n".to_owned(),
            "data:\n  f: \"one: 1\\nhigh\\u002davailability:\\n\\\n    \\  type: \\\"NONE\\\"\\n\"\n".to_owned(),
            "data:\n  f: >\n    one: 1\n\n    high-availability:\n      type: \"NONE\"\n".to_owned(),
        ] {
            let document = Located::parse(&text).unwrap();
            let scalar = document.find(path(&["data", "f"]).segments()).value.scalar().unwrap();
            let at = scalar.text().find("NONE").unwrap();
            let origin = scalar.origin(&text, &(at..at + 4)).unwrap();
            assert_eq!(text.get(origin.clone()), Some("NONE"), "{text}");
            assert_eq!(text.rfind("NONE"), Some(origin.start));
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            any::<i32>().prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
            "[-?:,\\[\\]{}#&*!|>'\"%@` \n\t~<0-9a-cyn.\\\\]{0,24}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z.]{1,6}", inner, 1..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Every scalar of `value` with its path.
    fn leaves(value: &Value, path: &FieldPath, found: &mut Vec<(FieldPath, Value)>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, &path.key(key), found)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, value)| leaves(value, &path.index(index), found));
            }
            _ => found.push((path.clone(), value.clone())),
        }
    }

    proptest! {
        #[test]
        fn every_value_is_found_where_it_is_written(value in value(), json in any::<bool>()) {
            let value = serde_json::json!({"v": value});
            let text = if json { serde_json::to_string_pretty(&value).unwrap() } else { to_text(&value) };
            let document = Located::parse(&text).unwrap();
            let mut all = Vec::new();
            leaves(&value, &FieldPath::default(), &mut all);
            for (path, value) in all {
                let found = document.find(path.segments());
                prop_assert_eq!(found.steps, path.segments().len(), "{} in\n{}", path, text);
                let Value::String(wanted) = value else { continue };
                let scalar = found.value.scalar().unwrap();
                prop_assert_eq!(scalar.text(), &wanted);
                // The last word of the text, through its quotes, folds and escapes.
                let Some(word) = wanted.split_whitespace().next_back() else { continue };
                let start = wanted.rfind(word).unwrap();
                let origin = scalar.origin(&text, &(start..start + word.len()));
                let written = origin.and_then(|range| text.get(range));
                prop_assert!(written.is_some(), "{:?} of {:?} in\n{}", word, wanted, text);
                if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    prop_assert_eq!(written, Some(word));
                }
            }
        }

        #[test]
        fn any_text_is_told_apart_or_not(text in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\t~<0-9a-c]|<<: \\*a|&a |\\*a)*") {
            if let Some(document) = Located::parse(&text) {
                let found = document.find(path(&["a", "b"]).segments());
                prop_assert!(text.get(found.range(&text)).is_some());
            }
        }
    }

    #[test]
    fn what_nests_without_end_is_not_told_apart() {
        assert!(Located::parse(&"[".repeat(1_000)).is_none());
        assert!(Located::parse("a: &a [*a]\n").is_none());
        assert!(Located::parse("").is_none());
    }
}
