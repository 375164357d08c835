//! Rules on how the configuration is put together: options, versions, replicas, containers.

pub(super) mod flink_version_contradicts_image;
pub(super) mod ha_mode_missing;
pub(super) mod ha_mode_short_name;
pub(super) mod main_container_missing;
pub(super) mod option_misspelt;
pub(super) mod option_overlap;
pub(super) mod option_unknown_to_version;
pub(super) mod shape_not_understood;
pub(super) mod standby_without_ha;
pub(super) mod standby_without_ha_in_resource;
pub(super) mod zookeeper_quorum_missing;
