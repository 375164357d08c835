//! The ground that the other tests against an API server stand on: it starts, serves Flink's kinds and refuses what their
//! schema refuses.
#![cfg(feature = "webhook")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use support::{ControlPlane, RunningWebhook, Supervised, wait_until};

const CLUSTER: &str = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: word-count}
spec:
  image: flink:1.20
  flinkVersion: v1_20
  mode: native
  serviceAccount: flink
  flinkConfiguration: {taskmanager.numberOfTaskSlots: '2'}
  jobManager: {resource: {memory: 1024m, cpu: 1}}
  taskManager: {resource: {memory: 1024m, cpu: 1}}
";

#[test]
fn stores_a_flink_deployment_and_refuses_an_invalid_one() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("control-plane");
    let apply = ["apply", "-n", &namespace, "-f", "-"];

    plane.admin().kubectl_with(&apply, CLUSTER).succeeded();
    let slots = "jsonpath={.spec.flinkConfiguration.taskmanager\\.numberOfTaskSlots}";
    let stored = plane.kubectl(&["get", "flinkdeployment", "word-count", "-n", &namespace, "-o", slots]).succeeded();
    assert_eq!(stored, "2");

    let invalid = CLUSTER.replace("mode: native", "mode: sideways");
    let said = plane.admin().kubectl_with(&apply, &invalid).refused();
    assert!(said.contains("spec.mode"), "{said}");
}

#[test]
fn gives_a_user_only_the_rights_of_rbac() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("rights");
    let user = plane.user("alice", None).expect("a certificate for alice");
    let list = ["get", "configmaps", "-n", &namespace];

    let said = user.kubectl(&list).refused();
    assert!(said.contains("User \"alice\" cannot list resource \"configmaps\""), "{said}");
    plane.kubectl(&["create", "role", "reader", "--verb=list", "--resource=configmaps", "-n", &namespace]).succeeded();
    plane.kubectl(&["create", "rolebinding", "alice", "--role=reader", "--user=alice", "-n", &namespace]).succeeded();
    // The authorizer sees a new binding a moment later.
    let listed = wait_until(Duration::from_secs(20), || user.kubectl(&list).success.then_some(()));
    assert!(listed.is_some(), "{}", user.kubectl(&list).stderr);
}

#[test]
fn says_why_the_api_server_did_not_start() {
    if !ControlPlane::is_available() {
        return;
    }
    let error = ControlPlane::start_with(&["--no-such-flag"]).err().expect("an unknown flag is fatal");
    assert!(format!("{error:#}").contains("unknown flag: --no-such-flag"), "{error:#}");
}

#[test]
fn ends_a_child_and_removes_its_directory_when_it_is_dropped() {
    let directory = tempfile::tempdir().expect("a directory").keep();
    let mut command = Supervised::command(Path::new("/bin/sh"), Some(&directory));
    command.args(["-c", "echo $$; exec sleep 3600"]).stdout(Stdio::piped());
    let mut child = Supervised::spawn(command).expect("a shell starts");
    let mut line = String::new();
    BufReader::new(child.take_stdout().expect("a pipe")).read_line(&mut line).expect("its process id");
    let process = Path::new("/proc").join(line.trim());
    assert!(!cfg!(target_os = "linux") || process.is_dir(), "no {}", process.display());

    drop(child);
    assert!(!process.exists(), "{} is still there", process.display());
    assert!(!directory.exists(), "{} is still there", directory.display());
}

#[test]
#[should_panic(expected = "flink-admission did not say `a word that it never says`")]
fn does_not_wait_for_a_program_that_ended() {
    RunningWebhook::start(&["--no-such-flag"], "a word that it never says");
}
