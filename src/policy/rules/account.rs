//! Rules on the ServiceAccount of a cluster's pods.

pub(super) mod service_account_missing;
pub(super) mod service_account_token_not_mounted;
