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

/// Takes `name` out again where it is the account.
///
/// The API server keeps a pod's account under its old name too, and takes it from there where the new one is unset
/// (`DeprecatedServiceAccount` in `pkg/apis/core/v1/conversion.go`).
pub(super) fn remove(work: &mut Work<'_>, name: &str) {
    let path = field(work);
    let former = match work.target.place() {
        Some(Place::Pods(_)) => Some(work.target.root().keys(&["spec", "serviceAccount"])),
        Some(Place::Resource(_)) | None => None,
    };
    for path in former.into_iter().chain([path]) {
        if walk(work.edits.document(), &path).and_then(Value::as_str) == Some(name) {
            work.edits.remove(&path);
        }
    }
}

/// Where the ServiceAccount is set.
pub(super) fn field(work: &Work<'_>) -> FieldPath {
    match work.target.place() {
        Some(Place::Pods(_)) => work.target.root().keys(&["spec", "serviceAccountName"]),
        Some(Place::Resource(_)) | None => work.target.root().key("serviceAccount"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::Operation;
    use crate::facts::Facts;
    use crate::policy::Policies;
    use crate::verdict::{Subject, judge};
    use crate::workload::recognise;

    const POLICY: &str = "spec: {serviceAccount: {name: 'flink-{namespace}'}, optOut: true}";

    fn stored(object: &Value, old: Option<&Value>, namespace: &str) -> Value {
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let workload = recognise(object).unwrap();
        let subject = Subject { object, old, operation, namespace, name: Some("a"), workload: &workload };
        judge(&subject, &Policies::from_text(POLICY).unwrap(), &Facts::default()).stored
    }

    /// A role as it is read from the API server, which gives the account under both of its names.
    fn live() -> Value {
        let container = json!({"name": "flink", "image": "flink:1.20.1", "args": ["taskmanager"]});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": [container]}}}});
        let mut live = stored(&object, None, "shop");
        let spec = &mut live["spec"]["template"]["spec"];
        assert_eq!(spec["serviceAccountName"], "flink-shop");
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
        live
    }

    #[test]
    fn a_copy_of_a_live_role_gets_the_account_of_its_namespace() {
        let copy = stored(&live(), None, "other");
        assert_eq!(copy["spec"]["template"]["spec"]["serviceAccountName"], "flink-other");
        let record = copy["metadata"]["annotations"]["flink-admission.io/injected"].as_str().unwrap();
        assert!(record.contains("flink-other"), "{record}");
        assert!(!copy.to_string().contains("flink-shop"), "{copy}");
    }

    #[test]
    fn an_opt_out_takes_both_names_out() {
        let mut update = live();
        update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
        let left = stored(&update, Some(&live()), "shop");
        assert!(!left.to_string().contains("serviceAccount"), "{left}");
    }
}
