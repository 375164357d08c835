//! Claims of the policy, mounted in the Flink container of each role.
//!
//! The operator merges the common pod template and a role's own by position, so an element appended to one of them may
//! end up inside of an element of the other. Every placement is therefore tried on a copy, merged as the operator merges
//! it, and taken only when both pods come out as they were, plus the claim where it was wanted.

use serde_json::{Value, json};

use crate::flink::cluster::Cluster;
use crate::flink::location::normalise;
use crate::flink::pod::{Backing, MAIN_CONTAINER, Pod, Source};
use crate::flink::raw::container_path;
use crate::inject::pod_template::{elements, fill_up, is_alike, is_in_role_templates, main_container, template_of};
use crate::inject::{Injected, Obstacle, Place, Shortfall, Work};
use crate::object::{FieldPath, list, name, named, text};
use crate::patch::Edits;
use crate::policy::{Role, Volume};
use crate::workload::Raw;

/// A claim to mount.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// Name of the volume.
    pub(super) name: String,
    /// Name of the PersistentVolumeClaim.
    pub(super) of: String,
    /// Where it is mounted.
    pub(super) mount_path: String,
}

/// Mounts every volume of the policy in the roles that it is for.
pub(super) fn add(work: &mut Work<'_>) {
    let policy = work.target.policy;
    for volume in &policy.spec.volumes {
        let Ok(claim) = volume.claim_name.fill(&work.names()) else { continue };
        let claim = Claim { name: volume.name.clone(), of: claim, mount_path: normalise(&volume.mount_path) };
        let roles: Vec<Role> = roles(volume).filter(|role| is_free(work, *role, &claim)).collect();
        if roles.is_empty() {
            continue;
        }
        let mounted = work.attempt(|work| {
            let common_first = !is_in_role_templates(work);
            mount(work, &roles, &claim, common_first);
            Ok(())
        });
        if let Err(Obstacle::Findings(findings)) = mounted {
            let rule = findings.first().map(|finding| finding.rule).unwrap_or_default();
            for role in roles {
                let reason = format!("with it `{rule}` would find fault with the cluster");
                let remedy = "name both roles in `volumes` of the policy, or mount it in the pod template yourself";
                miss(work, role, &claim, None, reason, remedy.to_owned());
            }
        }
    }
}

fn roles(volume: &Volume) -> impl Iterator<Item = Role> {
    volume.roles.iter().map(|role| Role::from(*role))
}

/// Whether `claim` may be mounted in `role`; what stands in the way and is no claim is a shortfall.
fn is_free(work: &mut Work<'_>, role: Role, claim: &Claim) -> bool {
    let cluster = work.cluster();
    let Some(view) = cluster.role(role) else { return false };
    let (kind, volume) = match view.pod.backing(&claim.mount_path) {
        Backing::Volume(volume) if volume.mount_path == claim.mount_path => match volume.source {
            Source::Claim(_) | Source::ClaimTemplate(_) | Source::Unknown(_) => return false,
            Source::EmptyDir { .. } => ("`emptyDir` volume", volume.name),
            Source::HostPath(_) => ("`hostPath` volume", volume.name),
            _ => ("volume", volume.name),
        },
        Backing::Unknown(_) => return false,
        Backing::Container | Backing::Volume(_) => return view.pod.volume(&claim.name).is_none(),
    };
    let reason = format!("the {kind} `{volume}` is mounted there");
    let remedy = format!("mount that elsewhere, or use a PersistentVolumeClaim at `{}`", claim.mount_path);
    miss(work, role, claim, Some(&volume), reason, remedy);
    false
}

/// Notes that `claim` was not mounted in `role`, because of the volume called `taken_by` where there is one.
fn miss(work: &mut Work<'_>, role: Role, claim: &Claim, taken_by: Option<&str>, reason: String, remedy: String) {
    let of_role = template_of(work, Some(role)).keys(&["spec", "volumes"]);
    let common = template_of(work, None).keys(&["spec", "volumes"]);
    let is_of_role = taken_by.is_some_and(|volume| named(elements(&work.edits, &common), volume).is_none());
    let path = if is_of_role { of_role } else { common };
    let (mount_path, claim) = (claim.mount_path.clone(), claim.of.clone());
    work.shortfalls.push(Shortfall::Volume { path, role, mount_path, claim, reason, remedy });
}

/// Mounts `claim` in `roles` and remembers it, first tried in the common template or in the roles' own.
pub(super) fn mount(work: &mut Work<'_>, roles: &[Role], claim: &Claim, common_first: bool) {
    if roles.is_empty() {
        return;
    }
    if let Some(Place::Pods(raw)) = work.target.place() {
        mount_in_pod(work, raw, claim);
        return;
    }
    let before = work.cluster();
    for common in [common_first, !common_first] {
        // What only one role is to have would reach the other one too, but for what happens to stand at its position there.
        if common && roles.len() < before.roles.len() {
            continue;
        }
        let mut trial = work.clone();
        if common {
            append(&mut trial.edits, &template_of(work, None), None, claim);
        }
        for role in roles.iter().filter(|_| !common) {
            let pod = before.role(*role).map(|view| &view.pod);
            append(&mut trial.edits, &template_of(work, Some(*role)), pod, claim);
        }
        if is_clean(&before, &trial.cluster(), roles, claim) {
            *work = trial;
            work.added.extend(roles.iter().map(|role| claim.injected(*role, common)));
            return;
        }
    }
    for role in roles {
        miss_place(work, *role, claim);
    }
}

fn miss_place(work: &mut Work<'_>, role: Role, claim: &Claim) {
    let reason = "no place in these pod templates takes it without changing something else".to_owned();
    let remedy = format!("mount `{}` at `{}` in the pod template yourself", claim.of, claim.mount_path);
    miss(work, role, claim, None, reason, remedy);
}

/// Mounts `claim` in the one container that a standalone role has.
fn mount_in_pod(work: &mut Work<'_>, raw: &Raw, claim: &Claim) {
    let mut trial = work.edits.clone();
    let volumes = work.target.root().keys(&["spec", "volumes"]);
    let is_there = named(elements(&trial, &volumes), &claim.name).is_some() || trial.append(&volumes, claim.volume());
    let mounts = container_path(raw).key("volumeMounts");
    let is_mounted = elements(&trial, &mounts).iter().any(|mount| claim.is_mounted_by(mount));
    // What is no list takes no element.
    if !(is_there && (is_mounted || trial.append(&mounts, claim.mount()))) {
        miss_place(work, raw.role, claim);
        return;
    }
    work.edits = trial;
    work.added.push(claim.injected(raw.role, false));
}

impl Claim {
    /// The claim that `value` says was mounted; `None` where it is about something else.
    pub(super) fn of(value: &Injected) -> Option<Self> {
        let Injected::Volume { name, claim, mount_path, .. } = value else { return None };
        Some(Self { name: name.clone(), of: claim.clone(), mount_path: mount_path.clone() })
    }

    /// Its element of `volumes`.
    pub(super) fn volume(&self) -> Value {
        json!({"name": self.name, "persistentVolumeClaim": {"claimName": self.of}})
    }

    /// Its element of `volumeMounts`.
    pub(super) fn mount(&self) -> Value {
        json!({"name": self.name, "mountPath": self.mount_path})
    }

    /// Whether the element `mount` of `volumeMounts` mounts it where it is wanted.
    pub(super) fn is_mounted_by(&self, mount: &Value) -> bool {
        name(mount) == Some(&self.name)
            && text(mount, &["mountPath"]).map(normalise).as_deref() == Some(&self.mount_path)
    }

    fn injected(&self, role: Role, common: bool) -> Injected {
        let (name, claim, mount_path) = (self.name.clone(), self.of.clone(), self.mount_path.clone());
        Injected::Volume { role: role.into(), name, claim, mount_path, common }
    }
}

/// Appends what is missing of the claim, volume and mount, to the template at `template`, behind everything that
/// `merged` already has at that place.
///
/// A role's list that is shorter than the merged one is filled up with the common template's elements first: merged into
/// themselves they change nothing, and the new element comes to stand behind them.
fn append(edits: &mut Edits<'_>, template: &FieldPath, merged: Option<&Pod>, claim: &Claim) {
    let spec = template.key("spec");
    let empty = Value::Null;
    let pod = merged.map_or(&empty, |pod| &pod.template);
    let volumes = spec.key("volumes");
    let merged_volumes = list(pod, &["spec", "volumes"]);
    if named(merged_volumes, &claim.name).is_none() && named(elements(edits, &volumes), &claim.name).is_none() {
        fill_up(edits, &volumes, merged_volumes);
        edits.append(&volumes, claim.volume());
    }

    let merged_containers = list(pod, &["spec", "containers"]);
    let main = merged.and_then(|pod| pod.main);
    let container = main_container(edits, template, merged);
    let mounts = container.key("volumeMounts");
    let merged_mounts =
        main.and_then(|main| merged_containers.get(main)).map(|container| list(container, &["volumeMounts"]));
    let is_mounted = |mounts: &[Value]| mounts.iter().any(|mount| claim.is_mounted_by(mount));
    if !is_mounted(merged_mounts.unwrap_or_default()) && !is_mounted(elements(edits, &mounts)) {
        fill_up(edits, &mounts, merged_mounts.unwrap_or_default());
        edits.append(&mounts, claim.mount());
    }
}

/// What a pod has of a claim that is wanted there.
pub(super) enum Presence {
    /// Volume and mount.
    Whole,
    /// Not both, and nothing else in their place.
    Missing,
    /// Another volume of that name, or another mount at that path.
    Replaced,
}

/// What `pod` has of `claim`.
pub(super) fn presence(pod: &Pod, claim: &Claim) -> Presence {
    let mounts = pod.container().map(|container| list(container, &["volumeMounts"])).unwrap_or_default();
    let at_path = mounts
        .iter()
        .find(|mount| text(mount, &["mountPath"]).map(normalise).as_deref() == Some(claim.mount_path.as_str()));
    let is_ours = pod
        .volume(&claim.name)
        .map(|volume| text(volume, &["persistentVolumeClaim", "claimName"]) == Some(claim.of.as_str()));
    match (at_path.map(|mount| claim.is_mounted_by(mount)), is_ours) {
        (Some(true), Some(true)) => Presence::Whole,
        (Some(false), _) | (_, Some(false)) => Presence::Replaced,
        (None | Some(true), None) | (None, Some(true)) => Presence::Missing,
    }
}

/// Whether every pod is as before, plus the claim in `roles`, once.
///
/// A `jobManager` block that is made for the claim brings its default of one replica with it, which beats the option.
fn is_clean(before: &Cluster, after: &Cluster, roles: &[Role], claim: &Claim) -> bool {
    let replicas = |cluster: &Cluster| cluster.job_managers.as_ref().map(|(number, _)| *number);
    if replicas(before) != replicas(after) {
        return false;
    }
    before.roles.iter().zip(&after.roles).all(|(was, is)| {
        if !roles.contains(&is.role) {
            return is_alike(&was.pod.template, &is.pod.template);
        }
        let backed = matches!(is.pod.backing(&claim.mount_path), Backing::Volume(volume)
            if volume.source == Source::Claim(claim.of.clone()) && volume.mount_path == claim.mount_path);
        backed && stands_once(&is.pod, claim) && is_alike(&without(&is.pod, claim), &without(&was.pod, claim))
    })
}

fn stands_once(pod: &Pod, claim: &Claim) -> bool {
    let mounts = pod.container().map(|container| list(container, &["volumeMounts"])).unwrap_or_default();
    let volumes = list(&pod.template, &["spec", "volumes"]);
    mounts.iter().filter(|mount| claim.is_mounted_by(mount)).count() == 1
        && volumes.iter().filter(|volume| name(volume) == Some(&claim.name)).count() == 1
}

/// The pod's template without the claim, and without a Flink container that has nothing but its name.
fn without(pod: &Pod, claim: &Claim) -> Value {
    let mut template = Value::clone(&pod.template);
    if let Some(Value::Array(volumes)) = template.pointer_mut("/spec/volumes") {
        volumes.retain(|volume| name(volume) != Some(&claim.name));
    }
    if let Some(Value::Array(containers)) = template.pointer_mut("/spec/containers") {
        for container in containers.iter_mut() {
            if let Some(Value::Array(mounts)) = container.get_mut("volumeMounts") {
                mounts.retain(|mount| !claim.is_mounted_by(mount));
            }
        }
        containers.retain(|container| !is_alike(container, &json!({"name": MAIN_CONTAINER})));
    }
    template
}
