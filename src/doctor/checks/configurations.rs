//! Both webhook configurations are there and ours, and nobody else calls himself ours.

use serde_json::Value;

use super::installed::is_missing;
use super::{Context, entries, entry_name};
use crate::cluster::{KINDS, Kind};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::gather::{installation, owner};
use crate::doctor::names::{ENTRIES, Names, PROBE_ENTRY};
use crate::doctor::seen::Seen;
use crate::object::{list, text};

const TWICE: &str =
    "every Flink object is completed and judged twice, maybe by two policies; one that is dead may refuse all";

pub(super) fn present(context: &Context<'_>) -> Vec<Finding> {
    KINDS.into_iter().map(|kind| one(context, kind).about(context.subject(kind))).collect()
}

fn one(context: &Context<'_>, kind: Kind) -> Finding {
    let names = &context.cluster.names;
    let configuration = match context.cluster.configuration(kind) {
        Seen::Known(configuration) => configuration,
        Seen::Absent => {
            return Check::WebhookConfigurations.error(
                "it does not exist",
                "the API server calls nobody: Flink objects pass unchanged and unjudged",
                to_be_written(context),
            );
        }
        Seen::Unknown(why) => {
            return Check::WebhookConfigurations
                .unknown(why.as_str(), format!("kubectl get {} {}", kind.plural(), names.service));
        }
    };
    if let Some(other) = owner(configuration).filter(|owner| *owner != names.label()) {
        if installation(configuration).is_some_and(|other| context.cluster.gone.contains(&other.namespace)) {
            return Check::WebhookConfigurations.error(
                format!("the installation `{other}` left it behind: its namespace is gone"),
                "the API server calls that one's Service, which does not exist, and not this one's",
                to_be_written(context),
            );
        }
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

/// What to do where whoever writes the configurations has not.
fn to_be_written(context: &Context<'_>) -> String {
    let names = &context.cluster.names;
    if context.settings.writes_configurations() {
        format!(
            "kubectl logs deployment/{} -n {}   # the leader says why it writes none",
            names.service, names.namespace
        )
    } else {
        context.settings.upgrade(names)
    }
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
        let finding = match (owner(configuration), installation(configuration)) {
            (Some(label), Some(other)) if context.cluster.gone.contains(&other.namespace) => {
                left_behind(label, &other, configuration)
            }
            (Some(label), Some(_)) if is_missing(context.cluster) => Check::SecondInstallation
                .ok(format!("it is of the installation `{label}`, and there is none of the name that was asked for")),
            (Some(label), Some(other)) if *context.cluster.configuration(*kind) == Seen::Absent => {
                Check::SecondInstallation.warning(
                    format!("the installation `{label}` was there first"),
                    "that one completes and judges; this one writes no webhook configuration as long as the other has \
                     any, and is not called",
                    format!("{}   # if that is the one too many", uninstall(&other)),
                )
            }
            (Some(label), other) => {
                let other = other.unwrap_or_else(|| Names::new("NAMESPACE", name));
                Check::SecondInstallation.warning(
                    format!("the installation `{label}` calls for the same objects"),
                    TWICE,
                    format!("{}   # if it is the one too many", uninstall(&other)),
                )
            }
            (None, _) => Check::SecondInstallation.warning(
                "it has entries of ours and tells no installation: an old one is left behind",
                TWICE,
                format!("kubectl delete {} {name}", kind.plural()),
            ),
        };
        findings.push(finding.about(format!("{}/{name}", kind.name())));
    }
    if findings.is_empty() {
        findings.push(Check::SecondInstallation.ok("there is none"));
    }
    findings
}

/// What is left of `other`, of which nothing else can be there: its Service went with its namespace.
fn left_behind(label: &str, other: &Names, configuration: &Value) -> Finding {
    let what = format!("the installation `{label}` left it behind: its namespace `{}` is gone", other.namespace);
    let is_closed = |entry: &Value| entry_name(entry) != PROBE_ENTRY && text(entry, &["failurePolicy"]) == Some("Fail");
    if entries(configuration).iter().any(is_closed) {
        let why = "the API server calls a Service that does not exist, and refuses what it would have been asked about";
        return Check::SecondInstallation.error(what, why, uninstall(other));
    }
    let why = "it is no second installation, but the API server tries in vain to call its Service for Flink objects";
    Check::SecondInstallation.warning(what, why, uninstall(other))
}

fn uninstall(names: &Names) -> String {
    format!("flink-admission uninstall --namespace {} --service {}", names.namespace, names.service)
}
