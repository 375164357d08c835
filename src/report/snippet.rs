//! The line of the file that a finding points to, with a caret under what is meant.

use annotate_snippets::{AnnotationKind, Group, Level as Weight, Renderer, Snippet};

use super::findings::Said;
use super::{paint, plain};
use crate::cli::input;
use crate::flink::sensitive;
use crate::policy::Level;

/// The lines to print, the first one with file, line and column; the place alone where its line must not be shown.
pub(super) fn lines(said: &Said<'_>) -> Vec<String> {
    let (place, source) = (&said.pointed.place, said.source());
    let file = plain(input::file_for_people(&source.file)).into_owned();
    let line = source.text.line(place.start.line);
    let piece = |from: usize, to: usize| source.text.as_str().get(from..to).map(plain).unwrap_or_default();
    let end = place.range.end.clamp(place.range.start, line.end.max(place.range.start));
    let (before, meant, behind) =
        (piece(line.start, place.range.start), piece(place.range.start, end), piece(end, line.end));
    let text = format!("{before}{meant}{behind}");
    // A line is shown as it is, so it may hold the value of another option; of a nested one it holds the end of the key only.
    let is_sensitive = |text: &str| sensitive::is_sensitive(&text.replace(TOKEN_FIELD, ""));
    if text.len() > LONGEST || is_sensitive(&text) || is_sensitive(&said.finding.path) {
        return vec![format!("--> {file}:{}:{}", place.start.line, place.start.column)];
    }
    let annotation = AnnotationKind::Primary.span(before.len()..before.len() + meant.len());
    let snippet = Snippet::source(text).path(file).line_start(place.start.line).annotation(annotation);
    let weight = match said.finding.level {
        Level::Deny => Weight::ERROR,
        Level::Warn => Weight::WARNING,
        Level::Audit | Level::Off => Weight::NOTE,
    };
    let renderer = Renderer::styled()
        .error(paint::of(Some(Level::Deny)))
        .warning(paint::of(Some(Level::Warn)))
        .note(paint::of(Some(Level::Audit)))
        .line_num(paint::FAINT);
    renderer.render(&[Group::with_level(weight).element(snippet)]).lines().map(str::to_owned).collect()
}

/// A field of pods that says nothing of a token itself.
const TOKEN_FIELD: &str = "automountServiceAccountToken";
/// Longest line that is shown, in bytes: manifests without line breaks are not for people.
const LONGEST: usize = 500;
