//! What must be known of the cluster before a subject is judged, and the asking.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PolicyOf, Subject, cluster, siblings};
use crate::facts::{Answer, FactKey, Facts, Listed};
use crate::flink::cluster::{Cluster, HighAvailability};
use crate::flink::deployment::{TEMPLATES, walk};
use crate::flink::pod::{self, Pod};
use crate::flink::raw;
use crate::flink::session_job;
use crate::inject;
use crate::object::at;
use crate::policy::Policies;
use crate::policy::rules;
use crate::workload::{Kind, Owner, Workload, recognise};

/// What must be known of the cluster to judge `subject`.
#[must_use]
pub fn needs(subject: &Subject<'_>, policies: &Policies) -> BTreeSet<FactKey> {
    let namespace = || subject.namespace.to_owned();
    if subject.workload.kind == Kind::SessionJob {
        let objects = std::iter::once(subject.object).chain(subject.old);
        let targets = objects.filter_map(|object| session_job::target(object, subject.namespace));
        return targets.chain([FactKey::Namespace(namespace())]).collect();
    }
    let mut keys = BTreeSet::new();
    let Some(cluster) = cluster(subject, policies, &Facts::default()) else { return keys };
    let claim = |name: &str| FactKey::Claim { namespace: namespace(), name: name.to_owned() };
    let config_map = |name: String| FactKey::ConfigMap { namespace: namespace(), name };
    // What the stored object violates already is no new violation, so it is resolved too.
    let was = subject.old.and_then(|old| Some((old, recognise(old)?)));
    let is = Some((subject.object, subject.workload.clone()));
    for (object, workload) in is.into_iter().chain(was) {
        let templates = pod_templates(object, &workload);
        keys.extend(templates.iter().flat_map(|template| pod::claims(template)).take(MOST_CLAIMS).map(claim));
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
/// of what it may have left of an earlier life, and of the rights of its accounts.
#[must_use]
pub fn learn(subject: &Subject<'_>, policies: &Policies, answer: impl Fn(&FactKey) -> Answer) -> Facts {
    let mut facts = Facts::default();
    ask(subject, policies, &answer, &mut facts);
    if let Some(key) = cluster(subject, policies, &facts).as_ref().and_then(inject::metadata_of) {
        let answer = answer(&key);
        facts.insert(key, answer);
    }
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
    for (object, workload) in is.into_iter().chain(was).filter(|(_, workload)| workload.kind != Kind::SessionJob) {
        let facts = Facts::default();
        let cluster = Cluster::of(object, &workload, subject.namespace, &facts, policies.mirrors());
        keys.extend(cluster.iter().flat_map(|cluster| rules::rights::questions(cluster, subject.namespace)));
    }
    for key in keys {
        let answer = answer(&key);
        facts.insert(key, answer);
    }
}

/// The pod templates that `object` brings as they are written.
fn pod_templates<'a>(object: &'a Value, workload: &Workload) -> Vec<&'a Value> {
    match &workload.kind {
        Kind::FlinkDeployment { spec } => {
            TEMPLATES.into_iter().filter_map(|template| walk(object, &spec.keys(template))).collect()
        }
        Kind::Raw(_) => at(object, &raw::TEMPLATE).into_iter().collect(),
        Kind::SessionJob => Vec::new(),
    }
}

/// The most ConfigMaps of one pod that are looked up.
const MOST_CONFIG_MAPS: usize = 8;
/// The most claims of one object that are looked up.
const MOST_CLAIMS: usize = 4;
