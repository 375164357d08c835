//! Rules on the ServiceAccount of a cluster's pods.

pub(super) mod kubernetes_namespace_foreign;
pub(super) mod kubernetes_namespace_missing;
pub(super) mod service_account_missing;
pub(super) mod service_account_token_not_mounted;
pub(super) mod task_manager_service_account_missing;
