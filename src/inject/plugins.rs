//! `ENABLE_BUILT_IN_PLUGINS`, where an official image is to reach an object store and nothing brings the plugin.
//!
//! The jars carry the image's version, and an image ends at its start where it lacks one that is named. So they follow the
//! image at every update, and go where the image is no longer known to hold them.

use serde_json::{Value, json};

use crate::flink::cluster::{Cluster, RoleView};
use crate::flink::image::Image;
use crate::flink::plugins::{self, Choice, VARIABLE};
use crate::flink::pod::{MAIN_CONTAINER, Pod};
use crate::flink::raw::container_path;
use crate::flink::version::FlinkVersion;
use crate::inject::pod_template::{
    elements, fill_up, is_alike, is_in_role_templates, main_container, position_of_main, template_of,
};
use crate::inject::record::Record;
use crate::inject::{Injected, Place, Work};
use crate::object::{FieldPath, list, name};
use crate::policy::Role;

/// Enables what is needed in the roles that say nothing about plugins.
pub(super) fn add(work: &mut Work<'_>) {
    if !work.target.policy.spec.complete {
        return;
    }
    let cluster = work.cluster();
    let wanted: Vec<(Role, String)> = cluster
        .roles
        .iter()
        // What costs least comes first.
        .filter(|view| plugins::in_template(view).is_none())
        .filter_map(|view| Some((view, wanted(work, &cluster, view)?)))
        .filter(|(view, _)| plugins::choice(view, cluster.shape) == Choice::Nothing)
        .filter(|(view, _)| plugins::hindrance(view, cluster.shape).is_none())
        .map(|(view, value)| (view.role, value))
        .collect();
    // One configuration and one image serve both roles, so that both want the same.
    let Some((_, value)) = wanted.first().cloned() else { return };
    let roles: Vec<Role> = wanted.into_iter().filter(|(_, other)| *other == value).map(|(role, _)| role).collect();
    let common_first = !is_in_role_templates(work);
    place(work, &roles, &value, common_first);
}

/// The jars that `view` needs; `None` where it needs none, or where the image does not say its release.
fn wanted(work: &Work<'_>, cluster: &Cluster, view: &RoleView) -> Option<String> {
    let plugins = plugins::needed(cluster, view);
    let release = release(work, view)?;
    (!plugins.is_empty()).then(|| plugins::value_of(&plugins, release))
}

/// The release of the official image that `view` runs.
fn release(work: &Work<'_>, view: &RoleView) -> Option<FlinkVersion> {
    let image = Image::parse(&view.image.as_ref()?.0);
    image.release().filter(|_| image.is_stock(&work.target.policy.spec.images.stock))
}

/// Whether [`add`] would enable what is needed if the tag of an official image named its whole version.
pub(super) fn wait_for_release(work: &Work<'_>) -> bool {
    let cluster = work.cluster();
    let stock = &work.target.policy.spec.images.stock;
    let waits = |view: &RoleView| {
        let image = view.image.as_ref().map(|(text, _)| Image::parse(text));
        image.is_some_and(|image| image.release().is_none() && image.is_stock(stock))
            && plugins::choice(view, cluster.shape) == Choice::Nothing
            && plugins::hindrance(view, cluster.shape).is_none()
    };
    work.target.policy.spec.complete && cluster.roles.iter().any(waits)
}

/// The value of the variable in the pod template of `role`.
pub(super) fn present(work: &Work<'_>, role: Role) -> Option<String> {
    work.cluster().role(role).and_then(|view| plugins::in_template(view).map(str::to_owned))
}

/// The variable as an element of `env`.
pub(super) fn variable(value: &str) -> Value {
    json!({"name": VARIABLE, "value": value})
}

/// Brings what `record` says was enabled up to what the image is now.
pub(super) fn renew(work: &mut Work<'_>, record: &Record) {
    let mut done: Vec<&Injected> = Vec::new();
    for recorded in &record.values {
        let Injected::Plugins { value, common, .. } = recorded else { continue };
        if done.iter().any(|known| known.is_of_one_piece_with(recorded)) {
            continue;
        }
        let of_piece = record.values.iter().filter(|other| recorded.is_of_one_piece_with(other));
        let roles: Vec<Role> = of_piece.filter_map(Injected::role).collect();
        restore(work, &roles, value, *common);
        done.push(recorded);
    }
}

/// Puts the variable that was recorded with `value` for `roles` back where it is gone, and changes it where the image is
/// another one now; what the user says instead stays.
pub(super) fn restore(work: &mut Work<'_>, roles: &[Role], value: &str, common: bool) {
    let cluster = work.cluster();
    let Some(view) = roles.first().and_then(|role| cluster.role(*role)) else { return };
    let now = release(work, view).map(|release| match plugins::needed(&cluster, view) {
        needed if needed.is_empty() => plugins::value_of(&plugins::written_by(value).unwrap_or_default(), release),
        needed => plugins::value_of(&needed, release),
    });
    let (mut stale, mut gone) = (Vec::new(), Vec::new());
    for role in roles {
        let Some(view) = cluster.role(*role) else { continue };
        match (plugins::in_template(view), &now) {
            (Some(present), _) if present == value => stale.push(*role),
            // A second review of the same update.
            (Some(present), Some(now)) if present == now => remember(work, *role, now, common),
            (None, Some(_)) if plugins::choice(view, cluster.shape) == Choice::Nothing => gone.push(*role),
            _ => {}
        }
    }
    if now.as_deref() != Some(value) && !stale.is_empty() {
        work.added.retain(|added| !matches!(added, Injected::Plugins { value: other, .. } if other == value));
        let templates: Vec<FieldPath> = match (work.target.place(), common) {
            (Some(Place::Pods(_)), _) | (_, true) => vec![template_of(work, None)],
            _ => stale.iter().map(|role| template_of(work, Some(*role))).collect(),
        };
        for template in &templates {
            rewrite(work, template, value, now.as_deref());
        }
        for role in stale {
            if let Some(now) = now.as_deref().filter(|now| present(work, role).as_deref() == Some(now)) {
                remember(work, role, now, common);
            }
        }
    }
    if let Some(now) = now.filter(|_| !gone.is_empty()) {
        place(work, &gone, &now, common);
    }
}

/// Takes the variable out of a standalone role again, wherever in its list it stands.
pub(super) fn withdraw(work: &mut Work<'_>, record: &Record) {
    let Some(Place::Pods(_)) = work.target.place() else { return };
    for recorded in &record.values {
        if let Injected::Plugins { value, .. } = recorded {
            let template = template_of(work, None);
            rewrite(work, &template, value, None);
        }
    }
}

fn remember(work: &mut Work<'_>, role: Role, value: &str, common: bool) {
    work.added.push(Injected::Plugins { role: role.into(), value: value.to_owned(), common });
}

/// Gives the variable with `value` in the template at `template` the value `now`, or takes it out.
fn rewrite(work: &mut Work<'_>, template: &FieldPath, value: &str, now: Option<&str>) {
    let container = if let Some(Place::Pods(raw)) = work.target.place() {
        container_path(raw)
    } else {
        let containers = template.keys(&["spec", "containers"]);
        let Some(position) = position_of_main(&work.edits, &containers) else { return };
        containers.index(position)
    };
    let path = container.key("env");
    let mut environment = elements(&work.edits, &path).to_vec();
    let Some(position) = environment.iter().rposition(|element| *element == variable(value)) else { return };
    let is_last = position + 1 == environment.len();
    match now {
        Some(now) => {
            work.edits.set(&path.index(position).key("value"), Value::String(now.to_owned()));
        }
        // Out of the middle of a list that is merged by position nothing can be taken; empty, it enables nothing.
        None if !is_last && !matches!(work.target.place(), Some(Place::Pods(_))) => {
            work.edits.set(&path.index(position).key("value"), Value::String(String::new()));
        }
        None if environment.len() == 1 => work.edits.remove(&path),
        None => {
            environment.remove(position);
            work.edits.set(&path, Value::Array(environment));
        }
    }
}

/// Appends the variable with `value` to the Flink containers of `roles` and remembers it, first tried in the common
/// template or in the roles' own; where no place takes it without changing something else, nothing is done.
fn place(work: &mut Work<'_>, roles: &[Role], value: &str, common_first: bool) {
    if let Some(Place::Pods(raw)) = work.target.place() {
        work.edits.append(&container_path(raw).key("env"), variable(value));
        remember(work, raw.role, value, false);
        return;
    }
    let before = work.cluster();
    for common in [common_first, !common_first] {
        // What only one role is to have would reach the other one too.
        if common && roles.len() < before.roles.len() {
            continue;
        }
        let mut trial = work.clone();
        let templates = if common { vec![None] } else { roles.iter().copied().map(Some).collect() };
        for role in templates {
            let template = template_of(work, role);
            let pod = role.and_then(|role| before.role(role)).map(|view| &view.pod);
            let environment = main_container(&mut trial.edits, &template, pod).key("env");
            let merged = pod.and_then(Pod::container).map(|container| list(container, &["env"]));
            fill_up(&mut trial.edits, &environment, merged.unwrap_or_default());
            trial.edits.append(&environment, variable(value));
        }
        if is_clean(&before, &trial.cluster(), roles, value) {
            for role in roles {
                remember(&mut trial, *role, value, common);
            }
            *work = trial;
            return;
        }
    }
}

/// Whether every pod is as before, plus the variable in `roles`, once.
fn is_clean(before: &Cluster, after: &Cluster, roles: &[Role], value: &str) -> bool {
    let replicas = |cluster: &Cluster| cluster.job_managers.as_ref().map(|(number, _)| *number);
    if replicas(before) != replicas(after) {
        return false;
    }
    before.roles.iter().zip(&after.roles).all(|(was, is)| {
        if !roles.contains(&is.role) {
            return is_alike(&was.pod.template, &is.pod.template);
        }
        let environment = is.pod.container().map(|container| list(container, &["env"])).unwrap_or_default();
        let ours = environment.iter().filter(|element| **element == variable(value)).count();
        ours == 1 && is_alike(&without(&is.pod, value), &without(&was.pod, value))
    })
}

/// The pod's template without the variable, and without a Flink container that has nothing but its name.
fn without(pod: &Pod, value: &str) -> Value {
    let mut template = Value::clone(&pod.template);
    if let Some(Value::Array(containers)) = template.pointer_mut("/spec/containers") {
        for container in containers.iter_mut().filter(|container| name(container) == Some(MAIN_CONTAINER)) {
            if let Some(Value::Array(environment)) = container.get_mut("env") {
                environment.retain(|element| *element != variable(value));
            }
        }
        containers.retain(|container| !is_alike(container, &json!({"name": MAIN_CONTAINER})));
    }
    template
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::Operation;
    use crate::facts::Facts;
    use crate::policy::Policies;
    use crate::verdict::{Subject, judge};
    use crate::workload::recognise;

    const POLICY: &str = "spec: {optOut: true}";

    /// A FlinkDeployment and a standalone role, each on `image`, with the pointer of its environment.
    fn clusters(image: &str) -> [(Value, &'static str); 2] {
        let options = json!({"high-availability.type": "zookeeper", "high-availability.zookeeper.quorum": "zk:2181",
            "high-availability.storageDir": "s3://b/ha"});
        let spec = json!({"flinkVersion": "v1_20", "image": image, "flinkConfiguration": options,
            "podTemplate": {"spec": {"containers": [{"name": "flink-main-container", "env": [{"name": "TZ", "value": "UTC"}]}]}}});
        let resource = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": "a"}, "spec": spec});
        let args = json!(["taskmanager", "-Dexecution.checkpointing.dir=s3://b/c"]);
        let container = json!({"name": "flink", "image": image, "args": args, "env": [{"name": "TZ", "value": "UTC"}]});
        let role = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": [container]}}}});
        [(resource, "/spec/podTemplate/spec/containers/0/env"), (role, "/spec/template/spec/containers/0/env")]
    }

    fn stored(object: &Value, old: Option<&Value>) -> Value {
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let workload = recognise(object).unwrap();
        let name = object["metadata"]["name"].as_str();
        let subject = Subject { object, old, operation, namespace: "shop", name, workload: &workload };
        judge(&subject, &Policies::from_text(POLICY).unwrap(), &Facts::default()).stored
    }

    fn set_image(object: &mut Value, image: &str) {
        for pointer in ["/spec/image", "/spec/template/spec/containers/0/image"] {
            if let Some(present) = object.pointer_mut(pointer) {
                *present = json!(image);
            }
        }
    }

    /// The jars in force, and whether the record knows them.
    fn jars(object: &Value, environment: &str) -> Option<(String, bool)> {
        let variables = object.pointer(environment)?.as_array()?;
        let named = variables.iter().find(|variable| variable["name"] == super::VARIABLE)?;
        let jars = named["value"].as_str()?.to_owned();
        let record = object["metadata"]["annotations"]["flink-admission.io/injected"].as_str().unwrap_or_default();
        let is_recorded = record.contains(&jars);
        Some((jars, is_recorded))
    }

    #[test]
    fn the_jars_follow_the_image() {
        for (index, (object, environment)) in clusters("flink:1.20.1-java17").into_iter().enumerate() {
            let created = stored(&object, None);
            let of = |version: &str| Some((format!("flink-s3-fs-hadoop-{version}.jar"), true));
            assert_eq!(jars(&created, environment), of("1.20.1"), "{created}");
            assert_eq!(stored(&created, None), created, "a second review");
            for (image, wanted) in [
                ("flink:1.20.2", of("1.20.2")),
                ("flink:1.20", None),
                ("example.net/turbines:1.20.2", None),
                ("flink@sha256:00", None),
            ] {
                let (mut kept, mut dropped) = (created.clone(), object.clone());
                let mut copy = created.clone();
                copy["metadata"]["name"] = json!("b");
                for new in [&mut kept, &mut dropped, &mut copy] {
                    set_image(new, image);
                }
                for (new, old) in [(&kept, Some(&created)), (&dropped, Some(&created)), (&kept, None), (&copy, None)] {
                    let moved = stored(new, old);
                    assert_eq!(jars(&moved, environment), wanted, "{index} {image}: {moved}");
                    assert_eq!(stored(&moved, old), moved, "{index} {image}: a second review");
                }
            }
        }
    }

    #[test]
    fn what_is_lost_comes_back_and_what_the_user_says_stays() {
        for (object, environment) in clusters("flink:1.20.1") {
            let created = stored(&object, None);
            assert_eq!(stored(&object, Some(&created)), created);
            let own = json!([{"name": "ENABLE_BUILT_IN_PLUGINS", "value": "flink-s3-fs-presto-1.20.1.jar"}]);
            let mut update = created.clone();
            *update.pointer_mut(environment).unwrap() = own.clone();
            let kept = stored(&update, Some(&created));
            assert_eq!(kept.pointer(environment), Some(&own));
            assert_eq!(jars(&kept, environment).map(|(_, is_recorded)| is_recorded), Some(false));
            let mut mounted = created.clone();
            mounted.pointer_mut(environment).unwrap().as_array_mut().unwrap().pop();
            let mounts = environment.replace("/env", "");
            mounted.pointer_mut(&mounts).unwrap()["volumeMounts"] =
                json!([{"name": "p", "mountPath": "/opt/flink/plugins"}]);
            assert_eq!(jars(&stored(&mounted, Some(&created)), environment), None, "it brings plugins in another way");
        }
    }

    #[test]
    fn a_template_that_was_ours_alone_comes_back_whole() {
        for (mut object, _) in clusters("flink:1.20.1").into_iter().take(1) {
            // Without a template of its own the pod is that of a file, about which nothing is known.
            object["spec"]["podTemplate"] = json!({"spec": {"containers": [{"name": "flink-main-container"}]}});
            let created = stored(&object, None);
            let spec = object["spec"].as_object_mut().unwrap();
            spec.remove("podTemplate");
            spec["flinkConfiguration"]["kubernetes.pod-template-file"] = json!("/opt/pod.yaml");
            assert_eq!(stored(&object, Some(&created))["spec"]["podTemplate"], created["spec"]["podTemplate"]);
        }
    }

    #[test]
    fn an_opt_out_takes_it_out() {
        for (object, environment) in clusters("flink:1.20.1") {
            let created = stored(&object, None);
            let mut update = created.clone();
            update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
            let mut left = stored(&update, Some(&created));
            assert_eq!(left.pointer(environment), object.pointer(environment));
            left["metadata"] = object["metadata"].clone();
            assert_eq!(left["spec"], object["spec"]);
        }
    }

    #[test]
    fn a_forged_record_brings_no_other_jar_than_the_image_has() {
        for (object, environment) in clusters("flink:1.20.1") {
            let mut old = object.clone();
            let forged = json!({"namespace": "shop", "name": "a", "values": [
                {"what": "plugins", "role": "taskmanager", "value": "flink-s3-fs-presto-9.9.9.jar", "common": true},
                {"what": "plugins", "role": "jobmanager", "value": "evil.jar", "common": true},
            ]});
            old["metadata"]["annotations"] = json!({"flink-admission.io/injected": forged.to_string()});
            let mut update = old.clone();
            set_image(&mut update, "flink:1.20.3");
            let kept = stored(&update, Some(&old));
            let jars = jars(&kept, environment).map(|(jars, _)| jars);
            assert!(jars.is_none_or(|jars| jars == "flink-s3-fs-hadoop-1.20.3.jar"), "{kept}");
        }
    }
}
