//! Application clusters of one policy, their roles as processes, on one directory and one ZooKeeper.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flink_admission::verdict;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::manifests::Input;
use crate::support::installation::Installation;
use crate::support::{Supervised, ZooKeeper, wait_until};

/// How long a step may take; on an idle machine of two cores none takes a quarter of it.
pub const DEADLINE: Duration = Duration::from_mins(3);

/// What all clusters of a test have in common.
pub struct Stage {
    flink: &'static Installation,
    version: &'static str,
    directory: TempDir,
    zookeeper: ZooKeeper,
}

/// A role that runs, with what it has said so far, earlier processes of it included.
pub struct Role {
    process: Supervised,
    log: PathBuf,
}

impl Stage {
    /// Starts ZooKeeper, the one that Flink brings.
    pub fn new(flink: &'static Installation, version: &'static str) -> Self {
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
        let zookeeper = ZooKeeper::start(&flink.lib(), directory.path(), "127.0.0.1");
        Self { flink, version, directory, zookeeper }
    }

    /// The words behind the script's name with which the role of the cluster `orders` in `namespace` is to start: what a
    /// policy makes of a manifest that says nothing of HA. Both namespaces get the same directories and the same root.
    pub fn arguments(&self, namespace: &str, role: &str) -> Vec<String> {
        let root = self.directory.path().join("data");
        let root = root.display();
        let policy = json!({
            "apiVersion": "flink-admission.io/v1alpha1", "kind": "FlinkPolicy", "metadata": {"name": "live"},
            "spec": {
                "highAvailability": {
                    "mode": "zookeeper", "storageDir": format!("file://{root}/ha"),
                    "zookeeper": {"quorum": self.zookeeper.quorum, "pathRoot": "/flink"},
                },
                "checkpoints": {"directory": format!("file://{root}/checkpoints")},
                "volumes": [{"name": "flink-data", "claimName": "flink-data", "mountPath": root.to_string()}],
            },
        });
        let args = if role == "jobmanager" {
            json!(["standalone-job", "--job-classname", "Count"])
        } else {
            json!(["taskmanager"])
        };
        let kind = if role == "jobmanager" { ("batch/v1", "Job") } else { ("apps/v1", "Deployment") };
        let object = json!({
            "apiVersion": kind.0, "kind": kind.1,
            "metadata": {"name": format!("orders-{role}"), "namespace": namespace},
            "spec": {"template": {"spec": {"containers": [
                {"name": "flink", "image": format!("flink:{}", self.version), "args": args},
            ]}}},
        });
        let outcome = Input { policy, object, others: Vec::new() }.review(verdict::judge, None);
        let words = outcome.stored.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
        let words = words.expect("the arguments").iter().filter_map(Value::as_str);
        words.skip(1).map(str::to_owned).collect()
    }

    /// Starts a JobManager with `arguments` as the `number`th pod.
    pub fn job_manager(&self, number: u8, arguments: &[String]) -> Role {
        let ip = address(number);
        let options = format!(
            "jobmanager.bind-host: {ip}\nrest.address: {ip}\nrest.bind-address: {ip}\n\
             jobmanager.memory.process.size: 900m\n"
        );
        self.role("standalone-job.sh", number, &options, arguments)
    }

    /// Starts a TaskManager with `arguments` as the `number`th pod.
    pub fn task_manager(&self, number: u8, arguments: &[String]) -> Role {
        let ip = address(number);
        let options = format!(
            "taskmanager.host: {ip}\ntaskmanager.bind-host: {ip}\ntaskmanager.memory.process.size: 900m\n\
             taskmanager.memory.managed.size: 32m\ntaskmanager.memory.network.min: 32m\n\
             taskmanager.memory.network.max: 32m\n"
        );
        self.role("taskmanager.sh", number, &options, arguments)
    }

    fn role(&self, script: &str, number: u8, options: &str, arguments: &[String]) -> Role {
        let pod = self.directory.path().join(format!("pod-{number}"));
        let [conf, logs] = ["conf", "log"].map(|name| pod.join(name));
        for directory in [&conf, &logs] {
            fs::create_dir_all(directory).expect("a directory");
        }
        // State in files, as where there is more of it than fits into the pointer to a checkpoint.
        let text = format!(
            "env.java.opts.all: \"{}\"\n\
             high-availability.zookeeper.client.session-timeout: 10s\nexecution.checkpointing.interval: 500ms\n\
             execution.checkpointing.data-inline-threshold: 0b\nrestart-strategy.type: fixed-delay\n\
             restart-strategy.fixed-delay.attempts: 1000\nrestart-strategy.fixed-delay.delay: 1s\n{options}",
            self.flink.jvm_options()
        );
        fs::write(conf.join("config.yaml"), text).expect("a file");
        let layout = "log4j-console.properties";
        fs::copy(self.flink.home.join("conf").join(layout), conf.join(layout)).expect("Flink's log configuration");
        let mut command = Supervised::command(&self.flink.home.join("bin").join(script), None);
        let ip = address(number);
        command
            .arg("start-foreground")
            .args(arguments.iter().map(|word| word.replace("$(POD_IP)", &ip)))
            // Also for the JVMs that the scripts start to compute memory.
            .env("JAVA_TOOL_OPTIONS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
            .env("FLINK_CONF_DIR", &conf)
            .env("FLINK_LOG_DIR", &logs)
            .env("FLINK_PID_DIR", &pod)
            .env("FLINK_LIB_DIR", self.flink.lib());
        let log = pod.join("output");
        Role { process: start(command, &log), log }
    }
}

impl Role {
    /// What `find` makes of a line that it has said; panics with the end of its log where there is none in time.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let found = wait_until(DEADLINE, || {
            let found = self.said().lines().find_map(&find);
            // Ended is also an answer, once all is read that it said.
            let has_ended = matches!(self.process.exited(), Ok(Some(_)));
            found.map(Some).or_else(|| has_ended.then(|| self.said().lines().find_map(&find)))
        });
        found.flatten().unwrap_or_else(|| panic!("not said: {what}\n{}", tail(&self.log)))
    }

    /// All that it has said.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Ends it at once, as `kill -9` does, and waits for its end.
    pub fn kill(&mut self) {
        self.process.signal("KILL").expect("a signal");
        let ended = wait_until(DEADLINE, || matches!(self.process.exited(), Ok(Some(_))).then_some(()));
        assert!(ended.is_some(), "it goes on after `kill -9`");
    }
}

/// An address that no other test on this machine has.
fn address(number: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 10 + process % 200, process / 200 % 250)
}

fn start(mut command: Command, log: &Path) -> Supervised {
    let log = File::options().create(true).append(true).open(log).expect("a log");
    command.stderr(log.try_clone().expect("a second handle")).stdout(log);
    Supervised::spawn(command).expect("a process")
}

fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
