//! Claims of the policy, mounted in the Flink container of each role.
//!
//! The operator merges the common pod template and a role's own by position, so an element appended to one of them may
//! end up inside of an element of the other. Every placement is therefore tried on a copy, merged as the operator merges
//! it, and taken only when both pods come out as they were, plus the claim where it was wanted.

use serde_json::{Map, Value, json};

use crate::flink::cluster::Cluster;
use crate::flink::deployment::{field, walk};
use crate::flink::location::normalise;
use crate::flink::pod::{Backing, MAIN_CONTAINER, Pod, Source};
use crate::flink::raw::container_path;
use crate::inject::{Injected, Place, Shortfall, Work};
use crate::object::{FieldPath, list, name, named, text};
use crate::patch::Edits;
use crate::policy::{Role, Volume};
use crate::workload::Raw;

/// A claim to mount.
#[derive(Debug, Clone)]
pub(super) struct ClaimMount {
    pub(super) name: String,
    pub(super) claim: String,
    pub(super) mount_path: String,
}

/// Mounts every volume of the policy in the roles that it is for.
pub(super) fn add(work: &mut Work<'_>) {
    let policy = work.target.policy;
    for volume in &policy.spec.volumes {
        let Ok(claim) = volume.claim_name.fill(&work.names()) else { continue };
        let claim = ClaimMount { name: volume.name.clone(), claim, mount_path: normalise(&volume.mount_path) };
        let roles: Vec<Role> = roles(volume).filter(|role| is_free(work, *role, &claim)).collect();
        mount(work, &roles, &claim);
    }
}

fn roles(volume: &Volume) -> impl Iterator<Item = Role> {
    volume.roles.iter().map(|role| Role::from(*role))
}

/// Whether `claim` may be mounted in `role`; what stands in the way and is no claim is a shortfall.
fn is_free(work: &mut Work<'_>, role: Role, claim: &ClaimMount) -> bool {
    let cluster = work.cluster();
    let Some(view) = cluster.role(role) else { return false };
    let taken_by = match view.pod.backing(&claim.mount_path) {
        Backing::Volume(volume) if volume.mount_path == claim.mount_path => match volume.source {
            Source::Claim(_) | Source::ClaimTemplate(_) | Source::Unknown(_) => return false,
            Source::EmptyDir { .. } => format!("`emptyDir` `{}`", volume.name),
            Source::HostPath(_) => format!("`hostPath` `{}`", volume.name),
            _ => format!("volume `{}`", volume.name),
        },
        Backing::Unknown(_) => return false,
        Backing::Container | Backing::Volume(_) => return view.pod.volume(&claim.name).is_none(),
    };
    let template = template_of(work, role);
    work.shortfalls.push(Shortfall::Volume {
        path: template.keys(&["spec", "volumes"]),
        role,
        mount_path: claim.mount_path.clone(),
        claim: claim.claim.clone(),
        taken_by,
    });
    false
}

/// Mounts `claim` in `roles` and remembers it.
pub(super) fn mount(work: &mut Work<'_>, roles: &[Role], claim: &ClaimMount) {
    if roles.is_empty() {
        return;
    }
    let before = work.cluster();
    if let Some(Place::Pods(raw)) = work.target.place() {
        mount_in_pod(work, raw, claim);
        return;
    }
    let spec = work.target.root();
    let common = |edits: &mut Edits<'_>| append(edits, &spec.key("podTemplate"), None, claim);
    let of_roles = |edits: &mut Edits<'_>| {
        for role in roles {
            let pod = before.role(*role).map(|view| view.pod.clone());
            append(edits, &spec.key(field(*role)).key("podTemplate"), pod.as_ref(), claim);
        }
    };
    let candidates: [&dyn Fn(&mut Edits<'_>); 2] =
        if is_in_role_templates(work, &spec) { [&of_roles, &common] } else { [&common, &of_roles] };
    for candidate in candidates {
        let mut trial = work.clone();
        candidate(&mut trial.edits);
        if is_clean(&before, &trial.cluster(), roles, claim) {
            *work = trial;
            work.added.extend(roles.iter().map(|role| claim.injected(*role)));
            return;
        }
    }
}

/// Mounts `claim` in the one container that a standalone role has.
fn mount_in_pod(work: &mut Work<'_>, raw: &Raw, claim: &ClaimMount) {
    let volumes = work.target.root().keys(&["spec", "volumes"]);
    work.edits.append(&volumes, claim.volume());
    work.edits.append(&container_path(raw).key("volumeMounts"), claim.mount());
    work.added.push(claim.injected(raw.role));
}

impl ClaimMount {
    fn volume(&self) -> Value {
        json!({"name": self.name, "persistentVolumeClaim": {"claimName": self.claim}})
    }

    fn mount(&self) -> Value {
        json!({"name": self.name, "mountPath": self.mount_path})
    }

    fn injected(&self, role: Role) -> Injected {
        let (name, claim, mount_path) = (self.name.clone(), self.claim.clone(), self.mount_path.clone());
        Injected::Volume { role: role.into(), name, claim, mount_path }
    }
}

/// The template that a role's volumes stand in: its own where it has one, else the common one.
fn template_of(work: &Work<'_>, role: Role) -> FieldPath {
    let root = work.target.root();
    if let Some(Place::Pods(_)) = work.target.place() {
        return root;
    }
    let own = root.key(field(role)).key("podTemplate");
    if walk(work.edits.document(), &own).is_some() { own } else { root.key("podTemplate") }
}

/// Whether only the roles' own templates hold the Flink container.
fn is_in_role_templates(work: &Work<'_>, spec: &FieldPath) -> bool {
    let holds = |template: &FieldPath| {
        walk(work.edits.document(), &template.keys(&["spec", "containers"]))
            .and_then(Value::as_array)
            .is_some_and(|containers| named(containers, MAIN_CONTAINER).is_some())
    };
    let in_roles =
        [Role::JobManager, Role::TaskManager].iter().any(|role| holds(&spec.key(field(*role)).key("podTemplate")));
    in_roles && !holds(&spec.key("podTemplate"))
}

/// Appends the claim to the template at `template`, behind everything that `merged` already has at that place.
///
/// A role's list that is shorter than the merged one is filled up with the common template's elements first: merged into
/// themselves they change nothing, and the new element comes to stand behind them.
fn append(edits: &mut Edits<'_>, template: &FieldPath, merged: Option<&Pod>, claim: &ClaimMount) {
    let spec = template.key("spec");
    let empty = Value::Null;
    let pod = merged.map_or(&empty, |pod| &pod.template);
    let volumes = spec.key("volumes");
    fill_up(edits, &volumes, list(pod, &["spec", "volumes"]));
    edits.append(&volumes, claim.volume());

    let containers = spec.key("containers");
    let merged_containers = list(pod, &["spec", "containers"]);
    let main = merged.and_then(|pod| pod.main);
    let position = match (position_of_main(edits, &containers), main) {
        (Some(position), _) => position,
        (None, Some(main)) => {
            fill_up(edits, &containers, merged_containers.get(..main).unwrap_or_default());
            if length(edits, &containers) <= main {
                edits.append(&containers, json!({"name": MAIN_CONTAINER}));
            }
            main
        }
        (None, None) => {
            fill_up(edits, &containers, merged_containers);
            edits.append(&containers, json!({"name": MAIN_CONTAINER}));
            length(edits, &containers).saturating_sub(1)
        }
    };
    let mounts = containers.index(position).key("volumeMounts");
    let merged_mounts =
        main.and_then(|main| merged_containers.get(main)).map(|container| list(container, &["volumeMounts"]));
    fill_up(edits, &mounts, merged_mounts.unwrap_or_default());
    edits.append(&mounts, claim.mount());
}

fn position_of_main(edits: &Edits<'_>, containers: &FieldPath) -> Option<usize> {
    let containers = walk(edits.document(), containers)?.as_array()?;
    named(containers, MAIN_CONTAINER).map(|(position, _)| position)
}

fn length(edits: &Edits<'_>, path: &FieldPath) -> usize {
    walk(edits.document(), path).and_then(Value::as_array).map_or(0, Vec::len)
}

/// Appends to the list at `path` what `merged` has behind its end.
fn fill_up(edits: &mut Edits<'_>, path: &FieldPath, merged: &[Value]) {
    for element in merged.iter().skip(length(edits, path)) {
        edits.append(path, element.clone());
    }
}

/// Whether every pod is as before, plus the claim in `roles`.
fn is_clean(before: &Cluster, after: &Cluster, roles: &[Role], claim: &ClaimMount) -> bool {
    before.roles.iter().zip(&after.roles).all(|(was, is)| {
        if !roles.contains(&is.role) {
            return tidy(&was.pod.template) == tidy(&is.pod.template);
        }
        let backed = matches!(is.pod.backing(&claim.mount_path), Backing::Volume(volume)
            if volume.source == Source::Claim(claim.claim.clone()) && volume.mount_path == claim.mount_path);
        backed && tidy(&without(&is.pod, claim)) == tidy(&without(&was.pod, claim))
    })
}

/// The pod's template without the claim, and without a Flink container that has nothing but its name.
fn without(pod: &Pod, claim: &ClaimMount) -> Value {
    let mut template = pod.template.clone();
    if let Some(Value::Array(volumes)) = template.pointer_mut("/spec/volumes") {
        volumes.retain(|volume| name(volume) != Some(&claim.name));
    }
    if let Some(Value::Array(containers)) = template.pointer_mut("/spec/containers") {
        for container in containers.iter_mut() {
            if let Some(Value::Array(mounts)) = container.get_mut("volumeMounts") {
                mounts.retain(|mount| {
                    name(mount) != Some(&claim.name)
                        || text(mount, &["mountPath"]).map(normalise) != Some(claim.mount_path.clone())
                });
            }
        }
        containers.retain(|container| tidy(container) != json!({"name": MAIN_CONTAINER}));
    }
    template
}

/// The value without nulls, empty maps and empty lists.
fn tidy(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), tidy(value)))
                .filter(|(_, value)| !is_nothing(value))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(tidy).collect()),
        other => other.clone(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
