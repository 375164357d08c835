//! A real Kubernetes API server with its etcd, on free loopback ports, in a directory that goes with it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::client::{Client, Outcome};
use super::keys::{self, Authority};
use super::process::{Supervised, wait_until};
use super::programs;

/// Both servers are there after 2 to 4 seconds on an idle machine of two cores.
const READY_DEADLINE: Duration = Duration::from_mins(2);
/// An API server that is asked to end does so within a second or two where nothing holds it up.
const END_DEADLINE: Duration = Duration::from_secs(5);
/// A free port can be taken by someone else before the server has it.
const ATTEMPTS: u32 = 3;
const LOG_TAIL_LINES: usize = 25;
const CONTROLLERS: &[&str] = &[
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "job-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
];
const CUSTOM_RESOURCES: &[&str] = &["flinkdeployments", "flinksessionjobs", "flinkbluegreendeployments"];

/// A running API server. Dropping it ends both servers and removes the directory.
pub struct ControlPlane {
    // Dropped in this order: etcd's supervisor removes the directory.
    api_server: Mutex<Supervised>,
    etcd: Mutex<Supervised>,
    authority: Authority,
    admin: Client,
    directory: PathBuf,
    host: String,
    port: u16,
    etcd_port: u16,
    flags: Vec<String>,
}

impl ControlPlane {
    /// The control plane that the tests of one binary share, with the CRDs of Flink's operator. `None` where the programs are
    /// missing; the test then returns, having said so on standard error. On CI (`CI=true`) that is a panic.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        if !Self::is_available() {
            return None;
        }
        let started = SHARED.get_or_init(|| {
            let plane = Self::start().map_err(|error| format!("{error:#}"))?;
            plane.apply_crds().map_err(|error| format!("{error:#}"))?;
            Ok(plane)
        });
        match started {
            Ok(plane) => Some(plane),
            Err(error) => panic!("the control plane did not start: {error}"),
        }
    }

    /// Whether the programs are there; says how to get them if not, and panics on CI.
    pub fn is_available() -> bool {
        Self::is_available_with(&[])
    }

    /// The same with further programs.
    pub fn is_available_with(programs: &[&str]) -> bool {
        let mut names = ["etcd", "kube-apiserver", "kubectl"].iter().chain(programs);
        let missing = names.find_map(|name| programs::find(name).err());
        if let Some(missing) = missing {
            programs::skip(&missing);
            return false;
        }
        true
    }

    /// Starts etcd and kube-apiserver and waits until `/readyz` says ok.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// The same with further flags of kube-apiserver (an audit log, admission plugins).
    pub fn start_with(flags: &[&str]) -> Result<Self> {
        Self::start_at("127.0.0.1", flags)
    }

    /// The same with the API server at another address of this machine.
    pub fn start_at(host: &str, flags: &[&str]) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::start_once(host, flags) {
                Err(error) if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    fn start_once(host: &str, flags: &[&str]) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir()?.keep();
        let started = Self::start_in(&directory, host, flags);
        if started.is_err() {
            // An etcd that ended by itself has left it.
            let _ = std::fs::remove_dir_all(&directory);
        }
        started
    }

    fn start_in(directory: &Path, host: &str, flags: &[&str]) -> Result<Self> {
        let [etcd_port, peer_port, port] = free_ports()?;
        let etcd = start_etcd(directory, etcd_port, peer_port)?;
        let authority = Authority::generate("test cluster")?;
        write_keys(&authority, directory, host)?;
        let api_server = start_api_server(directory, etcd_port, (host, port), flags)?;
        let admin = write_kubeconfig(&authority, directory, (host, port), "admin", Some("system:masters"))?;

        let (directory, host) = (directory.to_path_buf(), host.to_owned());
        let (api_server, etcd) = (Mutex::new(api_server), Mutex::new(etcd));
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let plane = Self { api_server, etcd, authority, admin, directory, host, port, etcd_port, flags };
        plane.wait_until_ready()?;
        Ok(plane)
    }

    /// Ends the API server by SIGTERM, as a roll-out of the control plane does, starts it again after `away` at the same
    /// address and waits until `/readyz` says ok.
    pub fn restart_api_server(&self, away: Duration) -> Result<()> {
        {
            let mut server = lock(&self.api_server);
            server.signal("TERM")?;
            // Watches over HTTP/1.1 hold it up for a minute. Its port is closed already; the kubelet ends it as well, only later.
            if wait_until(END_DEADLINE, || server.exited().ok().flatten()).is_none() {
                server.signal("KILL")?;
            }
            if wait_until(READY_DEADLINE, || server.exited().ok().flatten()).is_none() {
                bail!("the API server did not end within {READY_DEADLINE:?}\n{}", self.logs());
            }
            std::thread::sleep(away);
            let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
            *server = start_api_server(&self.directory, self.etcd_port, (&self.host, self.port), &flags)?;
        }
        self.wait_until_ready()
    }

    /// The port of etcd's client address on 127.0.0.1.
    pub fn etcd_port(&self) -> u16 {
        self.etcd_port
    }

    fn wait_until_ready(&self) -> Result<()> {
        let mut last = String::new();
        let outcome = wait_until(READY_DEADLINE, || {
            for (name, server) in [("etcd", &self.etcd), ("kube-apiserver", &self.api_server)] {
                match lock(server).exited() {
                    Ok(None) => {}
                    Ok(Some(status)) => return Some(Err(format!("{name} ended with {status}"))),
                    Err(error) => return Some(Err(format!("{name}: {error}"))),
                }
            }
            let answer = self.admin.kubectl(&["get", "--raw", "/readyz"]);
            last = answer.stderr;
            (answer.success && answer.stdout == "ok").then_some(Ok(()))
        });
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => bail!("{reason}\n{}", self.logs()),
            None => bail!("not ready after {READY_DEADLINE:?}: {last}\n{}", self.logs()),
        }
    }

    /// The last lines of both servers' logs.
    pub fn logs(&self) -> String {
        ["etcd", "kube-apiserver"].map(|name| tail(&self.directory.join(format!("{name}.log")), name)).concat()
    }

    /// `https://127.0.0.1:<port>`, or at the address that it was started at.
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.host, self.port)
    }

    /// The API server's address and port.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Starts those controllers of kube-controller-manager that make Pods of Deployments, StatefulSets and Jobs, and collect
    /// what belongs to nobody.
    pub fn start_controllers(&self) -> Result<Supervised> {
        self.start_some_controllers(CONTROLLERS)
    }

    /// The same with these controllers alone.
    pub fn start_some_controllers(&self, controllers: &[&str]) -> Result<Supervised> {
        let mut manager = server("kube-controller-manager", &self.directory, None)?;
        for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
            manager.arg(format!("--{flag}={}", self.kubeconfig().display()));
        }
        manager.args(["--leader-elect=false", "--secure-port=0"]);
        manager.arg(format!("--service-account-private-key-file={}", self.directory.join("token.key").display()));
        manager.arg(format!("--root-ca-file={}", self.directory.join("ca.crt").display()));
        manager.arg(format!("--controllers={}", controllers.join(",")));
        Supervised::spawn(manager).context("kube-controller-manager could not be started")
    }

    /// The certificate of the cluster's authority, in PEM.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The cluster's authority, for further certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        self.admin.kubeconfig()
    }

    /// The administrator's certificate and private key, as files in PEM.
    pub fn admin_certificate(&self) -> (PathBuf, PathBuf) {
        (self.directory.join("admin.crt"), self.directory.join("admin.key"))
    }

    /// The administrator, of the group `system:masters`.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// A user with a certificate of its own and, until RBAC says otherwise, no rights. Give it a Role of the test's own: the
    /// ClusterRoles `view`, `edit` and `admin` are empty, because nothing here aggregates them.
    pub fn user(&self, name: &str, group: Option<&str>) -> Result<Client> {
        write_kubeconfig(&self.authority, &self.directory, self.address(), name, group)
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl(&self, args: &[&str]) -> Outcome {
        self.admin.kubectl(args)
    }

    /// `kubectl apply -f -` as the administrator.
    pub fn apply(&self, yaml: &str) -> Outcome {
        self.admin.apply(yaml)
    }

    /// An object as it is stored; `None` where there is none.
    pub fn object(&self, namespace: &str, kind: &str, name: &str) -> Option<serde_json::Value> {
        let answer = self.kubectl(&["get", kind, name, "--namespace", namespace, "--output=json"]);
        serde_json::from_str(&answer.stdout).ok()
    }

    /// Creates a namespace that no other test of this control plane has; its name begins with `prefix`.
    #[track_caller]
    pub fn create_namespace(&self, prefix: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]).succeeded();
        name
    }

    /// Applies the CRDs of Flink's operator and waits until each kind is served: the published ones where they lie beside the
    /// checkout or in `FLINK_ADMISSION_SHARED`, else those of `tests/crds`.
    pub fn apply_crds(&self) -> Result<()> {
        let directory = crd_directory();
        let directory = directory.to_str().context("the path of the CRDs is not UTF-8")?;
        // Server-side, because the schemas are too large for the annotation of a client-side apply.
        let applied = self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", directory]);
        if !applied.success {
            bail!("the CRDs of {directory} were refused: {}", applied.stderr);
        }
        for kind in CUSTOM_RESOURCES {
            let kind = format!("{kind}.flink.apache.org");
            // Established is not yet served: discovery follows a moment later.
            let mut last = String::new();
            let served = wait_until(READY_DEADLINE, || {
                let answer = self.kubectl(&["get", &kind, "--all-namespaces"]);
                last = answer.stderr;
                answer.success.then_some(())
            });
            if served.is_none() {
                bail!("{kind} is not served after {READY_DEADLINE:?}: {last}");
            }
        }
        Ok(())
    }
}

fn lock(server: &Mutex<Supervised>) -> MutexGuard<'_, Supervised> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

fn crd_directory() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("FLINK_ADMISSION_SHARED").map_or_else(|| package.join("../shared"), PathBuf::from);
    let published = shared.join("crds/flink-operator-main");
    if published.is_dir() { published } else { package.join("tests/crds") }
}

fn start_etcd(directory: &Path, port: u16, peer_port: u16) -> Result<Supervised> {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer_port}"));
    let mut etcd = server("etcd", directory, Some(directory))?;
    etcd.arg("--data-dir").arg(directory.join("etcd"));
    etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    etcd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    etcd.arg(format!("--initial-cluster=default={peer}"));
    // Its data need not outlive it.
    etcd.arg("--unsafe-no-fsync");
    Supervised::spawn(etcd).context("etcd could not be started")
}

fn start_api_server(directory: &Path, etcd_port: u16, (host, port): (&str, u16), flags: &[&str]) -> Result<Supervised> {
    let mut server = server("kube-apiserver", directory, None)?;
    for (flag, file) in [
        ("tls-cert-file", "server.crt"),
        ("tls-private-key-file", "server.key"),
        ("client-ca-file", "ca.crt"),
        ("service-account-key-file", "token.pub"),
        ("service-account-signing-key-file", "token.key"),
    ] {
        server.arg(format!("--{flag}={}", directory.join(file).display()));
    }
    server.arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"));
    server.arg(format!("--secure-port={port}"));
    server.args([format!("--bind-address={host}"), format!("--advertise-address={host}")]);
    server.args([
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        // No controller makes the ServiceAccount `default`, without which no Pod would be admitted.
        "--disable-admission-plugins=ServiceAccount",
        // A Service `kubernetes` with a loopback endpoint is refused.
        "--endpoint-reconciler-type=none",
    ]);
    server.args(flags);
    Supervised::spawn(server).context("kube-apiserver could not be started")
}

/// A server that logs to `<name>.log`. Of the environment it gets only `PATH`: the tester's proxies would come between the API
/// server and a webhook.
fn server(name: &str, directory: &Path, remove: Option<&Path>) -> Result<Command> {
    let program = programs::find(name).map_err(anyhow::Error::msg)?;
    let log = std::fs::File::options().create(true).append(true).open(directory.join(format!("{name}.log")))?;
    let mut command = Supervised::command(&program, remove);
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", directory)
        .current_dir(directory);
    command.stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

fn write_keys(authority: &Authority, directory: &Path, host: &str) -> Result<()> {
    std::fs::write(directory.join("ca.crt"), authority.pem())?;
    authority.server(&[host, "localhost"])?.write(directory, "server")?;
    let (private, public) = keys::token_keys()?;
    std::fs::write(directory.join("token.key"), private)?;
    std::fs::write(directory.join("token.pub"), public)?;
    Ok(())
}

fn write_kubeconfig(
    authority: &Authority,
    directory: &Path,
    (host, port): (&str, u16),
    user: &str,
    group: Option<&str>,
) -> Result<Client> {
    authority.client(user, group)?.write(directory, user)?;
    let path = directory.join(format!("{user}.kubeconfig"));
    // Paths without a directory are relative to the kubeconfig.
    let text = format!(
        "apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: {user}}}}}]
clusters: [{{name: test, cluster: {{server: 'https://{host}:{port}', certificate-authority: ca.crt}}}}]
users: [{{name: {user}, user: {{client-certificate: {user}.crt, client-key: {user}.key}}}}]
"
    );
    std::fs::write(&path, text)?;
    Ok(Client::new(path, directory.to_path_buf()))
}

/// Three ports that are free now, all held at the same time so that they differ.
fn free_ports() -> Result<[u16; 3]> {
    let bind = || TcpListener::bind(("127.0.0.1", 0));
    let listeners = [bind()?, bind()?, bind()?];
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let [a, b, c] = &listeners;
    Ok([port(a)?, port(b)?, port(c)?])
}

fn tail(log: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let skipped = text.lines().count().saturating_sub(LOG_TAIL_LINES);
    let lines: Vec<&str> = text.lines().skip(skipped).collect();
    format!("the end of {name}'s log:\n{}\n", lines.join("\n"))
}
