//! Webhook and operator do not answer each other for ever.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fleet::{Fleet, name};

/// How often the operator must have looked at each cluster in that time.
const ROUNDS: usize = 3;

#[test]
fn nothing_changes_once_all_is_deployed() {
    nothing_changes_for(Duration::ZERO);
}

#[test]
#[ignore = "takes a minute: make fidelity-live"]
fn nothing_changes_for_a_minute() {
    nothing_changes_for(Duration::from_mins(1));
}

/// Nor before the operator has looked at each cluster three times.
fn nothing_changes_for(window: Duration) {
    let Some(fleet) = Fleet::shared() else { return };
    let stage = &fleet.stage;
    let get = ["-n", &stage.namespace, "get", "flinkdeployments", "-o", "json", "--watch"];
    let mut kubectl = stage.world.plane.admin().watch(&get).expect("kubectl starts");
    let mut pipe = kubectl.take_stdout().expect("a pipe");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reader = std::thread::spawn({
        let seen = Arc::clone(&seen);
        move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                seen.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        }
    });
    let all = stage.eventually("the watch's begin", || {
        let known = states(&seen.lock().unwrap());
        fleet.clusters.iter().all(|cluster| known.contains_key(name(cluster))).then_some(known)
    });
    for (cluster, states) in &all {
        let [(generation, _)] = states.as_slice() else { panic!("{cluster}: {states:#?}") };
        // The author's, and the one that the operator made when it wrote its own defaults down with its finalizer.
        assert!(*generation <= 2, "{cluster}: {generation}");
    }

    let (begin, acts, rounds) = (Instant::now(), stage.acts().len(), rounds(fleet));
    stage.eventually("looking again", || {
        let now = self::rounds(fleet);
        (begin.elapsed() >= window && now.iter().all(|(name, count)| *count >= rounds[name] + ROUNDS)).then_some(())
    });

    drop(kubectl);
    reader.join().expect("a thread");
    let after = states(&seen.lock().unwrap());
    for (cluster, states) in &after {
        assert!(states.len() == 1, "{cluster} changed: {states:#?}");
        let stored = stage.stored(&format!("flinkdeployment/{cluster}"));
        let reconciled = stored["status"]["reconciliationStatus"]["lastReconciledSpec"].as_str().expect("a text");
        let reconciled: Value = serde_json::from_str(reconciled).expect("JSON");
        let observed = &reconciled["resource_metadata"]["metadata"]["generation"];
        assert_eq!(*observed, stored["metadata"]["generation"], "{cluster}");
    }
    let more: Vec<String> = stage.acts().iter().skip(acts).map(super::audit::Act::title).collect();
    assert!(more.iter().all(|title| title.ends_with("/status")), "{more:#?}");
}

/// The generations and specs that a watch saw of each FlinkDeployment, each once.
fn states(json: &[u8]) -> BTreeMap<String, Vec<(u64, Value)>> {
    let mut states: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
    // What is not whole yet ends it.
    for object in serde_json::Deserializer::from_slice(json).into_iter::<Value>().map_while(Result::ok) {
        let state = (object["metadata"]["generation"].as_u64().expect("a generation"), object["spec"].clone());
        let known = states.entry(name(&object).to_owned()).or_default();
        if !known.contains(&state) {
            known.push(state);
        }
    }
    states
}

/// How often the operator found nothing to do for each cluster.
fn rounds(fleet: &Fleet) -> BTreeMap<&str, usize> {
    let said = fleet.stage.said();
    let nothing = "Resource fully reconciled, nothing to do";
    let count = |name: &str| {
        let own = format!("/{name}] ");
        said.lines().filter(|line| line.contains(&own) && line.contains(nothing)).count()
    };
    fleet.clusters.iter().map(|cluster| (name(cluster), count(name(cluster)))).collect()
}
