//! `liveness-probe-harmful`: a probe that kills a JobManager for being busy.

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::rest;
use crate::object::{at, integer, list, named, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "liveness-probe-harmful",
    failure: "D7",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The liveness probe of a JobManager asks its REST API over HTTP, and gives up on an answer after a second, or on the JobManager within a minute.",
        why: "A JobManager that collects garbage, takes a large job or waits for the API server answers late, and without a leader it answers with 503. Killing it makes each of these worse: its jobs restart, and it does all of it again.",
        limits: "Readiness and startup probes kill nothing that runs, and TCP probes answer as long as the process does, so they are left alone. Other ports than the REST API's are not judged.",
        example: "livenessProbe:\n  httpGet: {path: /overview, port: 8081}\n  periodSeconds: 10   # and failureThreshold 3, timeoutSeconds 1 by default",
        fix: "Ask with `tcpSocket` in place of `httpGet`, `initialDelaySeconds: 30` and `periodSeconds: 60`, as Flink's own manifests do; or allow several seconds an answer and more than a minute in all.",
    },
    check,
};

/// The fewest seconds for an answer, and of failures, that a busy JobManager gets by with.
const PATIENCE: (i64, i64) = (2, 60);

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager) else { return Vec::new() };
    let Some(container) = view.pod.container() else { return Vec::new() };
    let Some(probe) = at(container, &["livenessProbe"]).filter(|probe| asks_rest(case, view, container, probe)) else {
        return Vec::new();
    };
    let seconds = |field, default| integer(probe, &[field]).filter(|number| *number > 0).unwrap_or(default);
    let timeout = seconds("timeoutSeconds", 1);
    let patience = seconds("periodSeconds", 10).saturating_mul(seconds("failureThreshold", 3));
    if timeout >= PATIENCE.0 && patience >= PATIENCE.1 {
        return Vec::new();
    }
    // The operator adds a startup probe by itself.
    let is_guarded = case.cluster.shape != Shape::Raw || at(container, &["startupProbe"]).is_some();
    let who = if is_guarded { "busy" } else { "busy or still starting" };
    let message = format!(
        "the liveness probe asks the REST API and waits {timeout} s for an answer, so a JobManager that is {who} for {patience} s is killed, and its jobs restart"
    );
    let fix = "use `tcpSocket` in place of `httpGet` and `periodSeconds: 60`, or raise `timeoutSeconds`, `periodSeconds` and `failureThreshold`".to_owned();
    let Some(path) = case.container_with(view, &["livenessProbe"]) else { return Vec::new() };
    vec![Violation::at_field(path.key("livenessProbe"), None, message, fix).of_role(view.role)]
}

/// Whether `probe` asks the REST API of its own container over HTTP.
fn asks_rest(case: &Case<'_>, view: &RoleView, container: &Value, probe: &Value) -> bool {
    let Some(get) = at(probe, &["httpGet"]).filter(|get| text(get, &["host"]).is_none_or(str::is_empty)) else {
        return false;
    };
    // Of a range any port may be taken.
    let Some(rest) = rest::port(view, case.cluster.version) else { return false };
    if let Some(number) = integer(get, &["port"]) {
        return number == rest;
    }
    let Some(name) = text(get, &["port"]) else { return false };
    match named(list(container, &["ports"]), name) {
        Some((_, port)) => integer(port, &["containerPort"]) == Some(rest),
        // Flink `Constants.REST_PORT_NAME`, which native mode and the operator give the port.
        None => case.cluster.shape != Shape::Raw && name == "rest",
    }
}
