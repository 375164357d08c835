//! Claims that several pods of a cluster mount.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::{Answer, FactKey};
use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::walk;
use crate::flink::pod;
use crate::inject::{Injected, Record};
use crate::object::{FieldPath, integer, list, text};
use crate::policy::finding::Role;
use crate::policy::rules::{Case, volumes};

/// A claim with the pods that mount it.
pub(super) struct Shared {
    /// Its name.
    pub(super) claim: String,
    /// Its access modes.
    pub(super) modes: Vec<String>,
    /// Who mounts it, in words: `the JobManager and the TaskManagers`.
    pub(super) users: String,
    /// Where it is mounted.
    pub(super) path: FieldPath,
}

/// The claims that more than one pod of the cluster mounts and whose access modes are known.
///
/// A claim that the policy mounts is the platform's own choice.
pub(super) fn shared(case: &Case<'_>) -> Vec<Shared> {
    let injected = LazyCell::new(|| Record::of(case.object).unwrap_or_default());
    let is_of_policy = |name: &str| {
        injected.values.iter().any(|value| matches!(value, Injected::Volume { claim, .. } if claim == name))
    };
    let mut users: BTreeMap<&str, Vec<(Role, i64)>> = BTreeMap::new();
    for view in &case.cluster.roles {
        for claim in pod::claims(&view.pod.template) {
            users.entry(claim).or_default().push((view.role, pods(case, view)));
        }
    }
    for sibling in case.siblings {
        let Some(view) = sibling.view() else { continue };
        for claim in pod::claims(&view.pod.template) {
            if let Some(users) = users.get_mut(claim) {
                users.push((view.role, replicas(&sibling.object)));
            }
        }
    }
    users
        .into_iter()
        .filter(|(_, users)| users.iter().map(|(_, pods)| pods).sum::<i64>() > 1)
        .filter_map(|(claim, users)| {
            let key = FactKey::Claim { namespace: case.namespace.to_owned(), name: claim.to_owned() };
            let Answer::Known(object) = case.facts.answer(&key) else { return None };
            if is_of_policy(claim) {
                return None;
            }
            let modes =
                list(object, &["spec", "accessModes"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            Some(Shared { claim: claim.to_owned(), modes, users: in_words(&users), path: path(case, claim) })
        })
        .collect()
}

/// At least so many pods `view` has; every cluster has a TaskManager.
fn pods(case: &Case<'_>, view: &RoleView) -> i64 {
    match (case.cluster.shape, view.role) {
        (Shape::Raw, _) => replicas(case.object),
        (Shape::FlinkDeployment { .. }, Role::JobManager) => {
            case.cluster.job_managers.as_ref().map_or(1, |(number, _)| *number)
        }
        (Shape::FlinkDeployment { .. }, Role::TaskManager) => {
            let field = |keys: &[&str]| walk(case.object, &case.spec().keys(keys)).and_then(Value::as_i64);
            field(&["taskManager", "replicas"]).unwrap_or(1).max(1)
        }
    }
}

fn replicas(object: &Value) -> i64 {
    let field = if text(object, &["kind"]) == Some("Job") { "parallelism" } else { "replicas" };
    integer(object, &["spec", field]).unwrap_or(1)
}

fn in_words(users: &[(Role, i64)]) -> String {
    let one = |(role, pods): &(Role, i64)| match (role, *pods) {
        (Role::JobManager, ..=1) => "the JobManager".to_owned(),
        (Role::JobManager, pods) => format!("{pods} JobManagers"),
        (Role::TaskManager, ..=1) => "the TaskManagers".to_owned(),
        (Role::TaskManager, pods) => format!("{pods} TaskManagers"),
    };
    users.iter().filter(|(_, pods)| *pods > 0).map(one).collect::<Vec<_>>().join(" and ")
}

/// The volume of `claim`, in the template that brings it.
pub(super) fn path(case: &Case<'_>, claim: &str) -> FieldPath {
    const FIELD: [&str; 2] = ["persistentVolumeClaim", "claimName"];
    let volume = volumes::place(case, |volume| text(volume, &FIELD) == Some(claim));
    volume.map_or_else(|| case.spec(), |volume| volume.keys(&FIELD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_without_pods_uses_no_claim() {
        assert_eq!(in_words(&[(Role::JobManager, 1), (Role::TaskManager, 0)]), "the JobManager");
    }
}
