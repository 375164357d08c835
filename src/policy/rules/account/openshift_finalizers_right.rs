//! `openshift-finalizers-right`: OpenShift refuses what native mode writes.

use crate::facts::FactKey;
use crate::flink::cluster::Shape;
use crate::policy::finding::{Level, Role};
use crate::policy::has_openshift_range;
use crate::policy::rules::account::rights::{account_of, finalizers, has_kubeconfig};
use crate::policy::rules::{Case, Page, Rule, Violation, missing};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "openshift-finalizers-right",
    failure: "A6",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "A native cluster in an OpenShift namespace (annotation `openshift.io/sa.scc.uid-range`), whose ServiceAccount may not update `deployments/finalizers`.",
        why: "In native mode the JobManager starts the TaskManagers, with an owner reference to its Deployment that blocks that one's deletion. OpenShift checks such references: `forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on`, and no TaskManager starts.",
        limits: "Other clusters check it too where the admission plugin `OwnerReferencesPermissionEnforcement` is on, which cannot be seen. Offline, Roles and bindings count as shown when the input holds one of them; what `edit` and `admin` allow beyond Kubernetes' own is unknown.",
        example: "kind: Role\nrules:\n- apiGroups: [apps]\n  resources: [deployments]   # without deployments/finalizers\n  verbs: ['*']",
        fix: "Add `deployments/finalizers` to the resources of that rule.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let namespace = case.facts.answer(&FactKey::Namespace(case.namespace.to_owned()));
    let Some(view) = case.cluster.role(Role::JobManager).filter(|view| !has_kubeconfig(view)) else {
        return Vec::new();
    };
    let is_native = case.cluster.shape == Shape::FlinkDeployment { standalone: false };
    let Some(name) = view.account.0.as_ref().filter(|_| is_native && has_openshift_range(namespace)) else {
        return Vec::new();
    };
    let key = FactKey::ServiceAccount { namespace: case.namespace.to_owned(), name: name.clone() };
    let is_forbidden = case.facts.allows(&finalizers(&account_of(view, case.namespace))) == Some(false);
    if !is_forbidden || case.facts.is_absent(&key) {
        return Vec::new();
    }
    let message = format!(
        "ServiceAccount `{name}` may not update `deployments/finalizers` in namespace `{}`, so OpenShift refuses the owner references of the TaskManagers that the JobManager starts",
        case.namespace
    );
    let fix = format!("give it a Role with `update` on `deployments/finalizers`, bound in `{}`", case.namespace);
    let fix = missing::or_made_elsewhere(case, fix);
    let violation = Violation::at_field(view.account.1.clone(), Some(name.clone()), message, fix);
    let violation = violation.of_role(Role::JobManager);
    vec![if missing::is_provisioned_account(case, name) { missing::provisioned(violation) } else { violation }]
}
