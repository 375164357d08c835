//! A release of the chart in a cluster without kubelet: helm's objects, an EndpointSlice that names what stands for the
//! Service, and the ServiceAccount's way to the API server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::balancer::Balancer;
use super::pod::Template;
use crate::support::{ControlPlane, Outcome};

/// The chart, installed by helm; dropping it uninstalls it, so that the next test has the cluster for itself.
pub struct Release {
    pub plane: &'static ControlPlane,
    pub name: String,
    pub namespace: String,
    directory: TempDir,
}

impl Release {
    /// `helm install` with `values`.
    #[track_caller]
    pub fn install(plane: &'static ControlPlane, name: &str, values: &Value) -> Self {
        let release = Self::prepare(plane, name);
        release.helm("install", values, &["--create-namespace"]).succeeded();
        release
    }

    /// A release that is not installed yet.
    pub fn prepare(plane: &'static ControlPlane, name: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
        Self { plane, name: name.to_owned(), namespace: format!("{name}-system"), directory }
    }

    /// helm with `verb`, the chart and `values`.
    pub fn helm(&self, verb: &str, values: &Value, flags: &[&str]) -> Outcome {
        let file = self.directory.path().join("values.yaml");
        fs::write(&file, values.to_string()).expect("values");
        let (chart, file) = (chart().display().to_string(), file.display().to_string());
        let fixed = [verb, &self.name, &chart, "--namespace", &self.namespace, "--values", &file];
        self.plane.admin().helm(&[&fixed[..], flags].concat())
    }

    /// `helm upgrade` with `values`.
    #[track_caller]
    pub fn upgrade(&self, values: &Value) {
        self.helm("upgrade", values, &[]).succeeded();
    }

    /// `helm rollback` to the revision before.
    #[track_caller]
    pub fn roll_back(&self) {
        self.plane.admin().helm(&["rollback", &self.name, "--namespace", &self.namespace]).succeeded();
    }

    /// `helm uninstall`.
    pub fn uninstall(&self) -> Outcome {
        self.plane.admin().helm(&["uninstall", &self.name, "--namespace", &self.namespace])
    }

    /// What its Pods are now started with.
    #[track_caller]
    pub fn template(&self) -> Template {
        let deployment = self.plane.object(&self.namespace, "deployment", &self.name);
        Template::read(&deployment.expect("the chart's Deployment"))
    }

    /// Makes `balancer` the one endpoint of its Service.
    #[track_caller]
    pub fn route_to(&self, balancer: &Balancer) {
        let address = balancer.address();
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": format!("{}-balancer", self.name), "namespace": self.namespace,
                "labels": {"kubernetes.io/service-name": self.name}},
            "addressType": if address.is_ipv4() { "IPv4" } else { "IPv6" },
            "ports": [{"name": "webhook", "port": address.port(), "protocol": "TCP"}],
            "endpoints": [{"addresses": [address.ip().to_string()], "conditions": {"ready": true}}]});
        self.plane.apply(&slice.to_string()).succeeded();
    }

    /// A kubeconfig with a token of the chart's ServiceAccount.
    #[track_caller]
    pub fn kubeconfig(&self) -> PathBuf {
        let account = self.name.as_str();
        let token = ["create", "token", account, "-n", &self.namespace, "--duration=8h"];
        let token = self.plane.kubectl(&token).succeeded();
        let (path, ca) = (self.directory.path().join("kubeconfig"), self.directory.path().join("ca.crt"));
        fs::write(&ca, self.plane.ca_pem()).expect("a certificate");
        let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.plane.url(), "certificate-authority": ca}}],
            "users": [{"name": "test", "user": {"token": token.trim()}}]});
        fs::write(&path, kubeconfig.to_string()).expect("a kubeconfig");
        path
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        self.uninstall();
        // Where the program makes them, the garbage collector, which few tests run, would remove them.
        for kind in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
            self.plane.kubectl(&["delete", kind, &self.name, "--ignore-not-found"]);
        }
    }
}

fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/flink-admission")
}
