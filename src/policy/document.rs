//! The FlinkPolicy document: `flink-admission.io/v1alpha1`, as a file and as an object.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::policy::finding::Level;
use crate::policy::rules::Rule;
use crate::policy::selector::LabelSelector;
use crate::policy::template::Template;

/// A policy with its name.
#[derive(Debug, Clone)]
pub struct FlinkPolicy {
    /// `metadata.name`.
    pub name: String,
    /// `spec`, with every default filled in.
    pub spec: Spec,
}

/// What a platform team wants; the default of every field is the built-in policy's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Spec {
    /// The matching policy with the highest priority applies whole.
    pub priority: i64,
    /// Namespaces that it is for; empty matches all.
    pub namespace_selector: LabelSelector,
    /// The level of every rule.
    pub profile: Profile,
    /// Levels of single rules, by id.
    pub rules: BTreeMap<String, Level>,
    /// A ceiling over all levels.
    pub enforcement: Enforcement,
    /// Whether objects may be changed.
    pub mutation: bool,
    /// High availability for clusters that have none.
    pub high_availability: HighAvailability,
    /// Directories for clusters that name none.
    pub checkpoints: Checkpoints,
    /// The ServiceAccount for clusters that name none.
    pub service_account: Option<ServiceAccount>,
    /// Claims that every cluster gets.
    pub volumes: Vec<Volume>,
    /// Images besides the official ones that are the official image.
    pub images: Images,
    /// Whether `flink-admission.io/inject: "false"` on an object stops and withdraws injection.
    pub opt_out: bool,
    /// Whether findings may name clusters of other namespaces.
    pub share_names: bool,
    /// What may lower a denial.
    pub exceptions: Exceptions,
    /// What pods get for the sake of their volumes.
    pub pod_security: PodSecurity,
    /// Rules whose remedy changes taste, not safety.
    pub optional_remedies: Vec<String>,
    /// Whether the completing remedies are applied.
    pub complete: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            priority: 0,
            namespace_selector: LabelSelector::default(),
            profile: Profile::Baseline,
            rules: BTreeMap::new(),
            enforcement: Enforcement::Enforce,
            mutation: true,
            high_availability: HighAvailability::default(),
            checkpoints: Checkpoints::default(),
            service_account: None,
            volumes: Vec::new(),
            images: Images::default(),
            opt_out: false,
            share_names: false,
            exceptions: Exceptions::Objects,
            pod_security: PodSecurity::default(),
            optional_remedies: Vec::new(),
            complete: true,
        }
    }
}

/// A set of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The column `strict`.
    Strict,
    /// The column `baseline`.
    Baseline,
    /// `baseline` with every denial lowered to a warning.
    Permissive,
}

/// A ceiling over all levels, for rolling a policy out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// No ceiling.
    Enforce,
    /// Nothing is denied, nothing changed.
    Warn,
    /// Nothing is denied or shown, nothing changed.
    Audit,
}

/// What may lower a denial to a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exceptions {
    /// FlinkException objects.
    Objects,
    /// FlinkException objects and annotations on the object.
    Annotations,
    /// Nothing.
    None,
}

/// High availability for clusters that have none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HighAvailability {
    /// The kind that is added; none is where it is unset.
    pub mode: Option<HaMode>,
    /// Whether a cluster without HA is denied.
    pub required: bool,
    /// Fewer JobManagers of an HA cluster than these are reported.
    pub min_job_managers: u32,
    /// With more Kubernetes-HA clusters than these a new one is told their cost; 0: never.
    pub advise_zoo_keeper_above: u32,
    /// Directory of HA metadata.
    pub storage_dir: Option<Template>,
    /// The ZooKeeper to use.
    pub zookeeper: ZooKeeper,
}

/// The kinds of high availability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HaMode {
    /// Leader election and pointers in ConfigMaps.
    Kubernetes,
    /// Leader election and pointers in ZooKeeper.
    Zookeeper,
}

impl HaMode {
    /// The word in policies and in Flink's configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Zookeeper => "zookeeper",
        }
    }
}

/// The ZooKeeper that HA uses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ZooKeeper {
    /// `host:port,host:port`.
    pub quorum: Option<String>,
    /// Root of all clusters.
    pub path_root: Option<Template>,
}

/// Directories for clusters that name none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Checkpoints {
    /// Of checkpoints.
    pub directory: Option<Template>,
    /// Of savepoints.
    pub savepoints: Option<Template>,
}

/// The ServiceAccount for clusters that name none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its name.
    pub name: Template,
    /// Whether it is made where it is missing, with its rights.
    #[serde(default)]
    pub provision: bool,
}

/// A claim that every cluster gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// Name of the volume in the pods.
    pub name: String,
    /// Name of the claim.
    pub claim_name: Template,
    /// Where it is mounted in the Flink container.
    pub mount_path: String,
    /// The roles that get it.
    #[serde(default = "both_roles")]
    pub roles: Vec<PolicyRole>,
    /// How the claim is made where it is missing.
    #[serde(default)]
    pub provision: Option<Provision>,
}

/// A role, in the words of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyRole {
    /// The JobManager.
    Jobmanager,
    /// The TaskManagers.
    Taskmanager,
}

impl From<PolicyRole> for crate::policy::Role {
    fn from(role: PolicyRole) -> Self {
        match role {
            PolicyRole::Jobmanager => Self::JobManager,
            PolicyRole::Taskmanager => Self::TaskManager,
        }
    }
}

fn both_roles() -> Vec<PolicyRole> {
    vec![PolicyRole::Jobmanager, PolicyRole::Taskmanager]
}

/// How a claim is made where it is missing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provision {
    /// Its StorageClass; the cluster's default one where it is unset.
    #[serde(default)]
    pub storage_class_name: Option<String>,
    /// Its access modes.
    #[serde(default)]
    pub access_modes: Vec<String>,
    /// Its size, a Kubernetes quantity: `10Gi`.
    pub storage: String,
}

/// Images that are the official one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Images {
    /// Repositories of mirrors.
    pub stock: Vec<String>,
}

/// What pods get for the sake of their volumes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSecurity {
    /// The group that owns claims; `"off"` leaves pods alone.
    pub fs_group: FsGroup,
}

impl Default for PodSecurity {
    fn default() -> Self {
        Self { fs_group: FsGroup::Id(9999) }
    }
}

/// A group id, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum FsGroup {
    /// Pods are left alone.
    Off,
    /// The group id.
    Id(u32),
}

impl TryFrom<serde_json::Value> for FsGroup {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let wrong = || format!("`{value}` is not a group id; known are a number from 1 to 4294967295 and \"off\"");
        match &value {
            // YAML 1.1 reads an unquoted `off` as false.
            serde_json::Value::Bool(false) => Ok(Self::Off),
            serde_json::Value::String(word) if word == "off" => Ok(Self::Off),
            serde_json::Value::Number(number) => {
                let id = number.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0);
                id.map(Self::Id).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

/// Rules whose remedy is applied only where `optionalRemedies` names them.
pub(super) const OPTIONAL_REMEDIES: [&str; 2] = ["jar-upload-open", "jobmanagers-not-spread"];

impl FlinkPolicy {
    /// The level of `rule` on an object.
    #[must_use]
    pub fn level(&self, rule: &Rule) -> Level {
        let of_profile = rule.level_in(self.spec.profile);
        self.spec.rules.get(rule.id).copied().unwrap_or(of_profile).min(self.ceiling())
    }

    /// Whether the policy asks for the remedy of the rule `id`, one of [`OPTIONAL_REMEDIES`].
    #[must_use]
    pub fn asks_for_remedy(&self, id: &str) -> bool {
        self.spec.optional_remedies.iter().any(|asked| asked == id)
    }

    /// The highest level that the enforcement lets through.
    #[must_use]
    pub const fn ceiling(&self) -> Level {
        match self.spec.enforcement {
            Enforcement::Enforce => Level::Deny,
            Enforcement::Warn => Level::Warn,
            Enforcement::Audit => Level::Audit,
        }
    }

    /// Whether objects may be changed under this policy.
    #[must_use]
    pub fn may_change(&self) -> bool {
        self.spec.mutation && self.spec.enforcement == Enforcement::Enforce
    }

    /// The policy in words: `platform (profile baseline, enforcement enforce)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let profile = match self.spec.profile {
            Profile::Strict => "strict",
            Profile::Baseline => "baseline",
            Profile::Permissive => "permissive",
        };
        let enforcement = match self.spec.enforcement {
            Enforcement::Enforce => "enforce",
            Enforcement::Warn => "warn",
            Enforcement::Audit => "audit",
        };
        format!("{} (profile {profile}, enforcement {enforcement})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_a_number_or_off() {
        let read = |value: serde_json::Value| FsGroup::try_from(value).ok();
        assert_eq!(
            [read("off".into()), read(false.into()), read(9999.into())],
            [Some(FsGroup::Off), Some(FsGroup::Off), Some(FsGroup::Id(9999))]
        );
        assert_eq!([read("on".into()), read("9999".into()), read(0.into()), read(true.into())], [None; 4]);
    }
}
