//! `service-account-over-privileged`: an account with which every job is an administrator.

use std::collections::BTreeSet;

use crate::facts::{Access, Account};
use crate::flink::deployment::makes_its_account;
use crate::policy::finding::Level;
use crate::policy::rules::account::rights::{account_of, in_words};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "service-account-over-privileged",
    failure: "A9",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The ServiceAccount of a cluster may, in every namespace, read Secrets, run commands in pods, or start pods and Deployments.",
        why: "A job runs its author's code with the account's token, and who reaches the REST port may submit one. Guides bind `edit` or `cluster-admin` with a ClusterRoleBinding since that is one command, and with it every job may take over the cluster.",
        limits: "Rights in the account's own namespace are not judged: native mode starts pods there. What a ClusterRole allows that is not in the input is unknown, but for `cluster-admin`, `admin`, `edit` and `view`.",
        example: "kind: ClusterRoleBinding\nsubjects: [{kind: ServiceAccount, name: flink, namespace: shop}]\nroleRef: {kind: ClusterRole, name: edit}",
        fix: "Bind a Role with what Flink needs, in the namespace of the cluster: ConfigMaps for Kubernetes HA, and pods and Deployments for native mode.",
    },
    check,
};

/// A right that no job should have in every namespace.
pub(super) struct Right {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    /// In words, behind "may".
    words: &'static str,
}

impl Right {
    /// The question whether `account` has it.
    pub(super) fn access(&self, account: &Account) -> Access {
        let Self { verb, group, resource, .. } = *self;
        Access { account: account.clone(), namespace: None, verb, group, resource, name: None }
    }
}

/// The widest first; those with the same words say the same.
pub(super) const TOO_MUCH: &[Right] = &[
    Right { verb: "*", group: "*", resource: "*", words: EVERYTHING },
    Right { verb: "get", group: "", resource: "secrets", words: "read every Secret" },
    Right { verb: "list", group: "", resource: "secrets", words: "read every Secret" },
    Right { verb: "create", group: "", resource: "pods/exec", words: "run commands in every pod" },
    Right { verb: "create", group: "", resource: "pods", words: "start pods in every namespace" },
    Right { verb: "create", group: "apps", resource: "deployments", words: "start pods in every namespace" },
];

const EVERYTHING: &str = "do everything";

fn check(case: &Case<'_>) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    for view in &case.cluster.roles {
        let is_known = view.account.0.is_some() || !makes_its_account(case.object, &case.spec());
        let account = account_of(view, case.namespace);
        if !is_known || !seen.insert(account.clone()) {
            continue;
        }
        let mut words: Vec<&str> = Vec::new();
        for right in TOO_MUCH.iter().filter(|right| case.facts.allows(&right.access(&account)) == Some(true)) {
            if !words.contains(&right.words) && words.first() != Some(&EVERYTHING) {
                words.push(right.words);
            }
        }
        if words.is_empty() {
            continue;
        }
        let message = format!(
            "ServiceAccount `{}` has rights in the whole Kubernetes cluster: it may {}, and so may every job that runs here",
            account.name,
            in_words(&words)
        );
        let fix = format!(
            "bind it to a Role in `{}` with what Flink needs there, and to no ClusterRole by a ClusterRoleBinding",
            case.namespace
        );
        let value = Some(account.name);
        violations.push(Violation::at_field(view.account.1.clone(), value, message, fix));
    }
    violations
}
