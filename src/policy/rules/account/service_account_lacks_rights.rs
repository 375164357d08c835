//! `service-account-lacks-rights`: an account that may not do what Kubernetes HA does.

use crate::facts::{Account, Answer, FactKey};
use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::options::KUBERNETES_NAMESPACE;
use crate::flink::rights::{on_config_maps, renews_with_patch};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::account::rights::{account_of, config_maps, has_kubeconfig, in_words};
use crate::policy::rules::{Case, Page, Rule, Violation, missing};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "service-account-lacks-rights",
    failure: "A3",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "With Kubernetes HA, the ServiceAccount of the JobManager may not get, list, watch, create, update, patch and delete ConfigMaps of its namespace, or that of the TaskManagers may not list and watch them.",
        why: "Without them JobManagers end with `cannot list resource \"configmaps\"`, exit code 1 (executed with 2.3.0), and TaskManagers never find their leader. `patch`, which the Role in Flink's documentation lacks, is used from 1.18 on to renew the leader's lock: the first JobManager seems to be healthy, and every later one says `cannot patch resource \"configmaps\"` for ever and never becomes leader (executed with 1.20.5 and 2.3.0).",
        limits: "Offline, Roles and bindings count as shown when the input holds one of them. A ClusterRole that it does not hold, an aggregated one, and rules with `resourceNames` are unknown, and nothing is said. `patch` is a warning at most where the Flink version is unknown.",
        example: "kind: Role\nrules:\n- apiGroups: ['']\n  resources: [configmaps]\n  verbs: [get, create, delete, update, list, watch]   # no patch",
        fix: "Add the verbs to the Role, or bind one that has them.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.high_availability().0 != HighAvailability::Kubernetes || is_in_another_namespace(case) {
        return Vec::new();
    }
    let mut violations: Vec<Violation> = Vec::new();
    for view in &case.cluster.roles {
        // Without an account, or with one that is not there, that is what is said of it.
        let Some(name) = view.account.0.as_ref().filter(|_| !has_kubeconfig(view)) else { continue };
        let key = FactKey::ServiceAccount { namespace: case.namespace.to_owned(), name: name.clone() };
        let is_known = violations.iter().any(|known| known.value.as_ref() == Some(name));
        if !is_known && !case.facts.is_absent(&key) {
            violations.extend(lacking(case, view));
        }
    }
    violations
}

/// What the account of `view` lacks.
fn lacking(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let account = account_of(view, case.namespace);
    let patches = renews_with_patch(case.cluster.version);
    let forbidden = |verb: &&'static str| case.facts.allows(&config_maps(&account, verb)) == Some(false);
    let needed = on_config_maps(view.role).iter().filter(|verb| **verb != "patch" || patches != Some(false));
    let lacks: Vec<&'static str> = needed.copied().filter(forbidden).collect();
    let first = lacks.first()?;
    let message = format!(
        "ServiceAccount `{}` may not {} ConfigMaps in namespace `{}`{}, so {}",
        account.name,
        in_words(&lacks),
        case.namespace,
        cause(case, &account, first),
        harm(view.role, &lacks)
    );
    let wanted = on_config_maps(view.role).join(", ");
    let fix = format!("give it a Role with `{wanted}` on `configmaps`, bound in `{}`", case.namespace);
    let fix = missing::or_made_elsewhere(case, fix);
    let violation = Violation::at_field(view.account.1.clone(), Some(account.name.clone()), message, fix);
    let violation = violation.of_role(view.role);
    Some(if missing::is_provisioned_account(case, &account.name) {
        missing::provisioned(violation)
    } else if lacks == ["patch"] && patches.is_none() {
        violation.uncertain()
    } else {
        violation
    })
}

/// Whether the HA ConfigMaps are to be kept in another namespace than the pods', which another rule says. Where nothing is
/// said of it they belong into that of the pods.
fn is_in_another_namespace(case: &Case<'_>) -> bool {
    let view = case.cluster.leading().filter(|_| case.cluster.shape == Shape::Raw);
    let configured = view.and_then(|view| view.config.value(KUBERNETES_NAMESPACE, case.cluster.version));
    configured.is_some_and(|namespace| namespace.trim() != case.namespace)
}

fn harm(role: Role, lacks: &[&str]) -> &'static str {
    match (role, lacks) {
        (Role::TaskManager, _) => "the TaskManagers never find their JobManager",
        (Role::JobManager, ["patch"]) => {
            "from Flink 1.18 on the leader's lock cannot be renewed, and no JobManager after the first becomes leader"
        }
        (Role::JobManager, ["delete"]) => "HA metadata of jobs that have ended stays for ever",
        (Role::JobManager, _) => "the JobManager cannot keep its HA metadata, and ends",
    }
}

/// Why the account may not `verb`, where it is the input's author who reads it.
fn cause(case: &Case<'_>, account: &Account, verb: &'static str) -> String {
    match case.facts.answer(&FactKey::Access(config_maps(account, verb))) {
        Answer::Forbidden(Some(why)) if !case.facts.is_live() => format!(" ({why})"),
        _ => String::new(),
    }
}
