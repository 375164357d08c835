//! From a recognised object to a decision: the same functions for the webhook and for the offline commands.

mod decision;
mod questions;
mod review;

pub use decision::{Cause, Decision};
pub use questions::{learn, needs};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::admission::Operation;
use crate::facts::Facts;
use crate::flink::cluster::{Cluster, HighAvailability, RoleView};
use crate::flink::configuration::EffectiveConfig;
use crate::flink::raw::Unknown;
use crate::neighbours::Neighbour;
use crate::object::text;
use crate::policy::finding;
use crate::policy::rules;
use crate::policy::{Finding, Level, Policies, Role};
use crate::siblings::{self, Sibling};
use crate::workload::{Kind, Workload, recognise};
use review::PolicyOf;

/// The object under review with what surrounds it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The object as it came.
    pub object: &'a Value,
    /// The object as it is stored, on UPDATE.
    pub old: Option<&'a Value>,
    /// What is done to it.
    pub operation: Operation,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name; `None` on a CREATE with `generateName`.
    pub name: Option<&'a str>,
    /// What it was recognised as.
    pub workload: &'a Workload,
}

/// Everything that is to be said of one object: the offline commands print it, [`mutate`] and [`validate`] answer with it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Name of the policy that was applied.
    pub policy: String,
    /// The findings on the object as it would be stored, worst level first, then by path.
    pub findings: Vec<Finding>,
    /// What completes the object; empty when nothing is filled in.
    pub patch: json_patch::Patch,
    /// The object with the patch applied.
    pub stored: Value,
    /// What was filled in, in words; under `enforcement: audit` and `warn` what would be.
    pub changes: Vec<String>,
    /// A policy of which it could not be known whether it is for this namespace.
    pub undecided: Option<String>,
    /// Why its configuration may hold more than was seen, and was judged.
    pub unknown: Option<String>,
}

/// Completes and judges `subject` as the cluster would.
#[must_use]
pub fn judge(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Outcome {
    let siblings = siblings(subject, policies, facts);
    let review = PolicyOf::choose(subject, policies, facts, &siblings);
    let injection = review.inject();
    let findings = review.findings(injection.as_ref());
    let changes = injection.as_ref().map(|injection| injection.changes.clone()).unwrap_or_default();
    let applied = injection.filter(|_| review.policy.may_change());
    let cluster = cluster(subject, policies, facts);
    let unknown = cluster.as_ref().and_then(Cluster::leading).and_then(|view| view.unknown.as_ref());
    Outcome {
        policy: review.policy.name.clone(),
        findings,
        patch: applied.as_ref().map(|injection| injection.edits.patch()).unwrap_or_default(),
        stored: applied.map_or_else(|| subject.object.clone(), |injection| injection.edits.document().clone()),
        changes,
        undecided: review.undecided.map(str::to_owned),
        // What the maker of an object brings is judged where it takes it from.
        unknown: unknown.filter(|why| **why != Unknown::Maker).map(|why| why.in_words().to_owned()),
    }
}

/// What each role of a subject works with, for `explain`.
#[derive(Debug, Clone, Default)]
pub struct Explanation {
    /// The roles, the JobManager first.
    pub roles: Vec<RoleConfiguration>,
    /// What the policy wants to know of the configuration and cannot.
    pub undecided: Option<String>,
}

/// What one role works with.
#[derive(Debug, Clone)]
pub struct RoleConfiguration {
    /// Which role.
    pub role: Role,
    /// The options, as far as they are known.
    pub config: EffectiveConfig,
    /// Why there may be more that are not.
    pub unknown: Option<Unknown>,
}

/// The configuration that each role of `subject` works with, for `explain`.
#[must_use]
pub fn configurations(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Explanation {
    let Some(cluster) = cluster(subject, policies, facts) else { return Explanation::default() };
    let policy = PolicyOf::choose(subject, policies, facts, &[]).policy;
    let is_own = subject.workload.made_by.is_none() && cluster.submission.is_none();
    let is_open = is_own && cluster.high_availability().0 == HighAvailability::Unknown;
    let undecided = (is_open && policy.spec.high_availability.required).then(|| {
        format!("policy `{}` requires HA, and whether this cluster has it cannot be decided from here", policy.name)
    });
    let role = |view: RoleView| RoleConfiguration { role: view.role, config: view.config, unknown: view.unknown };
    Explanation { roles: cluster.roles.into_iter().map(role).collect(), undecided }
}

/// What the cluster of `subject`, as `stored`, leaves outside of its pods, for others to meet.
#[must_use]
pub fn neighbour(subject: &Subject<'_>, stored: &Value, policies: &Policies, facts: &Facts) -> Option<Neighbour> {
    let cluster = Cluster::of(stored, subject.workload, subject.namespace, facts, policies.mirrors())?;
    if cluster.submission.is_some() {
        return None;
    }
    Neighbour::of(stored, subject.workload, subject.namespace, &cluster)
}

/// The answer of `/mutate`: the change that completes the object. Never a denial.
#[must_use]
pub fn mutate(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
    let siblings = siblings(subject, policies, facts);
    let review = PolicyOf::choose(subject, policies, facts, &siblings);
    let Some(injection) = review.inject() else { return Decision::allow() };
    let mut decision = Decision { policy: review.policy.name.clone(), ..Decision::allow() };
    if review.policy.may_change() {
        decision.patch = injection.edits.patch();
        decision.changes = injection.changes;
    } else if !injection.changes.is_empty() {
        decision.audit.insert("would-inject".to_owned(), injection.changes.join(", "));
    }
    decision
}

/// The answer of `/validate`: what is wrong with the final object.
///
/// On UPDATE only what is new is denied: what the stored object already violated, by rule, role and path, is a warning; not
/// what was no denial before HA was switched on.
#[must_use]
pub fn validate(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
    let subject = &Subject { name: subject.name.filter(|name| !is_generated(subject, name)), ..*subject };
    let siblings = siblings(subject, policies, facts);
    let review = PolicyOf::choose(subject, policies, facts, &siblings);
    let mut findings = review.findings_as_it_is();
    let is_denied = findings.iter().any(|finding| finding.level == Level::Deny);
    if let Some(old) = subject.old.filter(|_| is_denied && subject.operation == Operation::Update) {
        let workload = &recognise(old).unwrap_or_else(|| subject.workload.clone());
        let was = PolicyOf { subject: Subject { object: old, old: None, workload, ..*subject }, ..review };
        let has_ha = |subject: &Subject<'_>| {
            cluster(subject, policies, facts).is_some_and(|cluster| cluster.high_availability().0.is_on())
        };
        let is_switched_on = has_ha(subject) && !has_ha(&was.subject);
        lower_known(&mut findings, was.findings_as_it_is(), is_switched_on);
    }
    finding::merge(&mut findings);
    review.decide(findings)
}

/// Makes warnings of those denials in `findings` that were there `before` the update; `is_switched_on`, whether HA is new.
fn lower_known(findings: &mut [Finding], mut before: Vec<Finding>, is_switched_on: bool) {
    let place = |finding: &Finding| (finding.rule, finding.role, without_form(&finding.path));
    // Of more than are told apart, none is known to be new.
    let is_full = |rule: &str| before.iter().filter(|finding| finding.rule == rule).count() >= rules::MOST_FINDINGS;
    let full: BTreeSet<_> = before.iter().map(|finding| finding.rule).collect();
    let full: BTreeSet<_> = full.into_iter().filter(|rule| is_full(rule)).collect();
    // Of a cluster without HA a warning is not yet the violation that it becomes with it.
    before.retain(|finding| !is_switched_on || finding.level == Level::Deny || finding.exception.is_some());
    let before: BTreeSet<_> = before.iter().map(place).collect();
    for finding in findings.iter_mut().filter(|finding| finding.level == Level::Deny) {
        if full.contains(finding.rule) || before.contains(&place(finding)) {
            finding.level = Level::Warn;
        }
    }
}

/// `path` without what its form adds: nested and dotted options stand in one place, and so does a list's element that others
/// were put in front of.
fn without_form(path: &str) -> String {
    let mut plain = String::new();
    for part in path.split('[') {
        match part.split_once(']') {
            Some((index, rest)) if index.bytes().all(|byte| byte.is_ascii_digit()) => plain.push_str(rest),
            Some((key, rest)) => {
                plain.push('.');
                plain.push_str(key.trim_matches('"'));
                plain.push_str(rest);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

/// Whether the API server made `name` between mutation and validation, so that our mutation knew none: `generateName`, cut
/// at 58 bytes, and five characters (k8s.io/apiserver 0.34, `storage/names/generate.go`).
fn is_generated(subject: &Subject<'_>, name: &str) -> bool {
    let prefix = text(subject.object, &["metadata", "generateName"]).unwrap_or_default();
    let base = prefix.get(..58).unwrap_or(prefix);
    let suffix = name.strip_prefix(base).filter(|_| subject.operation == Operation::Create && !base.is_empty());
    suffix.is_some_and(|suffix| suffix.len() == 5)
}

/// The workloads of the other role of `subject`'s cluster, as far as `facts` show them.
fn siblings(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Vec<Sibling> {
    match &subject.workload.kind {
        Kind::Raw(raw) if subject.workload.made_by.is_none() => {
            siblings::find(subject.object, raw, subject.namespace, facts, policies.mirrors())
        }
        _ => Vec::new(),
    }
}

fn cluster(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Option<Cluster> {
    Cluster::of(subject.object, subject.workload, subject.namespace, facts, policies.mirrors())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const POLICY: &str = "spec:
  highAvailability: {mode: kubernetes, storageDir: 's3://ha/{cluster}'}
  serviceAccount: {name: flink}";

    fn warnings(metadata: &Value, name: &str) -> Vec<String> {
        let object = &json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": metadata,
            "spec": {"flinkVersion": "v1_20", "serviceAccount": "flink"},
        });
        let workload = &crate::workload::recognise(object).unwrap();
        let subject =
            Subject { object, old: None, operation: Operation::Create, namespace: "a", name: Some(name), workload };
        validate(&subject, &Policies::from_text(POLICY).unwrap(), &Facts::default()).warnings
    }

    #[test]
    fn what_needs_a_name_is_not_expected_where_mutation_saw_none() {
        let said = warnings(&json!({"name": "wc-x7k2p", "generateName": "wc-"}), "wc-x7k2p");
        assert!(said.iter().any(|warning| warning.contains("`metadata.name`")), "{said:?}");
        let long = "a".repeat(80);
        let cut = format!("{}x7k2p", long.get(..58).unwrap());
        assert!(!warnings(&json!({"name": cut, "generateName": long}), &cut).is_empty());
        assert_eq!(warnings(&json!({"name": "wc"}), "wc"), [""; 0]);
        assert_eq!(warnings(&json!({"name": "wc", "generateName": "other-"}), "wc"), [""; 0]);
    }
}
