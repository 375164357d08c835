//! Both webhook configurations are there and ours, and nobody else calls himself ours.

use super::{Context, entries, entry_name};
use crate::cluster::{KINDS, Kind};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::gather::owner;
use crate::doctor::names::ENTRIES;
use crate::doctor::seen::Seen;
use crate::object::{list, text};

pub(super) fn present(context: &Context<'_>) -> Vec<Finding> {
    KINDS.into_iter().map(|kind| one(context, kind).about(context.subject(kind))).collect()
}

fn one(context: &Context<'_>, kind: Kind) -> Finding {
    let names = &context.cluster.names;
    let configuration = match context.cluster.configuration(kind) {
        Seen::Known(configuration) => configuration,
        Seen::Absent => {
            let fix = if context.settings.writes_configurations() {
                format!(
                    "kubectl logs deployment/{} -n {}   # the leader says why it writes none",
                    names.service, names.namespace
                )
            } else {
                context.settings.upgrade(names)
            };
            return Check::WebhookConfigurations.error(
                "it does not exist",
                "the API server calls nobody: Flink objects pass unchanged and unjudged",
                fix,
            );
        }
        Seen::Unknown(why) => {
            return Check::WebhookConfigurations
                .unknown(why.as_str(), format!("kubectl get {} {}", kind.plural(), names.service));
        }
    };
    if let Some(other) = owner(configuration).filter(|owner| *owner != names.label()) {
        return Check::WebhookConfigurations.error(
            format!("it belongs to the installation `{other}`"),
            "two installations of one name share it: each would undo what the other writes",
            "install one of them under another name (`fullnameOverride` of the chart)",
        );
    }
    let owners = list(configuration, &["metadata", "ownerReferences"]);
    let anchor = names.anchor();
    let is_owned = owners
        .iter()
        .any(|owner| text(owner, &["kind"]) == Some("ClusterRole") && text(owner, &["name"]) == Some(&anchor));
    if !is_owned && context.settings.is_known() && context.settings.writes_configurations() {
        return Check::WebhookConfigurations.warning(
            format!("ClusterRole `{anchor}` does not own it"),
            "it would stay behind when the release is removed, and be called in vain",
            context.who_changed(kind),
        );
    }
    Check::WebhookConfigurations.ok(format!(
        "it is there, with {}",
        crate::report::count(entries(configuration).len(), "entry").replace("entrys", "entries")
    ))
}

pub(super) fn second(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let all = match &context.cluster.others {
        Seen::Known(all) => all,
        Seen::Absent => return vec![Check::SecondInstallation.ok("there is none")],
        Seen::Unknown(why) => {
            let list = "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations -L flink-admission.io/installation";
            return vec![Check::SecondInstallation.unknown(why.as_str(), list)];
        }
    };
    let mut findings = Vec::new();
    for (kind, configuration) in all {
        let name = text(configuration, &["metadata", "name"]).unwrap_or_default();
        let ours = entries(configuration).iter().any(|entry| entry_name(entry).ends_with(ENTRIES));
        if name == names.service || !(ours || owner(configuration).is_some()) {
            continue;
        }
        let (what, fix) = match owner(configuration) {
            Some(label) => {
                let (namespace, service) = label.split_once('.').unwrap_or(("NAMESPACE", name));
                (
                    format!("the installation `{label}` calls for the same objects"),
                    format!(
                        "flink-admission uninstall --namespace {namespace} --service {service}   # if it is the one too many"
                    ),
                )
            }
            None => (
                "it has entries of ours and tells no installation: an old one is left behind".to_owned(),
                format!("kubectl delete {} {name}", kind.plural()),
            ),
        };
        let why =
            "every Flink object is completed and judged twice, maybe by two policies; one that is dead may refuse all";
        findings.push(Check::SecondInstallation.warning(what, why, fix).about(format!("{}/{name}", kind.name())));
    }
    if findings.is_empty() {
        findings.push(Check::SecondInstallation.ok("there is none"));
    }
    findings
}
