//! An installation of our program: what the chart would make, and replicas as processes.
//!
//! Without kube-proxy a Service has no address that anything listens at. One of type ExternalName has: the API server dials
//! its name, here an address of this machine, and expects the certificate of the Service all the same.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flink_admission::cluster::Bundle;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, ControlPlane, RunningWebhook, wait_until};

/// Nothing here takes as long on an idle machine.
pub const SOON: Duration = Duration::from_mins(1);

pub const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// A second installation in a cluster writes nothing, so one test after the other has its own.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Installed {
    pub plane: &'static ControlPlane,
    /// Namespace, and name of Service and configurations: each test has its own.
    pub name: String,
    port: u16,
    directory: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Installed {
    /// Everything but replicas, for a test that is called `name`.
    #[track_caller]
    pub fn new(plane: &'static ControlPlane, name: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let name = plane.create_namespace(name);
        let port = free_port();
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": name},
            "spec": {"type": "ExternalName", "externalName": "127.0.0.1"}});
        plane.apply(&service.to_string()).succeeded();
        let installed = Self { plane, name, port, directory: tempfile::tempdir().expect("a directory"), _alone: alone };
        installed.anchor();
        let wanted = KINDS.map(|kind| installed.wanted(kind).to_string()).join("\n---\n");
        std::fs::write(installed.file(), wanted).expect("a file");
        installed
    }

    /// Makes that with which everything goes; its uid.
    #[track_caller]
    pub fn anchor(&self) -> Value {
        let name = format!("{}-installation", self.name);
        let anchor = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": []});
        self.plane.apply(&anchor.to_string()).succeeded();
        self.object("clusterrole", &name).expect("an anchor")["metadata"]["uid"].clone()
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("webhooks.yaml")
    }

    /// The configuration of `kind` that is wanted: objects of this test's own namespace that carry a label, and the probe.
    pub fn wanted(&self, kind: &str) -> Value {
        let word = if kind == KINDS[0] { "mutate" } else { "validate" };
        let entry = |name: &str, path: &str, label: Value| {
            json!({"name": name, "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 3,
                "clientConfig": {"service": {"name": self.name, "namespace": self.name, "path": path, "port": self.port}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                    "operations": ["CREATE"], "scope": "Namespaced"}],
                "objectSelector": {"matchLabels": label},
                "namespaceSelector": {"matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [self.name]}]}})
        };
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": self.name},
        "webhooks": [
            entry("clusters.flink-admission.io", &format!("/{word}"), json!({"reviewed": "yes"})),
            entry("probe.flink-admission.io", "/probe", json!({"flink-admission.io/probe": word})),
        ]})
    }

    /// A replica that answers at the Service's address.
    #[track_caller]
    pub fn serve(&self, replica: &str, more: &[&str]) -> RunningWebhook {
        self.replica(replica, self.port, more)
    }

    /// A replica that nobody calls.
    #[track_caller]
    pub fn stand_by(&self, replica: &str, more: &[&str]) -> RunningWebhook {
        self.replica(replica, 0, more)
    }

    fn replica(&self, replica: &str, port: u16, more: &[&str]) -> RunningWebhook {
        self.start(self.plane.admin(), replica, port, more, "\"serving\"")
    }

    /// A replica with the rights of `user`, which says `marker`.
    #[track_caller]
    pub fn start_as(&self, user: &Client, replica: &str, marker: &str) -> RunningWebhook {
        self.start(user, replica, 0, &[], marker)
    }

    fn start(&self, user: &Client, replica: &str, port: u16, more: &[&str], marker: &str) -> RunningWebhook {
        let listen = format!("--listen=127.0.0.1:{port}");
        let (service, namespace) = (format!("--service={}", self.name), format!("--namespace={}", self.name));
        let webhooks = format!("--webhooks={}", self.file().display());
        let mut args = vec!["serve", &listen, "--observe=127.0.0.1:0", "--cluster", &service, &namespace, &webhooks];
        args.extend(["--check-every=1s", "--drain=0s"]);
        args.extend(more);
        let kubeconfig = user.kubeconfig().display().to_string();
        RunningWebhook::start_with(&args, &[("KUBECONFIG", &kubeconfig), ("POD_NAME", replica)], marker)
    }

    pub fn object(&self, kind: &str, name: &str) -> Option<Value> {
        self.plane.object(&self.name, kind, name)
    }

    /// The configuration of `kind` as it is.
    pub fn live(&self, kind: &str) -> Option<Value> {
        self.object(kind, &self.name)
    }

    /// Failure policies of the first entries, mutating first; empty where one is missing.
    pub fn policies(&self) -> Vec<String> {
        let of = |kind: &&str| self.live(kind)?["webhooks"][0]["failurePolicy"].as_str().map(str::to_owned);
        KINDS.iter().map_while(of).collect()
    }

    /// Whom the API server trusts by every entry; nobody where they differ.
    pub fn bundle(&self) -> Bundle {
        let live = self.live(KINDS[1]).unwrap_or_default();
        let mut bundles = flink_admission::cluster::bundles(&live);
        let first = bundles.next().unwrap_or_default();
        if bundles.all(|bundle| bundle == first) { first } else { Bundle::default() }
    }

    /// Waits until `is` holds; panics with `what`, and what `webhook` said.
    #[track_caller]
    pub fn wait(&self, webhook: &RunningWebhook, what: &str, mut is: impl FnMut() -> bool) {
        let came = wait_until(SOON, || is().then_some(()));
        assert!(came.is_some(), "{what}; live: {:?}; it said:\n{}", KINDS.map(|kind| self.live(kind)), webhook.log());
    }

    #[track_caller]
    pub fn wait_for_policies(&self, webhook: &RunningWebhook, wanted: &str) {
        self.wait(webhook, &format!("not {wanted}"), || self.policies() == [wanted, wanted]);
    }

    /// Waits until the replica `replica` has looked at everything `times` times.
    #[track_caller]
    pub fn wait_for_looks(&self, webhook: &RunningWebhook, replica: &str, times: usize) {
        let lease = format!("{}-member-{replica}", self.name);
        let told = || self.object("lease", &lease).map(|lease| lease["spec"]["renewTime"].clone());
        for _ in 0..times {
            let before = told();
            self.wait(webhook, "no look came", || told() != before);
        }
    }

    /// The uid of what `object` goes with.
    pub fn owner(&self, kind: &str, name: &str) -> Option<Value> {
        self.object(kind, name).map(|object| object["metadata"]["ownerReferences"][0]["uid"].clone())
    }

    /// The worst that `doctor` says of `check`.
    pub fn doctor(&self, check: &str) -> String {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_flink-admission"))
            .args(["doctor", "--output=json", "--namespace", &self.name, "--service", &self.name])
            .env("KUBECONFIG", self.plane.kubeconfig())
            .output()
            .expect("the program runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let findings = report["findings"].as_array().expect("findings").iter();
        let states = findings.filter(|finding| finding["check"] == check).map(|finding| &finding["state"]);
        let worst =
            states.max_by_key(|state| ["ok", "unknown", "warning", "error"].iter().position(|word| *state == word));
        worst.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Whether requests through the API server reach a replica, one by one.
    pub fn caller(&self) -> impl Fn() -> bool + Send + 'static {
        let (plane, name) = (self.plane, self.name.clone());
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe-of-the-test",
            "namespace": name, "labels": {"flink-admission.io/probe": "validate"},
            "annotations": {"flink-admission.io/nonce": "of-the-test"}}});
        let create = ["create", "--dry-run=server", "-f", "-"];
        move || plane.admin().kubectl_with(&create, &object.to_string()).stderr.contains("probe of-the-test answered")
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // What selects this namespace alone would cost every later create in it a call to nobody.
        for kind in KINDS {
            self.plane.kubectl(&["delete", kind, &self.name, "--ignore-not-found"]);
        }
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}
