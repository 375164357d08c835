//! Reads what the user points at: files, folders and standard input, YAML and JSON, lists taken apart.
//!
//! Nothing that cannot be read hides the rest: it becomes a [`Problem`], and the other documents are judged.

mod files;
mod objects;
mod patches;
mod text;

pub(crate) use files::read_bounded;
pub use text::{Place, Position, Text};

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use crate::object::FieldPath;
use crate::yaml;

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects, in the order of the input, lists taken apart.
    pub objects: Vec<Source>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What was read and is probably not meant.
    pub warnings: Vec<Problem>,
    /// What was left out.
    pub passed_over: PassedOver,
}

/// What is left out of a run without being a problem: how many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PassedOver {
    /// Documents in folders that are no Kubernetes objects, such as a `values.yaml`.
    pub others: usize,
    /// Files in folders that cannot be parsed and have no word of Kubernetes in them, such as a `tsconfig.json`.
    pub unreadable: usize,
    /// Files that a kustomization of the input names as patches.
    pub patches: usize,
}

/// One object and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The file as the user would name it; `-` for standard input.
    pub file: String,
    /// Its document in the file, from 0.
    pub document: usize,
    /// Line at which the document begins, from 1.
    pub line: usize,
    /// Its place in a list: `items[2]`, `items[0].items[1]`; the root where it is in none.
    pub item: FieldPath,
    /// The text of the file.
    pub text: Rc<Text>,
    /// The bytes of its document in the text.
    pub range: Range<usize>,
    /// The object.
    pub object: Value,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file as the user would name it; `-` for standard input.
    pub file: String,
    /// The document in the file, from 0, where one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// The line in the file, from 1, where one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Source {
    /// The text of the document in which it stands.
    #[must_use]
    pub fn document_text(&self) -> &str {
        self.text.as_str().get(self.range.clone()).unwrap_or_default()
    }
}

impl fmt::Display for Source {
    /// `word-count.yaml, line 12`; for an item of a list that begins the file, the item says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(file_for_people(&self.file))?;
        if self.line > 1 || self.item.segments().is_empty() {
            write!(f, ", line {}", self.line)?;
        }
        if !self.item.segments().is_empty() {
            write!(f, ", {}", self.item)?;
        }
        Ok(())
    }
}

/// What `file` is called among people.
#[must_use]
pub fn file_for_people(file: &str) -> &str {
    if file == STANDARD_INPUT { "standard input" } else { file }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(file_for_people(&self.file))?;
        // The line says it all; the document is there for programs.
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads `paths`, of which `-` is `standard_input`.
pub fn read(paths: &[PathBuf], standard_input: &mut dyn Read) -> Input {
    let mut input = Input::default();
    let mut bytes_left = MAX_INPUT_BYTES;
    let mut templates = Vec::new();
    let files = files::expand_all(paths, &mut input.problems);
    let patches = patches::named_by_kustomizations(&files);
    for file in files {
        if input.objects.len() >= MAX_OBJECTS {
            let message = format!("the input holds more than {MAX_OBJECTS} objects; give fewer");
            input.problems.push(Problem::of(&file.name, message));
            break;
        }
        if !patches.is_empty() && patches.contains(&file.real_path()) {
            input.passed_over.patches += 1;
            continue;
        }
        match file.read(standard_input, &mut bytes_left) {
            Ok(text) if file.name == STANDARD_INPUT && text.trim().is_empty() => {
                let message = "it is empty; did the command before it fail?".to_owned();
                input.problems.push(Problem::of(&file.name, message));
            }
            Ok(text) => add(&mut input, &file, text, &mut templates),
            Err(message) => input.problems.push(Problem::of(&file.name, message)),
        }
    }
    input.with_templates(templates)
}

impl Input {
    /// A chart that was given as it is has many templates, of which one message says enough.
    fn with_templates(mut self, templates: Vec<Problem>) -> Self {
        let others = templates.len().saturating_sub(1);
        if let Some(mut first) = templates.into_iter().next() {
            if others > 0 {
                first.message.extend([" (", &others.to_string(), " more in the folders are templates too)"]);
            }
            self.problems.push(first);
        }
        self
    }
}

impl Problem {
    fn of(file: &str, message: String) -> Self {
        Self { file: file.to_owned(), document: None, line: None, message }
    }
}

/// Takes `text` apart; what is a template in a folder goes to `templates`.
fn add(input: &mut Input, file: &files::File, text: String, templates: &mut Vec<Problem>) {
    let mut is_template = false;
    let text = Rc::new(Text::new(text));
    let documents = yaml::each_document(text.as_str());
    if documents.is_empty() && !file.found_in_folder {
        let message = "it holds no object: it is empty, or has nothing but comments".to_owned();
        input.warnings.push(Problem::of(&file.name, message));
    }
    if file.found_in_folder && documents.iter().any(Result::is_err) && !text.as_str().contains("apiVersion") {
        input.passed_over.unreadable += 1;
        return;
    }
    for document in documents {
        match document {
            Ok(document) if objects::is_object(&document.value) => {
                input.warnings.extend(repeated(&document, file, &text));
                let source = Source {
                    file: file.name.clone(),
                    document: document.index,
                    line: document.line,
                    item: FieldPath::default(),
                    text: Rc::clone(&text),
                    range: document.range,
                    object: document.value,
                };
                objects::take_apart(source, &mut input.objects, &mut input.problems);
            }
            // What is left of a template between its broken parts is not worth a line of its own.
            Ok(_) | Err(_) if is_template => {}
            Ok(_) if file.found_in_folder => input.passed_over.others += 1,
            Ok(document) => input.problems.push(Problem {
                file: file.name.clone(),
                document: Some(document.index),
                line: Some(document.line),
                message: "is no Kubernetes object, since it has no `apiVersion` or no `kind`".to_owned(),
            }),
            Err(error) => {
                is_template = error.is_template;
                let problems = if is_template && file.found_in_folder { &mut *templates } else { &mut input.problems };
                problems.push(Problem {
                    file: file.name.clone(),
                    document: Some(error.index),
                    line: Some(error.line),
                    message: error.reason,
                });
            }
        }
    }
}

/// Says which keys stand twice in a mapping of `document`, at the line of the second one.
fn repeated(document: &yaml::Document, file: &files::File, text: &Text) -> Vec<Problem> {
    if document.repeated.is_empty() {
        return Vec::new();
    }
    let start = document.range.start;
    let located = text.as_str().get(document.range.clone()).and_then(yaml::Located::parse);
    let line = |at: usize| text.place(start + at..start + at).start.line;
    let problem = |key: &String| {
        let places = located.as_ref().and_then(|located| located.repeated(key));
        let lines = places.map(|places| places.map(|place| line(place.start)));
        let other = lines.filter(|[first, second]| first != second);
        let first = other.map(|[first, _]| format!(", first in line {first}")).unwrap_or_default();
        Problem {
            file: file.name.clone(),
            document: Some(document.index),
            line: Some(lines.map_or(document.line, |[_, second]| second)),
            message: format!(
                "the key `{key}` stands twice in one mapping{first}; the last one counts, as with kubectl"
            ),
        }
    };
    document.repeated.iter().map(problem).collect()
}

/// The name of standard input on the command line.
pub const STANDARD_INPUT: &str = "-";
/// Most objects of one run.
const MAX_OBJECTS: usize = 100_000;
/// Most bytes of one run.
const MAX_INPUT_BYTES: u64 = 512 * 1024 * 1024;
