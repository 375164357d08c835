//! What the replicas tell of themselves in their Leases.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::installed::version_of;
use super::{Context, in_words};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::gather::items;
use crate::doctor::names::AUTHORITY;
use crate::doctor::seen::{Cluster, Seen};
use crate::object::{annotation, integer, text};
use crate::tls::fingerprint_of;

/// A Lease that names no duration is renewed within this, in seconds.
const DURATION: i64 = 60;
/// A holder that missed this many durations is gone.
const MISSED: i64 = 3;

pub(super) fn leader(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let look = format!("kubectl logs deployment/{} -n {} | grep -i lease", names.service, names.namespace);
    let why = "nobody rotates the authority, mends the webhook configurations or proves the way through the API server";
    let finding = match &context.cluster.leader {
        Seen::Known(lease) => {
            let holder = text(lease, &["spec", "holderIdentity"]).unwrap_or_default();
            match age(lease, context.cluster) {
                _ if holder.is_empty() => Check::Leader.warning("nobody holds it", why, look),
                None => Check::Leader.warning(format!("`{holder}` never renewed it"), why, look),
                Some(age) if age > MISSED * duration(lease) => {
                    Check::Leader.warning(format!("`{holder}` renewed it last {} ago", in_words(age)), why, look)
                }
                Some(_) => Check::Leader.ok(format!("`{holder}` leads")),
            }
        }
        Seen::Absent => Check::Leader.warning("it does not exist", why, look),
        Seen::Unknown(why) => {
            Check::Leader.unknown(why.as_str(), format!("kubectl get lease {} -n {}", names.leader(), names.namespace))
        }
    };
    vec![finding.about(context.own("Lease", &names.leader()))]
}

pub(super) fn members(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let names = &cluster.names;
    if let Seen::Unknown(why) = &cluster.members {
        let list = format!("kubectl get leases -n {} -l flink-admission.io/member={}", names.namespace, names.service);
        return vec![Check::Members.unknown(why.as_str(), list)];
    }
    let members = living(cluster);
    if members.is_empty() {
        return vec![Check::Members.warning(
            "no replica tells of itself: there is no current Lease of a member",
            "the leader cannot know which authority the replicas serve, and holds the rotation back",
            format!("kubectl logs deployment/{} -n {}", names.service, names.namespace),
        )];
    }
    let mut findings = Vec::new();
    let versions = told(&members, |member| version_of(member).unwrap_or("unknown"));
    if versions.len() > 1 {
        findings.push(Check::Members.warning(
            format!("the replicas are of different versions: {}", listed(&versions)),
            "one and the same object is answered differently, depending on who is asked",
            format!("kubectl rollout status deployment/{} -n {}", names.service, names.namespace),
        ));
    }
    let authorities = told(&members, |member| annotation(member, AUTHORITY).unwrap_or("unknown"));
    let trusted = trusted(context);
    let shortened: BTreeMap<String, usize> =
        authorities.iter().map(|(authority, count)| (authority.chars().take(12).collect(), *count)).collect();
    let strangers: Vec<&String> = authorities
        .keys()
        .filter(|authority| *authority != "unknown" && !trusted.contains(&normal(authority)))
        .collect();
    if !strangers.is_empty() && !trusted.is_empty() {
        findings.push(Check::Members.error(
            format!(
                "replicas serve certificates of authorities that the live caBundle does not hold: {}",
                listed(&shortened)
            ),
            "the API server refuses their certificate: calls that reach them fail",
            format!("kubectl rollout restart deployment/{} -n {}", names.service, names.namespace),
        ));
    } else if authorities.len() > 1 {
        findings.push(Check::Members.ok(format!(
            "the authority is being rotated: the replicas serve {}, all of them trusted",
            listed(&shortened)
        )));
    }
    if findings.is_empty() {
        findings.push(Check::Members.ok(format!(
            "{} of version {}",
            crate::report::count(members.len(), "replica"),
            listed_names(&versions)
        )));
    }
    findings
}

/// The members that renew their Lease; one that carries no time counts.
pub(super) fn living(cluster: &Cluster) -> Vec<&Value> {
    let is_living = |lease: &&Value| age(lease, cluster).is_none_or(|age| age <= MISSED * duration(lease));
    items(&cluster.members).iter().filter(is_living).collect()
}

/// The fingerprints of what both live configurations trust.
pub(super) fn trusted(context: &Context<'_>) -> BTreeSet<String> {
    let bundles = context.entries().map(|(_, entry)| super::certificates::bundle_of(entry));
    bundles.flatten().map(|certificate| fingerprint_of(&certificate)).collect()
}

/// A fingerprint as we write it.
pub(super) fn normal(fingerprint: &str) -> String {
    fingerprint.replace(':', "").to_ascii_lowercase()
}

/// How long ago, in seconds by the API server's clock, `lease` was renewed.
fn age(lease: &Value, cluster: &Cluster) -> Option<i64> {
    let renewed: Timestamp = text(lease, &["spec", "renewTime"])?.parse().ok()?;
    Some(cluster.time() - renewed.as_second())
}

fn duration(lease: &Value) -> i64 {
    integer(lease, &["spec", "leaseDurationSeconds"]).unwrap_or(DURATION).max(1)
}

fn told<'a>(members: &[&'a Value], what: impl Fn(&'a Value) -> &'a str) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for member in members {
        *told.entry(what(member).to_owned()).or_default() += 1;
    }
    told
}

fn listed(told: &BTreeMap<String, usize>) -> String {
    let words: Vec<String> = told.iter().map(|(word, count)| format!("{word} ({count})")).collect();
    words.join(", ")
}

fn listed_names(told: &BTreeMap<String, usize>) -> String {
    told.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
