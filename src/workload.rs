//! What an object is: a whole Flink cluster, one role of it, something that Flink or its operator made, or not ours.
//!
//! ```
//! use flink_admission::workload::{recognise, Kind};
//! let object = serde_json::json!({
//!     "apiVersion": "apps/v1", "kind": "Deployment",
//!     "spec": {"template": {"spec": {"containers": [{"name": "main", "args": ["taskmanager"]}]}}},
//! });
//! assert!(matches!(recognise(&object).unwrap().kind, Kind::Raw(_)));
//! assert!(recognise(&serde_json::json!({"kind": "ConfigMap"})).is_none());
//! ```

mod command;
mod owner;

pub use command::{Entry, Launch};
pub use owner::Owner;

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;

use crate::object::{self, FieldPath, label, list, text};
use crate::policy::Role;

/// A Flink workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What kind of object it is.
    pub kind: Kind,
    /// Who made it, where that was not its author: such an object is judged, never changed, since its maker would undo
    /// the change or take it for one of its own.
    pub made_by: Option<Maker>,
}

/// The kinds of Flink workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A FlinkDeployment, or the template in a FlinkBlueGreenDeployment: the whole cluster in one object.
    FlinkDeployment {
        /// Path of the FlinkDeploymentSpec: `spec`, or `spec.template.spec` in a FlinkBlueGreenDeployment.
        spec: FieldPath,
    },
    /// A FlinkSessionJob.
    SessionJob,
    /// One role of a standalone cluster in the pod template of a Deployment, StatefulSet or Job.
    Raw(Raw),
}

/// One role in a pod template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Which role.
    pub role: Role,
    /// Position of its container in `spec.template.spec.containers`.
    pub container: usize,
    /// How the container starts Flink.
    pub launch: Launch,
}

/// What made an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The Flink Kubernetes operator.
    Operator,
    /// Flink's own client, in native mode.
    NativeClient,
}

/// The API group of the operator's kinds.
pub const GROUP: &str = "flink.apache.org";
/// The kinds of [`GROUP`] up to operator 1.15. A FlinkStateSnapshot runs nothing.
pub const KINDS: [&str; 4] = ["FlinkDeployment", "FlinkSessionJob", "FlinkBlueGreenDeployment", "FlinkStateSnapshot"];

/// Recognises `object`; `None` when it is not a Flink cluster or a part of one.
#[must_use]
pub fn recognise(object: &Value) -> Option<Workload> {
    let kind = text(object, &["kind"])?;
    let group =
        text(object, &["apiVersion"]).and_then(|version| version.split_once('/')).map_or("", |(group, _)| group);
    match (group, kind) {
        (GROUP, "FlinkDeployment" | "FlinkSessionJob") if is_canary(object) => None,
        (GROUP, "FlinkDeployment") => Some(Workload {
            kind: Kind::FlinkDeployment { spec: FieldPath::of(&["spec"]) },
            made_by: is_owned_by(object, "FlinkBlueGreenDeployment").then_some(Maker::Operator),
        }),
        (GROUP, "FlinkBlueGreenDeployment") => Some(Workload {
            kind: Kind::FlinkDeployment { spec: FieldPath::of(&["spec", "template", "spec"]) },
            made_by: None,
        }),
        (GROUP, "FlinkSessionJob") => Some(Workload { kind: Kind::SessionJob, made_by: None }),
        ("apps", "Deployment" | "StatefulSet") | ("batch", "Job") => recognise_pods(object),
        _ => None,
    }
}

/// What `object`, an update of `old`, was while its command was known to start Flink: the role of the container that has
/// the name of the one that did.
#[must_use]
pub fn former(object: &Value, old: &Value) -> Option<Workload> {
    let Some(Workload { kind: Kind::Raw(was), made_by: None }) = recognise(old) else { return None };
    let containers = |object| list(object, &["spec", "template", "spec", "containers"]);
    let name = containers(old).get(was.container).and_then(object::name)?;
    let (container, _) = object::named(containers(object), name)?;
    let launch = Launch { entry: Entry::Unknown, ..was.launch };
    Some(Workload { kind: Kind::Raw(Raw { container, launch, ..was }), made_by: None })
}

/// One of these stands in the JSON text of whatever [`recognise`] knows: the kinds, and the words that name a role. A
/// character behind `\u` may be any, so nothing is said of a text that has one.
static SIGNS: LazyLock<[Finder<'static>; 5]> =
    LazyLock::new(|| ["Flink", "jobmanager", "taskmanager", "standalone-job", "\\u"].map(Finder::new));

/// Whether `json`, the text of an object, may be a Flink workload: [`recognise`] knows nothing where this says no.
///
/// Nearly every Deployment of a cluster is none, and to look for words takes a tenth of what parsing does.
#[must_use]
pub fn may_be_flink(json: &str) -> bool {
    SIGNS.iter().any(|sign| sign.find(json.as_bytes()).is_some())
}

/// The operator's own probe of its health: a resource without a cluster behind it.
fn is_canary(object: &Value) -> bool {
    label(object, "flink.apache.org/canary") == Some("true")
}

fn is_owned_by(object: &Value, kind: &str) -> bool {
    list(object, &["metadata", "ownerReferences"]).iter().any(|owner| {
        text(owner, &["kind"]) == Some(kind)
            && text(owner, &["apiVersion"]).is_some_and(|version| version.starts_with(GROUP))
    })
}

fn recognise_pods(object: &Value) -> Option<Workload> {
    let containers = list(object, &["spec", "template", "spec", "containers"]);
    let (container, launch) =
        containers.iter().enumerate().find_map(|(index, container)| Some((index, Launch::of(container)?)))?;
    let made_by = if is_owned_by(object, "FlinkDeployment") {
        Some(Maker::Operator)
    } else {
        match label(object, "type") {
            Some("flink-standalone-kubernetes") => Some(Maker::Operator),
            Some("flink-native-kubernetes") => Some(Maker::NativeClient),
            _ if launch.entry == Entry::Native => Some(Maker::NativeClient),
            _ => None,
        }
    };
    let kind = Kind::Raw(Raw { role: launch.role, container, launch });
    Some(Workload { kind, made_by })
}

impl Workload {
    /// Whether the configuration of `object`, this workload, is judged where its maker takes it from: in the owner that the
    /// operator wrote it from, or by Flink's client.
    #[must_use]
    pub fn is_configured_by_maker(&self, object: &Value) -> bool {
        let is_native = |raw: &Raw| raw.launch.entry == Entry::Native;
        matches!(&self.kind, Kind::Raw(raw) if is_native(raw) || Owner::of(object).is_some())
    }

    /// Whether the object is known to start Flink, and not only to have done so before.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(&self.kind, Kind::Raw(raw) if raw.launch.entry == Entry::Unknown)
    }

    /// Whether our mutation may touch the object at all.
    #[must_use]
    pub fn may_be_changed(&self) -> bool {
        self.made_by.is_none()
            && match &self.kind {
                Kind::FlinkDeployment { .. } => true,
                Kind::SessionJob => false,
                Kind::Raw(raw) => raw.launch.takes_arguments(),
            }
    }
}

/// Whether `object` is being deleted, so that nothing may stand in its way.
#[must_use]
pub fn is_being_deleted(object: &Value) -> bool {
    object::at(object, &["metadata", "deletionTimestamp"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(container: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
            "spec": {"template": {"spec": {"containers": [{"name": "sidecar", "args": ["run"]}, container]}}}})
    }

    #[test]
    fn a_text_without_a_sign_is_no_workload() {
        for words in [
            json!({"args": ["jobmanager"]}),
            json!({"command": ["bin/taskmanager.sh", "start-foreground"]}),
            json!({"command": ["sh", "-c", "exec bin/standalone-job.sh start-foreground"]}),
            json!({"env": [{"name": "FLINK_MODE", "value": "jobmanager"}]}),
            json!({"command": ["kubernetes-jobmanager.sh"]}),
        ] {
            let object = deployment(words);
            assert!(recognise(&object).is_some() && may_be_flink(&object.to_string()), "{object}");
        }
        assert!(!may_be_flink(&deployment(json!({"image": "nginx"})).to_string()));
        let escaped = r#"{"args": ["\u006aobmanager"]}"#;
        assert!(may_be_flink(escaped));
    }

    #[test]
    fn flinks_container_is_found_beside_others() {
        let Some(Workload { kind: Kind::Raw(raw), .. }) = recognise(&deployment(json!({"args": ["jobmanager"]})))
        else {
            panic!("it is a JobManager")
        };
        assert_eq!((raw.role, raw.container), (Role::JobManager, 1));
    }

    #[test]
    fn what_the_operator_made_is_known_by_owner_or_label() {
        let mut object = deployment(json!({"command": ["/docker-entrypoint.sh"], "args": ["taskmanager"]}));
        assert_eq!(recognise(&object).unwrap().made_by, None);
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"}]);
        assert_eq!(recognise(&object).unwrap().made_by, Some(Maker::Operator));
    }

    #[test]
    fn canaries_and_other_groups_are_not_ours() {
        let canary = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"labels": {"flink.apache.org/canary": "true"}}});
        assert_eq!(recognise(&canary), None);
        assert_eq!(recognise(&json!({"apiVersion": "flinkoperator.k8s.io/v1beta1", "kind": "FlinkCluster"})), None);
        assert_eq!(recognise(&json!({"apiVersion": "flink.apache.org/v1beta1"})), None);
    }
}
