//! Rules on what a cluster's pods run as: their ServiceAccount and their user.

pub(super) mod run_as_user_missing;
pub(super) mod service_account_missing;
pub(super) mod service_account_token_not_mounted;
