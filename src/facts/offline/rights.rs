//! Rights of ServiceAccounts, from the Roles and bindings of the input.

use super::{Assume, Identity, Offline, names_its_namespace};
use crate::facts::rbac::{self, Binding, Held, RoleName, Roles};
use crate::facts::{Access, Account, Answer};

impl Offline {
    /// What the input's Roles and bindings say to `access`.
    pub(super) fn rights(&self, access: &Access) -> Answer {
        let of_cluster = self.in_all_namespaces(CLUSTER_ROLE_BINDING);
        let of_cluster = of_cluster.map(|(_, object)| Binding { object, namespace: None, is_certain: true });
        let of_namespaces = self.in_all_namespaces(ROLE_BINDING).filter_map(|(identity, object)| {
            let wanted = access.namespace.as_deref()?;
            let is_certain = identity.namespace == wanted;
            let may_be = is_certain || self.assumed.contains(wanted) || !names_its_namespace(object);
            may_be.then_some(Binding { object, namespace: Some(&identity.namespace), is_certain })
        });
        match rbac::decide(access, of_cluster.chain(of_namespaces), &self) {
            Answer::Forbidden(_) if !self.is_complete(ROLE_BINDING) => {
                Answer::Unknown("the input does not show all Roles and bindings".to_owned())
            }
            answer => answer,
        }
    }
}

impl<'a> Roles<'a> for &'a Offline {
    fn role(&self, name: RoleName<'_>) -> Held<'a> {
        let (kind, namespace, name) = match name {
            RoleName::Cluster(name) => (CLUSTER_ROLE, "", name),
            RoleName::Namespaced(namespace, name) => (ROLE, namespace, name),
        };
        let identity = Identity { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
        if let Some(object) = self.objects.get(&identity) {
            return Held::Shown(object);
        }
        // A team binds the ClusterRoles that the platform made, though it shows Roles of its own.
        let is_of_platform = kind == CLUSTER_ROLE && self.assume != Assume::Complete;
        if is_of_platform || self.may_be_in_another_namespace(&identity) { Held::Open } else { Held::Missing }
    }

    fn may_be_elsewhere(&self, account: &Account) -> bool {
        self.assumed.contains(&account.namespace)
    }
}

const ROLE: &str = "rbac.authorization.k8s.io/Role";
const ROLE_BINDING: &str = "rbac.authorization.k8s.io/RoleBinding";
const CLUSTER_ROLE: &str = "rbac.authorization.k8s.io/ClusterRole";
const CLUSTER_ROLE_BINDING: &str = "rbac.authorization.k8s.io/ClusterRoleBinding";
