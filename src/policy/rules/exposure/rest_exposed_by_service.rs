//! `rest-exposed-by-service`: a REST API that everybody reaches who reaches a node or a load balancer.

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::cluster::Shape;
use crate::object::{at, list, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::exposure::rest::{Rest, Way, annotations, harm, may_be_internal, place, rest};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "rest-exposed-by-service",
    failure: "E1",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The JobManager's REST port is reachable from outside of the Kubernetes cluster: a Service of type `NodePort` or `LoadBalancer`, or with `externalIPs`, selects its pods, or `kubernetes.rest-service.exposed.type` makes Flink's own Service one.",
        why: "Flink's REST API asks nobody who they are. Who reaches that of a session cluster may upload a jar and run it in the cluster's pods, with their ServiceAccount and their credentials; exposed Flink clusters are searched for and taken over. An application takes no jars; its job can be cancelled, and its configuration read.",
        limits: "Load balancers with `loadBalancerSourceRanges` or an annotation that says internal are left alone, and so is an API that asks for certificates (`security.ssl.rest.authentication-enabled`). Where NetworkPolicies are in the input, or a `loadBalancerClass` is named, it is a warning at most. The offline commands see the Services that they are given; a review does not list them yet.",
        example: "kind: FlinkDeployment\nspec:\n  flinkConfiguration:\n    kubernetes.rest-service.exposed.type: LoadBalancer",
        fix: "Make the Service a `ClusterIP` and reach it with `kubectl port-forward`, or by an Ingress or a proxy that asks for credentials; or limit the load balancer to private networks.",
    },
    check,
};

const EXPOSED_TYPE: &str = "kubernetes.rest-service.exposed.type";
const SERVICE_ANNOTATIONS: &str = "kubernetes.rest-service.annotations";

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(rest) = rest(case) else { return Vec::new() };
    by_option(case, &rest).into_iter().chain(by_service(case, &rest)).collect()
}

/// Source: Flink `KubernetesConfigOptions.REST_SERVICE_EXPOSED_TYPE`, which native mode and the operator read.
fn by_option(case: &Case<'_>, rest: &Rest<'_>) -> Option<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return None };
    let setting = rest.view.config.exact(EXPOSED_TYPE)?;
    let kind = ["NodePort", "LoadBalancer"].into_iter().find(|kind| setting.value.trim().eq_ignore_ascii_case(kind))?;
    let own = rest.view.config.value(SERVICE_ANNOTATIONS, case.cluster.version).unwrap_or_default();
    let pairs = own.split(',').filter_map(|pair| pair.split_once(':'));
    if may_be_internal(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))) {
        return None;
    }
    let message = format!(
        "Flink makes its REST Service a {kind}, so who reaches {} {}: the API asks nobody who they are",
        reached(kind),
        harm(case)
    );
    let fix = format!("remove `{EXPOSED_TYPE}`, and use `kubectl port-forward` or a proxy that asks for credentials");
    Some(Violation::at_setting(setting, message, fix).of_role(Role::JobManager))
}

fn by_service(case: &Case<'_>, rest: &Rest<'_>) -> Option<Violation> {
    let (way, kind) =
        rest.ways(case).into_iter().find_map(|way| Some((exposed(way.service)?, way))).map(|(k, w)| (w, k))?;
    let Way { name, service, .. } = way;
    let message = format!(
        "Service `{name}` {kind} leads to the REST API, so who reaches {} {}: the API asks nobody who they are",
        reached(kind),
        harm(case)
    );
    let fix = format!(
        "make Service `{name}` a ClusterIP and use `kubectl port-forward` or a proxy that asks for credentials, or limit it to private networks"
    );
    let violation = Violation::at_field(place(case), None, message, fix).of_role(Role::JobManager);
    let is_guarded = !case.facts.list(Listed::NetworkPolicies, case.namespace).is_empty()
        || text(service, &["spec", "loadBalancerClass"]).is_some()
        || rest.view.unknown.is_some();
    Some(if is_guarded { violation.uncertain() } else { violation })
}

/// By what `service` is reachable from outside, in words; `None` where it is not, or not from everywhere.
fn exposed(service: &Value) -> Option<&'static str> {
    let kind = match text(service, &["spec", "type"]) {
        Some("NodePort") => "of type NodePort",
        Some("LoadBalancer") => "of type LoadBalancer",
        _ if !list(service, &["spec", "externalIPs"]).is_empty() => "with `externalIPs`",
        _ => return None,
    };
    let ranges = list(service, &["spec", "loadBalancerSourceRanges"]);
    let is_limited = !ranges.is_empty() && !ranges.iter().any(|range| *range == "0.0.0.0/0" || *range == "::/0");
    let is_internal = may_be_internal(annotations(service, &["metadata", "annotations"]).into_iter());
    let is_balanced = at(service, &["spec", "type"]).is_some_and(|kind| *kind == "LoadBalancer");
    (!(is_balanced && (is_limited || is_internal))).then_some(kind)
}

/// What has to be reached, in words.
fn reached(kind: &str) -> &'static str {
    match kind {
        "of type NodePort" | "NodePort" => "a node",
        "with `externalIPs`" => "one of the addresses",
        _ => "the load balancer",
    }
}
