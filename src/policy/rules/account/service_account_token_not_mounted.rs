//! `service-account-token-not-mounted`: Kubernetes HA without a way to the API server.

use serde_json::Value;

use crate::facts::{Answer, FactKey};
use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::deployment::makes_its_account;
use crate::flink::pod::Backing;
use crate::object::{FieldPath, at, list};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "service-account-token-not-mounted",
    failure: "A7",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "With Kubernetes HA, `automountServiceAccountToken` is false on the pod, or on the ServiceAccount with the pod silent, and no projected volume brings a token.",
        why: "JobManager and TaskManagers talk to the API server to elect and to find the leader. Without a token they cannot, and end.",
        limits: "A kubeconfig (`KUBECONFIG`, `kubernetes.config.file`) or a volume that we cannot see into may bring another way; then nothing is said.",
        example: "spec:\n  podTemplate:\n    spec:\n      automountServiceAccountToken: false",
        fix: "Remove `automountServiceAccountToken: false`, or mount a projected `serviceAccountToken`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.high_availability().0 != HighAvailability::Kubernetes {
        return Vec::new();
    }
    let mut violations: Vec<Violation> = Vec::new();
    for view in &case.cluster.roles {
        if has_other_way(view) {
            continue;
        }
        let account = view.account.0.as_deref().unwrap_or("default");
        let (subject, path, value) = match at(&view.pod.template, &["spec", "automountServiceAccountToken"]) {
            Some(Value::Bool(false)) => ("the pod gets".to_owned(), pod_path(case, view), "false"),
            None if account_is_off(case, view) => {
                (format!("ServiceAccount `{account}` gives its pods"), view.account.1.clone(), account)
            }
            _ => continue,
        };
        if violations.iter().any(|known| known.path == path) {
            continue;
        }
        let message = format!(
            "{subject} no token (`automountServiceAccountToken: false`) and none is projected, so the {} cannot reach the API server, which Kubernetes HA needs",
            view.role
        );
        let fix = "set `automountServiceAccountToken: true` on the pod, or mount a projected `serviceAccountToken`"
            .to_owned();
        violations.push(Violation::at_field(path, Some(value.to_owned()), message, fix).of_role(view.role));
    }
    violations
}

/// A token by a projected volume, a kubeconfig, or a volume of a kind that may hold one.
fn has_other_way(view: &RoleView) -> bool {
    let volumes = list(&view.pod.template, &["spec", "volumes"]);
    let projected = volumes.iter().any(|volume| {
        volume.get("csi").is_some()
            || list(volume, &["projected", "sources"]).iter().any(|source| source.get("serviceAccountToken").is_some())
    });
    let kubeconfig = view.config.exact("kubernetes.config.file").is_some()
        || view.pod.container().is_some_and(|container| {
            list(container, &["env"]).iter().any(|variable| crate::object::name(variable) == Some("KUBECONFIG"))
                || !list(container, &["envFrom"]).is_empty()
        });
    let mounted = view.pod.backing("/var/run/secrets/kubernetes.io/serviceaccount/token") != Backing::Container;
    projected || kubeconfig || mounted
}

fn account_is_off(case: &Case<'_>, view: &RoleView) -> bool {
    let spec = case.spec();
    if view.account.0.is_none() && makes_its_account(case.object, &spec) {
        return false;
    }
    let name = view.account.0.clone().unwrap_or_else(|| "default".to_owned());
    let key = FactKey::ServiceAccount { namespace: case.namespace.to_owned(), name };
    matches!(case.facts.answer(&key), Answer::Known(account)
        if at(account, &["automountServiceAccountToken"]) == Some(&Value::Bool(false)))
}

/// Where the field stands: in the role's template, else in the common one.
fn pod_path(case: &Case<'_>, view: &RoleView) -> FieldPath {
    const FIELD: [&str; 3] = ["podTemplate", "spec", "automountServiceAccountToken"];
    if case.cluster.shape == Shape::Raw {
        return FieldPath::of(&["spec", "template", "spec", "automountServiceAccountToken"]);
    }
    let spec = case.spec();
    let of_role = spec.key(crate::flink::deployment::field(view.role)).keys(&FIELD);
    if crate::flink::deployment::walk(case.object, &of_role).is_some() { of_role } else { spec.keys(&FIELD) }
}
