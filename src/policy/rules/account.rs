//! Rules on what a cluster's pods run as: their ServiceAccount and their user.

pub(super) mod kubernetes_namespace_foreign;
pub(super) mod kubernetes_namespace_missing;
pub(super) mod openshift_finalizers_right;
pub(crate) mod rights;
pub(super) mod run_as_user_missing;
pub(super) mod service_account_lacks_rights;
pub(super) mod service_account_missing;
pub(super) mod service_account_not_found;
pub(super) mod service_account_over_privileged;
pub(super) mod service_account_token_not_mounted;
pub(super) mod task_manager_service_account_missing;
