//! `kubernetes-namespace-foreign`: HA ConfigMaps in somebody else's namespace.

use crate::flink::location::has_placeholder;
use crate::flink::options::KUBERNETES_NAMESPACE;
use crate::object::text;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::raw_with_kubernetes_ha;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "kubernetes-namespace-foreign",
    failure: "A5b",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone cluster with Kubernetes HA sets `kubernetes.namespace` to another namespace than its own.",
        why: "The HA ConfigMaps are kept there. Mostly the configuration was copied: the ServiceAccount has no rights in that namespace and the JobManager ends, or two clusters of one id take each other's leadership and jobs.",
        limits: "Rights in the other namespace may have been given on purpose. Placeholders and variables are not judged, nor offline an object that names no namespace while none is given by `--namespace`.",
        example: "kind: ConfigMap\nmetadata: {namespace: ward-b}\ndata:\n  flink-conf.yaml: |\n    kubernetes.namespace: ward-a",
        fix: "Set `kubernetes.namespace` to the namespace that the pods run in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = raw_with_kubernetes_ha(case).filter(|_| is_namespace_known(case)) else { return Vec::new() };
    let Some((_, setting)) = view.config.option(KUBERNETES_NAMESPACE, case.cluster.version) else { return Vec::new() };
    let named = setting.trimmed();
    if named.is_empty() || named == case.namespace || has_placeholder(named) {
        return Vec::new();
    }
    let message = format!(
        "the HA ConfigMaps are kept in the namespace `{named}` although the pods run in `{}`, without rights there or among other clusters",
        case.namespace
    );
    let fix = format!("set `{KUBERNETES_NAMESPACE}: {}`", case.namespace);
    let violation = Violation::at_setting(setting, message, fix).of_role(view.role).settled_by_value(case.namespace);
    vec![if view.unknown.is_none() { violation } else { violation.uncertain() }]
}

/// Whether the object's namespace is one that it will have: offline `default` may stand for none.
fn is_namespace_known(case: &Case<'_>) -> bool {
    case.facts.is_live() || case.namespace != "default" || text(case.object, &["metadata", "namespace"]).is_some()
}
