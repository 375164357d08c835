//! The beginning and the end of an installation, and who else has a hand in it: an installation that is broken, a second one,
//! a loop that applies the chart again and again, the garbage collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::balancer::Balancer;
use super::fleet::Fleet;
use super::load::Count;
use super::objects;
use super::release::Release;
use super::stage::{self, RELEASE, SOON, Stage, plane, times, values, with};
use crate::support::{Authority, ControlPlane, wait_until};

const CONFIGURATIONS: [&str; 2] = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];
const SECOND: &str = "flink-admission-second";

/// What `helm uninstall` alone does. How many requests are refused by it is printed and not asserted: helm deletes the Service
/// before the anchor, so until the collector has come by there is a webhook that the API server cannot find. The story stops
/// the replicas first, and nobody is refused.
#[test]
fn uninstalling_leaves_nothing() {
    let Some(mut stage) = Stage::open(&values(), 2, |_| {}) else { return };
    let _collector = stage.plane.start_some_controllers(&["garbage-collector-controller"]).expect("the collector");
    let mark = stage.load.mark();
    stage.release.uninstall().succeeded();
    // The Deployment is gone, and its Pods after it.
    stage.fleet.stop();
    wait_until_gone(stage.plane);
    let count = stage.load.since(mark);
    let left = left_over(&stage);
    println!("{}", refusals(&count, "helm uninstall"));
    println!("left over: {left:?}");
    stage.plane.kubectl(&["get", "crd", "flinkdeployments.flink.apache.org"]).succeeded();
    assert!(left.is_empty(), "left over: {left:?}");
}

#[test]
#[ignore = "part of `make test-rollout`"]
fn without_its_anchor_an_installation_goes() {
    let Some(mut stage) = Stage::open(&values(), 2, |_| {}) else { return };
    let _collector = stage.plane.start_some_controllers(&["garbage-collector-controller"]).expect("the collector");
    let mark = stage.load.mark();
    stage.plane.kubectl(&["delete", "clusterrole", &format!("{RELEASE}-installation")]).succeeded();
    wait_until_gone(stage.plane);
    // Rounds of the replicas in which they could come back.
    for _ in 0..8 {
        stage.load.settle();
    }
    assert!(CONFIGURATIONS.iter().all(|kind| configuration(stage.plane, kind, RELEASE).is_none()), "they are back");
    let count = stage.load.since(mark);
    println!("{}", refusals(&count, "anchor deleted"));
    assert_eq!(count.refusals(), 0, "{}", count.told_of_webhook());

    // And comes with it again.
    stage.release.upgrade(&values());
    let is_back = || CONFIGURATIONS.iter().all(|kind| is_proved(stage.plane, kind, RELEASE)).then_some(());
    assert!(wait_until(SOON, is_back).is_some(), "{}", stage.fleet.replicas[0].process.log());
    stage.fleet.stop();
}

#[test]
#[ignore = "part of `make test-rollout`"]
fn a_broken_installation_heals() {
    let Some((plane, turn)) = plane() else { return };
    let stale = Authority::generate("gone").expect("an authority").pem();
    for (kind, path) in [("MutatingWebhookConfiguration", "mutate"), ("ValidatingWebhookConfiguration", "validate")] {
        plane.apply(&broken(kind, path, &stale).to_string()).succeeded();
    }
    let namespace = plane.create_namespace("blocked");
    let create = ["create", "--dry-run=server", "-n", &namespace, "-f", "-"];
    let send = |object: &Value| plane.admin().kubectl_with(&create, &object.to_string());
    let is_blocked = || {
        let said = send(&objects::cluster("orders"));
        (!said.success && said.stderr.contains("failed calling webhook")).then_some(())
    };
    assert!(wait_until(SOON, is_blocked).is_some(), "the old installation blocks nobody");

    let begin = Instant::now();
    let release = Arc::new(Release::install(plane, RELEASE, &values()));
    let installed = begin.elapsed();
    let balancer = Arc::new(Balancer::start(stage::runtime(), &stage::host().expect("an address").to_string()));
    release.route_to(&balancer);
    let mut fleet = Fleet::start(&release, &balancer, 2, |_| {});
    let ready = begin.elapsed();
    let is_denied = || {
        let said = send(&objects::forgetful_cluster("orders"));
        (!said.success && said.stderr.contains("denied the request")).then_some(())
    };
    assert!(wait_until(SOON, is_denied).is_some(), "not healed: {}", fleet.replicas[0].process.log());
    let denied = begin.elapsed();
    let is_proved = || CONFIGURATIONS.iter().all(|kind| is_proved(plane, kind, RELEASE)).then_some(());
    assert!(wait_until(SOON, is_proved).is_some(), "not proved: {}", fleet.replicas[0].process.log());
    println!(
        "from `helm install`: installed {installed:.1?}, both replicas ready {ready:.1?}, first denial {denied:.1?}, proved {:.1?}",
        begin.elapsed()
    );
    send(&objects::cluster("orders")).succeeded();
    fleet.stop();
    drop((fleet, release, turn));
}

#[test]
#[ignore = "part of `make test-rollout`"]
fn a_second_installation_changes_nothing() {
    let Some(mut stage) = Stage::open(&values(), 2, |_| {}) else { return };
    let before = CONFIGURATIONS.map(|kind| version(stage.plane, kind));
    let second = Arc::new(Release::install(stage.plane, SECOND, &values()));
    let balancer = Arc::new(Balancer::start(stage.runtime, &stage::host().expect("an address").to_string()));
    second.route_to(&balancer);
    let mut fleet = stage.lossless("a second installation", |stage| {
        let fleet = Fleet::start(&second, &balancer, 1, |_| {});
        let said = fleet.replicas[0].process.wait_for("two would change the same objects");
        assert!(said.contains(&format!("{}.{RELEASE}", stage.release.namespace)), "{said}");
        fleet
    });
    assert_eq!(CONFIGURATIONS.map(|kind| version(stage.plane, kind)), before, "it wrote to the first one's");
    assert!(CONFIGURATIONS.iter().all(|kind| configuration(stage.plane, kind, SECOND).is_none()), "it wrote its own");

    // When the first is gone it comes into its own.
    stage.release.uninstall().succeeded();
    for kind in CONFIGURATIONS {
        stage.plane.kubectl(&["delete", kind, RELEASE, "--ignore-not-found"]).succeeded();
    }
    stage.fleet.stop();
    let is_proved = || CONFIGURATIONS.iter().all(|kind| is_proved(stage.plane, kind, SECOND)).then_some(());
    assert!(wait_until(SOON, is_proved).is_some(), "{}", fleet.replicas[0].process.log());
    fleet.stop();
}

#[test]
#[ignore = "part of `make test-rollout`"]
fn a_loop_that_applies_the_chart_does_no_harm() {
    for mode in ["program", "chart"] {
        let values = with(values(), &json!({"webhooks": {"managedBy": mode}}));
        let Some(mut stage) = Stage::open(&values, 2, |_| {}) else { return };
        let before = CONFIGURATIONS.map(|kind| generation(stage.plane, kind));
        let rounds = stage.lossless(&format!("self-heal loop, managed by the {mode}"), |stage| {
            let (is_over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                scope.spawn(|| heal_again_and_again(&stage.release, &values, &is_over, &rounds));
                let done = wait_until(SOON, || (rounds.load(Ordering::SeqCst) >= times(30, 4)).then_some(()));
                is_over.store(true, Ordering::SeqCst);
                assert!(done.is_some(), "the loop does not go round");
            });
            rounds.into_inner()
        });
        let after = CONFIGURATIONS.map(|kind| generation(stage.plane, kind));
        let changes = after.iter().sum::<u64>() - before.iter().sum::<u64>();
        println!("managed by the {mode}: {rounds} rounds of the loop, {changes} changes of the configurations");
        if mode == "program" {
            assert_eq!(changes, 0, "the chart and the program fight");
        }
        // Both want the same in the end.
        let is_proved = || CONFIGURATIONS.iter().all(|kind| is_proved(stage.plane, kind, RELEASE)).then_some(());
        assert!(wait_until(SOON, is_proved).is_some(), "{}", stage.fleet.replicas[0].process.log());
        stage.fleet.stop();
    }
}

/// Renders without the cluster and applies, each second, as Argo CD does with `selfHeal`.
fn heal_again_and_again(release: &Release, values: &Value, is_over: &AtomicBool, rounds: &AtomicUsize) {
    while !is_over.load(Ordering::SeqCst) {
        let begin = Instant::now();
        let manifest = release.helm("template", values, &[]).succeeded();
        let apply = ["apply", "-n", &release.namespace, "-f", "-"];
        release.plane.admin().kubectl_with(&apply, &manifest).succeeded();
        rounds.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_secs(1).saturating_sub(begin.elapsed()));
    }
}

/// What an installation of long ago has left: it fails closed, trusts somebody else, and nobody answers.
fn broken(kind: &str, path: &str, stale: &str) -> Value {
    use base64::Engine as _;
    let bundle = base64::engine::general_purpose::STANDARD.encode(stale);
    let entry = |name: &str, group: &str, version: &str, resource: &str| {
        json!({
            "name": name, "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {
                "caBundle": bundle,
                "service": {"name": RELEASE, "namespace": format!("{RELEASE}-system"), "path": format!("/{path}")},
            },
            "rules": [{"apiGroups": [group], "apiVersions": [version], "resources": [resource], "operations": ["*"]}],
        })
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": RELEASE},
        "webhooks": [
            entry("clusters.flink-admission.io", "flink.apache.org", "v1beta1", "flinkdeployments"),
            entry("gone.flink-admission.io", "flink.apache.org", "v1beta1", "flinksessionjobs"),
        ],
    })
}

fn configuration(plane: &ControlPlane, kind: &str, name: &str) -> Option<Value> {
    plane.object("default", kind, name)
}

fn is_proved(plane: &ControlPlane, kind: &str, name: &str) -> bool {
    configuration(plane, kind, name).is_some_and(|found| {
        let since = found["metadata"]["annotations"]["flink-admission.io/proved"].as_str();
        let mut entries = found["webhooks"].as_array().into_iter().flatten();
        since.is_some_and(|since| !since.is_empty()) && entries.any(|entry| entry["failurePolicy"] == "Fail")
    })
}

fn version(plane: &ControlPlane, kind: &str) -> String {
    let found = configuration(plane, kind, RELEASE).expect("a configuration");
    found["metadata"]["resourceVersion"].as_str().expect("a version").to_owned()
}

fn generation(plane: &ControlPlane, kind: &str) -> u64 {
    let found = configuration(plane, kind, RELEASE).expect("a configuration");
    found["metadata"]["generation"].as_u64().expect("a generation")
}

#[track_caller]
fn wait_until_gone(plane: &ControlPlane) {
    let is_gone = || CONFIGURATIONS.iter().all(|kind| configuration(plane, kind, RELEASE).is_none()).then_some(());
    assert!(wait_until(SOON, is_gone).is_some(), "the webhook configurations are still there");
}

/// What of the release is still there when the collector has done its work.
fn left_over(stage: &Stage) -> Vec<String> {
    let kinds =
        "secrets,leases,configmaps,services,deployments,roles,rolebindings,serviceaccounts,poddisruptionbudgets";
    let wide = "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations";
    let list = || -> Vec<String> {
        let own = stage.plane.kubectl(&["get", kinds, "-n", &stage.release.namespace, "-o", "name"]).succeeded();
        let all = stage.plane.kubectl(&["get", wide, "-o", "name"]).succeeded();
        let lines = own.lines().chain(all.lines()).filter(|line| line.contains(RELEASE));
        lines.map(str::to_owned).collect()
    };
    wait_until(Duration::from_secs(20), || list().is_empty().then(Vec::new)).unwrap_or_else(list)
}

fn refusals(count: &Count, what: &str) -> String {
    format!("{what}: {} requests, {} refused for the webhook's sake", count.answered, count.refusals())
}
