//! What the operator made an object for, and what answers for it.
//!
//! The operator writes a Deployment from its FlinkDeployment, and a FlinkDeployment from its FlinkBlueGreenDeployment. All
//! that is wrong there was wrong in the owner, which was judged by itself and is where it can be mended; to refuse the
//! object keeps the operator from deploying what was admitted, and nobody reads what it is warned of.

use std::sync::Arc;

use serde_json::Value;

use super::GROUP;
use crate::object::{list, name, text};

/// The resource that an object was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// `FlinkDeployment` or `FlinkBlueGreenDeployment`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
}

/// What the operator made of each kind, and the endings of the names that it gives.
///
/// Source: operator 1.15, `StandaloneKubernetesUtils.getTaskManagerDeploymentName`, `BlueGreenDeploymentType`.
const MADE: [(&str, &str, &[&str]); 2] = [
    ("FlinkDeployment", "Deployment", &["", "-taskmanager"]),
    ("FlinkBlueGreenDeployment", "FlinkDeployment", &["-blue", "-green"]),
];

impl<'a> Owner<'a> {
    /// The owner of `object` by its references; `None` for an object that is not called as the operator calls what it makes,
    /// since a reference alone is easily written.
    #[must_use]
    pub fn of(object: &'a Value) -> Option<Self> {
        let own_name = object.get("metadata").and_then(name)?;
        let own_kind = text(object, &["kind"])?;
        list(object, &["metadata", "ownerReferences"]).iter().find_map(|owner| {
            let is_of_operator = text(owner, &["apiVersion"]).and_then(|version| version.split_once('/'))?.0 == GROUP;
            let (kind, _, endings) = *MADE
                .iter()
                .find(|(kind, made, _)| is_of_operator && text(owner, &["kind"]) == Some(kind) && own_kind == *made)?;
            let name = name(owner)?;
            let is_name = |ending: &&str| own_name.strip_prefix(name) == Some(ending);
            endings.iter().any(is_name).then_some(Owner { kind, name })
        })
    }

    /// Whether the owner is one of `resources`.
    #[must_use]
    pub fn is_among(&self, resources: &[Arc<Value>]) -> bool {
        resources.iter().any(|resource| {
            text(resource, &["kind"]) == Some(self.kind) && resource.get("metadata").and_then(name) == Some(self.name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made(kind: &str, name: &str, owner: &Value) -> Value {
        json!({"kind": kind, "metadata": {"name": name, "ownerReferences": [{"kind": "ReplicaSet"}, owner]}})
    }

    #[test]
    fn the_owner_is_known_by_reference_and_name() {
        let owner = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": "orders"});
        for name in ["orders", "orders-taskmanager"] {
            assert_eq!(Owner::of(&made("Deployment", name, &owner)).map(|owner| owner.name), Some("orders"), "{name}");
        }
        for object in [
            made("Deployment", "orders-2", &owner),
            made("Deployment", "mine", &owner),
            made("StatefulSet", "orders", &owner),
            made(
                "Deployment",
                "orders",
                &json!({"apiVersion": "apps/v1", "kind": "FlinkDeployment", "name": "orders"}),
            ),
            made("Deployment", "orders", &json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"})),
        ] {
            assert_eq!(Owner::of(&object), None, "{object}");
        }
        let owner = json!({"apiVersion": "flink.apache.org/v1", "kind": "FlinkBlueGreenDeployment", "name": "fraud"});
        let child = made("FlinkDeployment", "fraud-green", &owner);
        let found = Owner::of(&child).unwrap();
        assert!(
            found.is_among(&[Arc::new(json!({"kind": "FlinkBlueGreenDeployment", "metadata": {"name": "fraud"}}))])
        );
        assert!(!found.is_among(&[Arc::new(json!({"kind": "FlinkDeployment", "metadata": {"name": "fraud"}}))]));
    }
}
