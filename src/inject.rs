//! What the policy fills in: only what is unset, in the form that this cluster's Flink version accepts, and never half
//! of what belongs together.
//!
//! At CREATE the policy says what is wanted ([`complete`]). At UPDATE nothing new is wanted, since a change of the spec
//! restarts the job: what was filled in and got lost is put back ([`keep`]).

mod account;
mod arguments;
mod caused;
mod directories;
mod fs_group;
mod high_availability;
mod identity;
mod keep;
mod option;
mod plugins;
mod pod_template;
mod record;
mod spread;
mod uploads;
mod user;
mod volumes;

pub use high_availability::metadata_of;
pub use keep::{former, keep, lost};
pub use record::{INJECTED_ANNOTATION, Injected, Record, may_be_recorded};

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use crate::facts::Facts;
use crate::flink::cluster::Cluster;
use crate::flink::fields;
use crate::flink::raw;
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, annotation};
use crate::patch::Edits;
use crate::policy::rules::{self, Case};
use crate::policy::{Finding, FlinkPolicy, Names, Role};
use crate::siblings::Sibling;
use crate::workload::{Kind, Raw, Workload};

/// Annotation on an object that stops and withdraws injection, where the policy's `optOut` permits it.
pub const INJECT_ANNOTATION: &str = "flink-admission.io/inject";

/// A workload that may be completed.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The object.
    pub object: &'a Value,
    /// What it was recognised as.
    pub workload: &'a Workload,
    /// The object's namespace.
    pub namespace: &'a str,
    /// The object's name; `None` while the API server has not made it.
    pub name: Option<&'a str>,
    /// The policy that applies.
    pub policy: &'a FlinkPolicy,
    /// What the cluster answered.
    pub facts: &'a Facts,
    /// The workloads of the other role of a standalone cluster, as far as they are known.
    pub siblings: &'a [Sibling],
}

/// What the policy wanted and could not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// HA was not added.
    HighAvailability {
        /// Where it would stand.
        path: FieldPath,
        /// What is missing.
        missing: String,
        /// What to do.
        remedy: String,
        /// The field of the FlinkDeploymentSpec that is not set, where that is what is missing: `flinkVersion`.
        field: Option<&'static str>,
    },
    /// A claim was not mounted.
    Volume {
        /// Where it would stand.
        path: FieldPath,
        /// In which role.
        role: Role,
        /// The policy's path.
        mount_path: String,
        /// The policy's claim.
        claim: String,
        /// What stands in the way.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

/// A value that was filled in at creation and that an update takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which option.
    pub what: String,
    /// The value it had.
    pub value: String,
    /// Where it stood.
    pub path: FieldPath,
    /// Why it is not in force.
    pub why: Why,
}

/// Why an update takes away what was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is not there any more, and it is known that nothing else brings it.
    Gone,
    /// The session JobManager of its new version takes no options as arguments.
    NoOptions(FlinkVersion),
    /// It is not there any more, and something that is not known may bring it.
    Unknown,
    /// It was an argument, and the new command takes none of ours.
    Command {
        /// Why.
        obstacle: &'static str,
        /// The word by which the image's entry point starts the role.
        subcommand: &'static str,
    },
}

/// The completed object and what is to be said about it.
#[derive(Debug, Clone)]
pub struct Injection<'a> {
    /// The edits.
    pub edits: Edits<'a>,
    /// What was filled in, in words.
    pub changes: Vec<String>,
    /// What could not be.
    pub shortfalls: Vec<Shortfall>,
    /// The cluster that the completed object shows, where it was looked at already.
    pub(crate) cluster: Option<Rc<Cluster>>,
}

/// Completes `target` as its policy wants; of a form that cannot be changed, says what it lacks.
#[must_use]
pub fn complete<'a>(target: &Target<'a>) -> Injection<'a> {
    let mut work = Work::new(target);
    if !target.workload.may_be_changed() {
        high_availability::miss(&mut work);
        return work.finish_untouched();
    }
    if target.is_misshapen() {
        return work.finish_untouched();
    }
    let record = Record::of(target.object);
    if target.is_opted_out() {
        keep::withdraw(&mut work, record.as_ref());
        return work.finish(Record::default());
    }
    // Nearly always nothing stands in the way of any step, which one look at the end shows as well as one at each.
    let record = record.unwrap_or_default();
    work.trial = Trial::AtTheEnd { tried: false, failed: false };
    let kept = fill_in(&mut work, record.clone());
    if work.is_clean() {
        return work.finish(kept);
    }
    work = Work::new(target);
    let kept = fill_in(&mut work, record);
    work.finish(kept)
}

/// Fills in what is wanted; gives back what of the record stays.
fn fill_in(work: &mut Work<'_>, mut kept: Record) -> Record {
    let target = work.target;
    // What it says of values that are not there is another object's past.
    kept.values.retain(|value| keep::stands(work, value));
    let of_former = kept.clone();
    if kept.is_of_another(target.namespace, target.name) {
        keep::forget(work, &kept);
        kept = Record::default();
    }
    volumes::add(work);
    account::add(work);
    arguments::define_pod_ip(work);
    high_availability::add(work);
    directories::add(work);
    uploads::close(work);
    spread::add(work);
    // The image may be another one than that for which they were chosen.
    plugins::renew(work, &of_former);
    kept.values.retain(|value| !matches!(value, Injected::Plugins { .. }) || keep::is_remembered(work, value));
    complete_pods(work);
    kept
}

/// What pods need for the sake of what was filled in before, and otherwise.
fn complete_pods(work: &mut Work<'_>) {
    plugins::add(work);
    fs_group::add(work);
    user::add(work);
}

/// Where a target's options, pods and account stand.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    /// In the FlinkDeploymentSpec at this path.
    Resource(&'a FieldPath),
    /// In a pod template, as arguments and fields of one role.
    Pods(&'a Raw),
}

impl<'a> Target<'a> {
    fn place(&self) -> Option<Place<'a>> {
        match &self.workload.kind {
            Kind::FlinkDeployment { spec } => Some(Place::Resource(spec)),
            Kind::Raw(raw) => Some(Place::Pods(raw)),
            Kind::SessionJob => None,
        }
    }

    /// The cluster that `object`, a version of this target's, shows.
    fn cluster_in(&self, object: &Value) -> Cluster {
        match self.place() {
            Some(Place::Pods(raw)) => {
                Cluster::of_raw(object, raw, self.namespace, self.facts, &self.policy.spec.images.stock)
            }
            Some(Place::Resource(spec)) => Cluster::of_flink_deployment(object, spec),
            None => Cluster::of_flink_deployment(&Value::Null, &FieldPath::default()),
        }
    }

    /// Path of what decides how its pods look: the FlinkDeploymentSpec, or the pod template.
    fn root(&self) -> FieldPath {
        match self.place() {
            Some(Place::Resource(spec)) => spec.clone(),
            Some(Place::Pods(_)) | None => FieldPath::of(&raw::TEMPLATE),
        }
    }

    /// Whether the API server or the operator will refuse the object, since a field is of another shape than the CRD says.
    fn is_misshapen(&self) -> bool {
        match self.place() {
            Some(Place::Resource(spec)) => !fields::of_deployment(self.object, spec).is_empty(),
            Some(Place::Pods(_)) | None => false,
        }
    }

    /// Whether the object says no to injection, and may.
    #[must_use]
    pub fn is_opted_out(&self) -> bool {
        self.policy.spec.opt_out && annotation(self.object, INJECT_ANNOTATION) == Some("false")
    }
}

/// Why something was not filled in.
#[derive(Debug, Clone)]
pub(crate) enum Obstacle {
    /// The user has something else at that place.
    Taken(FieldPath),
    /// It would cause these findings.
    Findings(Vec<Finding>),
}

/// An injection in progress.
#[derive(Debug, Clone)]
pub(crate) struct Work<'a> {
    target: Target<'a>,
    edits: Edits<'a>,
    added: Vec<Injected>,
    shortfalls: Vec<Shortfall>,
    identity: Option<String>,
    trial: Trial,
    seen: RefCell<Seen>,
}

/// When it is looked at whether what is filled in makes the object be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// After each step, which is taken back then.
    OfEachStep,
    /// Once, after all of them.
    AtTheEnd {
        /// Whether any step was taken.
        tried: bool,
        /// Whether one had no place for what it fills in.
        failed: bool,
    },
}

/// What was made of the edits so far, by their number: most questions are asked again before there is another one.
#[derive(Debug, Clone, Default)]
struct Seen {
    cluster: Option<(usize, Rc<Cluster>)>,
    findings: Option<(Progress, Rc<[Finding]>)>,
}

/// The number of edits, and of what was added by them.
type Progress = (usize, usize);

impl<'a> Work<'a> {
    fn new(target: &Target<'a>) -> Self {
        let edits = Edits::of(target.object);
        let cluster = Rc::new(target.cluster_in(target.object));
        let identity = identity::of(target, &cluster);
        let seen = RefCell::new(Seen { cluster: Some((edits.number(), cluster)), findings: None });
        let (added, shortfalls, trial) = (Vec::new(), Vec::new(), Trial::OfEachStep);
        Self { target: *target, edits, added, shortfalls, identity, trial, seen }
    }

    /// The cluster with the edits so far.
    fn cluster(&self) -> Rc<Cluster> {
        self.seen_cluster().unwrap_or_else(|| {
            let cluster = Rc::new(self.target.cluster_in(self.edits.document()));
            self.seen.borrow_mut().cluster = Some((self.edits.number(), Rc::clone(&cluster)));
            cluster
        })
    }

    /// The same where it was looked at already.
    fn seen_cluster(&self) -> Option<Rc<Cluster>> {
        let seen = self.seen.borrow();
        seen.cluster.as_ref().filter(|(of, _)| *of == self.edits.number()).map(|(_, cluster)| Rc::clone(cluster))
    }

    /// Its Flink version, which nothing that is filled in changes.
    fn version(&self) -> Option<FlinkVersion> {
        let seen = self.seen.borrow().cluster.as_ref().map(|(_, cluster)| cluster.version);
        seen.unwrap_or_else(|| self.cluster().version)
    }

    /// The names that templates are filled with.
    fn names(&self) -> Names<'_> {
        Names { namespace: self.target.namespace, name: self.target.name, cluster: self.identity.as_deref() }
    }

    /// The findings on what there is so far, with what comes last.
    fn findings(&self) -> Rc<[Finding]> {
        let number = (self.edits.number(), self.added.len());
        if let Some((_, findings)) = self.seen.borrow().findings.as_ref().filter(|(of, _)| *of == number) {
            return Rc::clone(findings);
        }
        let mut whole = self.clone();
        complete_pods(&mut whole);
        let findings: Rc<[Finding]> = whole.evaluate().into();
        self.seen.borrow_mut().findings = Some((number, Rc::clone(&findings)));
        findings
    }

    /// The findings on what there is so far.
    fn evaluate(&self) -> Vec<Finding> {
        rules::evaluate(&Case {
            object: self.edits.document(),
            namespace: self.target.namespace,
            cluster: &self.cluster(),
            policy: self.target.policy,
            facts: self.target.facts,
            // They are as they were written, and what completes them completes this one too.
            siblings: &[],
            shortfalls: &[],
            lost: &[],
            is_new: true,
        })
    }

    /// Takes over what `step` does, unless it would make the object be refused or warned about for our own values; where
    /// that is looked at [`Trial::AtTheEnd`], whatever it does.
    ///
    /// # Errors
    /// What stands in the way; then nothing is changed. At the end [`Work::is_clean`] says it.
    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> Result<(), FieldPath>) -> Result<(), Obstacle> {
        if let Trial::AtTheEnd { failed, .. } = self.trial {
            let failed = step(self).is_err() || failed;
            self.trial = Trial::AtTheEnd { tried: true, failed };
            return Ok(());
        }
        let mut trial = self.clone();
        step(&mut trial).map_err(Obstacle::Taken)?;
        let ours = trial.added.get(self.added.len()..).unwrap_or_default();
        let caused = caused::among(&trial.findings(), ours, &trial, || &*self);
        if caused.is_empty() {
            *self = trial;
            return Ok(());
        }
        Err(Obstacle::Findings(caused))
    }

    /// Whether all steps that were taken can stay.
    fn is_clean(&self) -> bool {
        match self.trial {
            Trial::AtTheEnd { failed: true, .. } => false,
            Trial::AtTheEnd { tried: false, .. } => true,
            Trial::AtTheEnd { .. } | Trial::OfEachStep => {
                caused::among(&self.evaluate(), &self.added, self, || Work::new(&self.target)).is_empty()
            }
        }
    }

    /// Ends with the values of `kept` and those that were added.
    fn finish(mut self, kept: Record) -> Injection<'a> {
        let changes = self.added.iter().map(Injected::in_words).collect();
        let mut values = kept.values;
        for added in self.added.drain(..) {
            match values.iter_mut().find(|value| value.is_same_place(&added)) {
                Some(value) => *value = added,
                None => values.push(added),
            }
        }
        let Target { namespace, name, .. } = self.target;
        let (namespace, name) = (namespace.to_owned(), name.map(str::to_owned));
        let record = Record { namespace, name, values, unknown: kept.unknown };
        // The record is none of Flink's concern.
        let cluster = self.seen_cluster();
        record.write(&mut self.edits);
        Injection { edits: self.edits, changes, shortfalls: self.shortfalls, cluster }
    }
}
