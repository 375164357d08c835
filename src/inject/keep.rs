//! What happens later to what was filled in: put back, derived anew, forgotten, withdrawn.

mod options;
mod templates;

use serde_json::Value;

use crate::flink::arguments::takes_options;
use crate::flink::cluster::Cluster;
use crate::flink::configuration::{Layer, Setting, scalar_text};
use crate::flink::deployment::walk;
use crate::flink::options::{HA_CLUSTER_ID, HA_STORAGE_DIR, HA_TYPE, KUBERNETES_CLUSTER_ID, names};
use crate::flink::raw::container_path;
use crate::inject::pod_template::{is_in_common, template_of};
use crate::inject::record::{INJECTED_ANNOTATION, Injected, Record};
use crate::inject::volumes::{self, Claim, Presence, presence};
use crate::inject::{
    Injection, Lost, Place, Target, Why, Work, account, arguments, fs_group, high_availability, option, plugins,
    spread, user,
};
use crate::object::{self, FieldPath, at};
use crate::policy::Role;
use crate::workload::{self, Workload, recognise};

/// Puts back what was filled in when `old` was created and `target`, its update, lacks without saying anything else.
///
/// An update that leaves the spec alone is left alone, but for the record itself: a change of the spec restarts the job.
#[must_use]
pub fn keep<'a>(target: &Target<'a>, old: &Value) -> Injection<'a> {
    let mut work = Work::new(target);
    let Some(record) = Record::of(old).filter(|_| !target.is_misshapen()) else { return work.finish_untouched() };
    if target.is_opted_out() {
        withdraw(&mut work, Some(&record));
        return work.finish(Record::default());
    }
    if walk(old, &target.root()) == walk(target.object, &target.root()) {
        record.write(&mut work.edits);
        return work.finish_untouched();
    }
    let mut options = options::restore(&mut work, &record).into_iter();
    let lacking: Vec<&Injected> = record.values.iter().filter(|value| !is_in_pods(&work, value)).collect();
    templates::put_back(&mut work, &record, old);
    let back: Vec<Injected> = lacking.into_iter().filter(|value| is_in_pods(&work, value)).cloned().collect();
    work.added.extend(back);
    let mut staying = Vec::new();
    for value in &record.values {
        // What was filled in for both roles at once is put back for both at once, so that it comes to stand where it was.
        let beside = |other: &&Injected| value.is_of_one_piece_with(other);
        let is_first = record.values.iter().find(beside) == Some(value);
        let stays = match value {
            Injected::Option { .. } => options.next().unwrap_or_default(),
            Injected::ServiceAccount { value } => restore_account(&mut work, value),
            Injected::Env { name, .. } => restore_variable(&mut work, name),
            Injected::Volume { role, name, claim, mount_path, common } => {
                let claim = Claim { name: name.clone(), of: claim.clone(), mount_path: mount_path.clone() };
                if is_first {
                    restore_volume(&mut work, &roles(record.values.iter().filter(beside)), &claim, *common);
                }
                is_whole(&work, Role::from(*role), &claim)
            }
            Injected::Plugins { role, value, common } => {
                if is_first {
                    plugins::restore(&mut work, &roles(record.values.iter().filter(beside)), value, *common);
                }
                plugins::present(&work, Role::from(*role)).as_deref() == Some(value)
            }
            Injected::RunAsUser { role, value, group } => {
                if is_first {
                    user::restore(&mut work, &roles(record.values.iter().filter(beside)), *value, *group);
                }
                user::present(&work, Role::from(*role)) == Some(Value::from(*value))
            }
            Injected::Spread { labels } => {
                spread::restore(&mut work, labels);
                spread::stands(&work, labels)
            }
            Injected::FsGroup { role, value } => {
                if is_first {
                    restore_group(&mut work, &roles(record.values.iter().filter(beside)), *value);
                }
                group(&work, Role::from(*role)) == Some(Value::from(*value))
            }
        };
        staying.push(stays);
    }
    // In the order of the old record, so that what comes back whole leaves the annotation as it was.
    // The next review of an object that came back whole leaves its record alone, whatever it says.
    let is_whole = walk(old, &target.root()) == walk(work.edits.document(), &target.root());
    let is_kept =
        |value: &Injected, stays: bool| stays || is_whole || work.added.iter().any(|added| added.is_same_place(value));
    let values =
        record.values.iter().zip(staying).filter(|(value, stays)| is_kept(value, *stays)).map(|(v, _)| v.clone());
    let mut values: Vec<Injected> = values.collect();
    if !is_whole {
        // What came back in another template is recorded where it stands, as the next review will find it.
        let mut added = std::mem::take(&mut work.added);
        for value in values.iter_mut().chain(&mut added) {
            note_template(&work, value);
        }
        work.added = added;
    }
    work.finish(Record { values, ..record })
}

/// Notes in `value` whether it stands in the common template.
fn note_template(work: &Work<'_>, value: &mut Injected) {
    let claim = Claim::of(value);
    match value {
        Injected::Volume { common, .. } => {
            let is_ours = |mount: &Value| claim.as_ref().is_some_and(|claim| claim.is_mounted_by(mount));
            *common = is_in_common(work, "volumeMounts", is_ours);
        }
        Injected::Plugins { value, common, .. } => {
            *common = is_in_common(work, "env", |variable| *variable == plugins::variable(value));
        }
        _ => {}
    }
}

fn roles<'v>(values: impl Iterator<Item = &'v Injected>) -> Vec<Role> {
    values.filter_map(Injected::role).collect()
}

impl<'a> Work<'a> {
    pub(super) fn finish_untouched(self) -> Injection<'a> {
        Injection { edits: self.edits, changes: Vec::new(), shortfalls: self.shortfalls, cluster: None }
    }
}

/// Whether a value of the record is in force in the object.
pub(super) fn stands(work: &Work<'_>, value: &Injected) -> bool {
    let cluster = work.cluster();
    let Some(view) = cluster.leading() else { return false };
    match value {
        Injected::Option { key, value, .. } => {
            view.config.exact(key).is_some_and(|setting| is_written(work.edits.document(), key, setting, value))
        }
        Injected::ServiceAccount { value } => view.account.0.as_ref() == Some(value),
        Injected::Env { name, .. } => view
            .pod
            .container()
            .is_some_and(|container| object::named(object::list(container, &["env"]), name).is_some()),
        Injected::Volume { .. }
        | Injected::Plugins { .. }
        | Injected::RunAsUser { .. }
        | Injected::Spread { .. }
        | Injected::FsGroup { .. } => is_in_pods(work, value),
    }
}

/// Whether `setting` of `key` is `value` as it stands in `document`: an argument is in force with its variables replaced.
fn is_written(document: &Value, key: &str, setting: &Setting, value: &str) -> bool {
    let word = || walk(document, &setting.path).and_then(Value::as_str);
    let is_argument =
        |word: &str| word.strip_prefix("-D").unwrap_or(word).split_once('=').is_some_and(|pair| pair == (key, value));
    setting.value == value || (setting.layer == Layer::Argument && word().is_some_and(is_argument))
}

/// Whether a value of the record is in force, or another one was set in its place.
pub(super) fn is_remembered(work: &Work<'_>, value: &Injected) -> bool {
    stands(work, value) || work.added.iter().any(|added| added.is_same_place(value))
}

/// Whether a claim, variable or id of the record is in force in the pods that it is for.
fn is_in_pods(work: &Work<'_>, value: &Injected) -> bool {
    match value {
        Injected::Volume { role, .. } => {
            Claim::of(value).is_some_and(|claim| is_whole(work, Role::from(*role), &claim))
        }
        Injected::Plugins { role, value, .. } => plugins::present(work, Role::from(*role)).as_deref() == Some(value),
        Injected::RunAsUser { role, value, .. } => user::present(work, Role::from(*role)) == Some(Value::from(*value)),
        Injected::Spread { labels } => spread::stands(work, labels),
        Injected::FsGroup { role, value } => group(work, Role::from(*role)) == Some(Value::from(*value)),
        Injected::Option { .. } | Injected::ServiceAccount { .. } | Injected::Env { .. } => true,
    }
}

/// Restores the ServiceAccount; whether it is in force.
fn restore_account(work: &mut Work<'_>, name: &str) -> bool {
    let own = |work: &Work<'_>| work.cluster().leading().and_then(|view| view.account.0.clone());
    if own(work).is_none() {
        account::set(work, name);
    }
    own(work).as_deref() == Some(name)
}

/// Restores a variable of the Flink container; whether it was there.
fn restore_variable(work: &mut Work<'_>, name: &str) -> bool {
    let Some(Place::Pods(raw)) = work.target.place() else { return false };
    let before = work.added.len();
    arguments::add_pod_ip(work, raw, name);
    work.added.len() == before
}

/// Restores what is missing of a claim in `roles`, where nothing else took its place.
fn restore_volume(work: &mut Work<'_>, roles: &[Role], claim: &Claim, common: bool) {
    let cluster = work.cluster();
    let is_missing =
        |role: &Role| cluster.role(*role).is_some_and(|view| matches!(presence(&view.pod, claim), Presence::Missing));
    let lacking: Vec<Role> = roles.iter().copied().filter(is_missing).collect();
    volumes::mount(work, &lacking, claim, common);
}

fn is_whole(work: &Work<'_>, role: Role, claim: &Claim) -> bool {
    work.cluster().role(role).is_some_and(|view| matches!(presence(&view.pod, claim), Presence::Whole))
}

/// Restores `fsGroup` in those of `roles` that have none.
fn restore_group(work: &mut Work<'_>, roles: &[Role], value: u32) {
    let lacking: Vec<Role> = roles.iter().copied().filter(|role| group(work, *role).is_none()).collect();
    fs_group::set(work, &lacking, value);
}

fn group(work: &Work<'_>, role: Role) -> Option<Value> {
    let cluster = work.cluster();
    cluster.role(role).and_then(|view| at(&view.pod.template, &["spec", "securityContext", "fsGroup"]).cloned())
}

/// Takes recorded values off an object that is a copy of another, so that they are derived anew.
pub(super) fn forget(work: &mut Work<'_>, record: &Record) {
    for value in &record.values {
        match value {
            Injected::Option { key, value, .. } => {
                option::remove_exact(work, key, value);
            }
            Injected::ServiceAccount { value } => account::remove(work, value),
            Injected::Volume { name, claim: former, role, mount_path, common } => {
                if let Some(claim) = rename_claim(work, name, former) {
                    let (role, name, mount_path, common) = (*role, name.clone(), mount_path.clone(), *common);
                    work.added.push(Injected::Volume { role, name, claim, mount_path, common });
                }
            }
            // The labels hold the name.
            Injected::Spread { labels } => spread::remove(work, labels),
            // These do not depend on where the object is.
            Injected::FsGroup { .. } | Injected::Env { .. } | Injected::Plugins { .. } | Injected::RunAsUser { .. } => {
                work.added.push(value.clone());
            }
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
            Injected::ServiceAccount { value } => account::remove(work, value),
            Injected::Spread { labels } => spread::remove(work, labels),
            Injected::Volume { .. }
            | Injected::Env { .. }
            | Injected::Plugins { .. }
            | Injected::RunAsUser { .. }
            | Injected::FsGroup { .. } => {}
        }
    }
    if let Some(record) = record {
        user::withdraw(work, record);
        plugins::withdraw(work, record);
        templates::withdraw(work, record);
        // Last, since the address that uses it goes first.
        if record.values.iter().any(|value| matches!(value, Injected::Env { .. })) {
            arguments::remove_pod_ip(work);
        }
    }
    work.edits.remove(&FieldPath::of(&["metadata", "annotations"]).key(INJECTED_ANNOTATION));
}

/// Gives the volume that was filled in for another object the claim that the policy derives for this one.
fn rename_claim(work: &mut Work<'_>, name: &str, former: &str) -> Option<String> {
    let volume = work.target.policy.spec.volumes.iter().find(|volume| volume.name == name)?;
    let claim = volume.claim_name.fill(&work.names()).ok()?;
    let of_standalone = matches!(work.target.place(), Some(Place::Pods(_)));
    let templates: &[Option<Role>] =
        if of_standalone { &[None] } else { &[None, Some(Role::JobManager), Some(Role::TaskManager)] };
    for role in templates {
        let volumes = template_of(work, *role).keys(&["spec", "volumes"]);
        let elements = walk(work.edits.document(), &volumes).and_then(Value::as_array).cloned().unwrap_or_default();
        for (index, element) in elements.iter().enumerate() {
            let path = volumes.index(index).keys(&["persistentVolumeClaim", "claimName"]);
            if object::name(element) == Some(name)
                && at(element, &["persistentVolumeClaim", "claimName"]).and_then(Value::as_str) == Some(former)
            {
                work.edits.set(&path, Value::String(claim.clone()));
            }
        }
    }
    Some(claim)
}

/// Options that no update may lose: without them the cluster has no HA, or another cluster's.
const KEPT: [&str; 4] = [HA_TYPE, HA_STORAGE_DIR, KUBERNETES_CLUSTER_ID, HA_CLUSTER_ID];

/// The HA mode, identity and storageDir that were filled in when `old` was created and that `target`, its update, has no longer.
#[must_use]
pub fn lost(target: &Target<'_>, old: &Value) -> Vec<Lost> {
    let Some(record) = Record::of(old).filter(|_| target.policy.may_change() && !target.is_opted_out()) else {
        return Vec::new();
    };
    let Some(workload) = &recognise(old) else { return Vec::new() };
    let was = Target { workload, ..*target }.cluster_in(old);
    let is = target.cluster_in(target.object);
    // Whoever sets a mode of his own has the rest of the set in his hands too.
    if options::is_overruled(&is, &record) {
        return Vec::new();
    }
    let why = why(target, &is);
    if let (Why::Command { .. }, Some(view)) = (&why, is.leading())
        && view.pod.container().is_some_and(high_availability::speaks_of_it)
    {
        return Vec::new();
    }
    let place = |key: &str| match (&why, target.place()) {
        (Why::Command { .. }, Some(Place::Pods(raw))) => {
            let container = container_path(raw);
            let has_args = walk(target.object, &container.key("args")).is_some();
            container.key(if has_args { "args" } else { "command" })
        }
        _ => is.leading().map(|view| view.config_path.key(key)).unwrap_or_default(),
    };
    let is_set = |cluster: &Cluster, option: &str| {
        cluster.leading().is_some_and(|view| names(option, None).iter().any(|name| view.config.exact(name).is_some()))
    };
    let lost = record.values.iter().filter_map(|value| match value {
        Injected::Option { option, key, value, .. } if KEPT.contains(&option.as_str()) => {
            (is_set(&was, option) && !is_set(&is, option)).then(|| Lost {
                what: key.clone(),
                value: scalar_text(&Value::String(value.clone())),
                path: place(key),
                why: why.clone(),
            })
        }
        _ => None,
    });
    // What a form cannot take is one cause for all of them.
    let most = if matches!(why, Why::NoOptions(_) | Why::Command { .. }) { 1 } else { usize::MAX };
    lost.take(most).collect()
}

/// Why what was filled in and is not set in `is`, the cluster of `target`, is not.
fn why(target: &Target<'_>, is: &Cluster) -> Why {
    if let Some(Place::Pods(raw)) = target.place() {
        let launch = &raw.launch;
        if let Some(obstacle) = launch.obstacle() {
            return Why::Command { obstacle, subcommand: launch.subcommand() };
        }
        let refuses = launch.takes_arguments() && !takes_options(launch, is.version);
        if let Some(version) = is.version.filter(|_| refuses) {
            return Why::NoOptions(version);
        }
    }
    if is.leading().is_none_or(|view| view.unknown.is_none()) { Why::Gone } else { Why::Unknown }
}

/// The role that `object`, an update of `old`, had with what we filled in, where its command is not known to start Flink
/// any more.
#[must_use]
pub fn former(object: &Value, old: &Value) -> Option<Workload> {
    Record::of(old).filter(|record| !record.values.is_empty())?;
    workload::former(object, old)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::Operation;
    use crate::facts::Facts;
    use crate::policy::Policies;
    use crate::verdict::{Subject, judge};
    use crate::workload::recognise;

    const POLICY: &str = "spec:
  highAvailability: {mode: kubernetes, storageDir: 'file:///flink-data/ha'}
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]";

    fn cluster() -> Value {
        let template = json!({"spec": {
            "containers": [{"name": "flink-main-container", "volumeMounts": [{"name": "tmp", "mountPath": "/scratch"}]}],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }});
        json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "a"},
            "spec": {"flinkVersion": "v1_20", "flinkConfiguration": {"a": "b"}, "podTemplate": template},
        })
    }

    fn stored(object: &Value, old: Option<&Value>) -> Value {
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let workload = recognise(object).unwrap();
        let subject = Subject { object, old, operation, namespace: "shop", name: Some("a"), workload: &workload };
        judge(&subject, &Policies::from_text(POLICY).unwrap(), &Facts::default()).stored
    }

    /// Whatever part of it a client drops: any other place or order would change the spec and so restart the job.
    #[test]
    fn what_is_put_back_stands_where_it_stood() {
        let created = stored(&cluster(), None);
        let template = &created["spec"]["podTemplate"]["spec"];
        assert_eq!(template["volumes"].as_array().unwrap().len(), 2);
        for dropped in ["/spec/podTemplate", "/spec/podTemplate/spec/volumes", "/spec/podTemplate/spec/containers"] {
            let mut update = created.clone();
            *update.pointer_mut(dropped).unwrap() = cluster().pointer(dropped).unwrap().clone();
            assert_ne!(update, created, "{dropped}");
            assert_eq!(stored(&update, Some(&created)), created, "{dropped}");
        }
        assert_eq!(stored(&cluster(), Some(&created)), created);
        let mut update = created.clone();
        update["spec"]["flinkConfiguration"] = json!({"a": "b"});
        assert_eq!(stored(&update, Some(&created)), created);
    }

    #[test]
    fn a_volume_of_the_users_under_our_name_is_left_alone() {
        let created = stored(&cluster(), None);
        let mut update = cluster();
        update["spec"]["podTemplate"]["spec"]["volumes"] =
            json!([{"name": "tmp", "emptyDir": {}}, {"name": "flink-data", "nfs": {}}]);
        let kept = stored(&update, Some(&created));
        assert_eq!(kept["spec"]["podTemplate"]["spec"]["volumes"], update["spec"]["podTemplate"]["spec"]["volumes"]);
        let path = "/spec/podTemplate/spec/containers/0/volumeMounts";
        assert_eq!(kept.pointer(path), update.pointer(path));
    }
}
