//! `fsGroup` for pods whose state lies on a claim, so that Flink's user may write there.

use serde_json::Value;

use crate::facts::FactKey;
use crate::flink::cluster::{Cluster, Directory};
use crate::flink::deployment::walk;
use crate::flink::location::Location;
use crate::flink::pod::{Backing, Source};
use crate::inject::pod_template::template_for;
use crate::inject::{Injected, Work};
use crate::object::at;
use crate::policy::{FsGroup, Role, has_openshift_range};

/// Sets `fsGroup` in the pods that need it and say nothing.
pub(super) fn add(work: &mut Work<'_>) {
    let spec = &work.target.policy.spec;
    let FsGroup::Id(group) = spec.pod_security.fs_group else { return };
    if !spec.complete || is_forbidden(work) {
        return;
    }
    let cluster = work.cluster();
    let roles: Vec<Role> =
        cluster.roles.iter().map(|view| view.role).filter(|role| needs(work, &cluster, *role)).collect();
    set(work, &roles, group);
}

/// Namespaces with a range of user ids refuse any other; where the namespace could not be read, it may have one.
pub(super) fn is_forbidden(work: &Work<'_>) -> bool {
    let namespace = work.target.facts.answer(&FactKey::Namespace(work.target.namespace.to_owned()));
    has_openshift_range(namespace)
        || (work.target.facts.is_live() && matches!(namespace, crate::facts::Answer::Unknown(_)))
}

fn needs(work: &Work<'_>, cluster: &Cluster, role: Role) -> bool {
    let Some(view) = cluster.role(role) else { return false };
    if at(&view.pod.template, &["spec", "securityContext", "fsGroup"]).is_some() {
        return false;
    }
    let on_claim = |path: &str| matches!(view.pod.backing(path), Backing::Volume(volume) if matches!(volume.source, Source::Claim(_)));
    let of_state =
        Directory::ALL.into_iter().filter_map(|directory| cluster.location(directory)).any(|location| match location {
            Location::Local(path) => on_claim(&path),
            _ => false,
        });
    let of_policy =
        work.added.iter().any(|added| matches!(added, Injected::Volume { role: of, .. } if Role::from(*of) == role));
    of_state || of_policy
}

/// Sets `fsGroup` in the pods of `roles`: in the common template for both, else in the role's own.
pub(super) fn set(work: &mut Work<'_>, roles: &[Role], group: u32) {
    let Some(template) = template_for(work, roles) else { return };
    let context = template.keys(&["spec", "securityContext"]);
    if !work.edits.set(&context.key("fsGroup"), Value::from(group)) {
        return;
    }
    if walk(work.edits.document(), &context.key("fsGroupChangePolicy")).is_none() {
        work.edits.set(&context.key("fsGroupChangePolicy"), Value::from("OnRootMismatch"));
    }
    work.added.extend(roles.iter().map(|role| Injected::FsGroup { role: (*role).into(), value: group }));
}
