//! `runAsUser` and `runAsGroup` for pods that must not run as root, since the official image names no numeric user.

use serde_json::Value;

use crate::flink::cluster::RoleView;
use crate::flink::deployment::walk;
use crate::flink::user;
use crate::inject::fs_group::is_forbidden;
use crate::inject::pod_template::{template_for, template_of};
use crate::inject::record::Record;
use crate::inject::{Injected, Work};
use crate::object::{FieldPath, at};
use crate::policy::{FsGroup, Role};

const CONTEXT: [&str; 2] = ["spec", "securityContext"];
const USER: &str = "runAsUser";
const GROUP: &str = "runAsGroup";

/// Names Flink's user in the pods that forbid root and say nothing else.
pub(super) fn add(work: &mut Work<'_>) {
    let spec = &work.target.policy.spec;
    if !spec.complete || spec.pod_security.fs_group == FsGroup::Off || is_forbidden(work) {
        return;
    }
    let cluster = work.cluster();
    let is_lacking = |view: &&RoleView| view.is_stock(&spec.images.stock) && user::is_missing(&view.pod);
    let lacking = cluster.roles.iter().filter(is_lacking);
    let roles: Vec<Role> = lacking.map(|view| view.role).collect();
    set(work, &roles, user::FLINK, true);
}

/// Sets the user, and with `group` the group where none is named, in the pods of `roles`.
fn set(work: &mut Work<'_>, roles: &[Role], value: u32, group: bool) {
    let Some(template) = template_for(work, roles) else { return };
    let context = template.keys(&CONTEXT);
    if !work.edits.set(&context.key(USER), Value::from(value)) {
        return;
    }
    let has_group = {
        let cluster = work.cluster();
        roles.iter().any(|role| of_pod(&cluster, *role, GROUP).is_some())
    };
    let group = group && !has_group && work.edits.set(&context.key(GROUP), Value::from(value));
    work.added.extend(roles.iter().map(|role| Injected::RunAsUser { role: (*role).into(), value, group }));
}

/// The user that the pod of `role` names.
pub(super) fn present(work: &Work<'_>, role: Role) -> Option<Value> {
    of_pod(&work.cluster(), role, USER)
}

fn of_pod(cluster: &crate::flink::cluster::Cluster, role: Role, field: &str) -> Option<Value> {
    at(&cluster.role(role)?.pod.template, &CONTEXT)?.get(field).filter(|value| !value.is_null()).cloned()
}

/// Restores the user in those of `roles` that still need one.
pub(super) fn restore(work: &mut Work<'_>, roles: &[Role], value: u32, group: bool) {
    let cluster = work.cluster();
    let needs = |role: &Role| cluster.role(*role).is_some_and(|view| user::is_missing(&view.pod));
    let lacking: Vec<Role> = roles.iter().copied().filter(needs).collect();
    set(work, &lacking, value, group);
}

/// Takes the user that `record` says was named out again, as far as it still stands.
pub(super) fn withdraw(work: &mut Work<'_>, record: &Record) {
    let ours = |value: &Injected| match value {
        Injected::RunAsUser { role, value, group } => Some((Role::from(*role), *value, *group)),
        _ => None,
    };
    let values: Vec<(Role, u32, bool)> = record.values.iter().filter_map(ours).collect();
    let both = values.len() > 1;
    for (role, value, group) in values {
        let own = template_of(work, Some(role));
        let has_it = |template: &FieldPath| {
            walk(work.edits.document(), &template.keys(&CONTEXT).key(USER)) == Some(&Value::from(value))
        };
        let template = if !both && has_it(&own) { own } else { template_of(work, None) };
        if !has_it(&template) {
            continue;
        }
        let context = template.keys(&CONTEXT);
        work.edits.remove(&context.key(USER));
        if group && walk(work.edits.document(), &context.key(GROUP)) == Some(&Value::from(value)) {
            work.edits.remove(&context.key(GROUP));
        }
        work.edits.prune(&context);
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

    fn cluster(template: &str, context: Value) -> Value {
        let mut object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": "a"}, "spec": {"flinkVersion": "v1_20", "image": "flink:1.20.1"}});
        let pod = json!({"spec": {"securityContext": context}});
        match template {
            "podTemplate" => object["spec"][template] = pod,
            role => object["spec"][role]["podTemplate"] = pod,
        }
        object
    }

    fn stored(object: &Value, old: Option<&Value>) -> Value {
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let workload = recognise(object).unwrap();
        let subject = Subject { object, old, operation, namespace: "shop", name: Some("a"), workload: &workload };
        judge(&subject, &Policies::from_text("spec: {optOut: true}").unwrap(), &Facts::default()).stored
    }

    #[test]
    fn what_was_named_is_put_back_and_withdrawn() {
        for template in ["podTemplate", "jobManager", "taskManager"] {
            for context in [json!({"runAsNonRoot": true}), json!({"runAsNonRoot": true, "runAsGroup": 9999})] {
                let object = cluster(template, context.clone());
                let created = stored(&object, None);
                assert_ne!(created["spec"], object["spec"], "{template}");
                assert_eq!(stored(&created, None), created, "{template}: a second review");
                assert_eq!(stored(&object, Some(&created)), created, "{template}: put back");
                let mut update = created.clone();
                update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
                assert_eq!(stored(&update, Some(&created))["spec"], object["spec"], "{template} {context}");
            }
        }
    }

    #[test]
    fn a_user_of_their_own_stays() {
        let created = stored(&cluster("podTemplate", json!({"runAsNonRoot": true})), None);
        for context in [json!({"runAsNonRoot": true, "runAsUser": 1000}), json!({"runAsNonRoot": false})] {
            let update = cluster("podTemplate", context.clone());
            let kept = stored(&update, Some(&created));
            assert_eq!(kept["spec"], update["spec"], "{context}");
            assert!(kept["metadata"]["annotations"].is_null(), "{kept}");
        }
    }
}
