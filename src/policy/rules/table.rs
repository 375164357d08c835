//! All rules, and what is said of them by their ids.

use super::{Rule, account, exposure, mutation, neighbours, operations, session, storage, wiring};
use crate::policy::finding::Level;

/// All rules, by id.
pub static RULES: &[&Rule] = &[
    &wiring::arguments_refused::RULE,
    &storage::checkpoint_directory_missing::RULE,
    &neighbours::checkpoint_directory_shared::RULE,
    &storage::claim_not_found::RULE,
    &storage::claim_single_node_shared::RULE,
    &storage::claim_single_pod_shared::RULE,
    &neighbours::cluster_identity_taken::RULE,
    &wiring::configuration_file_unread::RULE,
    &wiring::configuration_not_found::RULE,
    &wiring::configuration_not_mounted::RULE,
    &wiring::configuration_refused::RULE,
    &exposure::credentials_in_plain_text::RULE,
    &storage::filesystem_plugin_missing::RULE,
    &storage::filesystem_plugin_scheme::RULE,
    &storage::filesystem_plugin_version::RULE,
    &operations::flink_deployment_refused::RULE,
    &exposure::flink_known_vulnerable::RULE,
    &wiring::flink_properties_void::RULE,
    &wiring::flink_version_contradicts_image::RULE,
    &storage::fs_group_missing::RULE,
    &wiring::ha_arguments_without_ha::RULE,
    &wiring::ha_cluster_id_default::RULE,
    &wiring::ha_cluster_id_refused::RULE,
    &wiring::ha_differs_between_roles::RULE,
    &neighbours::ha_directory_shared::RULE,
    &wiring::ha_id_of_each_pod::RULE,
    &neighbours::ha_metadata_left_behind::RULE,
    &wiring::ha_mode_missing::RULE,
    &wiring::ha_mode_misspelt::RULE,
    &wiring::ha_mode_short_name::RULE,
    &mutation::ha_not_added::RULE,
    &operations::ha_off::RULE,
    &mutation::ha_required::RULE,
    &storage::ha_storage_dir_missing::RULE,
    &operations::ha_without_checkpoints::RULE,
    &storage::hadoop_classpath_missing::RULE,
    &storage::history_archive_not_durable::RULE,
    &wiring::host_argument_removed::RULE,
    &wiring::image_differs_between_roles::RULE,
    &operations::image_tag_mutable::RULE,
    &mutation::injected_value_missing::RULE,
    &exposure::jar_upload_open::RULE,
    &operations::job_backoff_limit::RULE,
    &wiring::jobmanager_address_is_service::RULE,
    &operations::jobmanagers_not_spread::RULE,
    &operations::jobmanagers_too_few::RULE,
    &wiring::kubernetes_cluster_id_missing::RULE,
    &neighbours::kubernetes_ha_load::RULE,
    &account::kubernetes_namespace_foreign::RULE,
    &account::kubernetes_namespace_missing::RULE,
    &operations::leader_election_intervals::RULE,
    &operations::liveness_probe_harmful::RULE,
    &wiring::liveness_probe_on_random_port::RULE,
    &wiring::main_container_missing::RULE,
    &operations::memory_above_limit::RULE,
    &operations::memory_limit_missing::RULE,
    &operations::memory_too_small::RULE,
    &account::openshift_finalizers_right::RULE,
    &wiring::operator_standalone_v2_ha::RULE,
    &wiring::option_misspelt::RULE,
    &wiring::option_overlap::RULE,
    &wiring::option_unknown_to_version::RULE,
    &wiring::pod_ip_undefined::RULE,
    &exposure::pod_privileged::RULE,
    &wiring::reactive_mode_unsupported::RULE,
    &operations::resource_null::RULE,
    &exposure::rest_exposed_by_ingress::RULE,
    &exposure::rest_exposed_by_service::RULE,
    &operations::restart_strategy_default_attempts::RULE,
    &operations::restart_strategy_off::RULE,
    &operations::roles_in_one_pod::RULE,
    &operations::rolling_update_two_jobmanagers::RULE,
    &account::run_as_user_missing::RULE,
    &account::service_account_lacks_rights::RULE,
    &account::service_account_missing::RULE,
    &account::service_account_not_found::RULE,
    &account::service_account_over_privileged::RULE,
    &account::service_account_token_not_mounted::RULE,
    &session::session_job_refused::RULE,
    &session::session_option_without_effect::RULE,
    &session::session_target_not_found::RULE,
    &session::session_target_without_ha::RULE,
    &wiring::shape_not_understood::RULE,
    &wiring::standby_not_supported::RULE,
    &wiring::standby_without_ha::RULE,
    &wiring::standby_without_ha_in_resource::RULE,
    &storage::storage_differs_between_roles::RULE,
    &storage::storage_on_container::RULE,
    &storage::storage_on_empty_dir::RULE,
    &storage::storage_on_ephemeral_claim::RULE,
    &storage::storage_on_host_path::RULE,
    &storage::storage_on_source_less_volume::RULE,
    &storage::storage_path_without_scheme::RULE,
    &storage::storage_per_replica::RULE,
    &storage::storage_read_only::RULE,
    &storage::storage_uri_malformed::RULE,
    &storage::storage_uri_placeholder::RULE,
    &account::task_manager_service_account_missing::RULE,
    &operations::upgrade_mode_stateless::RULE,
    &operations::upgrade_mode_without_directory::RULE,
    &mutation::volume_conflict::RULE,
    &wiring::zookeeper_port_random::RULE,
    &wiring::zookeeper_quorum_missing::RULE,
];

/// Whether a policy may name `id`.
#[must_use]
pub fn is_known_id(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id)
}

/// Whether profile strict denies what the rule `id` finds: a policy that only warns of it does not make it harmless.
#[must_use]
pub fn is_denied_by_strict(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id && rule.strict == Level::Deny)
}

/// Whether the rule `id` finds what the operator itself does wrong, of which the resource that it acts for shows nothing.
#[must_use]
pub fn is_of_operator(id: &str) -> bool {
    id == wiring::host_argument_removed::RULE.id
}

/// Whether the rule `id` finds what an update takes away, whatever the object is now.
#[must_use]
pub fn is_of_update(id: &str) -> bool {
    id == mutation::injected_value_missing::RULE.id
}

/// Whether the rule `id` finds that no file-system plugin is enabled.
#[must_use]
pub fn is_of_missing_plugin(id: &str) -> bool {
    id == storage::filesystem_plugin_missing::RULE.id
}

/// Every id that a policy may name, sorted.
#[must_use]
pub fn known_ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rules_are_asked_for_more_than_their_level() {
        assert!(is_denied_by_strict("ha-mode-missing") && !is_denied_by_strict("image-tag-mutable"));
        assert_eq!(
            known_ids().into_iter().filter(|id| is_of_update(id)).collect::<Vec<_>>(),
            ["injected-value-missing"]
        );
        assert_eq!(
            known_ids().into_iter().filter(|id| is_of_operator(id)).collect::<Vec<_>>(),
            ["host-argument-removed"]
        );
        assert_eq!(
            known_ids().into_iter().filter(|id| is_of_missing_plugin(id)).collect::<Vec<_>>(),
            ["filesystem-plugin-missing"]
        );
    }
}
