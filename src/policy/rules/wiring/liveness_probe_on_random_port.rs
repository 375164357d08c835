//! `liveness-probe-on-random-port`: a probe that asks a port which Flink does not listen on.

use serde_json::Value;

use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::options::{HA_JOBMANAGER_PORT, TASKMANAGER_PORT};
use crate::object::{at, integer, list, named, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::Absence;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "liveness-probe-on-random-port",
    failure: "D7b",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A TCP liveness or startup probe of a standalone role asks for the RPC port, and Flink chooses that port at random: `taskmanager.rpc.port` is not set, or with ZooKeeper HA `high-availability.jobmanager.port` is not.",
        why: "A `containerPort` opens nothing. The probe never succeeds, and Kubernetes kills a healthy container again and again.",
        limits: "Only the RPC ports are judged: 6122 and 6123, `jobmanager.rpc.port`, and container ports called `rpc`. A port that any option sets, and a range of ports, are left alone. Native mode and the operator set both options themselves.",
        example: "kind: Deployment   # args: [taskmanager], and no taskmanager.rpc.port\n…\n        livenessProbe:\n          tcpSocket: {port: 6122}",
        fix: "Set `taskmanager.rpc.port: 6122`, or for a JobManager with ZooKeeper HA `high-availability.jobmanager.port: 6123`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let (option, default) = match view.role {
        Role::TaskManager => (TASKMANAGER_PORT, 6122),
        Role::JobManager if case.cluster.high_availability().0 == HighAvailability::ZooKeeper => {
            (HA_JOBMANAGER_PORT, 6123)
        }
        Role::JobManager => return Vec::new(),
    };
    let value = view.config.value(option, case.cluster.version);
    let Some(container) = view.pod.container().filter(|_| case.cluster.shape == Shape::Raw) else { return Vec::new() };
    if value.is_some_and(|value| value != "0") {
        return Vec::new();
    }
    let probe = ["livenessProbe", "startupProbe"].into_iter().find_map(|probe| Some((probe, port(container, probe)?)));
    let Some((probe, (number, name))) = probe.filter(|(_, port)| is_rpc(case, view, port, default)) else {
        return Vec::new();
    };
    let said = match view.config.option(option, case.cluster.version) {
        Some((key, _)) if value.is_some() => format!("`{key}` is 0"),
        _ => Absence::of(case.cluster, view, option).said,
    };
    let Some((container, _)) = view.config_path.split_last() else { return Vec::new() };
    let message = format!(
        "the probe asks for port {number} and {said}, so Flink listens on a random port and Kubernetes kills the healthy {} again and again",
        view.role
    );
    let path = container.keys(&[probe, "tcpSocket", "port"]);
    let value = Some(name.unwrap_or_else(|| number.to_string()));
    vec![Violation::at_field(path, value, message, format!("set `{option}: {number}`")).of_role(view.role)]
}

/// The TCP port that `probe` of `container` asks for, with the name that it is given by.
fn port(container: &Value, probe: &str) -> Option<(i64, Option<String>)> {
    let socket = at(container, &[probe, "tcpSocket"])?;
    if text(socket, &["host"]).is_some_and(|host| !host.is_empty()) {
        return None;
    }
    if let Some(number) = integer(socket, &["port"]) {
        return Some((number, None));
    }
    let name = text(socket, &["port"])?;
    let (_, port) = named(list(container, &["ports"]), name)?;
    Some((integer(port, &["containerPort"])?, Some(name.to_owned())))
}

/// Whether the port is meant to be the role's RPC port, and no option sets it for something else.
fn is_rpc(case: &Case<'_>, view: &RoleView, (number, name): &(i64, Option<String>), default: i64) -> bool {
    let text = number.to_string();
    let is_of_role = view.role == Role::JobManager
        && view.config.value("jobmanager.rpc.port", case.cluster.version) == Some(text.as_str());
    let is_called_so = name.as_ref().is_some_and(|name| name.to_ascii_lowercase().contains("rpc"));
    let is_another = view.config.iter().any(|(key, setting)| {
        key.contains("port")
            && key != "jobmanager.rpc.port"
            && setting.value.split([',', '-']).any(|part| part.trim() == text)
    });
    (*number == default || is_of_role || is_called_so) && !is_another
}
