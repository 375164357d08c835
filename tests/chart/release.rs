//! A release with the program's processes in place of its pods.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::rendered::chart;
use crate::support::{ControlPlane, RunningWebhook, wait_until};

const RELEASE: &str = "flink-admission";
const NAMESPACE: &str = "flink-system";
const SOON: Duration = Duration::from_mins(1);

/// What an uninstalled release leaves in its namespace: Kubernetes' own.
const STAYS: [&str; 1] = ["configmap/kube-root-ca.crt"];

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
fn a_release_serves_its_cluster_until_it_is_uninstalled() {
    let Some((plane, host)) = stage() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (release, mut one, other) = Release::install(&plane, directory.path(), host, "program");
    let bundle = wait_until(SOON, || bundle(&plane)).expect("no certificate to trust was written");

    // A Secret that was emptied is filled with what the replicas have, and nothing changes for the API server.
    let emptied = r#"{"data": {"tls.crt": "", "tls.key": ""}}"#;
    plane.kubectl(&["patch", "secret", "flink-admission-authority", "-n", NAMESPACE, "-p", emptied]).succeeded();
    let filled = || {
        let secret = plane.object(NAMESPACE, "secret", "flink-admission-authority")?;
        (secret["data"]["tls.crt"] != "" && self::bundle(&plane)? == bundle).then_some(())
    };
    wait_until(SOON, filled).expect("the Secret was not filled again");
    // A new authority, and both replicas follow.
    let rotate = ["annotate", "secret", "flink-admission-authority", "flink-admission.io/rotate=now", "-n", NAMESPACE];
    plane.kubectl(&rotate).succeeded();
    for replica in [&one, &other] {
        let is_new = || (replica.process.log().matches("serving with a new certificate").count() > 1).then_some(());
        assert!(wait_until(SOON, is_new).is_some(), "the same certificate is served: {}", replica.process.log());
    }
    assert_ne!(wait_until(SOON, || self::bundle(&plane)), Some(bundle));
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

    // Nothing stays, while the last replica still runs: the garbage collector takes what the program made.
    let _collector = plane.start_controllers().unwrap();
    plane.admin().helm(&["uninstall", RELEASE, "--namespace", NAMESPACE]).succeeded();
    let kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations,secrets,leases,configmaps";
    let mut left = String::new();
    let gone = wait_until(SOON, || {
        left = plane.kubectl(&["get", kinds, "-n", NAMESPACE, "-o", "name"]).succeeded();
        left.lines().all(|line| STAYS.contains(&line)).then_some(())
    });
    assert!(gone.is_some(), "{left}");
    wait_until(SOON, || self::denial(&plane).is_none().then_some(())).expect("still denied after the release is gone");
}

#[test]
fn neither_upgrade_nor_rollback_loses_what_the_program_wrote_into_the_charts_objects() {
    let Some((plane, host)) = stage() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (_release, mut one, mut other) = Release::install(&plane, directory.path(), host, "chart");
    let first = bundle(&plane).expect("no certificate to trust was written");
    let path = chart();
    let upgrade = ["upgrade", RELEASE, path.to_str().unwrap(), "--namespace", NAMESPACE, "--reuse-values"];
    // Revisions 2 and 3, made after the program had written, as a rollback would find them.
    for timeout in ["webhooks.timeoutSeconds=9", "webhooks.timeoutSeconds=8"] {
        while_they_stand_still([&mut one, &mut other], || {
            plane.admin().helm(&[&upgrade[..], &["--set", timeout]].concat()).succeeded();
            assert_eq!(bundle(&plane).as_ref(), Some(&first), "{timeout}");
            assert_eq!(recorded_policies(&plane), "Ignore Ignore", "{timeout}");
        });
        wait_for_proof(&plane, &one);
    }

    // Back to a revision from before the authority was replaced: nobody trusts the old one again, and calls go through.
    let rotate = ["annotate", "secret", "flink-admission-authority", "flink-admission.io/rotate=now", "-n", NAMESPACE];
    plane.kubectl(&rotate).succeeded();
    let replaced =
        || bundle(&plane).filter(|bundle| !first.contains(bundle.as_str()) && bundle.len() < first.len() * 3 / 2);
    let second = wait_until(SOON, replaced).expect("the authority was not replaced");
    while_they_stand_still([&mut one, &mut other], || {
        plane.admin().helm(&["rollback", RELEASE, "2", "--namespace", NAMESPACE]).succeeded();
        assert_eq!(bundle(&plane).as_ref(), Some(&second), "the bundle of an old revision");
        assert_eq!(recorded_policies(&plane), "Ignore Ignore");
        let timeout =
            ["get", "validatingwebhookconfigurations", RELEASE, "-o", "jsonpath={.webhooks[0].timeoutSeconds}"];
        assert_eq!(plane.kubectl(&timeout).stdout, "9", "nothing was rolled back");
    });
    one.wait_for_denial(&plane);
    wait_for_proof(&plane, &one);

    // One that replaces the objects instead of merging: open, and whole again with the next look.
    while_they_stand_still([&mut one, &mut other], || {
        plane.admin().helm(&[&upgrade[..], &["--set", "webhooks.timeoutSeconds=7", "--force"]].concat()).succeeded();
        assert_eq!(bundle(&plane), None);
        assert_eq!(recorded_policies(&plane), "Ignore Ignore");
    });
    wait_for_proof(&plane, &one);
    assert_eq!(bundle(&plane), Some(second));
    assert!(!one.process.log().contains("may not"), "a right is missing: {}", one.process.log());
    plane.admin().helm(&["uninstall", RELEASE, "--namespace", NAMESPACE]).succeeded();
    assert_eq!(stored_bundle(&plane, "validating"), None);
    wait_until(SOON, || self::denial(&plane).is_none().then_some(())).expect("still denied after the release is gone");
}

/// What helm alone leaves behind: replicas that run mend what is lost, and would hide it.
fn while_they_stand_still(replicas: [&mut Replica; 2], act: impl FnOnce()) {
    let [one, other] = replicas;
    one.process.signal("STOP");
    other.process.signal("STOP");
    act();
    one.process.signal("CONT");
    other.process.signal("CONT");
}

#[track_caller]
fn wait_for_proof(plane: &ControlPlane, replica: &Replica) {
    let proved = wait_until(SOON, || (recorded_policies(plane) == "Fail Fail").then_some(()));
    assert!(proved.is_some(), "never proved: {}", replica.process.log());
}

/// A cluster that calls a Service by its EndpointSlices, as there is no kube-proxy here, and an address of this machine.
fn stage() -> Option<(ControlPlane, IpAddr)> {
    if !ControlPlane::is_available_with(&["kube-controller-manager", "helm"]) {
        return None;
    }
    let Some(host) = host_address() else {
        let _ =
            writeln!(std::io::stderr(), "\nSKIPPED, no release was served: this machine has no address but loopback");
        return None;
    };
    let plane = ControlPlane::start_with(&["--enable-aggregator-routing=true"]).unwrap();
    plane.apply_crds().unwrap();
    Some((plane, host))
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
    /// Installs the chart and starts two replicas at the same time; one makes the authority, the other takes it. The first
    /// answers, and has seen that its requests come through.
    fn install(plane: &ControlPlane, directory: &Path, host: IpAddr, managed_by: &str) -> (Self, Replica, Replica) {
        let path = chart();
        let values = format!("drainSeconds=1,webhooks.managedBy={managed_by}");
        let install = ["install", RELEASE, path.to_str().unwrap(), "--create-namespace", "--namespace", NAMESPACE];
        plane.admin().helm(&[&install[..], &["--set", &values]].concat()).succeeded();
        let release = Self::read(plane, directory, host);
        let (one, other) = std::thread::scope(|scope| {
            let [one, other] = ["one", "other"].map(|name| scope.spawn(|| release.start_replica(name)));
            (one.join().unwrap(), other.join().unwrap())
        });
        release.route_to(plane, one.port);
        let denial = one.wait_for_denial(plane);
        assert!(denial.contains("high-availability.storageDir"), "{denial}");
        let proved = wait_until(SOON, || (recorded_policies(plane) == "Fail Fail").then_some(()));
        assert!(proved.is_some(), "never proved: {}\n{}", one.process.log(), other.process.log());
        (release, one, other)
    }

    /// The rendered arguments, with what a pod would have in other places: its ConfigMap, its token, its address.
    fn read(plane: &ControlPlane, directory: &Path, host: IpAddr) -> Self {
        let get = |kind: &str, name: &str| -> Value {
            let text = plane.kubectl(&["get", kind, name, "-n", NAMESPACE, "-o", "json"]).succeeded();
            serde_json::from_str(&text).unwrap()
        };
        let [policy, webhooks] = ["policy", "webhooks"].map(|name| {
            let path = directory.join(format!("{name}.yaml"));
            let content = get("configmap", &format!("flink-admission-{name}"));
            std::fs::write(&path, content["data"][format!("{name}.yaml")].as_str().unwrap()).unwrap();
            path
        });

        let deployment = get("deployment", RELEASE);
        let spec = &deployment["spec"]["template"]["spec"];
        let mut replaced = 0;
        let mut args: Vec<String> = Vec::new();
        for arg in spec["containers"][0]["args"].as_array().unwrap() {
            let own = match arg.as_str().unwrap() {
                "--listen=0.0.0.0:8443" => format!("--listen={host}:0"),
                "--observe=0.0.0.0:8080" => "--observe=127.0.0.1:0".to_owned(),
                "--policy=/etc/flink-admission/policy.yaml" => format!("--policy={}", policy.display()),
                "--webhooks=/etc/flink-admission-webhooks/webhooks.yaml" => {
                    format!("--webhooks={}", webhooks.display())
                }
                other => {
                    args.push(other.to_owned());
                    continue;
                }
            };
            replaced += 1;
            args.push(own);
        }
        assert_eq!(replaced, 4, "{args:?}");
        // Not to wait for what the test breaks.
        args.push("--check-every=1s".to_owned());

        let account = spec["serviceAccountName"].as_str().unwrap();
        let kubeconfig = directory.join("kubeconfig");
        std::fs::write(&kubeconfig, token_kubeconfig(plane, account, directory)).unwrap();
        Self { args, kubeconfig, host }
    }

    fn start_replica(&self, name: &str) -> Replica {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let kubeconfig = self.kubeconfig.to_str().unwrap();
        let process =
            RunningWebhook::start_with(&args, &[("KUBECONFIG", kubeconfig), ("POD_NAME", name)], "\"serving\"");
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

/// What becomes of UPDATEs of objects with a record while nobody answers, in both configurations.
fn recorded_policies(plane: &ControlPlane) -> String {
    let policy = r#"jsonpath={.webhooks[?(@.name=="recorded.flink-admission.io")].failurePolicy}"#;
    let of =
        |kind: &str| plane.kubectl(&["get", &format!("{kind}webhookconfigurations"), RELEASE, "-o", policy]).stdout;
    format!("{} {}", of("mutating"), of("validating"))
}

/// An address of this machine that is not loopback: an EndpointSlice takes no other. Nothing is sent.
fn host_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
