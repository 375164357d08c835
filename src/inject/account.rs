//! The policy's ServiceAccount, for clusters that name none.

use serde_json::Value;

use crate::flink::deployment::{makes_its_account, walk};
use crate::inject::{Injected, Place, Work};
use crate::object::FieldPath;

/// Sets `spec.serviceAccount` where it is unset, empty or `default`.
pub(super) fn add(work: &mut Work<'_>) {
    let Some(wanted) = &work.target.policy.spec.service_account else { return };
    let Ok(name) = wanted.name.fill(&work.names()) else { return };
    set(work, &name);
}

/// Sets `spec.serviceAccount` to `name`, unless an account of the cluster's own is in force.
pub(super) fn set(work: &mut Work<'_>, name: &str) {
    let path = field(work);
    let is_free = work.cluster().leading().is_some_and(|view| view.account.0.is_none() && view.account.1 == path);
    if matches!(work.target.place(), Some(Place::Resource(spec)) if makes_its_account(work.target.object, spec)) {
        return;
    }
    let is_text = walk(work.edits.document(), &path).is_none_or(Value::is_string);
    if is_free && is_text && work.edits.set(&path, Value::String(name.to_owned())) {
        work.added.push(Injected::ServiceAccount { value: name.to_owned() });
    }
}

/// Where the ServiceAccount is set.
pub(super) fn field(work: &Work<'_>) -> FieldPath {
    match work.target.place() {
        Some(Place::Pods(_)) => work.target.root().keys(&["spec", "serviceAccountName"]),
        Some(Place::Resource(_)) | None => work.target.root().key("serviceAccount"),
    }
}
