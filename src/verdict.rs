//! From a recognised object to a decision: the same functions for the webhook and for the offline commands.

mod decision;

pub use decision::{Cause, Decision};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::admission::Operation;
use crate::facts::{Answer, FactKey, Facts, Listed};
use crate::flink::cluster::{Cluster, HighAvailability, RoleView};
use crate::flink::configuration::EffectiveConfig;
use crate::flink::deployment::walk;
use crate::flink::pod::Pod;
use crate::flink::raw::{self, Unknown};
use crate::inject::{self, Injection, Lost, Shortfall, Target};
use crate::neighbours::Neighbour;
use crate::object::{at, text};
use crate::policy::rules::{self, Case};
use crate::policy::{Enforcement, Finding, FlinkPolicy, Level, Policies, Role};
use crate::siblings::{self, Sibling};
use crate::workload::{Kind, Owner, Workload, is_being_deleted, recognise};

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
}

/// What must be known of the cluster to judge `subject`.
#[must_use]
pub fn needs(subject: &Subject<'_>, policies: &Policies) -> BTreeSet<FactKey> {
    let mut keys = BTreeSet::new();
    let Some(cluster) = cluster(subject, policies, &Facts::default()) else { return keys };
    let namespace = || subject.namespace.to_owned();
    let claim = |name: &str| FactKey::Claim { namespace: namespace(), name: name.to_owned() };
    let config_map = |name: String| FactKey::ConfigMap { namespace: namespace(), name };
    // What the stored object violates already is no new violation, so it is resolved too.
    let was = subject.old.and_then(|old| Some((old, recognise(old)?)));
    let is = Some((subject.object, subject.workload.clone()));
    for (object, workload) in is.into_iter().chain(was) {
        let templates = pod_templates(object, &workload);
        keys.extend(templates.iter().flat_map(|template| siblings::claims(template)).take(MOST_CLAIMS).map(claim));
        if Owner::of(object).is_some() {
            keys.insert(FactKey::List { of: Listed::Resources, namespace: namespace() });
        }
        // Those of a former cluster may be among the ConfigMaps, and what lets others in among the rest.
        let lists = [Listed::ConfigMaps, Listed::Services, Listed::Ingresses, Listed::NetworkPolicies];
        keys.extend(lists.map(|of| FactKey::List { of, namespace: namespace() }));
        let Kind::Raw(raw) = &workload.kind else { continue };
        keys.insert(FactKey::List { of: Listed::Workloads, namespace: namespace() });
        keys.extend(raw::config_maps(object, raw).into_iter().take(MOST_CONFIG_MAPS).map(config_map));
    }
    let pods = || cluster.roles.iter().map(|view| &view.pod);
    keys.extend(pods().flat_map(|pod| &pod.extra).take(MOST_CLAIMS).map(|extra| claim(&extra.claim)));
    let mounted: BTreeSet<&str> = pods().flat_map(Pod::config_maps).collect();
    keys.extend(mounted.into_iter().take(MOST_CONFIG_MAPS).map(|name| config_map(name.to_owned())));
    // For its labels, which choose the policy, and for OpenShift's range of user ids.
    keys.insert(FactKey::Namespace(namespace()));
    let may_be_kubernetes =
        matches!(cluster.high_availability().0, HighAvailability::Kubernetes | HighAvailability::Unknown);
    let asks_for_default = may_be_kubernetes || policies.add_high_availability();
    let default = || asks_for_default.then(|| "default".to_owned());
    let accounts = cluster.roles.iter().filter_map(|view| view.account.0.clone().or_else(default));
    keys.extend(accounts.map(|name| FactKey::ServiceAccount { namespace: namespace(), name }));
    keys
}

/// What `answer` says to all that must be known of `subject`, where there is time to ask twice: also of what is filled in,
/// and of the rights of its accounts.
#[must_use]
pub fn learn(subject: &Subject<'_>, policies: &Policies, answer: impl Fn(&FactKey) -> Answer) -> Facts {
    let mut facts = Facts::default();
    ask(subject, policies, &answer, &mut facts);
    let siblings = siblings(subject, policies, &facts);
    let review = PolicyOf::choose(subject, policies, &facts, &siblings);
    let completed = review.inject().filter(|injection| review.policy.may_change() && !injection.edits.is_empty());
    if let Some(completed) = completed.map(|injection| injection.edits.document().clone()) {
        ask(&Subject { object: &completed, ..*subject }, policies, &answer, &mut facts);
    }
    facts
}

fn ask(subject: &Subject<'_>, policies: &Policies, answer: impl Fn(&FactKey) -> Answer, facts: &mut Facts) {
    let mut keys = needs(subject, policies);
    let was = subject.old.and_then(|old| Some((old, recognise(old)?)));
    let is = Some((subject.object, subject.workload.clone()));
    for (object, workload) in is.into_iter().chain(was) {
        let facts = Facts::default();
        let cluster = Cluster::of(object, &workload, subject.namespace, &facts, policies.mirrors());
        keys.extend(cluster.iter().flat_map(|cluster| rules::rights::questions(cluster, subject.namespace)));
    }
    for key in keys {
        let answer = answer(&key);
        facts.insert(key, answer);
    }
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
    Outcome {
        policy: review.policy.name.clone(),
        findings,
        patch: applied.as_ref().map(|injection| injection.edits.patch()).unwrap_or_default(),
        stored: applied.map_or_else(|| subject.object.clone(), |injection| injection.edits.document().clone()),
        changes,
        undecided: review.undecided.map(str::to_owned),
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
    let is_own = subject.workload.made_by.is_none();
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
/// On UPDATE only what is new is denied: what the stored object already violated, by rule, role and path, is a warning.
#[must_use]
pub fn validate(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
    let subject = &Subject { name: subject.name.filter(|name| !is_generated(subject, name)), ..*subject };
    let siblings = siblings(subject, policies, facts);
    let review = PolicyOf::choose(subject, policies, facts, &siblings);
    let mut findings = review.findings_as_it_is();
    if let Some(old) = subject.old.filter(|_| subject.operation == Operation::Update) {
        let workload = &recognise(old).unwrap_or_else(|| subject.workload.clone());
        let subject = Subject { object: old, old: None, workload, ..*subject };
        let before = PolicyOf { subject, ..review }.findings_as_it_is();
        let place = |finding: &Finding| (finding.rule, finding.role, without_form(&finding.path));
        // Of more than are told apart, none is known to be new.
        let of_rule = |rule| before.iter().filter(|finding| finding.rule == rule).count();
        let is_full: BTreeSet<_> =
            rules::RULES.iter().map(|rule| rule.id).filter(|rule| of_rule(*rule) >= rules::MOST_FINDINGS).collect();
        let before: BTreeSet<_> = before.iter().map(place).collect();
        let known = |finding: &Finding| is_full.contains(finding.rule) || before.contains(&place(finding));
        for finding in findings.iter_mut().filter(|finding| finding.level == Level::Deny) {
            if known(finding) {
                finding.level = Level::Warn;
            }
        }
    }
    rules::merge(&mut findings);
    review.decide(findings)
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

/// A subject with the policy that applies to it.
#[derive(Debug, Clone, Copy)]
struct PolicyOf<'a> {
    subject: Subject<'a>,
    policy: &'a FlinkPolicy,
    facts: &'a Facts,
    siblings: &'a [Sibling],
    undecided: Option<&'a str>,
}

impl<'a> PolicyOf<'a> {
    fn choose(subject: &Subject<'a>, policies: &'a Policies, facts: &'a Facts, siblings: &'a [Sibling]) -> Self {
        let namespace = facts.answer(&FactKey::Namespace(subject.namespace.to_owned()));
        let selection = policies.select(subject.namespace, namespace);
        Self { subject: *subject, policy: selection.policy, facts, siblings, undecided: selection.undecided }
    }

    /// What the policy fills in, whether or not it may be applied; `None` where nothing ever is.
    fn inject(&self) -> Option<Injection<'a>> {
        let target = self.own().filter(|target| self.policy.spec.mutation && !is_being_deleted(target.object))?;
        match (self.subject.operation, self.subject.old) {
            (Operation::Create, _) => Some(inject::complete(&target)),
            (Operation::Update, Some(old)) if target.workload.may_be_changed() => Some(inject::keep(&target, old)),
            (Operation::Update | Operation::Delete | Operation::Connect, _) => None,
        }
    }

    /// The object as something of its author's, whether or not its form can be changed.
    fn own(&self) -> Option<Target<'a>> {
        // Without a spec there is nothing to complete: an empty resource, or a dialect that keeps it elsewhere.
        let has_spec = at(self.subject.object, &["spec"]).is_some_and(Value::is_object);
        (has_spec && self.subject.workload.made_by.is_none()).then_some(Target {
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
    fn findings(&self, injection: Option<&Injection<'a>>) -> Vec<Finding> {
        match injection {
            Some(injection) if self.policy.may_change() => {
                self.evaluate(injection.edits.document(), injection.cluster.as_deref(), &injection.shortfalls, &[])
            }
            _ => self.evaluate(self.subject.object, None, &[], &[]),
        }
    }

    /// The findings on the final object, which our mutation has already seen.
    fn findings_as_it_is(&self) -> Vec<Finding> {
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
        rules::sort(&mut findings);
        findings
    }

    fn decide(&self, findings: Vec<Finding>) -> Decision {
        let mut decision = Decision::of(&findings);
        decision.policy.clone_from(&self.policy.name);
        if self.policy.spec.enforcement == Enforcement::Enforce
            && let Some(policy) = self.undecided
        {
            decision.warnings.push(format!(
                "the labels of namespace `{}` could not be read, so policy `{policy}` was not applied",
                self.subject.namespace
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

/// The workloads of the other role of `subject`'s cluster, as far as `facts` show them.
fn siblings(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Vec<Sibling> {
    match &subject.workload.kind {
        Kind::Raw(raw) if subject.workload.made_by.is_none() => {
            siblings::find(subject.object, raw, subject.namespace, facts, policies.mirrors())
        }
        _ => Vec::new(),
    }
}

/// The pod templates that `object` brings as they are written.
fn pod_templates<'a>(object: &'a Value, workload: &Workload) -> Vec<&'a Value> {
    match &workload.kind {
        Kind::FlinkDeployment { spec } => {
            let of_spec = |keys: &[&str]| walk(object, &spec.keys(keys));
            let templates: [&[&str]; 3] =
                [&["podTemplate"], &["jobManager", "podTemplate"], &["taskManager", "podTemplate"]];
            templates.into_iter().filter_map(of_spec).collect()
        }
        Kind::Raw(_) => at(object, &raw::TEMPLATE).into_iter().collect(),
        Kind::SessionJob => Vec::new(),
    }
}

/// The most ConfigMaps of one pod that are looked up.
const MOST_CONFIG_MAPS: usize = 8;
/// The most claims of one pod that are looked up.
const MOST_CLAIMS: usize = 4;

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
