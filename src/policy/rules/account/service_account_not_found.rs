//! `service-account-not-found`: pods that nobody may create, since their account is not there.

use crate::facts::FactKey;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, missing};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "service-account-not-found",
    failure: "A4",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The ServiceAccount that a cluster names does not exist in its namespace, or not yet.",
        why: "No pod is created until it does: `FailedCreate … serviceaccount \"flink\" not found` stands on the ReplicaSet, and a FlinkDeployment stays `DEPLOYING`. The operator's chart makes the account in the namespaces that it watches from the start, and in no other.",
        limits: "It may be applied a moment later. Offline an account is missing only where the input holds other ServiceAccounts; `default` is everywhere.",
        example: "spec:\n  serviceAccount: flink   # which is in namespace flink-operator, and not here",
        fix: "Create it in the namespace of the cluster, with its Role and RoleBinding, or name one that is there.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for view in &case.cluster.roles {
        let Some(name) = &view.account.0 else { continue };
        let key = FactKey::ServiceAccount { namespace: case.namespace.to_owned(), name: name.clone() };
        if !case.facts.is_absent(&key) || violations.iter().any(|known| known.value.as_ref() == Some(name)) {
            continue;
        }
        let message = format!("ServiceAccount `{name}` does not exist (yet), and until it does no pod is created");
        let fix = format!("create it in namespace `{}`, or name one that is there", case.namespace);
        let fix = missing::or_made_elsewhere(case, fix);
        let violation = Violation::at_field(view.account.1.clone(), Some(name.clone()), message, fix);
        let violation = violation.of_role(view.role);
        violations.push(if missing::is_provisioned_account(case, name) {
            missing::provisioned(violation)
        } else {
            violation
        });
    }
    violations
}
