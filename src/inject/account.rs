//! The policy's ServiceAccount, for clusters that name none.

use serde_json::Value;

use crate::inject::{Injected, Work};
use crate::policy::Role;

/// Sets `spec.serviceAccount` where it is unset, empty or `default`.
pub(super) fn add(work: &mut Work<'_>) {
    let Some(wanted) = &work.target.policy.spec.service_account else { return };
    let Ok(name) = wanted.name.fill(&work.target.names()) else { return };
    set(work, &name);
}

/// Sets `spec.serviceAccount` to `name`, unless an account of the cluster's own is in force.
pub(super) fn set(work: &mut Work<'_>, name: &str) {
    let path = work.target.spec.key("serviceAccount");
    let is_free =
        work.cluster().role(Role::JobManager).is_some_and(|view| view.account.0.is_none() && view.account.1 == path);
    if is_free {
        work.edits.set(&path, Value::String(name.to_owned()));
        work.added.push(Injected::ServiceAccount { value: name.to_owned() });
    }
}
