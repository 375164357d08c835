//! What happens later to what was filled in: put back, derived anew, forgotten, withdrawn.

use serde_json::Value;

use crate::flink::cluster::{Cluster, HighAvailability};
use crate::flink::configuration::{Setting, scalar_text};
use crate::flink::deployment::{field, walk};
use crate::flink::options::{self, HA_CLUSTER_ID, HA_STORAGE_DIR, HA_TYPE, JOBMANAGER_ADDRESS, KUBERNETES_CLUSTER_ID};
use crate::flink::pod::{Backing, Source};
use crate::inject::high_availability::spelled;
use crate::inject::record::{INJECTED_ANNOTATION, Injected, Record};
use crate::inject::volumes::{self, ClaimMount};
use crate::inject::{Injection, Lost, Place, Target, Work, account, arguments, fs_group, option};
use crate::object::{self, FieldPath, at};
use crate::policy::{HaMode, Role};

/// Puts back what was filled in when `old` was created and `target`, its update, lacks without saying anything else.
///
/// An update that leaves the spec alone is left alone, but for the record itself: a change of the spec restarts the job.
#[must_use]
pub fn keep<'a>(target: &Target<'a>, old: &Value) -> Injection<'a> {
    let mut work = Work::new(target);
    let Some(record) = Record::of(old) else { return work.finish_untouched() };
    if target.is_opted_out() {
        withdraw(&mut work, Some(&record));
        return work.finish(Record::default(), &[]);
    }
    // A Job's template cannot be changed once it is there.
    let is_job = object::text(target.object, &["kind"]) == Some("Job");
    if is_job || walk(old, &target.root()) == walk(target.object, &target.root()) {
        record.write(&mut work.edits);
        return work.finish_untouched();
    }
    let mut kept = Vec::new();
    let overruled = ha_is_overruled(&work.cluster(), &record);
    for value in &record.values {
        if restore(&mut work, value, overruled) {
            kept.push(value.clone());
        }
    }
    let order = record.values;
    work.finish(Record { values: kept, namespace: record.namespace, name: record.name }, &order)
}

impl<'a> Work<'a> {
    fn finish_untouched(self) -> Injection<'a> {
        Injection { edits: self.edits, changes: Vec::new(), shortfalls: self.shortfalls }
    }
}

/// Whether the update sets an HA mode of its own, so that the rest of the set is the user's too.
fn ha_is_overruled(cluster: &Cluster, record: &Record) -> bool {
    let Some(view) = cluster.leading() else { return false };
    let ours = record.values.iter().find_map(|value| match value {
        Injected::Option { option, value, .. } if option == HA_TYPE => Some(HighAvailability::of(value)),
        _ => None,
    });
    let said = options::names(HA_TYPE, None).into_iter().filter_map(|name| view.config.exact(name));
    ours.is_some_and(|ours| said.into_iter().any(|setting| HighAvailability::of(&setting.value) != ours))
}

/// Restores one value; whether it is in force as recorded and stays in the record as it is.
fn restore(work: &mut Work<'_>, value: &Injected, overruled: bool) -> bool {
    match value {
        Injected::Option { option, key, value, .. } => restore_option(work, option, key, value, overruled),
        Injected::ServiceAccount { value } => {
            let own = work.cluster().leading().and_then(|view| view.account.0.clone());
            if own.is_none() {
                account::set(work, value);
            }
            own.as_ref() == Some(value)
        }
        Injected::Volume { role, name, claim, mount_path } => {
            let cluster = work.cluster();
            let Some(view) = cluster.role(Role::from(*role)) else { return false };
            let taken = view.pod.volume(name).is_some();
            match view.pod.backing(mount_path) {
                Backing::Volume(volume) if volume.mount_path == *mount_path => {
                    volume.source == Source::Claim(claim.clone())
                }
                _ if taken => false,
                _ => {
                    let wanted =
                        ClaimMount { name: name.clone(), claim: claim.clone(), mount_path: mount_path.clone() };
                    volumes::mount(work, &[Role::from(*role)], &wanted);
                    false
                }
            }
        }
        Injected::Env { name, .. } => {
            let Some(Place::Pods(raw)) = work.target.place() else { return false };
            let before = work.added.len();
            arguments::add_pod_ip(work, raw, name);
            work.added.len() == before
        }
        Injected::FsGroup { role, value } => {
            let present = work
                .cluster()
                .role(Role::from(*role))
                .and_then(|view| at(&view.pod.template, &["spec", "securityContext", "fsGroup"]).cloned());
            if present.is_none() {
                fs_group::set(work, &[Role::from(*role)], *value);
            }
            present == Some(Value::from(*value))
        }
    }
}

fn restore_option(work: &mut Work<'_>, name: &str, key: &str, value: &str, overruled: bool) -> bool {
    let cluster = work.cluster();
    let Some(view) = cluster.leading() else { return false };
    let current = options::spelling(name, cluster.version);
    let wanted = derived(name, value, &cluster);
    // The one value that ours stands above: a shared file cannot name each pod.
    let is_beaten = |setting: &Setting| name == JOBMANAGER_ADDRESS && !setting.origin.starts_with("argument");
    let present = view.config.exact(key).filter(|setting| !is_beaten(setting));
    let ours = present.is_some_and(|setting| setting.value == value);
    let others = options::names(name, None).into_iter().any(|other| other != key && view.config.exact(other).is_some());
    if ours && !others && key == current && wanted == value {
        return true;
    }
    if ours {
        option::remove_exact(work, key, value);
    }
    let is_users = others || (!ours && present.is_some());
    let is_ha = name.starts_with("high-availability");
    let is_wanted = !(is_users || is_ha && overruled);
    if is_wanted {
        work.set_option(name, &wanted);
    }
    false
}

/// The recorded value in the form that the cluster's version takes.
fn derived(option: &str, value: &str, cluster: &Cluster) -> String {
    match (option, HighAvailability::of(value)) {
        (HA_TYPE, HighAvailability::Kubernetes) => spelled(HaMode::Kubernetes, cluster.version).to_owned(),
        _ => value.to_owned(),
    }
}

/// Takes recorded values off an object that is a copy of another, so that they are derived anew.
pub(super) fn forget(work: &mut Work<'_>, record: &Record) {
    for value in &record.values {
        match value {
            Injected::Option { key, value, .. } => {
                option::remove_exact(work, key, value);
            }
            Injected::ServiceAccount { value } => remove_account(work, value),
            Injected::Volume { name, claim, .. } => rename_claim(work, name, claim),
            // The group does not depend on where the object is.
            Injected::FsGroup { .. } | Injected::Env { .. } => work.added.push(value.clone()),
        }
    }
}

/// Takes recorded values off an object that wants none, as far as they are still as recorded.
pub(super) fn withdraw(work: &mut Work<'_>, record: Option<&Record>) {
    for value in record.into_iter().flat_map(|record| &record.values) {
        match value {
            Injected::Option { key, value, .. } => {
                option::remove_exact(work, key, value);
            }
            Injected::ServiceAccount { value } => remove_account(work, value),
            // Lists are merged by position: taking an element out would move those behind it. The claim does no harm.
            Injected::Volume { .. } | Injected::Env { .. } | Injected::FsGroup { .. } => {}
        }
    }
    work.edits.remove(&FieldPath::of(&["metadata", "annotations"]).key(INJECTED_ANNOTATION));
}

fn remove_account(work: &mut Work<'_>, name: &str) {
    let path = account::field(work);
    if walk(work.edits.document(), &path).and_then(Value::as_str) == Some(name) {
        work.edits.remove(&path);
    }
}

/// Gives the volume that was filled in for another object the claim that the policy derives for this one.
fn rename_claim(work: &mut Work<'_>, name: &str, former: &str) {
    let policy = work.target.policy;
    let Some(volume) = policy.spec.volumes.iter().find(|volume| volume.name == name) else { return };
    let Ok(claim) = volume.claim_name.fill(&work.names()) else { return };
    let root = work.target.root();
    let templates = match work.target.place() {
        Some(Place::Pods(_)) => vec![root],
        Some(Place::Resource(_)) | None => {
            let of_roles = [Role::JobManager, Role::TaskManager].map(|role| root.key(field(role)).key("podTemplate"));
            std::iter::once(root.key("podTemplate")).chain(of_roles).collect()
        }
    };
    for template in templates {
        let volumes = template.keys(&["spec", "volumes"]);
        let elements = walk(work.edits.document(), &volumes).and_then(Value::as_array).cloned().unwrap_or_default();
        for (index, element) in elements.iter().enumerate() {
            let path = volumes.index(index).keys(&["persistentVolumeClaim", "claimName"]);
            if crate::object::name(element) == Some(name)
                && at(element, &["persistentVolumeClaim", "claimName"]).and_then(Value::as_str) == Some(former)
            {
                work.edits.set(&path, Value::String(claim.clone()));
            }
        }
    }
    work.added.extend(volume.roles.iter().map(|role| Injected::Volume {
        role: Role::from(*role).into(),
        name: name.to_owned(),
        claim: claim.clone(),
        mount_path: volume.mount_path.clone(),
    }));
}

/// Options that no update may lose: without them the cluster has no HA, or another cluster's.
const KEPT: [&str; 4] = [HA_TYPE, HA_STORAGE_DIR, KUBERNETES_CLUSTER_ID, HA_CLUSTER_ID];

/// The HA mode, identity and storageDir that were filled in when `old` was created and that `target`, its update, has no longer.
#[must_use]
pub fn lost(target: &Target<'_>, old: &Value) -> Vec<Lost> {
    let Some(record) = Record::of(old).filter(|_| target.policy.may_change() && !target.is_opted_out()) else {
        return Vec::new();
    };
    let was = target.cluster_in(old);
    let is = target.cluster_in(target.object);
    let is_set = |cluster: &Cluster, option: &str| {
        cluster
            .leading()
            .is_some_and(|view| options::names(option, None).iter().any(|name| view.config.exact(name).is_some()))
    };
    record
        .values
        .iter()
        .filter_map(|value| match value {
            Injected::Option { option, key, value, .. } if KEPT.contains(&option.as_str()) => {
                (is_set(&was, option) && !is_set(&is, option)).then(|| Lost {
                    what: key.clone(),
                    value: scalar_text(&Value::String(value.clone())),
                    path: is.leading().map(|view| view.config_path.key(key)).unwrap_or_default(),
                })
            }
            _ => None,
        })
        .collect()
}
