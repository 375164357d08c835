//! The ClusterRoles that every cluster has, as far as Flink's questions go.
//!
//! Read from a kube-apiserver 1.34 (`system:aggregate-to-view`, `-edit`, `-admin` and `cluster-admin`). `view`, `edit` and
//! `admin` are aggregated: what is not here may have been added.

use crate::facts::Access;

/// Whether the ClusterRole called `name` allows `access`; `None` where Kubernetes brings no such role.
pub(super) fn grant(name: &str, access: &Access) -> Option<bool> {
    let roles: &[&[Rule]] = match name {
        "cluster-admin" => return Some(true),
        "view" => &[VIEW],
        "edit" => &[VIEW, EDIT],
        "admin" => &[VIEW, EDIT, ADMIN],
        _ => return None,
    };
    let allows = |rule: &Rule| {
        rule.group == access.group && rule.resources.contains(&access.resource) && rule.verbs.contains(&access.verb)
    };
    Some(roles.iter().copied().flatten().any(allows))
}

struct Rule {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

const VIEW: &[Rule] = &[
    Rule {
        group: "",
        resources: &["configmaps", "persistentvolumeclaims", "pods", "pods/log", "serviceaccounts", "services"],
        verbs: READ,
    },
    Rule { group: "apps", resources: &["deployments", "replicasets", "statefulsets"], verbs: READ },
];

const EDIT: &[Rule] = &[
    Rule { group: "", resources: &["pods/exec", "secrets"], verbs: READ },
    Rule {
        group: "",
        resources: &[
            "configmaps",
            "persistentvolumeclaims",
            "pods",
            "pods/exec",
            "secrets",
            "serviceaccounts",
            "services",
        ],
        verbs: WRITE,
    },
    Rule { group: "apps", resources: &["deployments", "replicasets", "statefulsets"], verbs: WRITE },
];

const ADMIN: &[Rule] = &[
    Rule { group: "rbac.authorization.k8s.io", resources: &["rolebindings", "roles"], verbs: READ },
    Rule { group: "rbac.authorization.k8s.io", resources: &["rolebindings", "roles"], verbs: WRITE },
];
