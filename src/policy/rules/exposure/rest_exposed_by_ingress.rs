//! `rest-exposed-by-ingress`: a REST API behind an Ingress that asks for no credentials.

use std::sync::Arc;

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::cluster::Shape;
use crate::flink::deployment::{cluster_ids, walk};
use crate::object::{FieldPath, at, integer, list, name, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::exposure::rest::{Way, annotations, harm, may_be_internal, place, rest};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "rest-exposed-by-ingress",
    failure: "E2",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "An Ingress leads to the JobManager's REST port, the `spec.ingress` of a FlinkDeployment or one of the author's own, and none of its annotations asks for credentials or limits who may come.",
        why: "Flink's REST API asks nobody who they are. Who reaches that of a session cluster may upload a jar and run it in the cluster's pods, with their ServiceAccount and their credentials; an application takes no jars, its job can be cancelled and its configuration read.",
        limits: "Annotations that speak of authentication, of allowed sources, of middlewares, plugins and policies, or of an internal address are taken to guard it, and so is a class whose name says internal. What the Ingress controller does by default is not known, so this is a warning. The offline commands see the Ingresses that they are given; a review does not list them yet.",
        example: "kind: FlinkDeployment\nspec:\n  ingress:\n    template: flink.example.com/{{namespace}}/{{name}}\n    className: nginx   # and no nginx.ingress.kubernetes.io/auth-url",
        fix: "Let the Ingress ask for credentials, with ingress-nginx by `nginx.ingress.kubernetes.io/auth-url` or `auth-type`; or put a proxy that does before the Service.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(rest) = rest(case) else { return Vec::new() };
    let own = || {
        let Shape::FlinkDeployment { .. } = case.cluster.shape else { return None };
        let path = case.spec().key("ingress");
        let ingress = walk(case.object, &path).filter(|ingress| ingress.is_object())?;
        let class = text(ingress, &["className"]);
        (!is_guarded(&annotations(ingress, &["annotations"]), class))
            .then(|| violation(case, path, "the Ingress that the operator makes"))
    };
    let ways = rest.ways(case);
    let others = case.facts.list(Listed::Ingresses, case.namespace).iter();
    let other = others
        .filter(|ingress| leads_to(ingress, &ways, case))
        .find_map(|ingress| unguarded(ingress))
        .map(|name| violation(case, place(case), &format!("Ingress `{name}`")));
    own().into_iter().chain(other).collect()
}

fn violation(case: &Case<'_>, path: FieldPath, who: &str) -> Violation {
    let message = format!(
        "{who} leads to the REST API and asks for no credentials, so who reaches it {}: the API asks nobody who they are",
        harm(case)
    );
    let fix = "let the Ingress ask for credentials, as in `nginx.ingress.kubernetes.io/auth-url`, or put a proxy that does before the Service".to_owned();
    Violation::at_field(path, None, message, fix).of_role(Role::JobManager)
}

/// The name of `ingress`, where nothing guards it.
fn unguarded(ingress: &Arc<Value>) -> Option<&str> {
    let name = ingress.get("metadata").and_then(name)?;
    let class = text(ingress, &["spec", "ingressClassName"]);
    (!is_guarded(&annotations(ingress, &["metadata", "annotations"]), class)).then_some(name)
}

/// Whether annotations or the class of an Ingress limit who may come, or may do so.
fn is_guarded(annotations: &[(String, String)], class: Option<&str>) -> bool {
    const WORDS: [&str; 11] = [
        "auth",
        "whitelist",
        "allowlist",
        "allow-list",
        "source-range",
        "inbound-cidrs",
        "middleware",
        "plugin",
        "policy",
        "policies",
        "waf",
    ];
    let says = |key: &str| WORDS.iter().any(|word| key.to_ascii_lowercase().contains(word));
    annotations.iter().any(|(key, value)| says(key) && !value.is_empty())
        || may_be_internal(annotations.iter().cloned())
        || class.is_some_and(|class| ["internal", "private", "tailscale"].iter().any(|word| class.contains(word)))
}

/// Whether a backend of `ingress` is one of `ways`, or the Service that native mode and the operator make for the REST API.
fn leads_to(ingress: &Value, ways: &[Way<'_>], case: &Case<'_>) -> bool {
    let rules = list(ingress, &["spec", "rules"]).iter().flat_map(|rule| list(rule, &["http", "paths"]));
    let backends = rules.filter_map(|path| at(path, &["backend", "service"]));
    let default = at(ingress, &["spec", "defaultBackend", "service"]);
    let ids = if case.cluster.shape == Shape::Raw { Vec::new() } else { cluster_ids(case.object) };
    let is_made = |service: &str| ids.iter().any(|id| service.strip_suffix("-rest") == Some(id));
    backends.chain(default).any(|backend| {
        let Some(service) = text(backend, &["name"]) else { return false };
        let is_way = |way: &Way<'_>| {
            way.name == service
                && (text(backend, &["port", "name"]).is_some_and(|port| text(way.port, &["name"]) == Some(port))
                    || integer(backend, &["port", "number"])
                        .is_some_and(|port| integer(way.port, &["port"]) == Some(port)))
        };
        is_made(service) || ways.iter().any(is_way)
    })
}
