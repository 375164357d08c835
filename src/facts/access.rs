//! What a ServiceAccount may do: the question that a SubjectAccessReview asks.

use std::fmt;

/// A ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// The name that it authenticates as: `system:serviceaccount:shop:flink`.
    ///
    /// Source: Kubernetes 1.34 `k8s.io/apiserver/pkg/authentication/serviceaccount/util.go`.
    #[must_use]
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// The groups that it is in.
    #[must_use]
    pub fn groups(&self) -> [String; 3] {
        [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", self.namespace),
            "system:authenticated".to_owned(),
        ]
    }
}

/// A request that a ServiceAccount may or may not make, with the attributes of a SubjectAccessReview.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Who asks.
    pub account: Account,
    /// Namespace of the objects; `None` for those of every namespace.
    pub namespace: Option<String>,
    /// What is done: `create`; `*` for everything.
    pub verb: &'static str,
    /// API group of the resource; empty for the core group.
    pub group: &'static str,
    /// The resource, with its subresource where it has one: `configmaps`, `deployments/finalizers`.
    pub resource: &'static str,
    /// Name of the one object; `None` for any. Where rules hold for single names only, the answer to `None` is unknown:
    /// a SubjectAccessReview without a name says no, although the objects in question may be those names.
    pub name: Option<String>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, namespace, verb, resource, .. } = self;
        write!(f, "{} {verb} {resource} in {}", account.user(), namespace.as_deref().unwrap_or("every namespace"))
    }
}
