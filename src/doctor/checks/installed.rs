//! What the chart installs: the anchor, the Service, replicas that answer, and their rights.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Context;
use crate::doctor::endpoints;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::gather::installation as installation_of;
use crate::doctor::names::Names;
use crate::doctor::seen::{Cluster, Seen};
use crate::object::{annotation, integer, label, list, text};

/// Whether nothing of it is there, as far as is known.
pub(super) fn is_missing(cluster: &Cluster) -> bool {
    let [mutating, validating] = &cluster.configurations;
    let parts = [&cluster.anchor, &cluster.service, &cluster.deployment, mutating, validating];
    parts.into_iter().all(|part| *part == Seen::Absent)
}

pub(super) fn installation(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let names = &cluster.names;
    if is_missing(cluster) {
        let nothing = "nothing of it is there: no Service, no Deployment, no webhook configuration";
        let others = others(cluster);
        if !others.is_empty() {
            let run: Vec<String> = others
                .iter()
                .map(|Names { namespace, service }| {
                    format!("flink-admission doctor --namespace {namespace} --service {service}")
                })
                .collect();
            let what = format!("{nothing}; but another installation is");
            let why = "what was looked for calls nobody; nothing is said here of the one that is there";
            return vec![Check::Installation.error(what, why, run.join("; "))];
        }
        let finding = Check::Installation.error(
            nothing,
            "Flink objects pass unchanged and unjudged; or it is called otherwise, which `--namespace` and `--service` say",
            context.settings.upgrade(names),
        );
        return vec![finding];
    }
    let version = cluster.deployment.known().and_then(|found| label(found, "app.kubernetes.io/version"));
    vec![Check::Installation.ok(match version {
        Some(version) => format!("it is there, version {version}"),
        None => "it is there, at least in part".to_owned(),
    })]
}

/// The other installations that have configurations in this cluster, and a namespace.
fn others(cluster: &Cluster) -> Vec<Names> {
    let all = cluster.others.known().map_or(&[][..], Vec::as_slice).iter();
    let mut others: Vec<Names> = Vec::new();
    for other in all.filter_map(|(_, configuration)| installation_of(configuration)) {
        if other != cluster.names && !cluster.gone.contains(&other.namespace) && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

pub(super) fn anchor(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let finding = match &context.cluster.anchor {
        Seen::Known(_) => Check::Anchor.ok("it is there"),
        Seen::Absent => Check::Anchor.error(
            "it does not exist",
            "it owns the webhook configurations: without it the program writes none, so nothing is mended, and an \
             uninstall would leave them behind",
            context.settings.upgrade(names),
        ),
        Seen::Unknown(why) => {
            Check::Anchor.unknown(why.as_str(), format!("kubectl get clusterrole {}", names.anchor()))
        }
    };
    vec![finding.about(format!("ClusterRole/{}", names.anchor()))]
}

pub(super) fn service(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let finding = match &context.cluster.service {
        Seen::Known(service) => {
            let has_port = list(service, &["spec", "ports"]).iter().any(|port| integer(port, &["port"]) == Some(443));
            if has_port {
                Check::Service.ok("it is there, with port 443")
            } else {
                Check::Service.error(
                    "it has no port 443",
                    "that is where the API server calls the webhook",
                    context.settings.upgrade(names),
                )
            }
        }
        Seen::Absent => Check::Service.error(
            "it does not exist",
            "the API server has nobody to call; `--namespace` and `--service` name another installation",
            context.settings.upgrade(names),
        ),
        Seen::Unknown(why) => Check::Service
            .unknown(why.as_str(), format!("kubectl get service {} -n {}", names.service, names.namespace)),
    };
    vec![finding.about(context.own("Service", &names.service))]
}

pub(super) fn replicas(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let names = &cluster.names;
    let look = format!(
        "kubectl describe deployment {0} -n {1}; kubectl logs deployment/{0} -n {1}",
        names.service, names.namespace
    );
    let subject = context.own("Deployment", &names.service);
    let endpoints = match &cluster.slices {
        Seen::Known(_) if cluster.service.known().is_some() => Some(endpoints::ready(cluster, 443).len()),
        _ => None,
    };
    let deployment = match &cluster.deployment {
        Seen::Known(deployment) => deployment,
        Seen::Absent => {
            let finding = match endpoints {
                Some(ready) if ready > 0 => Check::Replicas
                    .ok(format!("there is no such Deployment, but {ready} endpoints of the Service are ready")),
                _ => Check::Replicas.error(
                    "it does not exist",
                    "nobody answers the API server: Flink objects pass unchanged and unjudged, or are refused where \
                     failurePolicy is Fail",
                    context.settings.upgrade(names),
                ),
            };
            return vec![finding.about(subject)];
        }
        Seen::Unknown(why) => return vec![Check::Replicas.unknown(why.as_str(), look).about(subject)],
    };
    let wanted = integer(deployment, &["spec", "replicas"]).unwrap_or(1);
    let ready = integer(deployment, &["status", "readyReplicas"]).unwrap_or_default();
    let told = conditions(deployment);
    let finding = if ready == 0 && endpoints.is_none_or(|count| count == 0) {
        Check::Replicas.error(
            format!("none of {wanted} replicas is ready{told}"),
            "nobody answers the API server: Flink objects pass unchanged and unjudged, or are refused where \
             failurePolicy is Fail",
            look,
        )
    } else if endpoints == Some(0) {
        Check::Replicas.error(
            format!("{ready} of {wanted} replicas are ready, but the Service has no endpoint"),
            "the API server calls the Service, and nobody is behind it",
            format!(
                "kubectl get service {0} -n {1} -o wide; kubectl get pods -n {1} --show-labels",
                names.service, names.namespace
            ),
        )
    } else if ready < wanted {
        Check::Replicas.warning(
            format!("{ready} of {wanted} replicas are ready{told}"),
            "the others answer, but nothing is left when one of them goes",
            look,
        )
    } else if let Some(unfinished) = unfinished(deployment, wanted) {
        Check::Replicas.warning(
            format!("{ready} of {wanted} are ready, but {unfinished}{told}"),
            "former replicas answer, by the former version, arguments and policy; where the new ones never come up, \
             nobody is left when the former go",
            format!(
                "kubectl rollout status deployment/{0} -n {1}; kubectl get pods -n {1} \
                 --sort-by=.metadata.creationTimestamp   # events and logs of the newest say why it is not ready",
                names.service, names.namespace
            ),
        )
    } else {
        Check::Replicas.ok(match endpoints {
            Some(count) => format!("{ready} of {wanted} are ready, {count} behind the Service"),
            None => format!("{ready} of {wanted} are ready"),
        })
    };
    vec![finding.about(subject)]
}

/// What of the last change of the Deployment is still to come, as `kubectl rollout status` counts it; `None` where nothing is.
/// The API server leaves out numbers that are 0 (apps/v1, DeploymentStatus).
fn unfinished(deployment: &Value, wanted: i64) -> Option<String> {
    let status = |key: &str| integer(deployment, &["status", key]);
    let generation = integer(deployment, &["metadata", "generation"]);
    if status("observedGeneration").is_some_and(|observed| generation.is_some_and(|latest| observed < latest)) {
        return Some("its last change was not begun yet".to_owned());
    }
    let updated = status("updatedReplicas").unwrap_or_default();
    if updated < wanted {
        return Some(format!("the roll-out has not ended: {updated} of {wanted} are new"));
    }
    let former = status("replicas").unwrap_or_default() - updated;
    (former > 0).then(|| format!("the roll-out has not ended: {former} former still there"))
}

/// What the Deployment's conditions complain of, to be put behind other words.
fn conditions(deployment: &Value) -> String {
    let complaints = list(deployment, &["status", "conditions"]).iter().filter(|condition| {
        let is = |state: &str| text(condition, &["status"]) == Some(state);
        match text(condition, &["type"]) {
            // Unknown, where the roll-out is paused.
            Some("Progressing") => !is("True"),
            Some("ReplicaFailure") => is("True"),
            _ => false,
        }
    });
    let words = complaints.filter_map(|condition| {
        let reason = text(condition, &["reason"]).unwrap_or("without a reason");
        Some(format!("; {reason}: {}", text(condition, &["message"])?))
    });
    words.collect()
}

pub(super) fn rights(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let account = context.settings.account(&cluster.names);
    let subject = account.replacen("system:serviceaccount:", "ServiceAccount/", 1).replace(':', "/");
    let unknown = cluster.rights.iter().find_map(|(right, answer)| match answer {
        Seen::Unknown(why) => Some((right, why)),
        _ => None,
    });
    let mut missing: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for (right, _) in cluster.rights.iter().filter(|(_, answer)| *answer == Seen::Known(false)) {
        missing.entry((!right.is_vital, right.purpose)).or_default().push(right.in_words());
    }
    let fix = context.settings.give_rights(&cluster.names);
    let mut findings: Vec<Finding> = Vec::new();
    for ((is_minor, purpose), rights) in missing {
        let what = format!("it may not {}", rights.join(", "));
        findings.push(if is_minor {
            Check::Rights.warning(what, purpose, fix.as_str())
        } else {
            Check::Rights.error(what, purpose, fix.as_str())
        });
    }
    if let Some((right, why)) = unknown {
        findings.push(Check::Rights.unknown(why.as_str(), right.command(&account)));
    }
    if findings.is_empty() {
        let rest = if context.settings.is_known() {
            ""
        } else {
            "; the Deployment is not known, so those on Secret and configurations that depend on it were not asked"
        };
        findings.push(Check::Rights.ok(format!("it has the {} rights that it needs{rest}", cluster.rights.len())));
    }
    findings.into_iter().map(|finding| finding.about(subject.clone())).collect()
}

/// The version that a member tells of itself.
pub(super) fn version_of(member: &Value) -> Option<&str> {
    annotation(member, crate::doctor::names::VERSION)
}
