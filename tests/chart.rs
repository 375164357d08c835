//! The chart: helm renders it, the API server takes its objects, and our program, started with the rendered arguments and the
//! rights of the rendered roles, answers the API server through the rendered Service.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "chart/rendered.rs"]
mod rendered;
mod support;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use rendered::{chart, of_kind, render};
use support::{ControlPlane, RunningWebhook, wait_until};

const RELEASE: &str = "flink-admission";
const NAMESPACE: &str = "flink-system";
const SOON: Duration = Duration::from_mins(1);

/// Its HA metadata lies on no volume, which the built-in policy denies.
const LOSES_ITS_STATE: &str = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: word-count, namespace: default}
spec:
  image: flink:1.20
  flinkVersion: v1_20
  serviceAccount: flink
  flinkConfiguration:
    high-availability.type: kubernetes
    high-availability.storageDir: file:///flink-data/ha
  jobManager: {resource: {memory: 2048m, cpu: 1}}
  taskManager: {resource: {memory: 2048m, cpu: 1}}
  job: {jarURI: 'local:///opt/flink/examples/streaming/WordCount.jar', parallelism: 2, upgradeMode: last-state}
";

/// A JobManager that reads its configuration from a ConfigMap.
const STANDALONE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: flink-jobmanager, namespace: default}
spec:
  selector: {matchLabels: {app: flink}}
  template:
    metadata: {labels: {app: flink}}
    spec:
      containers:
      - name: jobmanager
        image: flink:1.20
        args: [jobmanager]
        volumeMounts: [{name: config, mountPath: /opt/flink/conf}]
      volumes: [{name: config, configMap: {name: flink-config}}]
";

#[test]
fn renders_without_a_cluster_and_refuses_unknown_values() {
    let Some(plane) = ControlPlane::shared() else { return };
    let helm = plane.admin();
    let path = chart();
    let path = path.to_str().unwrap();
    helm.helm(&["lint", "--strict", path]).succeeded();

    let objects = render(helm, RELEASE, NAMESPACE, &[]);
    for (kind, count) in [
        ("ServiceAccount", 1),
        ("Service", 1),
        ("Deployment", 1),
        ("ConfigMap", 2),
        ("PodDisruptionBudget", 1),
        ("Role", 1),
        ("ClusterRole", 2),
        ("MutatingWebhookConfiguration", 0),
    ] {
        assert_eq!(of_kind(&objects, kind).len(), count, "{kind}");
    }
    assert!(of_kind(&render(helm, RELEASE, NAMESPACE, &["replicas=1"]), "PodDisruptionBudget").is_empty());
    let without_rights = render(helm, RELEASE, NAMESPACE, &["rbac.create=false"]);
    let [anchor] = of_kind(&without_rights, "ClusterRole")[..] else { panic!("one ClusterRole, which owns") };
    assert_eq!((&anchor["metadata"]["name"], &anchor["rules"]), (&json!("flink-admission-installation"), &json!([])));
    for wrong in
        ["replica=3", "webhooks.failurePolicy=Fail", "policy.kind=Policy", "ports.webhook=443", "image.digest=x"]
    {
        let refused = helm.helm(&["template", RELEASE, path, "--set", wrong]).refused();
        assert!(refused.contains("values don't meet the specifications"), "{wrong}: {refused}");
    }
}

#[test]
fn a_change_of_policy_or_webhooks_rolls_the_replicas() {
    let Some(plane) = ControlPlane::shared() else { return };
    let template = |values: &[&str]| {
        let objects = render(plane.admin(), RELEASE, NAMESPACE, values);
        let [deployment] = of_kind(&objects, "Deployment")[..] else { panic!("one Deployment") };
        deployment["spec"]["template"].clone()
    };
    assert_eq!(template(&[]), template(&["service.annotations.x=y"]));
    assert_ne!(template(&[]), template(&["policy.spec.profile=strict"]));
    assert_ne!(template(&[]), template(&["webhooks.failurePolicy.mutate=Fail"]));
}

#[test]
fn pods_run_with_the_least_that_they_need() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("restricted");
    // The strictest of the pod security standards, enforced by the API server on a Pod of the rendered template.
    plane.kubectl(&["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce=restricted"]).succeeded();
    let objects = render(plane.admin(), RELEASE, &namespace, &[]);
    let [deployment] = of_kind(&objects, "Deployment")[..] else { panic!("one Deployment") };
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("replica");
    let create = |pod: &Value| plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &pod.to_string());
    create(&pod).succeeded();
    pod["metadata"]["name"] = json!("root");
    pod["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    assert!(create(&pod).refused().contains("runAsNonRoot"));
    let grace = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(grace > 10 + 30, "a replica is killed before it has drained");
}

#[test]
fn a_release_serves_its_cluster_until_it_is_uninstalled() {
    if !ControlPlane::is_available() {
        return;
    }
    let Some(host) = host_address() else {
        eprintln!("SKIPPED, the release was not served: this machine has no address but loopback");
        return;
    };
    // The API server then calls a Service by its EndpointSlices, as there is no kube-proxy here.
    let plane = ControlPlane::start_with(&["--enable-aggregator-routing=true"]).unwrap();
    plane.apply_crds().unwrap();
    let path = chart();
    let path = path.to_str().unwrap();
    let helm = plane.admin();
    let installed = ["--namespace", NAMESPACE, "--set", "drainSeconds=1,webhooks.managedBy=chart"];
    helm.helm(&[&["install", RELEASE, path, "--create-namespace"][..], &installed].concat()).succeeded();

    // Two replicas start at the same time: one makes the authority, the other takes it.
    let directory = tempfile::tempdir().unwrap();
    let release = Release::read(&plane, directory.path(), host);
    let (mut one, other) = std::thread::scope(|scope| {
        let [one, other] = [(), ()].map(|()| scope.spawn(|| release.start_replica()));
        (one.join().unwrap(), other.join().unwrap())
    });
    let bundle = wait_until(SOON, || bundle(&plane)).expect("no certificate to trust was written");
    release.route_to(&plane, one.port);
    let denial = one.wait_for_denial(&plane);
    assert!(denial.contains("high-availability.storageDir"), "{denial}");

    // An upgrade keeps what the program wrote, also one that replaces the objects.
    for flags in [&["--set", "webhooks.timeoutSeconds=9"][..], &["--set", "webhooks.timeoutSeconds=8", "--force"]] {
        helm.helm(&[&["upgrade", RELEASE, path][..], &installed, flags].concat()).succeeded();
        assert_eq!(stored_bundle(&plane, "validating").as_deref(), Some(bundle.as_str()), "{flags:?}");
    }

    // A Secret that was emptied is filled anew, and both replicas follow.
    let emptied = r#"{"data": {"tls.crt": "", "tls.key": ""}}"#;
    plane.kubectl(&["patch", "secret", "flink-admission-authority", "-n", NAMESPACE, "-p", emptied]).succeeded();
    wait_until(SOON, || self::bundle(&plane).filter(|now| *now != bundle)).expect("no new certificate was written");
    for replica in [&one, &other] {
        replica.process.wait_for("serving with a new certificate");
    }
    one.wait_for_denial(&plane);

    // One replica leaves, the other answers.
    release.route_to(&plane, other.port);
    one.process.signal("TERM");
    assert_eq!(one.process.wait_for_exit(), 0, "{}", one.process.log());
    other.wait_for_denial(&plane);
    plane.admin().kubectl_with(&["create", "--dry-run=server", "-f", "-"], STANDALONE).succeeded();

    let metrics = other.metrics();
    assert!(metrics.contains("path=\"validate\",kind=\"Deployment\""), "a standalone cluster was not seen: {metrics}");
    assert!(metrics.contains("flink_admission_look_ups_unanswered_total 0"), "a right is missing: {metrics}");
    for replica in [&one, &other] {
        assert!(!replica.process.log().contains("may not"), "a right is missing: {}", replica.process.log());
    }

    helm.helm(&["uninstall", RELEASE, "--namespace", NAMESPACE]).succeeded();
    assert_eq!(stored_bundle(&plane, "validating"), None);
    wait_until(SOON, || self::denial(&plane).is_none().then_some(())).expect("still denied after the release is gone");
}

/// What a replica of the installed release is started with.
struct Release {
    args: Vec<String>,
    kubeconfig: PathBuf,
    host: IpAddr,
}

struct Replica {
    process: RunningWebhook,
    port: u16,
    observe: String,
}

impl Replica {
    /// The denial of a cluster that would lose its state, by this replica and no other.
    #[track_caller]
    fn wait_for_denial(&self, plane: &ControlPlane) -> String {
        let denied = || {
            let counter = r#"flink_admission_reviews_total{path="validate",kind="FlinkDeployment",verdict="denied"} "#;
            let line = self.metrics().lines().find_map(|line| line.strip_prefix(counter).map(str::to_owned));
            line.map_or(0, |count| count.parse::<u64>().unwrap())
        };
        let denial = wait_until(SOON, || {
            let before = denied();
            denial(plane).filter(|_| denied() > before)
        });
        denial.unwrap_or_else(|| panic!("not denied by this replica: {}", self.process.log()))
    }

    /// What it counts.
    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.observe).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Release {
    /// The rendered arguments, with what a pod would have in other places: its ConfigMap, its token, its address.
    fn read(plane: &ControlPlane, directory: &Path, host: IpAddr) -> Self {
        let get = |kind: &str, name: &str| -> Value {
            let text = plane.kubectl(&["get", kind, name, "-n", NAMESPACE, "-o", "json"]).succeeded();
            serde_json::from_str(&text).unwrap()
        };
        let policy = directory.join("policy.yaml");
        let content = get("configmap", "flink-admission-policy");
        std::fs::write(&policy, content["data"]["policy.yaml"].as_str().unwrap()).unwrap();

        let deployment = get("deployment", RELEASE);
        let spec = &deployment["spec"]["template"]["spec"];
        let mut replaced = 0;
        let mut args: Vec<String> = Vec::new();
        for arg in spec["containers"][0]["args"].as_array().unwrap() {
            let own = match arg.as_str().unwrap() {
                "--listen=0.0.0.0:8443" => format!("--listen={host}:0"),
                "--observe=0.0.0.0:8080" => "--observe=127.0.0.1:0".to_owned(),
                "--policy=/etc/flink-admission/policy.yaml" => format!("--policy={}", policy.display()),
                other => {
                    args.push(other.to_owned());
                    continue;
                }
            };
            replaced += 1;
            args.push(own);
        }
        assert_eq!(replaced, 3, "{args:?}");
        drop_unknown(&mut args);
        // Not to wait a minute for what the test breaks.
        args.push("--check-every=1s".to_owned());

        let account = spec["serviceAccountName"].as_str().unwrap();
        let kubeconfig = directory.join("kubeconfig");
        std::fs::write(&kubeconfig, token_kubeconfig(plane, account, directory)).unwrap();
        Self { args, kubeconfig, host }
    }

    fn start_replica(&self) -> Replica {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let kubeconfig = self.kubeconfig.to_str().unwrap();
        let process = RunningWebhook::start_with(&args, &[("KUBECONFIG", kubeconfig)], "serving");
        let line = process.wait_for("\"listen\"");
        let line: Value = serde_json::from_str(&line).unwrap();
        let field = |name: &str| line[name].as_str().unwrap().to_owned();
        let port = field("listen").rsplit(':').next().unwrap().parse().unwrap();
        Replica { process, port, observe: field("observe") }
    }

    /// Makes `port` of this machine the only endpoint of the Service.
    fn route_to(&self, plane: &ControlPlane, port: u16) {
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "replica", "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": RELEASE}},
            "addressType": if self.host.is_ipv4() { "IPv4" } else { "IPv6" },
            "ports": [{"name": "webhook", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [self.host.to_string()], "conditions": {"ready": true}}]});
        plane.apply(&slice.to_string()).succeeded();
    }
}

/// Drops what the chart passes to a program that is newer than this one.
fn drop_unknown(args: &mut Vec<String>) {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_flink-admission")).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    args.retain(|arg| !arg.starts_with("--") || help.contains(&format!("{} ", arg.split('=').next().unwrap())));
}

fn token_kubeconfig(plane: &ControlPlane, account: &str, directory: &Path) -> String {
    let token = plane.kubectl(&["create", "token", account, "-n", NAMESPACE]).succeeded();
    let ca = directory.join("ca.crt");
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": plane.url(), "certificate-authority": ca}}],
        "users": [{"name": "test", "user": {"token": token.trim()}}]})
    .to_string()
}

/// What the API server says to a cluster that would lose its state; `None` while it says nothing.
fn denial(plane: &ControlPlane) -> Option<String> {
    let applied = plane.admin().kubectl_with(&["create", "--dry-run=server", "-f", "-"], LOSES_ITS_STATE);
    (!applied.success && applied.stderr.contains("denied the request")).then_some(applied.stderr)
}

/// The bundle that all entries of both configurations hold.
fn bundle(plane: &ControlPlane) -> Option<String> {
    let (mutating, validating) = (stored_bundle(plane, "mutating")?, stored_bundle(plane, "validating")?);
    (mutating == validating).then_some(mutating)
}

/// The bundle that all entries of a configuration hold; `None` where one has none or another.
fn stored_bundle(plane: &ControlPlane, kind: &str) -> Option<String> {
    let kind = format!("{kind}webhookconfigurations");
    let outcome = plane.kubectl(&["get", &kind, RELEASE, "-o", "jsonpath={.webhooks[*].clientConfig.caBundle}"]);
    let bundles: Vec<&str> = outcome.stdout.split_whitespace().collect();
    let [one, ..] = bundles[..] else { return None };
    // Of clusters, workloads, what is recorded, and the probe.
    (outcome.success && bundles == [one; 4]).then(|| one.to_owned())
}

/// An address of this machine that is not loopback: an EndpointSlice takes no other. Nothing is sent.
fn host_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
