//! One subject under the policy that applies to it.

use serde_json::Value;

use super::{Decision, Subject};
use crate::admission::Operation;
use crate::facts::{FactKey, Facts, Listed};
use crate::flink::cluster::Cluster;
use crate::inject::{self, Injection, Lost, Shortfall, Target};
use crate::object::at;
use crate::policy::finding;
use crate::policy::rules::{self, Case};
use crate::policy::{Enforcement, Finding, FlinkPolicy, Level, Policies};
use crate::siblings::Sibling;
use crate::workload::{Kind, Owner, is_being_deleted};

/// A subject with the policy that applies to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PolicyOf<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) policy: &'a FlinkPolicy,
    pub(super) facts: &'a Facts,
    pub(super) siblings: &'a [Sibling],
    pub(super) undecided: Option<&'a str>,
}

impl<'a> PolicyOf<'a> {
    pub(super) fn choose(
        subject: &Subject<'a>,
        policies: &'a Policies,
        facts: &'a Facts,
        siblings: &'a [Sibling],
    ) -> Self {
        let namespace = facts.answer(&FactKey::Namespace(subject.namespace.to_owned()));
        let selection = policies.select(subject.namespace, namespace);
        Self { subject: *subject, policy: selection.policy, facts, siblings, undecided: selection.undecided }
    }

    /// What the policy fills in, whether or not it may be applied; `None` where nothing ever is.
    pub(super) fn inject(&self) -> Option<Injection<'a>> {
        let target = self.own().filter(|target| self.policy.spec.mutation && !is_being_deleted(target.object))?;
        match (self.subject.operation, self.subject.old) {
            (Operation::Create, _) => Some(inject::complete(&target)),
            (Operation::Update, Some(old)) if target.workload.may_be_changed() => Some(inject::keep(&target, old)),
            (Operation::Update | Operation::Delete | Operation::Connect, _) => None,
        }
    }

    /// The object as a cluster of its author's, whether or not its form can be changed.
    fn own(&self) -> Option<Target<'a>> {
        // Without a spec there is nothing to complete: an empty resource, or a dialect that keeps it elsewhere.
        let has_spec = at(self.subject.object, &["spec"]).is_some_and(Value::is_object);
        let is_cluster = self.subject.workload.kind != Kind::SessionJob;
        (has_spec && is_cluster && self.subject.workload.made_by.is_none()).then_some(Target {
            object: self.subject.object,
            workload: self.subject.workload,
            namespace: self.subject.namespace,
            name: self.subject.name,
            policy: self.policy,
            facts: self.facts,
            siblings: self.siblings,
        })
    }

    /// The findings on the object with `injection` applied, where the policy may change it.
    pub(super) fn findings(&self, injection: Option<&Injection<'a>>) -> Vec<Finding> {
        match injection {
            Some(injection) if self.policy.may_change() => {
                self.evaluate(injection.edits.document(), injection.cluster.as_deref(), &injection.shortfalls, &[])
            }
            _ => self.evaluate(self.subject.object, None, &[], &[]),
        }
    }

    /// The findings on the final object, which our mutation has already seen.
    pub(super) fn findings_as_it_is(&self) -> Vec<Finding> {
        let Some(target) = self.own() else { return self.evaluate(self.subject.object, None, &[], &[]) };
        let injection = self.inject().filter(|_| self.policy.may_change());
        let shortfalls = &injection.as_ref().map(|injection| injection.shortfalls.clone()).unwrap_or_default();
        let lost: Vec<Lost> = match (self.subject.operation, self.subject.old) {
            (Operation::Update, Some(old)) => inject::lost(&target, old),
            _ => Vec::new(),
        };
        let (reached, unreached) = match injection {
            Some(injection) if injection.edits.is_empty() => (injection.cluster, None),
            injection => (None, injection),
        };
        let mut findings = self.evaluate(self.subject.object, reached.as_deref(), shortfalls, &lost);
        if let Some(injection) = unreached {
            let settled = self.evaluate(injection.edits.document(), injection.cluster.as_deref(), shortfalls, &lost);
            for finding in findings.iter_mut().filter(|finding| finding.level == Level::Deny) {
                if !settled.iter().any(|other| (other.rule, &other.path) == (finding.rule, &finding.path)) {
                    finding.fix.push_str(" (our mutation would have done so, but did not reach this object: is the mutating webhook in place?)");
                }
            }
        }
        findings
    }

    /// The findings on `object`; `cluster` is what it shows, where that is known already.
    fn evaluate(
        &self,
        object: &Value,
        cluster: Option<&Cluster>,
        shortfalls: &[Shortfall],
        lost: &[Lost],
    ) -> Vec<Finding> {
        if is_being_deleted(object) {
            return Vec::new();
        }
        let Subject { namespace, workload, .. } = self.subject;
        let resolve = || {
            let cluster = Cluster::of(object, workload, namespace, self.facts, &self.policy.spec.images.stock)?;
            Some(if workload.is_configured_by_maker(object) { cluster.by_its_own_fields() } else { cluster })
        };
        let own = if cluster.is_none() { resolve() } else { None };
        let Some(cluster) = cluster.or(own.as_ref()) else { return Vec::new() };
        let mut findings = rules::evaluate(&Case {
            object,
            namespace: self.subject.namespace,
            cluster,
            policy: self.policy,
            facts: self.facts,
            siblings: self.siblings,
            shortfalls,
            lost,
            is_new: self.subject.operation == Operation::Create,
        });
        if !workload.is_known() {
            findings.retain(|finding| rules::is_of_update(finding.rule));
        }
        self.unanswered_for(findings)
    }

    /// What is left of `findings` on an object that another one answers for: never a denial, and beside its owner nothing but
    /// what the owner cannot show.
    fn unanswered_for(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let Some(owner) = Owner::of(self.subject.object) else { return findings };
        if owner.is_among(self.facts.list(Listed::Resources, self.subject.namespace)) {
            findings.retain(|finding| rules::is_of_operator(finding.rule));
        }
        for finding in &mut findings {
            finding.level = finding.level.min(Level::Warn);
        }
        finding::sort(&mut findings);
        findings
    }

    pub(super) fn decide(&self, findings: Vec<Finding>) -> Decision {
        let mut decision = Decision::of(&findings);
        decision.policy.clone_from(&self.policy.name);
        if self.policy.spec.enforcement == Enforcement::Enforce
            && let Some(policy) = self.undecided
        {
            let namespace = self.subject.namespace;
            decision.warn(&format!(
                "the labels of namespace `{namespace}` could not be read, so policy `{policy}` was not applied"
            ));
        }
        for (key, why) in self.facts.unanswered().filter(|_| self.facts.is_live()) {
            let said = decision.audit.entry(format!("unknown.{}", key.kind().to_ascii_lowercase())).or_default();
            let more = if said.is_empty() { "" } else { "; " };
            said.extend([more, key.name(), ": ", why]);
        }
        decision
    }
}
