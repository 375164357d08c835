//! The authority is replaced, lost and edited, and every call comes through all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use serde_json::{Value, json};

use super::installed::Installed;
use crate::support::{ControlPlane, RunningWebhook};

/// Calls through the API server without a pause until it is dropped, and counts.
struct Calls {
    ends: Arc<AtomicBool>,
    lost: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Calls {
    fn start(installed: &Installed) -> Self {
        let (ends, lost, made) = (Arc::default(), Arc::default(), Arc::default());
        let mut calls = Self { ends, lost, made, thread: None };
        let (ends, lost, made) = (Arc::clone(&calls.ends), Arc::clone(&calls.lost), Arc::clone(&calls.made));
        let reaches = installed.caller();
        calls.thread = Some(std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let came = reaches();
                lost.fetch_add(usize::from(!came), Ordering::Relaxed);
                made.fetch_add(1, Ordering::Relaxed);
            }
        }));
        calls
    }

    /// Waits until one that begins now has come back.
    #[track_caller]
    fn another(&self, installed: &Installed, webhook: &RunningWebhook) {
        let until = self.made.load(Ordering::Relaxed) + 2;
        installed.wait(webhook, "no call came back", || self.made.load(Ordering::Relaxed) >= until);
    }

    #[track_caller]
    fn end(mut self, webhook: &RunningWebhook) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().expect("a thread").join().expect("it ends");
        let (lost, made) = (self.lost.load(Ordering::Relaxed), self.made.load(Ordering::Relaxed));
        assert_eq!(lost, 0, "of {made} calls; it said:\n{}", webhook.log());
    }
}

fn secret(installed: &Installed) -> Option<Value> {
    installed.object("secret", &format!("{}-authority", installed.name))
}

#[test]
fn it_is_replaced_without_a_lost_call() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-rotated");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let other = installed.stand_by("two", &[]);
    let first = installed.bundle();
    assert_eq!(first.len(), 1);
    let calls = Calls::start(&installed);
    let name = format!("{}-authority", installed.name);
    plane.kubectl(&["annotate", "secret", &name, "-n", &installed.name, "flink-admission.io/rotate=now"]).succeeded();
    installed.wait(&webhook, "nothing new is trusted beside the old", || {
        let bundle = installed.bundle();
        bundle.len() == 2 && bundle.holds_all(&first)
    });
    calls.another(&installed, &webhook);
    installed.wait(&webhook, "the old is still trusted", || {
        let bundle = installed.bundle();
        bundle.len() == 1 && bundle != first
    });
    calls.another(&installed, &webhook);
    calls.end(&webhook);
    drop(other);
}

#[test]
fn a_lost_secret_comes_back_as_it_was() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-restored");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let name = format!("{}-authority", installed.name);
    let data = || secret(&installed).map(|secret| secret["data"].clone());
    let before = data().expect("a Secret");
    let calls = Calls::start(&installed);
    plane.kubectl(&["delete", "secret", &name, "-n", &installed.name]).succeeded();
    installed.wait(&webhook, "it is not made again", || data() == Some(before.clone()));
    for broken in [json!({"tls.crt": "", "tls.key": ""}), json!({"tls.crt": "bm90IFBFTQ=="})] {
        let patch = json!({"data": broken}).to_string();
        plane.kubectl(&["patch", "secret", &name, "-n", &installed.name, "-p", &patch]).succeeded();
        installed.wait(&webhook, "it is not filled again", || data() == Some(before.clone()));
    }
    calls.another(&installed, &webhook);
    calls.end(&webhook);
}

#[test]
fn an_authority_put_there_by_hand_is_taken() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-by-hand");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let life = std::time::Duration::from_hours(24);
    let own = flink_admission::tls::Authority::generate(std::time::SystemTime::now(), life).unwrap();
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let data = json!({"data": {"tls.crt": encoded(own.certificate_pem()), "tls.key": encoded(own.key_pem())}});
    let calls = Calls::start(&installed);
    let name = format!("{}-authority", installed.name);
    plane.kubectl(&["patch", "secret", &name, "-n", &installed.name, "-p", &data.to_string()]).succeeded();
    installed.wait(&webhook, "it is not the only one that is trusted", || {
        installed.bundle().first() == Some(own.fingerprint()) && installed.bundle().len() == 1
    });
    calls.another(&installed, &webhook);
    calls.end(&webhook);
}

/// The time that it missed is more than its certificate lives.
#[test]
fn a_replica_that_was_suspended_serves_again_at_once() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-suspended");
    let mut webhook = installed.serve("one", &["--leaf-life=10s"]);
    installed.wait_for_policies(&webhook, "Fail");
    let minted = |log: &str| log.matches("serving with a new certificate").count();
    let before = minted(&webhook.log());
    webhook.signal("STOP");
    let ended = std::time::Instant::now() + std::time::Duration::from_secs(11);
    let reaches = installed.caller();
    while std::time::Instant::now() < ended {
        // A call that nobody answers takes its time.
        assert!(!reaches());
    }
    webhook.signal("CONT");
    installed.wait(&webhook, "it does not serve again", reaches);
    assert!(minted(&webhook.log()) > before);
}
