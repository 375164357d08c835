//! The questions about rights that the rules on accounts ask.

use crate::facts::{Access, Account, FactKey};
use crate::flink::cluster::{Cluster, RoleView};
use crate::flink::rights::on_config_maps;
use crate::object::{list, name};
use crate::policy::rules::account::service_account_over_privileged::TOO_MUCH;

/// Every question about the rights of `cluster`'s accounts, which run in `namespace`.
pub(crate) fn questions(cluster: &Cluster, namespace: &str) -> impl Iterator<Item = FactKey> {
    let of_role = move |view: &RoleView| {
        let account = account_of(view, namespace);
        let verbs = on_config_maps(view.role).iter().map(|verb| config_maps(&account, verb));
        let too_much = TOO_MUCH.iter().map(|right| right.access(&account));
        let mut asked: Vec<_> = verbs.chain(too_much).collect();
        asked.push(finalizers(&account));
        asked
    };
    cluster.roles.iter().flat_map(of_role).map(FactKey::Access)
}

/// The account that the pods of `view` run under.
pub(super) fn account_of(view: &RoleView, namespace: &str) -> Account {
    let name = view.account.0.clone().unwrap_or_else(|| "default".to_owned());
    Account { namespace: namespace.to_owned(), name }
}

/// `verb` on ConfigMaps of the account's namespace.
pub(super) fn config_maps(account: &Account, verb: &'static str) -> Access {
    of_own_namespace(account, verb, "", "configmaps")
}

/// What a controller asks for before it takes an owner reference with `blockOwnerDeletion`.
pub(super) fn finalizers(account: &Account) -> Access {
    of_own_namespace(account, "update", "apps", "deployments/finalizers")
}

fn of_own_namespace(account: &Account, verb: &'static str, group: &'static str, resource: &'static str) -> Access {
    let namespace = Some(account.namespace.clone());
    Access { account: account.clone(), namespace, verb, group, resource, name: None }
}

/// Whether the pods of `view` come to the API server as somebody else.
pub(super) fn has_kubeconfig(view: &RoleView) -> bool {
    let variables = view.pod.container().map(|container| list(container, &["env"])).unwrap_or_default();
    view.config.exact("kubernetes.config.file").is_some() || variables.iter().any(|it| name(it) == Some("KUBECONFIG"))
}

/// `get`, `get and list`, `get, list and watch`.
pub(super) fn in_words(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
