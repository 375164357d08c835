//! A Flink cluster as far as one object shows it: the view that every rule judges.
//!
//! A FlinkDeployment shows both roles; a Deployment, StatefulSet or Job one. A FlinkSessionJob shows its own options over
//! those of the cluster that it is submitted to, where that is known.

use serde_json::Value;

use crate::facts::Facts;
use crate::flink::arguments::{self, Misread};
use crate::flink::configuration::{EffectiveConfig, Setting};
use crate::flink::defaults;
use crate::flink::deployment;
use crate::flink::image::Image;
use crate::flink::location::{Location, has_placeholder, scheme_of};
use crate::flink::options::{
    self, CHECKPOINT_DIR, DEFAULT_SCHEME, HA_CLUSTER_ID, HA_STORAGE_DIR, HA_TYPE, SAVEPOINT_DIR,
};
use crate::flink::pod::{Backing, Pod};
use crate::flink::raw::{self, Refused, Unknown, Void};
use crate::flink::session_job::{self, Submission, Target};
use crate::flink::version::FlinkVersion;
use crate::object::{self, FieldPath, text};
use crate::policy::Role;
use crate::workload::{Kind, Raw, Workload};

/// What one object shows of a Flink cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// How the cluster is described.
    pub shape: Shape,
    /// The Flink version; `None` where nothing says it.
    pub version: Option<FlinkVersion>,
    /// The roles that the object shows, the JobManager first.
    pub roles: Vec<RoleView>,
    /// Number of JobManagers, and where it stands; `None` where the object shows none.
    pub job_managers: Option<(i64, FieldPath)>,
    /// Whether it runs one job of its own and not a session.
    pub application: bool,
    /// The id that a standalone application's job is given on the command line, with the path of the word.
    pub job_id: Option<(String, FieldPath)>,
    /// What a FlinkSessionJob submits to it; `None` for a cluster that is looked at by itself.
    pub submission: Option<Submission>,
}

/// How a cluster is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As a FlinkDeployment, which the operator deploys.
    FlinkDeployment {
        /// `mode: standalone`; native otherwise.
        standalone: bool,
    },
    /// As Deployments, StatefulSets and Jobs of its own; the object shows one role.
    Raw,
}

/// One role of a cluster.
#[derive(Debug, Clone)]
pub struct RoleView {
    /// Which role.
    pub role: Role,
    /// The options it works with.
    pub config: EffectiveConfig,
    /// Its pod.
    pub pod: Pod,
    /// Its image.
    pub image: Option<(String, FieldPath)>,
    /// Its own ServiceAccount, `None` for the namespace's default one; and where it is set.
    pub account: (Option<String>, FieldPath),
    /// Path for options that are not set: `spec.flinkConfiguration`.
    pub config_path: FieldPath,
    /// Why the role may have options that are not known; `None` where all of them are.
    pub unknown: Option<Unknown>,
    /// Options that stand where the role does not read them.
    pub void: Vec<Void>,
    /// Words of a standalone role's command line that do not do what they say, with their paths.
    pub misread: Vec<(Misread, FieldPath)>,
    /// The configuration file that it reads, where Flink refuses it.
    pub refused: Option<Refused>,
    /// Why Flink refuses the command line of a standalone role, where its words are known.
    pub refused_arguments: Option<arguments::Refused>,
}

/// What a cluster says about high availability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HighAvailability {
    /// None: unset, or `NONE`.
    Off,
    /// By ConfigMaps.
    Kubernetes,
    /// By ZooKeeper.
    ZooKeeper,
    /// By a factory class of that name, which may be a misspelling.
    Class(String),
    /// Something outside of Flink decides.
    Unknown,
}

/// The class that makes Kubernetes HA in every version.
pub const KUBERNETES_FACTORY: &str = "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory";

impl HighAvailability {
    /// What `value` of the mode means.
    ///
    /// Source: Flink `HighAvailabilityMode.fromConfig`, executed for 1.13 to 2.3. The short name `kubernetes` is taken
    /// for a class up to 1.15; what its author meant is the same.
    #[must_use]
    pub fn of(value: &str) -> Self {
        if has_placeholder(value) {
            return Self::Unknown;
        }
        match value.to_ascii_lowercase().as_str() {
            "none" | "standalone" => Self::Off,
            "zookeeper" => Self::ZooKeeper,
            "kubernetes" => Self::Kubernetes,
            _ if value == KUBERNETES_FACTORY => Self::Kubernetes,
            _ => Self::Class(value.to_owned()),
        }
    }

    /// The value that switches Kubernetes HA on in `version`: the short name from 1.16, the class before and where the
    /// version is unknown.
    #[must_use]
    pub fn kubernetes_word(version: Option<FlinkVersion>) -> &'static str {
        if version.is_some_and(|version| version.at_least(1, 16)) { "kubernetes" } else { KUBERNETES_FACTORY }
    }

    /// Whether Flink takes it for switched on.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::Kubernetes | Self::ZooKeeper | Self::Class(_))
    }
}

/// A directory option that must outlive pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Directory {
    /// `high-availability.storageDir`.
    HighAvailability,
    /// The checkpoint directory.
    Checkpoints,
    /// The savepoint directory.
    Savepoints,
}

impl Directory {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HighAvailability, Self::Checkpoints, Self::Savepoints];

    /// The option's newest name.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::HighAvailability => HA_STORAGE_DIR,
            Self::Checkpoints => CHECKPOINT_DIR,
            Self::Savepoints => SAVEPOINT_DIR,
        }
    }

    /// What lies there, for messages.
    #[must_use]
    pub const fn content(self) -> &'static str {
        match self {
            Self::HighAvailability => "HA metadata",
            Self::Checkpoints => "checkpoints",
            Self::Savepoints => "savepoints",
        }
    }
}

impl RoleView {
    /// The word that should set `option`, and that its script takes for something else; with its path.
    #[must_use]
    pub fn misread_option(&self, option: &str, version: Option<FlinkVersion>) -> Option<&(Misread, FieldPath)> {
        let names = options::names(option, version);
        self.misread.iter().find(|(word, _)| word.option.as_deref().is_some_and(|option| names.contains(&option)))
    }

    /// The option that names a file with the pod template, where no template is written down: then the pod cannot be known
    /// from here.
    #[must_use]
    pub fn pod_template_file(&self) -> Option<&'static str> {
        const FILES: [&str; 4] = [
            "kubernetes.pod-template-file.default",
            "kubernetes.pod-template-file",
            "kubernetes.pod-template-file.jobmanager",
            "kubernetes.pod-template-file.taskmanager",
        ];
        let is_empty = self.pod.template.as_object().is_none_or(serde_json::Map::is_empty);
        FILES.into_iter().find(|option| is_empty && self.config.exact(option).is_some())
    }

    /// Whether jobs run as batches, which make no checkpoints, whatever the interval.
    ///
    /// Source: Flink `ExecutionOptions.RUNTIME_MODE`; case does not matter.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.config.exact("execution.runtime-mode").is_some_and(|mode| mode.trimmed().eq_ignore_ascii_case("batch"))
    }

    /// Whether it runs the official image or one of `mirrors` (`images.stock` of a policy): only of that is known what it holds.
    #[must_use]
    pub fn is_stock(&self, mirrors: &[String]) -> bool {
        self.image.as_ref().is_some_and(|(image, _)| Image::parse(image).is_stock(mirrors))
    }

    /// What backs the absolute, normalised `path` in the Flink container.
    #[must_use]
    pub fn backing(&self, path: &str) -> Backing {
        match self.pod_template_file() {
            Some(option) => Backing::Unknown(format!("the pod template is the file of `{option}`")),
            None => self.pod.backing(path),
        }
    }
}

impl Cluster {
    /// The cluster of the FlinkDeploymentSpec at `spec` of `object`.
    #[must_use]
    pub fn of_flink_deployment(object: &Value, spec: &FieldPath) -> Self {
        let resolved = deployment::resolve(object, spec);
        let job_managers = resolved.job_managers(object);
        let accounts = [Role::JobManager, Role::TaskManager].map(|role| resolved.service_account(object, role));
        let is_full = resolved.config.is_full();
        let image = resolved.image.map(|image| (image, spec.key("image")));
        let view = |role: Role, config: EffectiveConfig, pod: Pod, account: (Option<String>, FieldPath)| RoleView {
            role,
            config,
            pod,
            image: image.clone(),
            account,
            config_path: spec.key("flinkConfiguration"),
            unknown: is_full.then(|| Unknown::Elsewhere("it sets more options than are read".to_owned())),
            void: Vec::new(),
            misread: Vec::new(),
            refused: None,
            refused_arguments: None,
        };
        let [of_job_manager, of_task_manager] = accounts;
        Self {
            shape: Shape::FlinkDeployment { standalone: resolved.standalone },
            version: resolved.version,
            roles: vec![
                view(Role::JobManager, resolved.config.clone(), resolved.job_manager, of_job_manager),
                view(Role::TaskManager, resolved.config, resolved.task_manager, of_task_manager),
            ],
            job_managers: Some(job_managers),
            application: resolved.application,
            job_id: None,
            submission: None,
        }
    }

    /// The cluster that one role in `object` shows.
    #[must_use]
    pub fn of_raw(object: &Value, raw: &Raw, namespace: &str, facts: &Facts, mirrors: &[String]) -> Self {
        let resolved = raw::resolve(object, raw, namespace, facts, mirrors);
        let pod_spec = FieldPath::of(&raw::TEMPLATE).key("spec");
        let named = text(object, &["spec", "template", "spec", "serviceAccountName"])
            .filter(|name| !name.is_empty())
            .or_else(|| text(object, &["spec", "template", "spec", "serviceAccount"]));
        let container = raw::container_path(raw);
        let is_full = resolved.config.is_full();
        let view = RoleView {
            role: raw.role,
            config: resolved.config,
            pod: resolved.pod,
            image: resolved.image.map(|image| (image, container.key("image"))),
            account: (named.and_then(deployment::own), pod_spec.key("serviceAccountName")),
            config_path: container.key("args"),
            unknown: resolved
                .unknown
                .or(is_full.then(|| Unknown::Elsewhere("it sets more options than are read".to_owned()))),
            void: resolved.void,
            misread: resolved.misread,
            refused: resolved.refused,
            refused_arguments: resolved.refused_arguments,
        };
        let field = if text(object, &["kind"]) == Some("Job") { "parallelism" } else { "replicas" };
        let replicas = (object::integer(object, &["spec", field]).unwrap_or(1), FieldPath::of(&["spec", field]));
        Self {
            shape: Shape::Raw,
            version: resolved.version,
            roles: vec![view],
            job_managers: (raw.role == Role::JobManager).then_some(replicas),
            application: raw.launch.application,
            job_id: resolved.job_id,
            submission: None,
        }
    }

    /// The cluster that `object` shows as `workload`; `None` where it shows none.
    #[must_use]
    pub fn of(object: &Value, workload: &Workload, namespace: &str, facts: &Facts, mirrors: &[String]) -> Option<Self> {
        match &workload.kind {
            Kind::FlinkDeployment { spec } => Some(Self::of_flink_deployment(object, spec)),
            Kind::Raw(raw) => Some(Self::of_raw(object, raw, namespace, facts, mirrors)),
            Kind::SessionJob => Some(session_job::resolve(object, namespace, facts)),
        }
    }

    /// The same as its object's own fields show it, without what the maker of the object wrote into the configuration.
    #[must_use]
    pub fn by_its_own_fields(mut self) -> Self {
        for view in &mut self.roles {
            view.config.keep_arguments();
            view.void.clear();
            view.unknown = Some(Unknown::Maker);
        }
        self
    }

    /// The view of `role`, where the object shows it.
    #[must_use]
    pub fn role(&self, role: Role) -> Option<&RoleView> {
        self.roles.iter().find(|view| view.role == role)
    }

    /// The session cluster that a FlinkSessionJob is submitted to, without what the job brings, where it is known.
    #[must_use]
    pub fn target(&self) -> Option<&Self> {
        match &self.submission.as_ref()?.target {
            Target::Session(cluster) => Some(cluster),
            Target::Application | Target::Absent | Target::Unknown => None,
        }
    }

    /// The role that speaks for the cluster's configuration: the JobManager where the object shows it.
    #[must_use]
    pub fn leading(&self) -> Option<&RoleView> {
        self.roles.first()
    }

    /// What the cluster says about high availability, with the setting that says it.
    #[must_use]
    pub fn high_availability(&self) -> (HighAvailability, Option<(&str, &Setting)>) {
        let Some(view) = self.leading() else { return (HighAvailability::Unknown, None) };
        match view.config.option(HA_TYPE, self.version) {
            Some(setting) => (HighAvailability::of(&setting.1.value), Some(setting)),
            None if view.unknown.is_some() => (HighAvailability::Unknown, None),
            None => (HighAvailability::Off, None),
        }
    }

    /// The setting of `directory` in the leading role, where it is set and not blank.
    #[must_use]
    pub fn directory(&self, directory: Directory) -> Option<(&str, &Setting)> {
        let view = self.leading()?;
        view.config.option(directory.option(), self.version).filter(|(_, setting)| !setting.trimmed().is_empty())
    }

    /// Where `directory` points to; `None` where it is not set.
    #[must_use]
    pub fn location(&self, directory: Directory) -> Option<Location> {
        let (_, setting) = self.directory(directory)?;
        let may_have_default =
            self.leading().is_some_and(|view| view.unknown.is_some()) && self.default_scheme().is_none();
        if may_have_default && scheme_of(setting.trimmed()).is_none() {
            return Some(Location::Unresolved);
        }
        Some(Location::parse(&setting.value, self.default_scheme()))
    }

    /// The directory below the storageDir that a cluster of the id `id` has to itself; `None` where there is no storageDir.
    #[must_use]
    pub fn ha_directory(&self, id: &str) -> Option<Location> {
        Some(self.location(Directory::HighAvailability)?.below(id))
    }

    /// The id of a standalone cluster below the storageDir and in ZooKeeper, as `view` has it.
    #[must_use]
    pub fn ha_cluster_id<'a>(&self, view: &'a RoleView) -> &'a str {
        view.config.value(HA_CLUSTER_ID, self.version).unwrap_or(defaults::HA_CLUSTER_ID)
    }

    /// Whether it is told to keep checkpoints in the JobManager's memory, whatever the directory.
    #[must_use]
    pub fn keeps_checkpoints_in_memory(&self) -> bool {
        let says_memory = |option: &str| {
            let value = self.leading().and_then(|view| view.config.value(option, self.version));
            value.is_some_and(|value| value.eq_ignore_ascii_case("jobmanager"))
        };
        // The backend `jobmanager` of Flink 1 brings its own checkpoint storage (`CheckpointStorageLoader.load`).
        let has_memory_backend = || self.version.is_none_or(|v| !v.at_least(2, 0)) && says_memory("state.backend.type");
        says_memory("execution.checkpointing.storage") || has_memory_backend()
    }

    /// `fs.default-scheme`, where it is set, be it to nothing.
    #[must_use]
    pub fn default_scheme(&self) -> Option<&str> {
        self.leading()?.config.option(DEFAULT_SCHEME, self.version).map(|(_, setting)| setting.value.as_str())
    }

    /// Whether it starts one JobManager whatever the number says: native mode before 1.14 (FLINK-17707).
    #[must_use]
    pub fn starts_one_job_manager(&self) -> bool {
        self.shape == Shape::FlinkDeployment { standalone: false }
            && self.version.is_some_and(|version| !version.at_least(1, 14))
    }

    /// The name to write `option` under.
    #[must_use]
    pub fn spelling(&self, option: &str) -> &'static str {
        options::spelling(option, self.version)
    }

    /// What switches Kubernetes HA on, as it is to be written; in both ways where the version is not known.
    #[must_use]
    pub fn kubernetes_ha(&self) -> String {
        let name = self.spelling(HA_TYPE);
        match self.version {
            Some(_) => format!("`{name}: {}`", HighAvailability::kubernetes_word(self.version)),
            None => format!("`{name}: kubernetes` (before Flink 1.17 `high-availability: {KUBERNETES_FACTORY}`)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_flink_reads_them() {
        for (value, expected) in [
            ("NONE", HighAvailability::Off),
            ("standalone", HighAvailability::Off),
            ("ZooKeeper", HighAvailability::ZooKeeper),
            ("KUBERNETES", HighAvailability::Kubernetes),
            (KUBERNETES_FACTORY, HighAvailability::Kubernetes),
            (" kubernetes ", HighAvailability::Class(" kubernetes ".to_owned())),
            ("", HighAvailability::Class(String::new())),
            ("${HA_MODE}", HighAvailability::Unknown),
        ] {
            assert_eq!(HighAvailability::of(value), expected, "{value}");
        }
    }
}
