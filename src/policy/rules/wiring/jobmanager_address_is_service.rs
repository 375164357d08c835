//! `jobmanager-address-is-service`: a leader that publishes an address which is not its own.

use std::net::IpAddr;

use serde_json::Value;

use crate::flink::arguments::{Fate, Misread};
use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::location::has_placeholder;
use crate::flink::options::{HA_TYPE, JOBMANAGER_ADDRESS};
use crate::flink::version::FlinkVersion;
use crate::object::{at, name, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::host_argument_removed::is_host;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "jobmanager-address-is-service",
    failure: "C2",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone JobManager with HA has the name of a Service, or another name that does not stand for its pod alone, as `jobmanager.rpc.address`. Or, with HA or without, `jobmanager.sh` takes an option for the host or the port (`-Dkey=value` in one word), or the option stands behind a word where none is read any more.",
        why: "Under HA the leader publishes that address. A Service leads to any JobManager: with several, TaskManagers talk to one that does not lead; after a failover they cannot tell the new JobManager from the old one.",
        limits: "IP addresses, placeholders, variables that differ between pods, the stable name of a StatefulSet's only pod and pods on the host's network are not judged. Where the configuration cannot be read whole, only an address in the arguments is.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.type: kubernetes\n    jobmanager.rpc.address: flink-jobmanager   # and args: [jobmanager]",
        fix: "Give each JobManager its pod's IP: `POD_IP` from `status.podIP` and `-D jobmanager.rpc.address=$(POD_IP)`. The completing remedy does so where the address stands in a configuration file.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager).filter(|_| case.cluster.shape == Shape::Raw) else {
        return Vec::new();
    };
    let is_on =
        matches!(case.cluster.high_availability().0, HighAvailability::Kubernetes | HighAvailability::ZooKeeper);
    let host = view.misread.iter().find(|(word, _)| word.fate == Fate::Host || is_host(word)).filter(|_| is_on);
    if let Some((word, path)) = host {
        let is_said = is_host(word) && case.cluster.version.is_some_and(|version| version.at_least(2, 0));
        if is_said || is_missed(case, view, word.option.as_deref()) {
            return Vec::new();
        }
        let message = format!("{}, {}", word.in_words(), effect(word, case.cluster.version));
        return vec![Violation::at_field(path.clone(), None, message, word.remedy()).of_role(Role::JobManager)];
    }
    let published = if is_on { published(case, view) } else { None };
    lost_option(case, view, is_on).into_iter().chain(published).collect()
}

/// The address that the leader publishes, where it is not its own.
fn published(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let setting = view.config.exact(JOBMANAGER_ADDRESS)?;
    let address = setting.trimmed();
    let is_known = view.unknown.is_none() || setting.layer == Layer::Argument;
    if !is_known || address.is_empty() || is_of_pod(case, view, setting) {
        return None;
    }
    let message = format!(
        "under HA the JobManager publishes `{address}`, which does not stand for its pod alone, so after a failover the TaskManagers may talk to another JobManager than the leader"
    );
    let is_old = case.cluster.version.is_some_and(|version| !version.at_least(1, 15)) && !case.cluster.application;
    let form = if is_old { "`$(POD_IP)` behind `jobmanager`" } else { "`-D jobmanager.rpc.address=$(POD_IP)`" };
    let fix = format!("give it the pod's own address, {form}, with `POD_IP` from `status.podIP`");
    Some(Violation::at_setting(setting, message, fix).of_role(Role::JobManager))
}

/// An option that `jobmanager.sh` takes for something else or does not come to, where no rule on HA and none on what was filled in
/// speaks of it.
fn lost_option(case: &Case<'_>, view: &RoleView, is_on: bool) -> Option<Violation> {
    let version = case.cluster.version;
    let is_off = case.cluster.high_availability().0 == HighAvailability::Off;
    if !case.lost.is_empty() || (is_off && view.misread_option(HA_TYPE, version).is_some()) {
        return None;
    }
    let is_lost = |word: &Misread| {
        let is_lost = match word.fate {
            Fate::Host | Fate::WebPort | Fate::NoOptions => true,
            // What stands behind a program's own arguments may be another one of them.
            Fate::Behind => !case.cluster.application,
            Fate::Program | Fate::Directory => false,
        };
        is_lost && word.option.is_some() && !(is_on && is_missed(case, view, word.option.as_deref()))
    };
    let (word, path) = view.misread.iter().find(|(word, _)| is_lost(word))?;
    let message = format!("{}, {}", word.in_words(), effect(word, version));
    Some(Violation::at_field(path.clone(), None, message, word.remedy()).of_role(Role::JobManager))
}

/// What a misread option leads to: the entry point of Flink 1.15 to 1.20 refuses a host or port that is an option
/// (`MissingArgumentException`), 2.0 takes it for the value of `jobmanager.rpc.address` or `rest.port`, which then is no
/// port (executed for 1.20.5 and 2.3.0, with HA and without).
fn effect(word: &Misread, version: Option<FlinkVersion>) -> &'static str {
    match (word.fate, version) {
        (Fate::Host, Some(version)) if is_refused(version) => "so the JobManager does not start",
        (Fate::WebPort, _) => "so the JobManager does not start",
        (Fate::Host, None) => {
            "so the JobManager does not start, or, from Flink 2.0, has an address that no TaskManager can reach"
        }
        (Fate::NoOptions | Fate::Behind, _) => "so the option is not set",
        _ => "so the JobManager has an address that no TaskManager can reach",
    }
}

/// Whether the entry point of `version` does not start with an option for the host or the port.
pub(super) const fn is_refused(version: FlinkVersion) -> bool {
    version.at_least(1, 15) && !version.at_least(2, 0)
}

/// Whether another rule speaks of the misread `option`, since nothing else sets it.
fn is_missed(case: &Case<'_>, view: &RoleView, option: Option<&str>) -> bool {
    const MISSED: [&str; 5] = [
        "kubernetes.cluster-id",
        "kubernetes.namespace",
        "high-availability.cluster-id",
        "high-availability.storageDir",
        "high-availability.zookeeper.quorum",
    ];
    option.is_some_and(|option| {
        MISSED.contains(&option) && view.config.value(option, case.cluster.version).is_none() && view.unknown.is_none()
    })
}

/// Whether the address is the pod's own, or may be. A variable that is left in it differs between pods, is not known, or
/// is another rule's.
fn is_of_pod(case: &Case<'_>, view: &RoleView, setting: &Setting) -> bool {
    let address = setting.trimmed();
    has_placeholder(address) || is_ip(address) || is_stable_name(case, view, address)
}

fn is_ip(address: &str) -> bool {
    address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// Whether the address is a name that the only pod keeps: `<StatefulSet>-0.<Service>`, `<hostname>.<subdomain>`.
fn is_stable_name(case: &Case<'_>, view: &RoleView, address: &str) -> bool {
    let pod = at(&view.pod.template, &["spec"]).unwrap_or(&Value::Null);
    if at(pod, &["hostNetwork"]) == Some(&Value::Bool(true)) {
        return true;
    }
    if case.cluster.job_managers.as_ref().is_none_or(|(number, _)| *number > 1) {
        return false;
    }
    let host = address.split('.').next().unwrap_or_default();
    let of_set = text(case.object, &["kind"]) == Some("StatefulSet") && {
        let set = at(case.object, &["metadata"]).and_then(name).unwrap_or_default();
        host.strip_prefix(set).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    of_set || (text(pod, &["subdomain"]).is_some() && text(pod, &["hostname"]) == Some(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_for_the_host_is_refused_from_1_15_and_an_address_from_2_0() {
        let word = Misread { word: "-Da".to_owned(), option: Some("a".to_owned()), position: 1, fate: Fate::Host };
        let says = |major, minor, words| effect(&word, Some(FlinkVersion::new(major, minor))).contains(words);
        assert!(says(1, 15, "does not start") && says(1, 20, "does not start"));
        assert!(says(2, 0, "no TaskManager can reach") && !says(2, 0, "does not start"));
    }
}
