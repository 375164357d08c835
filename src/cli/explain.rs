//! `flink-admission explain`: the configuration that each Flink process works with, or the page of a rule.
//!
//! A word that is the id of a rule is that rule; ids have neither dots nor slashes, so a file of such a name is `./<name>`.

use std::path::PathBuf;

use anyhow::bail;

use super::review::{Selection, Stored, answers, review_with};
use super::{Format, Status, Streams, written};
use crate::inject::Record;
use crate::policy::rules::{RULES, Rule, known_ids};
use crate::report::explain::{self, Explained, FilledIn};
use crate::report::rule;
use crate::verdict;

/// Print the effective configuration of each role, each value with its origin and what it overrode; or the page of a rule
///
/// `explain FILE` resolves manifests as `check` does; `explain RULE`, with the id of a rule, prints what the rule finds, why it
/// hurts and what to do.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "flink-admission explain [OPTIONS] <FILE|DIR|->...\n       flink-admission explain [OPTIONS] <RULE>..."
)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    /// Explain the manifests as they would be stored, with what the policy fills in
    #[arg(long)]
    stored: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    if let Some(rules) = rules(&arguments.selection.paths)? {
        return pages(&rules, arguments.output, streams);
    }
    let (reviewed, policies) = review_with(&arguments.selection, Stored::Completed, streams)?;
    reviewed.tell(streams.errors, false);
    let mut explained = Vec::new();
    for object in &reviewed.objects {
        let Some(workload) = &object.workload else { continue };
        let mut subject = object.subject(workload);
        if arguments.stored {
            subject.object = object.stored();
        }
        let facts = answers(&subject, &policies, &reviewed.facts);
        let explanation = verdict::configurations(&subject, &policies, &facts);
        let is_new = Record::of(&object.source.object).is_none();
        let policy = object.outcome.as_ref().map(|outcome| outcome.policy.clone()).filter(|_| is_new);
        let filled_in = FilledIn { record: Record::of(subject.object).unwrap_or_default(), policy };
        explained.push(Explained { object, explanation, filled_in });
    }
    let printed = match arguments.output {
        // What cannot be read is told already.
        Format::Text if explained.is_empty() && !reviewed.problems.is_empty() => Ok(()),
        Format::Text => explain::text(&explained, streams.output),
        Format::Json => explain::json(&explained, streams.output),
    };
    let status = if reviewed.problems.is_empty() { Status::Passed } else { Status::Unreadable };
    written(printed, status)
}

fn pages(rules: &[&Rule], form: Format, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let printed = match form {
        Format::Json => rule::json(rules.iter().copied(), streams.output),
        Format::Text => rules.iter().enumerate().try_for_each(|(position, rule)| {
            if position > 0 {
                writeln!(streams.output)?;
            }
            rule::page(rule, streams.output)
        }),
    };
    written(printed, Status::Passed)
}

/// The rules that `words` name; `None` where they name files.
fn rules(words: &[PathBuf]) -> anyhow::Result<Option<Vec<&'static Rule>>> {
    let of = |word: &PathBuf| RULES.iter().copied().find(|rule| word.as_os_str() == rule.id);
    let found: Vec<&Rule> = words.iter().filter_map(of).collect();
    if found.len() == words.len() {
        return Ok(Some(found));
    }
    if let Some(rule) = found.first() {
        bail!("`{0}` is a rule and the others are none; a file of that name is `./{0}`", rule.id);
    }
    for word in words.iter().filter_map(|word| word.to_str()) {
        // A word of a rule's form that is no file was meant as a rule.
        let is_of_form = word.contains('-') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if is_of_form && word.len() > 1 && !PathBuf::from(word).exists() {
            bail!("`{word}` is neither a file nor a rule{}; `flink-admission rules` lists them", nearest(word));
        }
    }
    Ok(None)
}

/// `, the nearest rule is …`, where one is near.
fn nearest(word: &str) -> String {
    let similarity = |id: &str| similar::TextDiff::from_chars(id, word).ratio();
    let best = known_ids().into_iter().map(|id| (similarity(id), id));
    match best.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
        Some((ratio, id)) if ratio > 0.6 => format!(", the nearest rule is `{id}`"),
        _ => String::new(),
    }
}
