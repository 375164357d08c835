//! `Ignore` until a request is known to come through, and again where none does.

use serde_json::json;

use super::installed::{Installed, KINDS};
use crate::support::ControlPlane;

#[test]
fn an_installation_proves_itself_and_the_last_replica_leaves_nothing_closed() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-proof");
    let mut webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let events = plane.kubectl(&["get", "events", "-n", &installed.name]).stdout;
    assert!(events.contains("Proved"), "{events}");
    for kind in KINDS {
        let live = installed.live(kind).expect("a configuration");
        assert_eq!(live["metadata"]["ownerReferences"][0]["kind"], json!("ClusterRole"), "{live}");
        assert_eq!(
            live["metadata"]["labels"]["flink-admission.io/installation"],
            json!(format!("{0}.{0}", installed.name))
        );
        assert!(
            live["metadata"]["annotations"]["flink-admission.io/proved"]
                .as_str()
                .is_some_and(|since| since.ends_with('Z'))
        );
    }
    assert!(installed.object("lease", &format!("{}-member-one", installed.name)).is_some());
    for check in ["anchor", "leader", "members", "authority", "bundle", "probe"] {
        assert_eq!(installed.doctor(check), "ok", "{check}");
    }

    webhook.signal("TERM");
    webhook.wait_for_exit();
    assert_eq!(installed.policies(), ["Ignore", "Ignore"], "{}", webhook.log());
    assert!(installed.object("lease", &format!("{}-member-one", installed.name)).is_none());
}

#[test]
fn one_of_several_that_ends_leaves_everything_as_it_is() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-several");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let mut other = installed.stand_by("two", &[]);
    other.signal("TERM");
    other.wait_for_exit();
    assert_eq!(installed.policies(), ["Fail", "Fail"], "{}", other.log());
}

#[test]
fn what_nobody_answers_is_not_refused_for_long() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-lost");
    let mut called = installed.serve("one", &[]);
    installed.wait_for_policies(&called, "Fail");
    let webhook = installed.stand_by("two", &[]);
    called.signal("KILL");
    called.wait_for_exit();
    installed.wait_for_policies(&webhook, "Ignore");
    webhook.wait_for("every failurePolicy becomes Ignore");
    let events = plane.kubectl(&["get", "events", "-n", &installed.name]).stdout;
    assert!(events.contains("NotServing") && events.contains("connection refused"), "{events}");
    let back = installed.serve("three", &[]);
    installed.wait_for_policies(&back, "Fail");
}
