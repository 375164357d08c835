//! The zero-failure run: one release, one client, and all that happens to it in years, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use flink_admission::tls::Authority;
use serde_json::{Value, json};

use super::load::Mark;
use super::stage::{RELEASE, SOON, Stage, is_full, times, values, with};
use super::strangers;
use crate::support::wait_until;

#[test]
fn no_create_is_lost() {
    // Renewed after half a minute, again and again; a look at the API server, which may hang, comes before.
    let values = with(values(), &json!({"certificates": {"leafLife": "45s"}}));
    let Some(mut stage) = Stage::open(&values, 2, |_| {}) else { return };
    stage.lossless("nothing happens", |stage| stage.load.settle());
    // The first leaves grow old meanwhile.
    let first = stage.watch.seen().leaves;
    strangers::come(&mut stage);
    stage.lossless("leaf rotation 1", |stage| wait_for_new_leaves(stage, &first));
    for number in 2..=times(5, 1) {
        let before = stage.watch.seen().leaves;
        stage.lossless(&format!("leaf rotation {number}"), |stage| wait_for_new_leaves(stage, &before));
    }
    for number in 1..=times(10, 1) {
        stage.lossless(&format!("rolling restart {number}"), |stage| stage.fleet.roll());
    }
    if is_full() {
        for number in 1..=2 {
            stage.lossless(&format!("CA rotation {number}"), rotate_authority);
        }
        survives_its_secret(&mut stage);
    }
    stage.lossless("leader stopped, then a CA rotation", stop_leader);
    stage.lossless("API server restarted", |stage| {
        stage.load.apart(|| stage.plane.restart_api_server(Duration::ZERO).expect("it comes back"));
    });
    if is_full() {
        stage.lossless("API server away during a CA rotation", away_during_a_rotation);
    }
    stage.lossless("etcd compacted and defragmented", |stage| {
        stage.plane.compact_etcd();
    });
    stage.lossless("helm upgrade", |stage| {
        let other = with(values.clone(), &json!({"webhooks": {"timeoutSeconds": 9}, "finishSeconds": 29}));
        stage.release.upgrade(&other);
        assert!(stage.fleet.follow(), "the upgrade changed nothing of the Pods");
        wait_for_timeout(stage, 9);
    });
    stage.lossless("helm rollback", |stage| {
        stage.release.roll_back();
        assert!(stage.fleet.follow(), "the rollback changed nothing of the Pods");
        wait_for_timeout(stage, 10);
    });
    let seen = stage.watch.seen();
    println!("in all: {}", stage.load.since(Mark::default()).line("requests"));
    println!(
        "from outside: {} looks at {} certificates, none refused, {} by the later bundle alone",
        seen.looks,
        seen.all_leaves.len(),
        seen.close
    );

    // The last replica to go says so to the API server, which then admits what nobody answers for.
    let mark = stage.load.mark();
    stage.fleet.stop();
    stage.load.settle();
    stage.release.uninstall().succeeded();
    let count = stage.load.since(mark);
    println!("all replicas stopped, then `helm uninstall`: {} requests, {} refused", count.answered, count.refusals());
    assert_eq!(count.refusals(), 0, "{}", count.told_of_webhook());
}

/// The authority's Secret is deleted, emptied, and replaced by hand.
#[track_caller]
fn survives_its_secret(stage: &mut Stage) {
    let (secret, namespace) = (format!("{RELEASE}-authority"), stage.release.namespace.clone());
    stage.lossless("Secret deleted", |stage| comes_back(stage, &["delete", "secret", &secret, "-n", &namespace]));
    let emptied = r#"{"data": {"tls.crt": "", "tls.key": ""}}"#;
    let empty = ["patch", "secret", &secret, "-n", &namespace, "-p", emptied];
    stage.lossless("Secret emptied", |stage| comes_back(stage, &empty));
    stage.lossless("Secret replaced by hand", |stage| {
        let own = Authority::generate(SystemTime::now(), Duration::from_hours(24)).expect("an authority");
        let own = json!({"stringData": {"tls.crt": own.certificate_pem(), "tls.key": own.key_pem()}}).to_string();
        another_authority(stage, &["patch", "secret", &secret, "-n", &namespace, "-p", &own]);
    });
}

/// For longer than the replicas wait for a word of each other, and while both authorities are in use.
#[track_caller]
fn away_during_a_rotation(stage: &mut Stage) {
    let (secret, namespace) = (format!("{RELEASE}-authority"), stage.release.namespace.clone());
    let before = bundle(stage);
    let annotate = ["annotate", "secret", &secret, "-n", &namespace, "flink-admission.io/rotate=now"];
    stage.plane.kubectl(&annotate).succeeded();
    let both = wait_until(SOON, || (bundle(stage).len() > before.len()).then_some(()));
    assert!(both.is_some(), "no second authority is trusted");
    stage.load.apart(|| stage.plane.restart_api_server(Duration::from_secs(15)).expect("it comes back"));
    let alone = wait_until(SOON, || (bundle(stage).len() == 1).then_some(()));
    assert!(alone.is_some(), "the old authority is still trusted");
}

/// Until every replica serves another leaf than `before`.
#[track_caller]
fn wait_for_new_leaves(stage: &mut Stage, before: &BTreeMap<String, Vec<u8>>) {
    let renewed = wait_until(SOON, || {
        let now = stage.watch.seen().leaves;
        let is_new = |name: &String| now.get(name).is_some_and(|leaf| before.get(name) != Some(leaf));
        stage.fleet.replicas.iter().all(|replica| is_new(&replica.name)).then_some(())
    });
    assert!(renewed.is_some(), "no new leaf is served: {}", stage.fleet.replicas[0].process.log());
}

/// Asks for another authority.
#[track_caller]
fn rotate_authority(stage: &mut Stage) {
    let (secret, namespace) = (format!("{RELEASE}-authority"), stage.release.namespace.clone());
    another_authority(stage, &["annotate", "secret", &secret, "-n", &namespace, "flink-admission.io/rotate=now"]);
    let stored = stage.plane.object(&namespace, "secret", &secret).expect("the Secret");
    assert_eq!(stored["metadata"]["annotations"]["flink-admission.io/rotate"], Value::Null, "it is still asked for");
}

/// Does by kubectl what makes the leader make another authority, and waits until the bundle trusts that alone.
#[track_caller]
fn another_authority(stage: &mut Stage, kubectl: &[&str]) {
    let before = bundle(stage);
    stage.plane.kubectl(kubectl).succeeded();
    let mut both = false;
    let rotated = wait_until(SOON, || {
        let now = bundle(stage);
        both |= now.len() > 1 && now.is_superset(&before);
        (now.len() == 1 && now.is_disjoint(&before)).then_some(())
    });
    assert!(rotated.is_some(), "the bundle does not trust another authority alone: {:?}", bundle(stage));
    assert!(both, "the old and the new were never trusted together");
}

/// Does by kubectl what the Secret must survive: the authority in it comes back as it was.
#[track_caller]
fn comes_back(stage: &mut Stage, kubectl: &[&str]) {
    let (secret, namespace) = (format!("{RELEASE}-authority"), stage.release.namespace.clone());
    let stored = || {
        let certificate = stage.plane.object(&namespace, "secret", &secret)?["data"]["tls.crt"].clone();
        certificate.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (before, trusted) = (stored(), bundle(stage));
    stage.plane.kubectl(kubectl).succeeded();
    let after = wait_until(SOON, stored);
    assert_eq!(after, before, "it is not the authority that was there");
    stage.load.settle();
    assert_eq!(bundle(stage), trusted);
}

/// Deletes the replica that leads, until another one does.
#[track_caller]
fn stop_leader(stage: &mut Stage) {
    // After a roll-out none of the new ones may lead yet.
    let leading = wait_until(SOON, || {
        let name = leader(stage)?;
        stage.fleet.index(&name).map(|index| (name, index))
    });
    let (first, index) = leading.expect("no replica leads");
    stage.fleet.evict(index);
    let next = wait_until(SOON, || leader(stage).filter(|next| *next != first && !next.is_empty()));
    assert!(next.is_some(), "nobody leads after {first}");
    // It does what a leader does.
    rotate_authority(stage);
}

/// Who holds the Lease.
fn leader(stage: &Stage) -> Option<String> {
    let lease = stage.plane.object(&stage.release.namespace, "lease", &format!("{RELEASE}-leader"))?;
    Some(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned())
}

/// The certificates that the live configurations trust, each in PEM.
pub fn bundle(stage: &Stage) -> BTreeSet<String> {
    use base64::Engine as _;
    let mut certificates = BTreeSet::new();
    for kind in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
        let configuration = stage.plane.object("default", kind, RELEASE).expect("a configuration");
        for entry in configuration["webhooks"].as_array().into_iter().flatten() {
            let pem = entry["clientConfig"]["caBundle"].as_str().unwrap_or_default();
            let pem = base64::engine::general_purpose::STANDARD.decode(pem).expect("base64");
            let pem = String::from_utf8(pem).expect("PEM");
            certificates.extend(pem.split_inclusive("-----END CERTIFICATE-----\n").map(str::to_owned));
        }
    }
    certificates
}

#[track_caller]
fn wait_for_timeout(stage: &Stage, seconds: u64) {
    let is_written = || {
        let configuration = stage.plane.object("default", "mutatingwebhookconfiguration", RELEASE)?;
        (configuration["webhooks"][0]["timeoutSeconds"] == seconds).then_some(())
    };
    assert!(wait_until(SOON, is_written).is_some(), "the configuration is not what the chart wants");
}
