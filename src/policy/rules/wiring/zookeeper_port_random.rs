//! `zookeeper-port-random`: a JobManager on a random port behind something that lets only certain ports through.

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::defaults;
use crate::flink::options::{HA_JOBMANAGER_PORT, JOBMANAGER_ADDRESS};
use crate::object::{at, integer, list, map, name, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "zookeeper-port-random",
    failure: "C18b",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone cluster with ZooKeeper HA leaves `high-availability.jobmanager.port` unset, and a NetworkPolicy or the Service that is its address lets only certain ports through.",
        why: "Under ZooKeeper HA the JobManager binds a random port and not `jobmanager.rpc.port`. TaskManagers learn it from ZooKeeper and are not let through.",
        limits: "NetworkPolicies and Services are only seen where the input holds them. A rule without ports, or with a range of ports, is taken to let the port through.",
        example: "high-availability.type: zookeeper      # and no high-availability.jobmanager.port\nkind: NetworkPolicy                    # lets 6123 in",
        fix: "Set `high-availability.jobmanager.port: 6123` and let that port through.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.role(Role::JobManager).filter(|_| cluster.shape == Shape::Raw) else { return Vec::new() };
    let is_fixed =
        view.config.value(HA_JOBMANAGER_PORT, cluster.version).is_some_and(|port| port != defaults::HA_JOBMANAGER_PORT);
    if cluster.high_availability().0 != HighAvailability::ZooKeeper || is_fixed || view.unknown.is_some() {
        return Vec::new();
    }
    let address = view.config.value(JOBMANAGER_ADDRESS, cluster.version);
    let policies = case.facts.list(Listed::NetworkPolicies, case.namespace).iter();
    let services = case.facts.list(Listed::Services, case.namespace).iter();
    let policy = policies
        .filter(|policy| selects(at(policy, &["spec", "podSelector"]), &view.pod.template) && names_its_ports(policy))
        .find_map(|policy| Some(format!("NetworkPolicy `{}`", policy.get("metadata").and_then(name)?)));
    let service = services
        .filter_map(|service| service.get("metadata").and_then(name).map(|name| (name, service)))
        .filter(|(name, _)| {
            address.is_some_and(|address| address == *name || is_name_of(address, name, case.namespace))
        })
        .find(|(_, service)| text(service, &["spec", "clusterIP"]) != Some("None"))
        .map(|(name, _)| format!("Service `{name}`, which is its address,"));
    let Some(barrier) = policy.or(service) else { return Vec::new() };
    let path = view
        .config
        .exact(HA_JOBMANAGER_PORT)
        .map_or_else(|| view.config_path.key(HA_JOBMANAGER_PORT), |port| port.path.clone());
    let message = format!(
        "`{HA_JOBMANAGER_PORT}` is not set, so under ZooKeeper HA the JobManager binds a random port, and {barrier} lets only certain ports through: TaskManagers do not reach it"
    );
    let fix = format!("set `{HA_JOBMANAGER_PORT}: 6123` and let that port through");
    vec![Violation::at_field(path, None, message, fix).of_role(Role::JobManager)]
}

/// Whether a label selector matches the labels of `template`; an expression that is not understood does not.
fn selects(selector: Option<&Value>, template: &Value) -> bool {
    let Some(selector) = selector else { return true };
    let label = |key: &str| text(template, &["metadata", "labels", key]);
    let labels = map(selector, &["matchLabels"]).into_iter().flatten();
    let expression = |expression: &Value| {
        let Some(key) = text(expression, &["key"]) else { return false };
        let holds = |value: Option<&str>| {
            value.is_some_and(|value| list(expression, &["values"]).iter().any(|one| one == value))
        };
        match text(expression, &["operator"]) {
            Some("In") => holds(label(key)),
            Some("NotIn") => !holds(label(key)),
            Some("Exists") => label(key).is_some(),
            Some("DoesNotExist") => label(key).is_none(),
            _ => false,
        }
    };
    labels.into_iter().all(|(key, value)| label(key) == value.as_str())
        && list(selector, &["matchExpressions"]).iter().all(expression)
}

/// Whether every way into the pods of a NetworkPolicy names single ports. Source: Kubernetes `NetworkPolicyIngressRule`.
fn names_its_ports(policy: &Value) -> bool {
    let types = list(policy, &["spec", "policyTypes"]);
    let is_of_ingress = types.is_empty() || types.iter().any(|kind| kind == "Ingress");
    let is_single = |port: &Value| at(port, &["port"]).is_some() && integer(port, &["endPort"]).is_none();
    let names_ports = |rule: &Value| {
        let ports = list(rule, &["ports"]);
        !ports.is_empty() && ports.iter().all(is_single)
    };
    is_of_ingress && list(policy, &["spec", "ingress"]).iter().all(names_ports)
}

/// Whether `address` is a longer name of the Service `name`: `name.namespace`, `name.namespace.svc.cluster.local`.
fn is_name_of(address: &str, name: &str, namespace: &str) -> bool {
    let rest = address
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_prefix(namespace));
    rest.is_some_and(|rest| rest.is_empty() || rest == ".svc" || rest.starts_with(".svc."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_selects_pods_by_labels_and_expressions() {
        let template = json!({"metadata": {"labels": {"app": "engine"}}});
        for (key, operator, values, expected) in [
            ("app", "In", vec!["other", "engine"], true),
            ("app", "In", vec!["other"], false),
            ("tier", "In", vec!["other"], false),
            ("app", "NotIn", vec!["other"], true),
            ("app", "NotIn", vec!["engine"], false),
            ("tier", "NotIn", vec!["other"], true),
            ("app", "Exists", vec![], true),
            ("tier", "Exists", vec![], false),
            ("app", "DoesNotExist", vec![], false),
            ("tier", "DoesNotExist", vec![], true),
            ("app", "Like", vec!["engine"], false),
        ] {
            let selector = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            assert_eq!(selects(Some(&selector), &template), expected, "{selector}");
        }
        assert!(selects(None, &template) && selects(Some(&json!({})), &template));
        assert!(!selects(Some(&json!({"matchLabels": {"app": "engine", "tier": "x"}})), &template));
    }

    #[test]
    fn only_a_policy_on_what_comes_in_names_its_ports() {
        for (types, expected) in [(vec![], true), (vec!["Ingress", "Egress"], true), (vec!["Egress"], false)] {
            let policy = json!({"spec": {"policyTypes": types, "ingress": [{"ports": [{"port": 6123}]}]}});
            assert_eq!(names_its_ports(&policy), expected, "{policy}");
        }
    }

    #[test]
    fn a_service_has_longer_names() {
        for (address, expected) in [
            ("jm.plants", true),
            ("jm.plants.svc", true),
            ("jm.plants.svc.cluster.local", true),
            ("jm", false),
            ("jm-2.plants", false),
            ("jm.plants-2", false),
            ("jm.plants.svc2", false),
            ("jm.other.svc", false),
        ] {
            assert_eq!(is_name_of(address, "jm", "plants"), expected, "{address}");
        }
    }
}
