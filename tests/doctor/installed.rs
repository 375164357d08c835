//! A healthy installation, of which a test breaks one thing.

use std::io::Write as _;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::certificates::{CURRENT, Days, Signer, YEAR};
use crate::objects;
use crate::server::Server;
use crate::support::{ControlPlane, is_ci};

/// The installation, alone in its cluster until it is dropped: other configurations would be a second installation.
pub(crate) struct Installed {
    pub(crate) plane: &'static ControlPlane,
    /// Namespace, Service and all that is named after it.
    pub(crate) name: String,
    pub(crate) authority: Signer,
    pub(crate) server: Server,
    made: Vec<(&'static str, String)>,
    _alone: MutexGuard<'static, ()>,
}

/// What one run of the program did.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Run {
    /// The findings of `check` in a JSON report, as `state subject: what`.
    pub(crate) fn of(&self, check: &str) -> Vec<String> {
        let report: Value = serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self}"));
        let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        let word = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        findings
            .map(|finding| {
                let [state, subject, what] = ["state", "subject", "what"].map(|field| word(finding, field));
                let is_complete = state == "ok" || state == "unknown" || (finding["why"] != "" && finding["fix"] != "");
                assert!(is_complete, "neither why nor what to do: {finding}");
                format!("{state} {subject}: {what}")
            })
            .collect()
    }

    /// What the first finding of `check` says to do.
    pub(crate) fn fix_of(&self, check: &str) -> String {
        let report: Value = serde_json::from_str(&self.output).unwrap();
        let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
        finding.unwrap()["fix"].as_str().unwrap().to_owned()
    }

    /// Panics unless a finding of `check` is of `state` and holds `words`.
    #[track_caller]
    pub(crate) fn expect(&self, check: &str, state: &str, words: &str) {
        let found = self.of(check);
        let is_found = found.iter().any(|finding| finding.starts_with(&format!("{state} ")) && finding.contains(words));
        assert!(is_found, "no {state} of `{check}` with `{words}`: {found:#?}");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{}{}exit status {}", self.output, self.errors, self.status)
    }
}

/// Runs the program as the user of `kubeconfig`.
pub(crate) fn run(kubeconfig: &Path, arguments: &[&str]) -> Run {
    run_with(kubeconfig, arguments, &[])
}

fn run_with(kubeconfig: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flink-admission"));
    command.env_clear().env("KUBECONFIG", kubeconfig).env("HOME", kubeconfig.parent().unwrap()).args(arguments);
    let done = command.envs(environment.iter().copied()).output().unwrap();
    Run {
        status: done.status.code().unwrap(),
        output: String::from_utf8(done.stdout).unwrap(),
        errors: String::from_utf8(done.stderr).unwrap(),
    }
}

impl Installed {
    /// `None` where there is no API server, or no address that it could call.
    pub(crate) fn healthy() -> Option<Self> {
        Self::serving(YEAR, CURRENT)
    }

    /// The same with an authority and a certificate of these days.
    pub(crate) fn serving(authority: Days, leaf: Days) -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let plane = shared()?;
        let host = host_address()?;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let name = plane.create_namespace("doctor");
        let authority = Signer::new(authority);
        let server = Server::start(host, &authority.sign(&format!("{name}.{name}.svc"), leaf));
        let mut installed = Self { plane, name, authority, server, made: Vec::new(), _alone: alone };
        installed.install();
        Some(installed)
    }

    fn install(&mut self) {
        let name = self.name.clone();
        let mut objects = vec![json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": format!("{name}-installation")}, "rules": []})];
        objects.extend(objects::of_chart(&name));
        objects.extend(objects::rights(&name));
        objects.push(objects::secret(&name, &self.authority));
        objects.push(objects::lease(&name, "leader", &now(), json!({})));
        for member in ["member-a", "member-b"] {
            objects.push(objects::lease(&name, member, &now(), self.tells("0.1.0")));
        }
        objects.extend(self.endpoints(self.server.address.port()));
        self.apply(&objects);
        self.deployment_is(&json!({"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "observedGeneration": 1}));
        // The API server proxies to Pods that it knows.
        let host = self.server.address.ip().to_string();
        let pod = json!({"status": {"phase": "Running", "podIP": host, "podIPs": [{"ip": host}]}}).to_string();
        self.plane.kubectl(&["patch", "pod", "replica", "-n", &name, "--subresource=status", "-p", &pod]).succeeded();
        let anchor = self.plane.object("", "clusterrole", &format!("{name}-installation")).unwrap();
        let uid = anchor["metadata"]["uid"].as_str().unwrap();
        self.apply(&objects::live(&name, uid, &self.authority.pem));
        for kind in
            ["mutatingwebhookconfiguration", "validatingwebhookconfiguration", "clusterrolebinding", "clusterrole"]
        {
            self.made.push((kind, name.clone()));
        }
        self.made.push(("clusterrole", format!("{name}-installation")));
    }

    /// Gives the Deployment this status; nothing here runs Deployments.
    #[track_caller]
    pub(crate) fn deployment_is(&self, status: &Value) {
        let (name, patch) = (self.name.as_str(), json!({"status": status}).to_string());
        self.plane
            .kubectl(&["patch", "deployment", name, "-n", name, "--subresource=status", "-p", &patch])
            .succeeded();
    }

    /// What a member of this version says of itself.
    pub(crate) fn tells(&self, version: &str) -> Value {
        json!({"flink-admission.io/version": version, "flink-admission.io/authority": fingerprint(&self.authority.pem)})
    }

    /// Makes `port` of this machine the only endpoint of the Service.
    #[track_caller]
    pub(crate) fn route_to(&self, port: u16) {
        self.apply(&self.endpoints(port));
    }

    /// The EndpointSlice, by which webhooks are called, and the Endpoints, by which the API server proxies.
    fn endpoints(&self, port: u16) -> [Value; 2] {
        let host = self.server.address.ip();
        let ports = json!([{"name": "webhook", "port": port, "protocol": "TCP"}]);
        let endpoints = json!({"apiVersion": "v1", "kind": "Endpoints",
            "metadata": {"name": self.name, "namespace": self.name,
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": [{"addresses": [{"ip": host.to_string(),
                "targetRef": {"kind": "Pod", "name": "replica", "namespace": self.name}}], "ports": ports}]});
        [self.slice(&ports), endpoints]
    }

    fn slice(&self, ports: &Value) -> Value {
        let host = self.server.address.ip();
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "replica", "namespace": self.name, "labels": {"kubernetes.io/service-name": self.name}},
            "addressType": if host.is_ipv4() { "IPv4" } else { "IPv6" },
            "ports": ports,
            "endpoints": [{"addresses": [host.to_string()], "conditions": {"ready": true}}]})
    }

    #[track_caller]
    pub(crate) fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.plane
            .admin()
            .kubectl_with(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &list.to_string())
            .succeeded();
    }

    /// Creates an object outside of the namespace, which goes with the installation.
    #[track_caller]
    pub(crate) fn create(&mut self, kind: &'static str, object: &Value) {
        self.plane.admin().kubectl_with(&["create", "-f", "-"], &object.to_string()).succeeded();
        self.made.push((kind, object["metadata"]["name"].as_str().unwrap().to_owned()));
    }

    #[track_caller]
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        self.plane.kubectl(&["delete", kind, name, "-n", &self.name]).succeeded();
    }

    /// A JSON patch.
    #[track_caller]
    pub(crate) fn patch(&self, kind: &str, name: &str, patch: Value) {
        self.plane
            .kubectl(&["patch", kind, name, "-n", &self.name, "--type=json", "-p", &patch.to_string()])
            .succeeded();
    }

    /// `doctor` as the administrator, for programs.
    pub(crate) fn doctor(&self) -> Run {
        self.doctor_as(self.plane.kubeconfig(), &["--output", "json"])
    }

    pub(crate) fn doctor_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Run {
        run(kubeconfig, &[&["doctor", "--namespace", &self.name, "--service", &self.name][..], arguments].concat())
    }

    /// As in a pod of the cluster.
    pub(crate) fn doctor_inside(&self) -> Run {
        self.doctor_inside_as(self.plane.kubeconfig())
    }

    pub(crate) fn doctor_inside_as(&self, kubeconfig: &Path) -> Run {
        let arguments = ["doctor", "--namespace", &self.name, "--service", &self.name, "--output", "json"];
        run_with(kubeconfig, &arguments, &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")])
    }

    /// What the chart makes by `template`, such as `rbac.yaml`, in place of the objects of the same names.
    pub(crate) fn of_chart(&self, template: &str) -> Vec<Value> {
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/flink-admission");
        let name = format!("fullnameOverride={}", self.name);
        let only = format!("templates/{template}");
        let words =
            ["template", "doctor", chart, "--namespace", &self.name, "--set", &name, "--show-only", only.as_str()];
        let text = self.plane.admin().helm(&words).succeeded();
        let documents = flink_admission::yaml::documents(&text).unwrap();
        documents.into_iter().map(|document| document.value).collect()
    }

    pub(crate) fn uninstall(&self, arguments: &[&str]) -> Run {
        let of = ["uninstall", "--namespace", &self.name, "--service", &self.name];
        run(self.plane.kubeconfig(), &[&of[..], arguments].concat())
    }

    /// `text` without what differs from run to run.
    pub(crate) fn general(&self, text: &str) -> String {
        let address = self.server.address.to_string();
        let version = self.plane.kubectl(&["version", "-o", "json"]).succeeded();
        let version: Value = serde_json::from_str(&version).unwrap();
        let version = version["serverVersion"]["gitVersion"].as_str().unwrap();
        // How many namespaces there are depends on the other tests.
        let is_digit = |c: char| c.is_ascii_digit();
        let uncounted = |part: &str| match part.trim_end_matches(is_digit).strip_suffix(" of ") {
            Some(before) => format!("{}N of M", before.trim_end_matches(is_digit)),
            None => part.to_owned(),
        };
        let text = text.split(" are seen").map(uncounted).collect::<Vec<_>>().join(" are seen");
        text.replace(&self.name, "NAME").replace(&address, "ADDRESS").replace(version, "VERSION")
    }
}

/// What `account` in its namespace runs with.
pub(crate) fn token_kubeconfig(plane: &ControlPlane, account: &str, directory: &Path) -> PathBuf {
    let token = plane.kubectl(&["create", "token", account, "-n", account]).succeeded();
    let (ca, kubeconfig) = (directory.join("ca.crt"), directory.join("kubeconfig"));
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": plane.url(), "certificate-authority": ca}}],
        "users": [{"name": "test", "user": {"token": token.trim()}}]});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    kubeconfig
}

impl Drop for Installed {
    fn drop(&mut self) {
        for (kind, name) in &self.made {
            self.plane.kubectl(&["delete", kind, name, "--ignore-not-found"]);
        }
        // Nothing here empties a namespace.
        for kind in ["flinkdeployments", "deployments", "services", "pods"] {
            self.plane.kubectl(&["delete", kind, "--all", "--now", "-n", &self.name]);
        }
        self.plane.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

/// The control plane of these tests: it calls a Service by its EndpointSlices, as there is no kube-proxy here.
fn shared() -> Option<&'static ControlPlane> {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    if !ControlPlane::is_available() {
        return None;
    }
    Some(SHARED.get_or_init(|| {
        let plane = ControlPlane::start_with(&["--enable-aggregator-routing=true"]).unwrap();
        plane.apply_crds().unwrap();
        plane
    }))
}

/// An address of this machine that is not loopback: an EndpointSlice takes no other. Nothing is sent.
fn host_address() -> Option<IpAddr> {
    let address = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let address = address.ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    if address.is_none() {
        let missing = "this machine has no address but loopback";
        assert!(!is_ci(), "{missing}");
        // Not `eprintln`, which the test runner swallows where the test passes.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED, nothing was tested: {missing}");
    }
    address
}

pub(crate) fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}

/// As other programs write it, with colons and capitals.
pub(crate) fn fingerprint(pem: &str) -> String {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &certificate).unwrap();
    let said = Command::new("sha256sum").arg(file.path()).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap().to_uppercase();
    let pairs = said.as_bytes().chunks(2).take(32).map(|pair| String::from_utf8_lossy(pair));
    pairs.collect::<Vec<_>>().join(":")
}

pub(crate) fn now() -> String {
    time_of(0)
}

/// The time so many seconds ago, as a Lease has it.
pub(crate) fn time_of(ago: i64) -> String {
    let time = OffsetDateTime::now_utc() - time::Duration::seconds(ago);
    time.replace_microsecond(1).unwrap().format(&Rfc3339).unwrap()
}
