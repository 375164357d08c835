//! Our program, registered with an API server by the chart's own rules, for the namespaces of one test alone.
//!
//! Tests with different policies so run side by side against one control plane. The program asks the API server what it must
//! know, with the rights that the chart gives it and no others.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use flink_admission::yaml;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use super::control_plane::ControlPlane;
use super::process::wait_until;
use super::webhook::RunningWebhook;

/// The API server hears of a registration or of a right a moment after it was stored.
const IN_FORCE_DEADLINE: Duration = Duration::from_secs(30);
const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Passes the schema of the CRD, and is of no weight to any policy: nothing of it is stored.
const PROBE: &str = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: is-the-webhook-there}
spec:
  flinkVersion: v1_20
";

/// The running program and its two webhook configurations. They stay when it is dropped: they are for namespaces that no other
/// test has.
pub struct Registration {
    plane: &'static ControlPlane,
    webhook: RunningWebhook,
    namespaces: Vec<String>,
    observe: SocketAddr,
    _directory: TempDir,
}

impl Registration {
    /// Serves `policy`, the text of a FlinkPolicy, to `namespaces` and waits until reviews of them arrive.
    ///
    /// `failurePolicy` is `Fail`, so that a test sees it when the program does not answer.
    #[track_caller]
    pub fn start(plane: &'static ControlPlane, policy: &str, namespaces: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("policy.yaml");
        std::fs::write(&file, policy).expect("the policy is written");
        Self::start_in(plane, &file, namespaces, directory)
    }

    /// The same with the policy in a file.
    #[track_caller]
    pub fn start_with_file(plane: &'static ControlPlane, policy: &Path, namespaces: &[&str]) -> Self {
        Self::start_in(plane, policy, namespaces, tempfile::tempdir().expect("a directory"))
    }

    #[track_caller]
    fn start_in(plane: &'static ControlPlane, policy: &Path, namespaces: &[&str], directory: TempDir) -> Self {
        let ca = directory.path().join("ca.crt");
        let (ca_out, policy) = (ca.display().to_string(), policy.display().to_string());
        let kubeconfig = account(plane).kubeconfig().display().to_string();
        let listen = format!("--listen={}:0", plane.address().0);
        let webhook = RunningWebhook::start_with(
            &[
                "serve",
                "--self-signed",
                "--cluster",
                &listen,
                "--observe=127.0.0.1:0",
                "--ca-out",
                &ca_out,
                "--policy",
                &policy,
            ],
            &[("KUBECONFIG", &kubeconfig)],
            "curl ",
        );
        let listening = webhook.wait_for("listening:");
        let url = listening.split_whitespace().nth(1).expect("an address").to_owned();
        let observing = webhook.wait_for("observe:");
        let observe = observing.split_whitespace().nth(1).and_then(|url| url.strip_prefix("http://"));
        let observe = observe.and_then(|address| address.parse().ok()).expect("an address");
        let bundle = std::fs::read(&ca).expect("the CA certificate");
        register(plane, &url, &bundle, namespaces);
        let namespaces = namespaces.iter().map(|&namespace| namespace.to_owned()).collect();
        let registration = Self { plane, webhook, namespaces, observe, _directory: directory };
        for namespace in &registration.namespaces {
            registration.wait_for_reviews(namespace);
        }
        registration
    }

    /// Takes one of [`KINDS`] away and waits until the API server does without it.
    #[track_caller]
    pub fn remove(&self, kind: &str) {
        let path = if kind == "MutatingWebhookConfiguration" { "mutate" } else { "validate" };
        let name = self.namespaces.first().expect("a namespace");
        self.plane.kubectl(&["delete", kind, name]).succeeded();
        let gone = wait_until(IN_FORCE_DEADLINE, || {
            let before = self.reviews(path);
            self.probe(name);
            (self.reviews(path) == before).then_some(())
        });
        assert!(gone.is_some(), "reviews still arrive at /{path}");
    }

    /// All that the program has said.
    pub fn log(&self) -> String {
        self.webhook.log()
    }

    /// How many reviews it has answered at `path` (`mutate`, `validate`).
    pub fn reviews(&self, path: &str) -> u64 {
        let begin = format!("flink_admission_reviews_total{{path=\"{path}\"");
        let metrics = self.metrics();
        let counts = metrics.lines().filter(|line| line.starts_with(&begin));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// How many findings it has warned of or denied for.
    pub fn findings(&self) -> u64 {
        let metrics = self.metrics();
        let counts = metrics.lines().filter(|line| {
            line.starts_with("flink_admission_findings_total{")
                && (line.contains("level=\"warn\"") || line.contains("level=\"deny\""))
        });
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    #[track_caller]
    fn wait_for_reviews(&self, namespace: &str) {
        let (mutated, validated) = (self.reviews("mutate"), self.reviews("validate"));
        let mut last = String::new();
        let arrived = wait_until(IN_FORCE_DEADLINE, || {
            last = self.probe(namespace);
            (self.reviews("mutate") > mutated && self.reviews("validate") > validated).then_some(())
        });
        assert!(arrived.is_some(), "no reviews of {namespace}; kubectl said: {last}\n{}", self.log());
    }

    fn probe(&self, namespace: &str) -> String {
        let create = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
        self.plane.admin().kubectl_with(&create, PROBE).stderr
    }

    fn metrics(&self) -> String {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(self.observe).expect("the plain port answers");
        let get = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.observe);
        stream.write_all(get.as_bytes()).expect("a request is sent");
        stream.read_to_string(&mut answer).expect("metrics");
        answer
    }
}

/// Stores the chart's webhook configurations, rewritten to a URL, which a test's process has in place of a Service.
#[track_caller]
fn register(plane: &ControlPlane, url: &str, bundle: &[u8], namespaces: &[&str]) {
    let name = namespaces.first().expect("a namespace");
    for mut configuration in rendered(plane).iter().filter(|object| is_one_of(object, &KINDS)).cloned() {
        configuration["metadata"]["name"] = json!(name);
        let webhooks = configuration["webhooks"].as_array_mut().expect("webhooks");
        // No test stands in for the program's own request.
        webhooks.retain(|webhook| webhook["name"] != "probe.flink-admission.io");
        for webhook in webhooks {
            webhook["failurePolicy"] = json!("Fail");
            let path = webhook["clientConfig"]["service"]["path"].as_str().expect("a path").to_owned();
            webhook["clientConfig"] = json!({"url": format!("{url}{path}"), "caBundle": base64(bundle)});
            let selector = webhook["namespaceSelector"]["matchExpressions"].as_array_mut().expect("a selector");
            selector.push(json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}));
        }
        plane.admin().kubectl_with(&["create", "-f", "-"], &configuration.to_string()).succeeded();
    }
}

/// The program's own user: the ClusterRole of the chart that has rules, and nothing else.
fn account(plane: &ControlPlane) -> &'static Client {
    static ACCOUNT: OnceLock<Client> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        let mut roles = rendered(plane).iter().filter(|object| is_one_of(object, &["ClusterRole"]));
        let role = roles.find(|role| role["rules"] != json!([])).expect("a ClusterRole");
        plane.apply(&role.to_string()).succeeded();
        let role = format!("--clusterrole={}", role["metadata"]["name"].as_str().expect("a name"));
        plane.kubectl(&["create", "clusterrolebinding", "e2e", &role, "--user=flink-admission"]).succeeded();
        let user = plane.user("flink-admission", None).expect("a certificate");
        // The authorizer sees a new binding a moment later.
        let allowed = wait_until(IN_FORCE_DEADLINE, || {
            user.kubectl(&["auth", "can-i", "get", "serviceaccounts"]).success.then_some(())
        });
        assert!(allowed.is_some(), "the chart's ClusterRole gives no right to get ServiceAccounts");
        user
    })
}

/// What the chart makes of its values, with the webhook configurations among it.
fn rendered(plane: &ControlPlane) -> &'static [Value] {
    static RENDERED: OnceLock<Vec<Value>> = OnceLock::new();
    RENDERED.get_or_init(|| {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/flink-admission").display().to_string();
        let command = ["template", "e2e", &chart, "--namespace=e2e-flink-admission", "--set=webhooks.managedBy=chart"];
        let text = plane.admin().helm(&command).succeeded();
        let documents = yaml::documents(&text).expect("the chart renders YAML");
        documents.into_iter().map(|document| document.value).collect()
    })
}

fn is_one_of(object: &Value, kinds: &[&str]) -> bool {
    object["kind"].as_str().is_some_and(|kind| kinds.contains(&kind))
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
