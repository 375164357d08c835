//! `run-as-user-missing`: the pod must not run as root, and nothing says as whom it runs.

use serde_json::Value;

use crate::facts::{Answer, FactKey};
use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::{field, walk};
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::raw;
use crate::flink::user;
use crate::object::{FieldPath, at, list, named};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "run-as-user-missing",
    failure: "B10",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "`runAsNonRoot: true` on the pod or on its Flink container, an official image, and no `runAsUser`.",
        why: "Official images up to Flink 2.1 start as root and become user 9999 themselves, later ones name their user by a word. The kubelet creates neither: `CreateContainerConfigError: container has runAsNonRoot and image will run as root`.",
        limits: "Only official images and the policy's `images.stock` are judged: another image may have a numeric user. In namespaces with an OpenShift uid range the cluster sets the user itself.",
        example: "spec:\n  image: flink:1.20.1\n  podTemplate:\n    spec:\n      securityContext: {runAsNonRoot: true}",
        fix: "Set `runAsUser: 9999` and `runAsGroup: 9999` in the pod's `securityContext`; the completing remedy does so.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let namespace = case.facts.answer(&FactKey::Namespace(case.namespace.to_owned()));
    if crate::policy::has_openshift_range(namespace) {
        return Vec::new();
    }
    let may_have_range = case.facts.is_live() && matches!(namespace, Answer::Unknown(_));
    let mut violations: Vec<Violation> = Vec::new();
    let mirrors = &case.policy.spec.images.stock;
    for view in case.cluster.roles.iter().filter(|view| view.is_stock(mirrors) && user::is_missing(&view.pod)) {
        let path = path(case, view);
        if violations.iter().any(|known| known.path == path) {
            continue;
        }
        let message = format!(
            "this forbids root and nothing names a numeric user for the {}, whose image has none of its own, so the kubelet does not create the container (`CreateContainerConfigError`)",
            view.role
        );
        let fix = "set `runAsUser: 9999` and `runAsGroup: 9999`, the image's user `flink`, beside it".to_owned();
        let violation = Violation::at_field(path, Some("true".to_owned()), message, fix).of_role(view.role);
        violations.push(if may_have_range { violation.uncertain() } else { violation });
    }
    violations
}

/// Where `runAsNonRoot` stands: on the container or on the pod, in the role's template or in the common one.
fn path(case: &Case<'_>, view: &RoleView) -> FieldPath {
    const FIELD: [&str; 2] = ["securityContext", "runAsNonRoot"];
    let spec = case.spec();
    let templates = match case.cluster.shape {
        Shape::Raw => vec![FieldPath::of(&raw::TEMPLATE)],
        Shape::FlinkDeployment { .. } => {
            vec![spec.key(field(view.role)).key("podTemplate"), spec.key("podTemplate")]
        }
    };
    let of_container = |template: &FieldPath| {
        let body = walk(case.object, &template.key("spec"))?;
        let containers = list(body, &["containers"]);
        let index = match case.cluster.shape {
            Shape::Raw => view.pod.main?,
            Shape::FlinkDeployment { .. } => named(containers, MAIN_CONTAINER)?.0,
        };
        at(containers.get(index)?, &FIELD)?;
        Some(template.keys(&["spec", "containers"]).index(index).keys(&FIELD))
    };
    let of_pod = |template: &FieldPath| {
        let path = template.key("spec").keys(&FIELD);
        walk(case.object, &path).and_then(Value::as_bool)?;
        Some(path)
    };
    templates
        .iter()
        .find_map(of_container)
        .or_else(|| templates.iter().find_map(of_pod))
        .unwrap_or_else(|| templates.last().cloned().unwrap_or_default().keys(&["spec", "securityContext"]))
}
