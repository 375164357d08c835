//! Rules on how the configuration is put together: options, versions, replicas, containers.

pub(super) mod arguments_refused;
pub(super) mod configuration_file_unread;
pub(super) mod configuration_not_found;
pub(super) mod configuration_not_mounted;
pub(super) mod configuration_refused;
pub(super) mod flink_properties_void;
pub(super) mod flink_version_contradicts_image;
pub(super) mod ha_arguments_without_ha;
pub(super) mod ha_cluster_id_default;
pub(super) mod ha_cluster_id_refused;
pub(super) mod ha_differs_between_roles;
pub(super) mod ha_id_of_each_pod;
pub(super) mod ha_mode_missing;
pub(super) mod ha_mode_misspelt;
pub(super) mod ha_mode_short_name;
pub(super) mod host_argument_removed;
pub(super) mod image_differs_between_roles;
pub(super) mod jobmanager_address_is_service;
pub(super) mod kubernetes_cluster_id_missing;
pub(super) mod liveness_probe_on_random_port;
pub(super) mod main_container_missing;
pub(super) mod operator_standalone_v2_ha;
pub(super) mod option_misspelt;
pub(super) mod option_overlap;
pub(super) mod option_unknown_to_version;
pub(super) mod pod_ip_undefined;
pub(super) mod reactive_mode_unsupported;
pub(super) mod shape_not_understood;
pub(super) mod standby_not_supported;
pub(super) mod standby_without_ha;
pub(super) mod standby_without_ha_in_resource;
mod unread;
pub(super) mod zookeeper_port_random;
pub(super) mod zookeeper_quorum_missing;

use crate::flink::cluster::{Cluster, HighAvailability, RoleView, Shape};
use crate::flink::configuration::{EffectiveConfig, Setting};
use crate::flink::options;
use crate::flink::spelling;
use crate::object::FieldPath;
use crate::policy::rules::Case;

/// Why an option has no value.
pub(super) struct Absence {
    /// In words: `kubernetes.cluster-id` is not set.
    pub(super) said: String,
    /// Where it should stand, or the word that should set it.
    pub(super) path: FieldPath,
    /// What to do, where it was written and is misread.
    pub(super) fix: Option<String>,
}

impl Absence {
    /// Why `option` has no value in `view`.
    pub(super) fn of(cluster: &Cluster, view: &RoleView, option: &str) -> Self {
        if let Some((word, path)) = view.misread_option(option, cluster.version) {
            let said = format!("`{option}` is not set, since {}", word.in_words());
            return Self { said, path: path.clone(), fix: Some(word.remedy()) };
        }
        let name = options::spelling(option, cluster.version);
        match view.config.option(option, cluster.version) {
            Some((key, blank)) => Self { said: format!("`{key}` is blank"), path: blank.path.clone(), fix: None },
            None => Self { said: format!("`{name}` is not set"), path: view.config_path.key(name), fix: None },
        }
    }
}

/// The role of a standalone cluster with Kubernetes HA.
pub(super) fn raw_with_kubernetes_ha<'a>(case: &Case<'a>) -> Option<&'a RoleView> {
    let is_on = case.cluster.shape == Shape::Raw && case.cluster.high_availability().0 == HighAvailability::Kubernetes;
    case.cluster.leading().filter(|_| is_on)
}

/// Whether `option` is set under none of its names, of any version, and under no misspelling: those are other rules'.
pub(super) fn is_set_nowhere(config: &EffectiveConfig, option: &str) -> bool {
    let names = options::names(option, None);
    let is_set = |name: &&str| config.exact(name).is_some_and(|setting| !setting.trimmed().is_empty());
    let is_misspelt = |(key, _): (&str, &Setting)| spelling::meant(key).is_some_and(|near| names.contains(&near.name));
    !names.iter().any(is_set) && !config.iter().any(is_misspelt)
}
