//! Flink's operator as a process.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{ControlPlane, Supervised, skip, wait_until};

/// It is there after 5 seconds on an idle machine.
const READY_DEADLINE: Duration = Duration::from_mins(2);
/// Its namespace and its ServiceAccount there.
pub const ACCOUNT: &str = "flink-operator";
const CONTROLLERS: [&str; 2] = ["flinkdeploymentcontroller", "flinksessionjobcontroller"];

/// The operator, for all namespaces of one control plane.
pub struct Operator {
    process: Supervised,
    directory: PathBuf,
}

impl Operator {
    /// Whether it and a JVM are there; says how to get them if not, and panics on CI.
    pub fn is_available() -> bool {
        let Some(missing) = missing() else { return true };
        skip(&missing);
        false
    }

    /// Starts it as a ServiceAccount that may do everything, and waits until it watches its kinds. `directory` is for its files
    /// and goes with it.
    #[track_caller]
    pub fn start(plane: &ControlPlane, directory: &Path) -> Self {
        Self::run(plane, directory, Supervised::command(Path::new("java"), Some(directory)))
    }

    /// The same where the names in `hosts`, a file in the form of `/etc/hosts`, are those of the Services: it then asks the
    /// JobManagers. The caller is root.
    #[track_caller]
    pub fn start_with(plane: &ControlPlane, directory: &Path, hosts: &Path) -> Self {
        let mut command = Supervised::command(Path::new("unshare"), Some(directory));
        command.args([
            "--mount",
            "/bin/sh",
            "-c",
            "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"",
            "operator",
        ]);
        command.arg(hosts).arg("java");
        Self::run(plane, directory, command)
    }

    #[track_caller]
    fn run(plane: &ControlPlane, directory: &Path, mut command: Command) -> Self {
        let kubeconfig = kubeconfig(plane, directory);
        let log = File::create(directory.join("log")).expect("a log");
        let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operator/conf");
        let (host, port) = plane.address();
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", directory).env("KUBECONFIG", kubeconfig).env("FLINK_CONF_DIR", &configuration);
        command.env("OPERATOR_NAMESPACE", ACCOUNT).env("OPERATOR_NAME", ACCOUNT);
        // Else it looks for every JobManager at `localhost`.
        command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port.to_string());
        command.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg(format!("-Dlog4j.configurationFile={}", configuration.join("log4j-operator.properties").display()));
        command.arg(format!("-Djava.io.tmpdir={}", directory.display()));
        command.args(["-cp", &class_path(), "org.apache.flink.kubernetes.operator.FlinkOperator"]);
        command.stdout(log.try_clone().expect("a handle")).stderr(log);
        let process = Supervised::spawn(command).expect("java starts");
        let mut operator = Self { process, directory: directory.to_path_buf() };
        operator.wait_until_ready();
        operator
    }

    /// All that it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).expect("its log")
    }

    #[track_caller]
    fn wait_until_ready(&mut self) {
        let ready = wait_until(READY_DEADLINE, || {
            if self.process.exited().is_ok_and(|status| status.is_some()) {
                return Some(false);
            }
            let log = self.log();
            CONTROLLERS.iter().all(|name| log.contains(&format!("'{name}' controller started"))).then_some(true)
        });
        assert!(ready == Some(true), "the operator does not run:\n{}", self.log());
    }
}

/// What is missing to run it, and how to get it.
fn missing() -> Option<String> {
    let java = Command::new("java").arg("-version").output();
    if !java.is_ok_and(|output| output.status.success()) {
        return Some("`java` does not run; install a JDK (17)".to_owned());
    }
    let is_there = class_path().split(':').all(|path| Path::new(path.trim_end_matches("/*")).exists());
    (!is_there).then(|| format!("there is no `{}`; run `make flink` to bring it", class_path()))
}

/// What `tests/flink/operator/build --where` prints.
fn class_path() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/operator/build");
    let output = Command::new(script).arg("--where").output().expect("the script runs");
    String::from_utf8(output.stdout).expect("a class path").trim().to_owned()
}

/// The way of the operator's ServiceAccount to the API server.
fn kubeconfig(plane: &ControlPlane, directory: &Path) -> PathBuf {
    let kubectl = |args: &[&str]| plane.kubectl(args).succeeded();
    kubectl(&["create", "namespace", ACCOUNT]);
    kubectl(&["create", "serviceaccount", ACCOUNT, "-n", ACCOUNT]);
    let subject = format!("--serviceaccount={ACCOUNT}:{ACCOUNT}");
    kubectl(&["create", "clusterrolebinding", ACCOUNT, "--clusterrole=cluster-admin", &subject]);
    let token = kubectl(&["create", "token", ACCOUNT, "-n", ACCOUNT, "--duration=8h"]);
    std::fs::write(directory.join("ca.crt"), plane.ca_pem()).expect("a certificate");
    let path = directory.join("kubeconfig");
    let text = format!(
        "apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: operator}}}}]
clusters: [{{name: test, cluster: {{server: '{}', certificate-authority: ca.crt}}}}]
users: [{{name: operator, user: {{token: '{}'}}}}]
",
        plane.url(),
        token.trim()
    );
    std::fs::write(&path, text).expect("a kubeconfig");
    path
}
