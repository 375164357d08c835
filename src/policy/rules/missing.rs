//! What is said of objects and rights that are not there, besides that: the policy may have them made, and the input of the
//! offline commands may be a part of what there is.

use crate::flink::cluster::Shape;
use crate::flink::identity;
use crate::flink::options::KUBERNETES_CLUSTER_ID;
use crate::object::text;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Violation};
use crate::policy::template::{Names, Template};

/// Whether the policy makes the ServiceAccount called `name`, and its rights.
pub(super) fn is_provisioned_account(case: &Case<'_>, name: &str) -> bool {
    let account = case.policy.spec.service_account.as_ref().filter(|account| account.provision);
    account.is_some_and(|account| is_called(case, &account.name, name))
}

/// Whether the policy makes the claim called `name`.
pub(super) fn is_provisioned_claim(case: &Case<'_>, name: &str) -> bool {
    let mut made = case.policy.spec.volumes.iter().filter(|volume| volume.provision.is_some());
    made.any(|volume| is_called(case, &volume.claim_name, name))
}

/// `violation` as a remark that no user sees, since it will be settled.
pub(super) fn provisioned(violation: Violation) -> Violation {
    let fix = "leave it: the policy asks to have it provisioned".to_owned();
    Violation { at_most: Level::Audit, fix, ..violation }
}

/// `fix`, and what to do where the input is not all there is.
pub(super) fn or_made_elsewhere(case: &Case<'_>, mut fix: String) -> String {
    if !case.facts.is_live() {
        fix.push_str("; if it is made elsewhere, check with `--assume partial`");
    }
    fix
}

fn is_called(case: &Case<'_>, template: &Template, called: &str) -> bool {
    let name = text(case.object, &["metadata", "name"]);
    let cluster = match case.cluster.shape {
        Shape::FlinkDeployment { .. } => name.map(str::to_owned),
        Shape::Raw => {
            let configured = case.cluster.leading().and_then(|view| {
                view.config.value(KUBERNETES_CLUSTER_ID, case.cluster.version).map(|id| id.trim().to_owned())
            });
            let (object, namespace, cluster) = (case.object, case.namespace, case.cluster);
            identity::Shown { object, name, namespace, cluster }.id(configured)
        }
    };
    template.fill(&Names { namespace: case.namespace, name, cluster: cluster.as_deref() }).as_deref() == Ok(called)
}
