//! The record of what was filled in: an annotation on the object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::flink::options::{
    self, CHECKPOINT_DIR, HA_CLUSTER_ID, HA_JOBMANAGER_PORT, HA_STORAGE_DIR, HA_TYPE, JOBMANAGER_ADDRESS,
    KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, SAVEPOINT_DIR, SUBMIT_ENABLE, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT,
};
use crate::flink::{plugins, user};
use crate::object::{FieldPath, annotation, text};
use crate::patch::Edits;
use crate::policy::Role;
use crate::workload::GROUP;

/// The annotation that holds the record.
pub const INJECTED_ANNOTATION: &str = "flink-admission.io/injected";

/// What was filled in, and for which object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Namespace of the object at that time.
    pub namespace: String,
    /// Its name at that time; absent where the API server was still to make it.
    pub name: Option<String>,
    /// The values.
    pub values: Vec<Injected>,
    /// Values of a kind that this version does not know, as another replica may have written; kept as they are.
    pub unknown: Vec<Value>,
}

/// Whether `json`, the text of an object, may hold a record: where this says no there is none that we wrote.
#[must_use]
pub fn may_be_recorded(json: &str) -> bool {
    memchr::memmem::find(json.as_bytes(), INJECTED_ANNOTATION.as_bytes()).is_some()
}

/// The record as it stands in the annotation.
#[derive(Serialize, Deserialize)]
struct Written<Values> {
    namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    values: Values,
}

/// More values than these a record never has, with as many volumes as a policy may name; what comes behind is not read.
const MOST_VALUES: usize = 128;

/// The options that are ever filled in, by their newest names: into anything, and into standalone roles only, since the
/// operator refuses the ids in a FlinkDeployment.
const OPTIONS: [&str; 7] =
    [HA_TYPE, HA_STORAGE_DIR, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT, CHECKPOINT_DIR, SAVEPOINT_DIR, SUBMIT_ENABLE];
const OPTIONS_OF_ROLES: [&str; 5] =
    [KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, HA_CLUSTER_ID, JOBMANAGER_ADDRESS, HA_JOBMANAGER_PORT];

/// The one variable that is ever filled in.
pub(super) const POD_IP: &str = "POD_IP";

/// One value that was filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Injected {
    /// An option of Flink.
    Option {
        /// Its newest name, which says what it means.
        option: String,
        /// The name it was written under.
        key: String,
        /// Its value.
        value: String,
        /// Where it stands, for this review only.
        #[serde(skip)]
        path: Option<FieldPath>,
    },
    /// `spec.serviceAccount`.
    ServiceAccount {
        /// Its name.
        value: String,
    },
    /// A claim, mounted in the Flink container of one role.
    Volume {
        /// Which role.
        role: RoleName,
        /// Name of the volume.
        name: String,
        /// Name of the claim.
        claim: String,
        /// Where it is mounted.
        mount_path: String,
        /// Whether it stands in the common template, and not in the role's own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        common: bool,
    },
    /// A variable of the Flink container that takes a field of its pod.
    Env {
        /// Its name.
        name: String,
        /// The field: `status.podIP`.
        field: String,
    },
    /// `ENABLE_BUILT_IN_PLUGINS` of the Flink container of one role.
    Plugins {
        /// Which role.
        role: RoleName,
        /// The jars, with `;` between them.
        value: String,
        /// Whether it stands in the common template, and not in the role's own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        common: bool,
    },
    /// `securityContext.runAsUser` of one role's pod.
    RunAsUser {
        /// Which role.
        role: RoleName,
        /// The user id.
        value: u32,
        /// Whether `runAsGroup` was set too, to the same number.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        group: bool,
    },
    /// Terms that keep the JobManagers' pods on different nodes.
    Spread {
        /// The labels that the pods share.
        labels: BTreeMap<String, String>,
    },
    /// `securityContext.fsGroup` of one role's pod.
    FsGroup {
        /// Which role.
        role: RoleName,
        /// The group id.
        value: u32,
    },
}

/// A role in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// The JobManager.
    Jobmanager,
    /// The TaskManagers.
    Taskmanager,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::JobManager => Self::Jobmanager,
            Role::TaskManager => Self::Taskmanager,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Jobmanager => Self::JobManager,
            RoleName::Taskmanager => Self::TaskManager,
        }
    }
}

impl Record {
    /// The record on `object`; `None` where there is none that can be read.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let written: Written<Vec<&RawValue>> = serde_json::from_str(annotation(object, INJECTED_ANNOTATION)?).ok()?;
        let mut record = Self { namespace: written.namespace, name: written.name, ..Self::default() };
        let of_resource = text(object, &["apiVersion"]).is_some_and(|version| version.starts_with(GROUP));
        for value in written.values.into_iter().take(MOST_VALUES) {
            match serde_json::from_str::<Injected>(value.get()) {
                Ok(injected) if injected.may_be_ours(of_resource) => record.values.push(injected),
                // Anybody can write the annotation: what we never fill in is not ours.
                Ok(_) => {}
                Err(_) => record.unknown.extend(serde_json::from_str::<Value>(value.get())),
            }
        }
        Some(record)
    }

    /// Whether it was written for an object of another namespace or name, as on a copy.
    #[must_use]
    pub fn is_of_another(&self, namespace: &str, name: Option<&str>) -> bool {
        let renamed = self.name.is_some() && name.is_some() && self.name.as_deref() != name;
        !self.values.is_empty() && (self.namespace != namespace || renamed)
    }

    /// Whether it says that `key` was written with `value`.
    #[must_use]
    pub fn holds(&self, key: &str, value: &str) -> bool {
        self.values
            .iter()
            .any(|one| matches!(one, Injected::Option { key: ours, value: its, .. } if ours == key && its == value))
    }

    /// Writes the record, or removes it where there is nothing to remember.
    pub fn write(&self, edits: &mut Edits<'_>) {
        let path = FieldPath::of(&["metadata", "annotations"]).key(INJECTED_ANNOTATION);
        if self.values.is_empty() && self.unknown.is_empty() {
            edits.remove(&path);
            return;
        }
        let known = self.values.iter().filter_map(|value| serde_json::to_value(value).ok());
        let values: Vec<Value> = known.chain(self.unknown.iter().cloned()).collect();
        let written = Written { namespace: self.namespace.clone(), name: self.name.clone(), values };
        let Ok(text) = serde_json::to_string(&written) else { return };
        let says_so = || Self::of(edits.document()).is_some_and(|present| present.is_same_as(self));
        if annotation(edits.document(), INJECTED_ANNOTATION) != Some(&text) && !says_so() {
            edits.set(&path, Value::String(text));
        }
    }

    /// Whether both say the same, whatever path they carry for this review.
    fn is_same_as(&self, other: &Self) -> bool {
        (&self.namespace, &self.name) == (&other.namespace, &other.name)
            && self.unknown == other.unknown
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(ours, theirs)| ours.without_path() == theirs.without_path())
    }
}

impl Injected {
    /// Whether it is something that we fill in, into a FlinkDeployment or into a standalone role.
    fn may_be_ours(&self, of_resource: bool) -> bool {
        match self {
            Self::Option { option, key, .. } => {
                let is_option =
                    OPTIONS.contains(&option.as_str()) || (!of_resource && OPTIONS_OF_ROLES.contains(&option.as_str()));
                is_option && options::names(option, None).contains(&key.as_str())
            }
            Self::Env { name, .. } => name == POD_IP && !of_resource,
            Self::Plugins { value, .. } => plugins::may_be_ours(value),
            Self::RunAsUser { value, .. } => *value == user::FLINK,
            Self::ServiceAccount { .. } | Self::Volume { .. } | Self::Spread { .. } | Self::FsGroup { .. } => true,
        }
    }

    /// What was filled in, in words: `high-availability.type=kubernetes`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Option { key, value, .. } => format!("{key}={value}"),
            Self::ServiceAccount { value } => format!("serviceAccount={value}"),
            Self::Volume { role, claim, mount_path, .. } => {
                format!("claim {claim} at {mount_path} ({})", Role::from(*role))
            }
            Self::Env { name, field } => format!("environment variable {name} from {field}"),
            Self::Plugins { role, value, .. } => format!("{}={value} ({})", plugins::VARIABLE, Role::from(*role)),
            Self::RunAsUser { role, value, .. } => format!("runAsUser={value} ({})", Role::from(*role)),
            Self::Spread { .. } => format!("podAntiAffinity ({})", Role::JobManager),
            Self::FsGroup { role, value } => format!("fsGroup={value} ({})", Role::from(*role)),
        }
    }

    /// Where an option was written in this review.
    #[must_use]
    pub fn path(&self) -> Option<FieldPath> {
        match self {
            Self::Option { path, .. } => path.clone(),
            Self::ServiceAccount { .. }
            | Self::Volume { .. }
            | Self::Env { .. }
            | Self::Plugins { .. }
            | Self::RunAsUser { .. }
            | Self::Spread { .. }
            | Self::FsGroup { .. } => None,
        }
    }

    /// The role whose pod it concerns, where it concerns one.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Volume { role, .. }
            | Self::Plugins { role, .. }
            | Self::RunAsUser { role, .. }
            | Self::FsGroup { role, .. } => Some(Role::from(*role)),
            Self::Spread { .. } => Some(Role::JobManager),
            Self::Option { .. } | Self::ServiceAccount { .. } | Self::Env { .. } => None,
        }
    }

    /// Whether both are the same thing, in one role or the other.
    #[must_use]
    pub fn is_of_one_piece_with(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Volume { name: our_name, claim: ours, mount_path: our_path, .. },
                Self::Volume { name, claim, mount_path, .. },
            ) => our_name == name && ours == claim && our_path == mount_path,
            (Self::Plugins { value: ours, .. }, Self::Plugins { value, .. }) => ours == value,
            (Self::RunAsUser { value: ours, .. }, Self::RunAsUser { value, .. })
            | (Self::FsGroup { value: ours, .. }, Self::FsGroup { value, .. }) => ours == value,
            _ => self == other,
        }
    }

    /// Whether both stand in the same place, whatever the value.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Option { option: ours, key: our_key, .. }, Self::Option { option: theirs, key: their_key, .. }) => {
                ours == theirs && our_key == their_key
            }
            (Self::ServiceAccount { .. }, Self::ServiceAccount { .. }) | (Self::Spread { .. }, Self::Spread { .. }) => {
                true
            }
            (Self::Volume { role: ours, name: our_name, .. }, Self::Volume { role: theirs, name: their_name, .. }) => {
                ours == theirs && our_name == their_name
            }
            (Self::Env { name: ours, .. }, Self::Env { name: theirs, .. }) => ours == theirs,
            (Self::Plugins { role: ours, .. }, Self::Plugins { role: theirs, .. })
            | (Self::RunAsUser { role: ours, .. }, Self::RunAsUser { role: theirs, .. })
            | (Self::FsGroup { role: ours, .. }, Self::FsGroup { role: theirs, .. }) => ours == theirs,
            _ => false,
        }
    }

    fn without_path(&self) -> Self {
        match self.clone() {
            Self::Option { option, key, value, .. } => Self::Option { option, key, value, path: None },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_annotation_is_small_and_reads_back() {
        let values = vec![
            Injected::Option {
                option: "high-availability.type".into(),
                key: "high-availability".into(),
                value: "kubernetes".into(),
                path: None,
            },
            Injected::ServiceAccount { value: "flink".into() },
            Injected::Volume {
                role: RoleName::Jobmanager,
                name: "d".into(),
                claim: "c".into(),
                mount_path: "/d".into(),
                common: false,
            },
            Injected::FsGroup { role: RoleName::Taskmanager, value: 9999 },
            Injected::Plugins {
                role: RoleName::Taskmanager,
                value: "flink-gs-fs-hadoop-1.20.1.jar".into(),
                common: true,
            },
            Injected::RunAsUser { role: RoleName::Taskmanager, value: 9999, group: true },
            Injected::Spread { labels: [("app".to_owned(), "b".to_owned())].into() },
        ];
        let record =
            Record { namespace: "a".into(), name: Some("b".into()), values, unknown: vec![json!({"what": "more"})] };
        let object = json!({"apiVersion": "flink.apache.org/v1beta1"});
        let mut edits = Edits::of(&object);
        record.write(&mut edits);
        insta::assert_snapshot!(annotation(edits.document(), INJECTED_ANNOTATION).unwrap());
        assert_eq!(Record::of(edits.document()), Some(record));
    }

    #[test]
    fn a_forged_record_holds_nothing_that_we_never_fill_in() {
        let option = |option: &str| json!({"what": "option", "option": option, "key": option, "value": "evil"});
        let values = json!([
            option("kubernetes.namespace"), option("high-availability.cluster-id"), option("no.such.option"),
            {"what": "option", "option": "high-availability.type", "key": "kubernetes.cluster-id", "value": "evil"},
            {"what": "env", "name": "LD_PRELOAD", "field": "status.podIP"},
            {"what": "plugins", "role": "jobmanager", "value": "flink-s3-fs-hadoop-1.20.1.jar;../../tmp/evil-1.0.0.jar"},
            {"what": "plugins", "role": "jobmanager", "value": "flink-s3-fs-hadoop-1.20.1/x.jar"},
            {"what": "plugins", "role": "jobmanager", "value": ""},
            {"what": "runAsUser", "role": "jobmanager", "value": 0},
            option("high-availability.storageDir"),
        ]);
        let text = json!({"namespace": "a", "values": values}).to_string();
        let object =
            |version: &str| json!({"apiVersion": version, "metadata": {"annotations": {INJECTED_ANNOTATION: text}}});
        assert_eq!(Record::of(&object("flink.apache.org/v1beta1")).unwrap().values.len(), 1);
        assert_eq!(Record::of(&object("apps/v1")).unwrap().values.len(), 3);
        let many = json!({"namespace": "a", "values": vec![json!({"what": "serviceAccount", "value": "x"}); 1000]})
            .to_string();
        let object = json!({"metadata": {"annotations": {INJECTED_ANNOTATION: many}}});
        assert_eq!(Record::of(&object).unwrap().values.len(), MOST_VALUES);
    }

    #[test]
    fn a_copy_is_known_by_namespace_or_name() {
        let record = Record {
            namespace: "a".into(),
            name: Some("b".into()),
            values: vec![Injected::ServiceAccount { value: "x".into() }],
            unknown: Vec::new(),
        };
        assert!(!record.is_of_another("a", Some("b")));
        assert!(record.is_of_another("c", Some("b")) && record.is_of_another("a", Some("c")));
    }
}
