//! What holds for every object and every policy, not only for the golden cases.
//!
//! A failure prints the smallest object and policy that show it; make a golden case or a unit test of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test ends by panicking, and says what it skips"
)]

#[path = "properties/generated.rs"]
mod generated;
mod manifests;
#[path = "properties/whole.rs"]
mod whole;

use std::collections::BTreeSet;

use flink_admission::flink::cluster::{Cluster, RoleView};
use flink_admission::flink::configuration::flatten;
use flink_admission::flink::fields;
use flink_admission::flink::plugins;
use flink_admission::inject::INJECTED_ANNOTATION;
use flink_admission::object::FieldPath;
use flink_admission::policy::{Finding, Level, Policies, Role};
use flink_admission::verdict::{self, Outcome};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use generated::{Json, any_json, deployment, policy, role_of_ones_own, shuffled, version};

/// The same cases on every run, so that a change is judged by what it changed; `PROPTEST_RNG_SEED` and `PROPTEST_CASES`
/// look further.
fn config() -> ProptestConfig {
    let from_environment = ProptestConfig::default();
    let rng_seed = match from_environment.rng_seed {
        RngSeed::Random => RngSeed::Fixed(2026),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    let max_global_rejects = from_environment.cases.saturating_mul(2);
    ProptestConfig { rng_seed, max_global_rejects, failure_persistence: None, ..from_environment }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn completing_an_object_adds_to_it_and_is_done_once(Json(object) in deployment(), Json(policy) in policy()) {
        let policies = policies(&policy);
        let outcome = create(&object, &policies);
        let stored = &outcome.stored;
        prop_assert_eq!(&patched(&object, &outcome), stored, "the patch gives what is stored");
        prop_assert_eq!(&decided(&object, None, &policies), &outcome.patch, "`/mutate` answers the same");

        let again = create(stored, &policies);
        prop_assert!(again.patch.0.is_empty(), "a second time changes {}", json!(again.patch));
        prop_assert_eq!(places(&again.findings), places(&outcome.findings), "`check` agrees with `render`");

        user_values_stay(&object, stored)?;
        merged_pods_stay(&object, stored)?;
        nothing_forbidden_is_added(&object, stored)?;
        claims_are_mounted_or_missed(&object, &outcome, &policy)?;
        let (before, after) = (denials(&object, &policy), denials(stored, &policy));
        prop_assert!(after.is_subset(&before), "made worse: {:?}", after.difference(&before));
    }

    #[test]
    fn an_update_keeps_what_was_filled_in(Json(object) in deployment(), Json(policy) in policy()) {
        let policies = policies(&policy);
        let stored = create(&object, &policies).stored;
        let mut labelled = stored.clone();
        labelled["metadata"]["labels"] = json!({"team": "plants"});
        prop_assert!(decided(&labelled, Some(&stored), &policies).0.is_empty(), "the spec is as it was");

        for (how, new) in [("as written", object.clone()), ("applied", applied(&object, &stored))] {
            let kept = update(&new, &stored, &policies).stored;
            prop_assert!(kept == stored, "sent again {}: {}\nstored {}\nkept   {}", how, new, stored, kept);
        }
        for pointer in filled_in(&object, &stored) {
            let mut new = stored.clone();
            remove(&mut new, &pointer);
            let kept = update(&new, &stored, &policies).stored;
            prop_assert!(kept == stored, "`{}` was taken away:\nstored {}\nkept   {}", pointer, stored, kept);
        }
    }

    #[test]
    fn ha_that_was_filled_in_moves_with_the_version(
        Json(object) in deployment(), Json(policy) in policy(), from in version(), to in version(), kubernetes in any::<bool>()
    ) {
        let mut object = with_version(&without_ha(object), &from);
        // The operator cannot do HA in standalone mode of Flink 2, so none is filled in.
        object["spec"]["mode"] = json!("native");
        let mut policy = policy;
        let mode = if kubernetes { "kubernetes" } else { "zookeeper" };
        policy["spec"]["highAvailability"] = json!({"mode": mode, "storageDir": "s3://b/ha", "zookeeper": {"quorum": "zk:2181"}});
        policy["spec"]["serviceAccount"] = json!({"name": "flink"});
        let policies = policies(&policy);
        let stored = create(&object, &policies).stored;
        let was = Cluster::of_flink_deployment(&stored, &spec());
        prop_assume!(was.high_availability().0.is_on());

        let mut new = stored.clone();
        new["spec"]["flinkVersion"] = json!(to);
        let moved = update(&new, &stored, &policies);
        prop_assert_eq!(&patched(&new, &moved), &moved.stored);
        let is = Cluster::of_flink_deployment(&moved.stored, &spec());
        prop_assert_eq!(is.high_availability().0, was.high_availability().0, "{} to {}: {}", from, to, moved.stored);
        prop_assert!(overlaps(&moved.stored).is_subset(&overlaps(&with_version(&object, &to))), "{}", moved.stored);
        user_values_stay(&with_version(&object, &to), &moved.stored)?;
        let again = update(&moved.stored, &stored, &policies);
        prop_assert!(again.stored == moved.stored, "a second time:\n{}\n{}", again.stored, moved.stored);
    }

    #[test]
    fn plugins_follow_the_image(Json(object) in deployment(), Json(policy) in policy(), to in prop::sample::select(IMAGES.to_vec())) {
        let mut object = object;
        prop_assume!(object["spec"].is_object());
        object["spec"]["image"] = json!("flink:1.20.1-java17");
        let mut policy = policy;
        policy["spec"]["checkpoints"] = json!({"directory": "s3://b/checkpoints"});
        let policies = policies(&policy);
        let stored = create(&object, &policies).stored;
        let was = own_plugins(&object, &stored);

        for (how, new) in [("as stored", stored.clone()), ("as written", object.clone()), ("applied", applied(&object, &stored))] {
            let (mut new, mut written) = (new, object.clone());
            new["spec"]["image"] = json!(to);
            written["spec"]["image"] = json!(to);
            let moved = update(&new, &stored, &policies);
            let wanted: Vec<String> = was.iter().map(|jars| {
                if to.starts_with("flink:1.20.2") { jars.replace("1.20.1", "1.20.2") } else { String::new() }
            }).collect();
            let is = own_plugins(&object, &moved.stored);
            let is_so = is.iter().zip(&wanted).all(|(is, wanted)| is == wanted);
            prop_assert!(is_so, "{} to {}: {:?} became {:?}\n{}\n{}", how, to, was, is, stored, moved.stored);
            user_values_stay(&written, &moved.stored)?;
            merged_pods_stay(&written, &moved.stored)?;
            let again = update(&moved.stored, &stored, &policies);
            prop_assert!(again.stored == moved.stored, "a second time:\n{}\n{}", again.stored, moved.stored);
        }
    }

    #[test]
    fn no_object_is_too_odd(Json(spec) in any_json(), Json(old) in any_json(), Json(metadata) in any_json(), Json(policy) in policy()) {
        let policies = policies(&policy);
        let object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": metadata, "spec": spec});
        let old = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": object["metadata"], "spec": old});
        let outcome = create(&object, &policies);
        prop_assert_eq!(&patched(&object, &outcome), &outcome.stored);
        update(&object, &old, &policies);
        manifests::review(&object, Some(&old), &policies, &[], verdict::validate);
        let template = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkBlueGreenDeployment", "spec": {"template": {"spec": object["spec"]}}});
        create(&template, &policies);
        // A session job of any form, on a cluster of any form, is as it was.
        let mut job = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob", "metadata": {"name": "job"}, "spec": object["spec"]});
        if job["spec"].is_object() {
            job["spec"]["deploymentName"] = json!("session");
        }
        let cluster = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "session"}, "spec": old["spec"]});
        let outcome = manifests::review(&job, None, &policies, &[cluster], verdict::judge);
        prop_assert!(outcome.patch.is_empty() && outcome.stored == job && outcome.changes.is_empty());
    }

    #[test]
    fn no_role_is_too_odd((Json(object), text) in role_of_ones_own(), Json(policy) in policy()) {
        let policies = policies(&policy);
        let files = json!({"flink-conf.yaml": text, "config.yaml": text});
        let file = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf", "namespace": "plants"}, "data": files});
        let others = std::slice::from_ref(&file);
        let outcome = manifests::review(&object, None, &policies, others, verdict::judge);
        prop_assert_eq!(&patched(&object, &outcome), &outcome.stored);
        let again = manifests::review(&outcome.stored, None, &policies, others, verdict::judge);
        prop_assert!(again.patch.0.is_empty(), "a second time changes {}", json!(again.patch));
        manifests::review(&object, None, &policies, others, verdict::configurations);
        manifests::review(&object, Some(&outcome.stored), &policies, others, verdict::validate);
    }

    #[test]
    fn fields_may_stand_in_any_order(Json(object) in deployment(), Json(policy) in policy(), seed in any::<u64>()) {
        // Of two options of one name the later one counts, as in the operator.
        let configuration = &object["spec"]["flinkConfiguration"];
        prop_assume!(flatten(configuration, &spec(), "").iter().all(|(_, setting)| setting.overrode.is_empty()));
        let policies = policies(&policy);
        let (one, two) = (create(&object, &policies), create(&shuffled(&object, seed), &policies));
        prop_assert_eq!(&two.stored, &one.stored);
        prop_assert_eq!(format!("{:?}", two.findings), format!("{:?}", one.findings));
    }
}

/// Where an official image may move to.
const IMAGES: [&str; 4] = ["flink:1.20.2-java17", "flink:1.20", "example.net/turbines:4.2", "flink:latest"];

/// The plugins of each role of `stored` that are not the author's.
fn own_plugins(object: &Value, stored: &Value) -> Vec<String> {
    let (was, is) = (Cluster::of_flink_deployment(object, &spec()), Cluster::of_flink_deployment(stored, &spec()));
    let ours = |(was, is): (&RoleView, &RoleView)| {
        let is = plugins::in_template(is).unwrap_or_default().to_owned();
        if plugins::in_template(was).is_some() { String::new() } else { is }
    };
    was.roles.iter().zip(&is.roles).map(ours).collect()
}

fn policies(policy: &Value) -> Policies {
    Policies::from_text(&policy.to_string()).unwrap()
}

fn spec() -> FieldPath {
    FieldPath::of(&["spec"])
}

fn create(object: &Value, policies: &Policies) -> Outcome {
    manifests::review(object, None, policies, &[], verdict::judge)
}

fn update(new: &Value, old: &Value, policies: &Policies) -> Outcome {
    manifests::review(new, Some(old), policies, &[], verdict::judge)
}

fn decided(object: &Value, old: Option<&Value>, policies: &Policies) -> json_patch::Patch {
    manifests::review(object, old, policies, &[], verdict::mutate).patch
}

fn patched(object: &Value, outcome: &Outcome) -> Value {
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &outcome.patch).unwrap();
    patched
}

/// `object` with a map for a configuration that says nothing of HA.
fn without_ha(mut object: Value) -> Value {
    if !object["spec"].is_object() {
        object["spec"] = json!({});
    }
    match &mut object["spec"]["flinkConfiguration"] {
        Value::Object(map) => {
            map.retain(|key, _| !key.starts_with("high-availability") && !key.starts_with("recovery"));
        }
        other => *other = json!({}),
    }
    object
}

fn with_version(object: &Value, version: &str) -> Value {
    let mut object = object.clone();
    object["spec"]["flinkVersion"] = json!(version);
    object
}

/// Rule, role and path of every denial of `object` as it is.
fn denials(object: &Value, policy: &Value) -> BTreeSet<(&'static str, Option<Role>, String)> {
    let mut policy = policy.clone();
    policy["spec"]["mutation"] = json!(false);
    let of_level = |finding: &Finding| finding.level == Level::Deny;
    let findings = create(object, &policies(&policy)).findings;
    findings.into_iter().filter(of_level).map(|finding| (finding.rule, finding.role, finding.path)).collect()
}

/// Every scalar of `value` with its pointer.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    fn collect(value: &Value, pointer: &str, leaves: &mut Vec<(String, Value)>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, &format!("{pointer}/{key}"), leaves);
            }),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, value)| collect(value, &format!("{pointer}/{i}"), leaves));
            }
            Value::Null => {}
            scalar => leaves.push((pointer.to_owned(), scalar.clone())),
        }
    }
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn user_values_stay(object: &Value, stored: &Value) -> Result<(), TestCaseError> {
    for (pointer, value) in leaves(object) {
        let says_nothing = value.as_str().is_some_and(|text| text.trim().is_empty())
            || (pointer == "/spec/serviceAccount" && value == "default");
        prop_assert!(says_nothing || stored.pointer(&pointer) == Some(&value), "`{}` was {}", pointer, value);
    }
    Ok(())
}

fn elements<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Every volume, container, mount and variable of the pods as the operator makes them is what it was, and comes first.
fn merged_pods_stay(object: &Value, stored: &Value) -> Result<(), TestCaseError> {
    let (was, is) = (Cluster::of_flink_deployment(object, &spec()), Cluster::of_flink_deployment(stored, &spec()));
    prop_assert_eq!(was.job_managers.map(|(number, _)| number), is.job_managers.map(|(number, _)| number));
    for (was, is) in was.roles.iter().zip(&is.roles) {
        let (was, is) = (&was.pod.template, &is.pod.template);
        let (volumes, now) = (elements(was, "/spec/volumes"), elements(is, "/spec/volumes"));
        prop_assert!(is_within(volumes, now, |was, is| was == is), "volumes {:?} became {:?}", volumes, now);
        let (containers, now) = (elements(was, "/spec/containers"), elements(is, "/spec/containers"));
        let is_extended = |was: &Value, is: &Value| {
            let rest = |container: &Value| {
                let mut container = container.clone();
                for list in ["volumeMounts", "env"] {
                    container.as_object_mut().map(|map| map.shift_remove(list));
                }
                container
            };
            let keeps = |list: &str| is_within(elements(was, list), elements(is, list), |was, is| was == is);
            rest(was) == rest(is) && keeps("/volumeMounts") && keeps("/env")
        };
        prop_assert!(is_within(containers, now, is_extended), "containers {:?} became {:?}", containers, now);
    }
    Ok(())
}

/// Whether `now` has the elements of `was`, and perhaps others; merged by name they may stand in another order.
fn is_within(was: &[Value], now: &[Value], is_same: impl Fn(&Value, &Value) -> bool) -> bool {
    was.len() <= now.len() && was.iter().all(|element| now.iter().any(|other| is_same(element, other)))
}

fn flat_keys(object: &Value) -> BTreeSet<String> {
    let configuration = &object["spec"]["flinkConfiguration"];
    if !configuration.is_object() {
        return BTreeSet::new();
    }
    flatten(configuration, &spec(), "").iter().map(|(key, _)| key.to_owned()).collect()
}

/// What is found where; a finding that has several reasons may name another one when more is filled in.
fn places(findings: &[Finding]) -> Vec<(&str, Level, Option<Role>, &str)> {
    findings.iter().map(|finding| (finding.rule, finding.level, finding.role, finding.path.as_str())).collect()
}

/// Keys that are the parent of another, which Flink 2 does not take.
fn overlaps(object: &Value) -> BTreeSet<String> {
    let is_two = object["spec"]["flinkVersion"].as_str().is_some_and(|version| version.starts_with("v2"));
    let keys = flat_keys(object);
    let is_parent = |key: &&String| keys.iter().any(|other| other.starts_with(&format!("{key}.")));
    keys.iter().filter(|_| is_two).filter(is_parent).cloned().collect()
}

fn nothing_forbidden_is_added(object: &Value, stored: &Value) -> Result<(), TestCaseError> {
    let added: BTreeSet<String> = flat_keys(stored).difference(&flat_keys(object)).cloned().collect();
    for forbidden in ["kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"] {
        prop_assert!(!added.contains(forbidden), "`{}` was added", forbidden);
    }
    prop_assert!(overlaps(stored).is_subset(&overlaps(object)), "an overlap was added");
    Ok(())
}

/// Every claim of the policy is there, or something else is in its place, or a finding says that it is not.
fn claims_are_mounted_or_missed(object: &Value, outcome: &Outcome, policy: &Value) -> Result<(), TestCaseError> {
    if !object["spec"].is_object() || !fields::of_deployment(object, &spec()).is_empty() {
        return Ok(());
    }
    let was = Cluster::of_flink_deployment(object, &spec());
    let is = Cluster::of_flink_deployment(&outcome.stored, &spec());
    for volume in elements(policy, "/spec/volumes") {
        let (name, path) = (volume["name"].as_str().unwrap(), volume["mountPath"].as_str().unwrap());
        for role in [Role::JobManager, Role::TaskManager] {
            let word = role.to_string().to_lowercase();
            if volume["roles"].as_array().is_some_and(|roles| !roles.contains(&json!(word))) {
                continue;
            }
            let (was, is) = (&was.role(role).unwrap().pod, &is.role(role).unwrap().pod);
            let mounts = is.container().map(|container| elements(container, "/volumeMounts")).unwrap_or_default();
            let is_mounted = mounts
                .iter()
                .filter_map(|mount| mount["mountPath"].as_str())
                .any(|mounted| mounted.trim_end_matches('/') == path);
            let is_said =
                outcome.findings.iter().any(|finding| finding.rule == "volume-conflict" && finding.role == Some(role));
            prop_assert!(
                is_mounted || was.volume(name).is_some() || is_said,
                "`{}` in the {}: {}",
                name,
                role,
                outcome.stored
            );
        }
    }
    Ok(())
}

/// What `kubectl apply` sends when `manifest`, which was applied before, is applied to `stored`: maps are merged, lists
/// are replaced by the manifest's.
fn applied(manifest: &Value, stored: &Value) -> Value {
    match (manifest, stored) {
        (Value::Object(manifest), Value::Object(stored)) => {
            let mut merged = stored.clone();
            for (key, value) in manifest.iter().filter(|(_, value)| !value.is_null()) {
                let value = stored.get(key).map_or_else(|| value.clone(), |stored| applied(value, stored));
                merged.insert(key.clone(), value);
            }
            Value::Object(merged)
        }
        (manifest, _) => manifest.clone(),
    }
}

/// Pointers of the options and the ServiceAccount that `stored` has and `object` has not.
fn filled_in(object: &Value, stored: &Value) -> Vec<String> {
    leaves(stored)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .filter(|pointer| pointer.starts_with("/spec/flinkConfiguration") || pointer == "/spec/serviceAccount")
        .filter(|pointer| object.pointer(pointer).is_none_or(Value::is_null))
        .collect()
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(&key);
}

#[test]
fn the_properties_see_injection() {
    let object = generated::bare();
    let policy = json!({"spec": {"highAvailability": {"mode": "kubernetes", "storageDir": "s3://b/ha"}, "serviceAccount": {"name": "flink"}}});
    let stored = create(&object, &policies(&policy)).stored;
    assert_eq!(filled_in(&object, &stored).len(), 3, "{stored}");
    assert!(stored["metadata"]["annotations"][INJECTED_ANNOTATION].is_string());
}
