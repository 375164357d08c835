//! Rules on how the configuration is put together: options, versions, replicas, containers.

pub(super) mod configuration_file_unread;
pub(super) mod configuration_not_mounted;
pub(super) mod flink_properties_void;
pub(super) mod flink_version_contradicts_image;
pub(super) mod ha_arguments_without_ha;
pub(super) mod ha_mode_missing;
pub(super) mod ha_mode_short_name;
pub(super) mod image_differs_between_roles;
pub(super) mod main_container_missing;
pub(super) mod option_misspelt;
pub(super) mod option_overlap;
pub(super) mod option_unknown_to_version;
pub(super) mod shape_not_understood;
pub(super) mod standby_without_ha;
pub(super) mod standby_without_ha_in_resource;
mod unread;
pub(super) mod zookeeper_port_random;
pub(super) mod zookeeper_quorum_missing;
