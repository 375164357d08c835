//! Judges everything that was read, as the cluster would when all of it is applied.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use serde_json::Value;

use super::input::{self, Input, PassedOver, Problem, Source};
use super::{Status, Streams};
use crate::admission::Operation;
use crate::facts::offline::{Assume, Identity, Offline};
use crate::facts::{FactKey, Facts};
use crate::neighbours::Neighbour;
use crate::policy::{Finding, Level, Policies, exceptions_of_unknown_rules};
use crate::report;
use crate::verdict::{self, Outcome, Subject};
use crate::workload::{self, Workload};
use crate::yaml;

/// What every subcommand that reads manifests is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Selection {
    /// Manifests: files, folders (every .yaml, .yml and .json below them but what begins with a dot), `-` for standard
    /// input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// FlinkPolicy to judge by; the built-in one when left out
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of the objects that name none; `default` when left out
    #[arg(long, short, value_name = "NAME", value_parser = super::dns_label)]
    pub namespace: Option<String>,
    /// Take the input as all there is (complete), or as a part (partial); otherwise it is complete for each kind of
    /// which it holds an object
    #[arg(long, value_name = "EXTENT", value_enum)]
    pub assume: Option<Extent>,
}

/// How much of the cluster the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Extent {
    /// What the input does not hold does not exist
    Complete,
    /// What the input does not hold may exist
    Partial,
}

/// Everything that was read, with what is to be said of it.
#[derive(Debug)]
pub struct Reviewed {
    /// The objects in the order of the input.
    pub objects: Vec<Object>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// What was read and is probably not meant.
    pub warnings: Vec<Problem>,
    /// What was left out.
    pub passed_over: PassedOver,
    /// What the input answers.
    pub facts: Offline,
}

/// What becomes of objects that were read from a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// They are judged as they are.
    AsItIs,
    /// They are completed as if they were created.
    Completed,
}

/// One object of the input.
#[derive(Debug)]
pub struct Object {
    /// Where it stands.
    pub source: Source,
    /// Its namespace; empty for an object of the whole cluster.
    pub namespace: String,
    /// Its name; empty when the API server is to make one.
    pub name: String,
    /// What it was recognised as; `None` when it is not Flink's.
    pub workload: Option<Workload>,
    /// Whether it is taken as stored in a cluster, from which it was read: it carries a uid.
    pub is_stored: bool,
    /// What is to be said of it, when it is Flink's.
    pub outcome: Option<Outcome>,
}

impl Object {
    /// The findings; none for an object that is not Flink's.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.outcome.as_ref().map_or(&[], |outcome| &outcome.findings)
    }

    /// The worst level of the findings; `None` is allowed without a word.
    #[must_use]
    pub fn verdict(&self) -> Option<Level> {
        self.findings().iter().map(|finding| finding.level).max().filter(|level| *level > Level::Off)
    }

    /// The object as it would be stored.
    #[must_use]
    pub fn stored(&self) -> &Value {
        self.outcome.as_ref().map_or(&self.source.object, |outcome| &outcome.stored)
    }

    /// Whether something is filled in for a namespace that it does not name.
    #[must_use]
    pub fn is_filled_in_for_unnamed(&self) -> bool {
        let named = self.source.object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
        named.is_empty() && self.outcome.as_ref().is_some_and(|outcome| !outcome.patch.is_empty())
    }

    /// What it is called among people: `FlinkDeployment default/word-count`.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = self.source.object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let name = if self.name.is_empty() { "(name to be made)" } else { &self.name };
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        format!("{kind} {}{slash}{name}", self.namespace)
    }

    /// The subject of a review of this object.
    ///
    /// What is there already is judged as an update that changes nothing: an update gets no new defaults.
    #[must_use]
    pub fn subject<'a>(&'a self, workload: &'a Workload) -> Subject<'a> {
        let object = &self.source.object;
        let old = self.is_stored.then_some(object);
        Subject {
            object,
            old,
            operation: if old.is_some() { Operation::Update } else { Operation::Create },
            namespace: &self.namespace,
            name: Some(self.name.as_str()).filter(|name| !name.is_empty()),
            workload,
        }
    }

    fn new(source: Source, namespace: &str, stored: Stored) -> Self {
        let word = |pointer| source.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let own = word("/metadata/namespace");
        let namespace = if own.is_empty() { namespace } else { own };
        let namespace = Identity::of(&source.object, namespace).namespace;
        let name = word("/metadata/name").to_owned();
        let workload = workload::recognise(&source.object);
        let is_stored = stored == Stored::AsItIs && source.object.pointer("/metadata/uid").is_some();
        Self { source, namespace, name, workload, is_stored, outcome: None }
    }
}

impl Reviewed {
    /// The exit status that the findings and the problems ask for.
    #[must_use]
    pub fn status(&self) -> Status {
        if !self.problems.is_empty() {
            Status::Unreadable
        } else if self.objects.iter().any(|object| object.verdict() == Some(Level::Deny)) {
            Status::Denied
        } else {
            Status::Passed
        }
    }

    /// Says on `errors` what could not be read and, unless `quiet`, what is probably not meant.
    pub(super) fn tell(&self, errors: &mut dyn Write, quiet: bool) {
        let warnings = if quiet { &[] } else { self.warnings.as_slice() };
        // Where standard error cannot be written to, there is nobody to tell.
        for (word, problems) in [("error", self.problems.as_slice()), ("warning", warnings)] {
            for problem in problems {
                let _ = writeln!(errors, "{word}: {}", report::plain(&problem.to_string()));
            }
        }
    }
}

/// Reads and judges what `selection` names; what cannot be read is a problem and judged no further.
///
/// # Errors
/// The policy, when it cannot be read.
pub fn review(selection: &Selection, stored: Stored, streams: &mut Streams<'_>) -> anyhow::Result<Reviewed> {
    review_with(selection, stored, streams).map(|(reviewed, _)| reviewed)
}

/// As [`review`] of what is there already, by policies that fill nothing in.
///
/// # Errors
/// The policy, when it cannot be read.
pub(super) fn review_as_written(selection: &Selection, streams: &mut Streams<'_>) -> anyhow::Result<Reviewed> {
    let policies = policies(selection)?.without_mutation();
    let input = input::read(&selection.paths, streams.input);
    Ok(judge(input, selection, Stored::AsItIs, &policies))
}

/// As [`review`], with the policies that were applied.
pub(super) fn review_with(
    selection: &Selection,
    stored: Stored,
    streams: &mut Streams<'_>,
) -> anyhow::Result<(Reviewed, Policies)> {
    let policies = policies(selection)?;
    let input = input::read(&selection.paths, streams.input);
    let reviewed = judge(input, selection, stored, &policies);
    Ok((reviewed, policies))
}

/// The policies that `selection` asks for.
fn policies(selection: &Selection) -> anyhow::Result<Policies> {
    let Some(path) = &selection.policy else { return Ok(Policies::built_in()) };
    let name = path.display();
    if path.as_os_str() == input::STANDARD_INPUT {
        bail!("policy {name}: standard input is for manifests; give the policy as a file");
    }
    let text = input::read_bounded(path).map_err(|reason| anyhow!("policy {name}: {reason}"))?;
    Policies::from_text(&text).map_err(|refused| anyhow!("policy {name}: {refused}"))
}

fn judge(input: Input, selection: &Selection, stored: Stored, policies: &Policies) -> Reviewed {
    let assume = match selection.assume {
        None => Assume::Shown,
        Some(Extent::Complete) => Assume::Complete,
        Some(Extent::Partial) => Assume::Partial,
    };
    let namespace = selection.namespace.as_deref().unwrap_or("default");
    let mut objects: Vec<Object> =
        input.objects.into_iter().map(|source| Object::new(source, namespace, stored)).collect();
    let mut facts = Offline::new(assume);
    for object in &objects {
        facts.put(&object.source.object, &object.namespace);
    }
    // Again and again: what is applied meets the others as they are stored, and they are stored completed, which may depend
    // on what they meet.
    let mut judged = outcomes(&objects, policies, &facts);
    for _ in 0..MOST_ROUNDS {
        meet(&objects, &judged, policies, &mut facts);
        let again = outcomes(&objects, policies, &facts);
        let stored = |outcome: &Option<Outcome>| outcome.as_ref().map(|outcome| outcome.patch.clone());
        let is_stable = judged.iter().map(stored).eq(again.iter().map(stored));
        judged = again;
        if is_stable {
            break;
        }
    }
    let outcomes = judged;
    for (object, outcome) in objects.iter_mut().zip(outcomes) {
        object.outcome = outcome;
    }
    let mut warnings = input.warnings;
    let file = selection.policy.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let not_done = policies.not_done_yet().into_iter();
    warnings.extend(not_done.map(|message| Problem { file: file.clone(), document: None, line: None, message }));
    warnings.extend(objects.iter().filter(|object| object.workload.is_some()).filter_map(unrendered));
    warnings.extend(objects.iter().filter_map(unknown_kind));
    // The members of a list stand in one document.
    warnings.dedup();
    warnings.extend(objects.iter().filter(|object| object.workload.is_some()).flat_map(allows_nothing));
    if selection.policy.is_some() {
        warnings.extend(objects.iter().filter_map(|object| passed_over(object, policies, &facts)));
    }
    Reviewed { objects, problems: input.problems, warnings, passed_over: input.passed_over, facts }
}

/// Puts the objects as they were judged to be stored in the place of those that were written.
fn meet(objects: &[Object], judged: &[Option<Outcome>], policies: &Policies, facts: &mut Offline) {
    for (object, outcome) in objects.iter().zip(judged) {
        if let Some(outcome) = outcome {
            facts.put(&outcome.stored, &object.namespace);
        }
    }
    let neighbours = objects.iter().zip(judged).filter_map(|(object, outcome)| {
        let subject = object.subject(object.workload.as_ref()?);
        let answers = answers(&subject, policies, facts);
        verdict::neighbour(&subject, &outcome.as_ref()?.stored, policies, &answers)
    });
    let neighbours: Vec<Neighbour> = neighbours.collect();
    facts.set_neighbours(neighbours);
}

/// Rounds after which two objects that each change by what the other becomes are taken as they are.
const MOST_ROUNDS: usize = 3;

/// Says that the user's policy may have been meant for `object` and was not applied, since nobody knows the labels of
/// its namespace.
fn passed_over(object: &Object, policies: &Policies, facts: &Offline) -> Option<Problem> {
    let policy = &object.outcome.as_ref()?.policy;
    let answer = facts.answer(&FactKey::Namespace(object.namespace.clone()));
    let undecided = policies.select(&object.namespace, &answer).undecided?;
    Some(Problem {
        file: object.source.file.clone(),
        document: Some(object.source.document),
        line: Some(object.source.line),
        message: format!(
            "the namespaceSelector of policy `{undecided}` asks for labels of namespace `{}`, which is not in the input, so policy \
             `{policy}` was applied; add the Namespace to the input",
            object.namespace
        ),
    })
}

/// Says which annotations of `object` ask for an exception of a rule that there is not.
fn allows_nothing(object: &Object) -> Vec<Problem> {
    let unknown = exceptions_of_unknown_rules(&object.source.object);
    let problem = |annotation: &str| Problem {
        file: object.source.file.clone(),
        document: Some(object.source.document),
        line: Some(object.source.line),
        message: format!("the annotation `{annotation}` names no rule; `flink-admission rules` lists them"),
    };
    unknown.into_iter().map(problem).collect()
}

/// Says that `object` claims to be Flink's and is of no kind that the operator has.
fn unknown_kind(object: &Object) -> Option<Problem> {
    let kind = object.source.object.get("kind").and_then(Value::as_str)?;
    let group = object.source.object.get("apiVersion").and_then(Value::as_str)?.split('/').next();
    (group == Some(workload::GROUP) && !workload::KINDS.contains(&kind)).then(|| Problem {
        file: object.source.file.clone(),
        document: Some(object.source.document),
        line: Some(object.source.line),
        message: format!(
            "`{kind}` is no kind of `{}` that is known, so nothing is said of it; known are {}",
            workload::GROUP,
            workload::KINDS.join(", ")
        ),
    })
}

/// Says that `object` holds what Helm would have replaced, where YAML takes it for text.
fn unrendered(object: &Object) -> Option<Problem> {
    let source = &object.source;
    let (line, message) = yaml::unrendered(source.document_text())?;
    let before = source.text.place(source.range.start..source.range.start).start.line - 1;
    let (file, document) = (source.file.clone(), Some(source.document));
    Some(Problem { file, document, line: Some(before + line), message })
}

fn outcomes(objects: &[Object], policies: &Policies, facts: &Offline) -> Vec<Option<Outcome>> {
    let outcome = |object: &Object| {
        let workload = object.workload.as_ref()?;
        let subject = object.subject(workload);
        Some(verdict::judge(&subject, policies, &answers(&subject, policies, facts)))
    };
    objects.iter().map(outcome).collect()
}

/// What the input says to the questions of `subject`.
pub(super) fn answers(subject: &Subject<'_>, policies: &Policies, offline: &Offline) -> Facts {
    let mut facts = verdict::learn(subject, policies, |key| offline.answer(key));
    facts.set_neighbours(offline.neighbours());
    facts
}
