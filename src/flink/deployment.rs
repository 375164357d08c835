//! What Flink and its operator make of a FlinkDeployment's spec: the configuration, and one pod a role.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value;

use crate::flink::configuration::{EffectiveConfig, Layer, flatten};
use crate::flink::image::Image;
use crate::flink::location::normalise;
use crate::flink::options::{self, HA_STORAGE_DIR, HA_TYPE};
use crate::flink::pod::{ExtraClaim, Pod};
use crate::flink::template::{self, MERGE_BY_NAME};
use crate::flink::version::FlinkVersion;
use crate::object::{self, FieldPath, annotation, at, text};
use crate::policy::Role;

/// Annotation that names the Flink version where nothing else does: `1.20`.
pub const VERSION_ANNOTATION: &str = "flink-admission.io/flink-version";

/// A FlinkDeployment's spec as it takes effect.
#[derive(Debug, Clone)]
pub struct FlinkDeployment {
    /// Path of the spec in the object.
    pub spec: FieldPath,
    /// The Flink version; `None` where nothing says it.
    pub version: Option<FlinkVersion>,
    /// Whether it runs one job (`job` is set) and not a session.
    pub application: bool,
    /// Whether `mode` is `standalone`; native otherwise.
    pub standalone: bool,
    /// The options of both roles.
    pub config: EffectiveConfig,
    /// The JobManager's pod.
    pub job_manager: Pod,
    /// The TaskManager's pod.
    pub task_manager: Pod,
    /// `spec.image`.
    pub image: Option<String>,
}

/// Resolves the spec at `spec` of `object`.
#[must_use]
pub fn resolve(object: &Value, spec: &FieldPath) -> FlinkDeployment {
    let body = walk(object, spec).unwrap_or(&Value::Null);
    let version = version(object, body);
    let origin = spec.key("flinkConfiguration");
    let mut config = match at(body, &["flinkConfiguration"]) {
        Some(map @ Value::Object(_)) => flatten(map, &origin, &origin.to_string()),
        _ => EffectiveConfig::default(),
    };
    add_emr_fields(&mut config, body, spec, version);
    config.note_overridden_names(version);
    let standalone = text(body, &["mode"]) == Some("standalone");
    let by_name = config.exact(MERGE_BY_NAME).is_some_and(|setting| setting.trimmed().eq_ignore_ascii_case("true"));
    let extra = if standalone { Vec::new() } else { extra_claims(&config, version) };
    // Both roles share it where they have none of their own.
    let common = OnceCell::new();
    let pod = |role: Role| {
        let base = at(body, &["podTemplate"]);
        let template = match at(body, &[field(role), "podTemplate"]).filter(|own| own.is_object()) {
            own @ Some(_) => Arc::new(template::merge(base, own, by_name)),
            None => Arc::clone(common.get_or_init(|| Arc::new(template::merge(base, None, by_name)))),
        };
        Pod { extra: extra.clone(), ..Pod::with_main_container(template) }
    };
    FlinkDeployment {
        spec: spec.clone(),
        version,
        application: at(body, &["job"]).is_some(),
        standalone,
        job_manager: pod(Role::JobManager),
        task_manager: pod(Role::TaskManager),
        image: text(body, &["image"]).map(str::to_owned),
        config,
    }
}

/// The pod templates of a FlinkDeploymentSpec: that of both roles, then each role's own.
pub const TEMPLATES: [&[&str]; 3] = [&["podTemplate"], &["jobManager", "podTemplate"], &["taskManager", "podTemplate"]];

/// The field of a FlinkDeployment's spec that holds a role.
#[must_use]
pub const fn field(role: Role) -> &'static str {
    match role {
        Role::JobManager => "jobManager",
        Role::TaskManager => "taskManager",
    }
}

/// The ids of the clusters that the operator makes of `object`: its name, or that and a suffix for each half of a
/// FlinkBlueGreenDeployment; none while it has no name.
#[must_use]
pub fn cluster_ids(object: &Value) -> Vec<String> {
    match (text(object, &["metadata", "name"]), text(object, &["kind"])) {
        (None | Some(""), _) => Vec::new(),
        (Some(name), Some("FlinkBlueGreenDeployment")) => ["blue", "green"].map(|half| format!("{name}-{half}")).into(),
        (Some(name), _) => vec![name.to_owned()],
    }
}

/// The value at `path` of `object`.
#[must_use]
pub fn walk<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.value_in(object).filter(|value| !value.is_null())
}

/// From `flinkVersion`, else the image's tag, else the annotation.
fn version(object: &Value, spec: &Value) -> Option<FlinkVersion> {
    text(spec, &["flinkVersion"])
        .and_then(FlinkVersion::from_field)
        .or_else(|| Image::parse(text(spec, &["image"])?).version())
        .or_else(|| FlinkVersion::from_dotted(annotation(object, VERSION_ANNOTATION)?))
}

impl FlinkDeployment {
    /// The ServiceAccount that `role` runs under, `None` for the namespace's default one, and the path to set it at.
    ///
    /// `kubernetes.<role>.service-account` beats `spec.serviceAccount`, which beats the pod template's.
    /// Sources: operator 1.15 `FlinkConfigBuilder`, Flink `KubernetesUtils.resolveUserDefinedValue`.
    #[must_use]
    pub fn service_account(&self, object: &Value, role: Role) -> (Option<String>, FieldPath) {
        let option = match role {
            Role::JobManager => "kubernetes.jobmanager.service-account",
            Role::TaskManager => "kubernetes.taskmanager.service-account",
        };
        if let Some(setting) = self.config.exact(option).filter(|setting| !setting.trimmed().is_empty()) {
            return (own(&setting.value), setting.path.clone());
        }
        let path = self.spec.key("serviceAccount");
        // An empty one is set over the option too.
        let named = walk(object, &path)
            .and_then(Value::as_str)
            .or_else(|| self.config.exact("kubernetes.service-account").map(|setting| setting.value.as_str()));
        (named.and_then(own), path)
    }

    /// Number of JobManagers: `jobManager.replicas` (1 where the block does not say), else the option; and its path.
    ///
    /// Source: operator 1.15 `FlinkConfigBuilder.applyJobManagerSpec`.
    #[must_use]
    pub fn job_managers(&self, object: &Value) -> (i64, FieldPath) {
        let block = self.spec.key("jobManager");
        let path = block.key("replicas");
        match walk(object, &block) {
            Some(job_manager) => (object::integer(job_manager, &["replicas"]).unwrap_or(1), path),
            None => match self.config.exact("kubernetes.jobmanager.replicas") {
                Some(setting) => (setting.trimmed().parse().unwrap_or(1), setting.path.clone()),
                None => (1, path),
            },
        }
    }
}

/// A ServiceAccount of the cluster's own; `default` is everybody's.
pub(super) fn own(name: &str) -> Option<String> {
    let name = name.trim();
    (!name.is_empty() && name != "default").then(|| name.to_owned())
}

/// Whether whoever deploys the cluster makes its ServiceAccount: Amazon EMR does, from the role in `executionRoleArn`.
///
/// Source: "EMR on EKS Development Guide", Flink Kubernetes operator.
#[must_use]
pub fn makes_its_account(object: &Value, spec: &FieldPath) -> bool {
    walk(object, &spec.key("executionRoleArn")).is_some()
}

/// Whether the spec is Amazon EMR's, with HA in fields of its own.
#[must_use]
pub fn has_emr_ha(object: &Value, spec: &FieldPath) -> bool {
    let job_manager = spec.key("jobManager");
    ["highAvailabilityEnabled", "storageDir"].iter().any(|field| walk(object, &job_manager.key(field)).is_some())
}

/// Whether it cannot be known if Amazon EMR switches HA on: it has the directory, and nothing about the switch.
#[must_use]
pub fn may_have_emr_ha(object: &Value, spec: &FieldPath) -> bool {
    let job_manager = spec.key("jobManager");
    walk(object, &job_manager.key("storageDir")).is_some()
        && walk(object, &job_manager.key("highAvailabilityEnabled")).is_none()
}

/// The HA of Amazon EMR's dialect, which stands in fields of the JobManager: `highAvailabilityEnabled`, `storageDir`.
///
/// Source: "EMR on EKS Development Guide", high availability for Flink applications.
fn add_emr_fields(config: &mut EffectiveConfig, body: &Value, spec: &FieldPath, version: Option<FlinkVersion>) {
    if at(body, &["jobManager", "highAvailabilityEnabled"]) != Some(&Value::Bool(true)) {
        return;
    }
    let job_manager = spec.key("jobManager");
    let origin = job_manager.to_string();
    let fields = [
        (HA_TYPE, "highAvailabilityEnabled", Some("kubernetes")),
        (HA_STORAGE_DIR, "storageDir", text(body, &["jobManager", "storageDir"])),
    ];
    for (option, field, value) in fields {
        let Some(value) = value.filter(|_| config.option(option, version).is_none()) else { continue };
        let key = options::spelling(option, version).to_owned();
        config.set(Layer::File, key, value.to_owned(), origin.clone(), job_manager.key(field));
    }
}

/// Claims that native mode mounts by option: `kubernetes.persistent-volume-claims`, from Flink 2.3.
fn extra_claims(config: &EffectiveConfig, version: Option<FlinkVersion>) -> Vec<ExtraClaim> {
    if !version.is_some_and(|version| version.at_least(2, 3)) {
        return Vec::new();
    }
    let read_only = config
        .exact("kubernetes.persistent-volume-claim-read-only")
        .is_some_and(|setting| setting.trimmed().eq_ignore_ascii_case("true"));
    let pairs = config.exact("kubernetes.persistent-volume-claims").map_or("", |setting| setting.value.as_str());
    pairs
        .split([',', ';'])
        .filter_map(|pair| pair.trim().split_once(':'))
        .map(|(claim, path)| ExtraClaim { claim: claim.to_owned(), mount_path: normalise(path), read_only })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolved(spec: Value) -> (Value, FlinkDeployment) {
        let object = json!({"spec": spec});
        let resolved = resolve(&object, &FieldPath::of(&["spec"]));
        (object, resolved)
    }

    #[test]
    fn either_field_of_amazon_emr_is_its_ha() {
        for (job_manager, expected) in [
            (json!({"storageDir": "s3://plants/ha"}), true),
            (json!({"highAvailabilityEnabled": true}), true),
            (json!({}), false),
        ] {
            let object = json!({"spec": {"jobManager": job_manager}});
            assert_eq!(has_emr_ha(&object, &FieldPath::of(&["spec"])), expected, "{object}");
        }
    }

    #[test]
    fn the_version_field_stands_above_the_image() {
        let (_, both) = resolved(json!({"flinkVersion": "v1_18", "image": "flink:1.20.1"}));
        assert_eq!(both.version, Some(FlinkVersion::new(1, 18)));
        let (_, image) = resolved(json!({"image": "flink:1.20.1-java17"}));
        assert_eq!(image.version.map(|v| v.to_string()).as_deref(), Some("1.20.1"));
        let (_, none) = resolved(json!({"image": "flink@sha256:00"}));
        assert_eq!(none.version, None);
    }

    #[test]
    fn the_accounts_precedence_is_flinks() {
        let (object, cluster) = resolved(
            json!({"serviceAccount": "a", "flinkConfiguration": {"kubernetes.jobmanager.service-account": "b"},
            "podTemplate": {"spec": {"serviceAccountName": "c"}}}),
        );
        assert_eq!(cluster.service_account(&object, Role::JobManager).0.as_deref(), Some("b"));
        assert_eq!(cluster.service_account(&object, Role::TaskManager).0.as_deref(), Some("a"));
        let by_option = json!({"kubernetes.service-account": "d"});
        for (account, expected) in [(json!(""), None), (Value::Null, Some("d"))] {
            let (object, cluster) = resolved(json!({"serviceAccount": account, "flinkConfiguration": by_option}));
            assert_eq!(cluster.service_account(&object, Role::JobManager).0.as_deref(), expected);
        }
        let (object, cluster) = resolved(json!({"serviceAccount": "default"}));
        assert_eq!(cluster.service_account(&object, Role::JobManager).0, None);
    }

    #[test]
    fn the_block_beats_the_option_for_replicas() {
        let option = json!({"kubernetes.jobmanager.replicas": 3});
        let (object, cluster) = resolved(json!({"jobManager": {}, "flinkConfiguration": option}));
        assert_eq!(cluster.job_managers(&object).0, 1);
        let (object, cluster) = resolved(json!({"flinkConfiguration": option}));
        assert_eq!(cluster.job_managers(&object).0, 3);
    }

    #[test]
    fn the_ha_of_amazon_emr_is_ha() {
        let job_manager = json!({"highAvailabilityEnabled": true, "storageDir": "s3://b/ha"});
        let (_, cluster) = resolved(json!({"flinkVersion": "v1_18", "jobManager": job_manager}));
        assert_eq!(cluster.config.value(HA_TYPE, cluster.version), Some("kubernetes"));
        let directory = cluster.config.exact(HA_STORAGE_DIR).unwrap();
        assert_eq!(
            (directory.value.as_str(), directory.path.to_string().as_str()),
            ("s3://b/ha", "spec.jobManager.storageDir")
        );
        let (_, off) = resolved(json!({"jobManager": {"highAvailabilityEnabled": false, "storageDir": "s3://b/ha"}}));
        assert_eq!(off.config.iter().count(), 0);
    }

    #[test]
    fn surprising_shapes_give_an_empty_cluster() {
        for spec in
            [json!(null), json!(7), json!([]), json!({"flinkConfiguration": [], "podTemplate": "x", "jobManager": 1})]
        {
            let (object, cluster) = resolved(spec);
            assert_eq!(cluster.config.iter().count(), 0);
            assert_eq!(cluster.job_managers(&object).0, 1);
        }
    }
}
