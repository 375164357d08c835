//! One Pod: what its container is started with, its process, and what is said of it in its status.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::volumes::Volumes;
use crate::support::{ControlPlane, Supervised, expand};

/// How long a container that ended again waits for its next start; the first time it waits for nothing.
const BACK_OFF: Duration = Duration::from_secs(5);
/// The first Pod's number below 10.250.0.0/16.
const FIRST: u32 = 10;

/// How many cables there have been: the end of one at the bridge stays a moment longer than its Pod.
static CABLES: AtomicU32 = AtomicU32::new(0);

/// A Pod that the runner knows.
pub struct Pod {
    pub object: Value,
    /// Which Pod it is of all.
    pub number: u32,
    pub address: String,
    /// Holds its volumes and `output`, which stays when it is gone.
    pub directory: PathBuf,
    pub exits: Vec<i32>,
    process: Option<Supervised>,
    /// When it may start; `None` while it runs and after its end.
    due: Option<Instant>,
}

/// What the runner has to know to start a Pod.
pub struct Machine<'a> {
    pub plane: &'a ControlPlane,
    /// Directory of the claims of its namespace.
    pub claims: &'a Path,
    /// The `FLINK_HOME` that stands for an image.
    pub home: &'a dyn Fn(&str) -> PathBuf,
    pub jvm_options: &'a str,
}

impl Pod {
    /// A Pod that has not started, with an address that no other one has had.
    pub fn new(object: Value, directory: PathBuf) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(FIRST);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let address = format!("10.250.{}.{}", number / 250, number % 250);
        fs::create_dir_all(directory.join("account")).expect("a directory");
        fs::write(directory.join("hosts"), "").expect("a file");
        Self { object, number, address, directory, exits: Vec::new(), process: None, due: Some(Instant::now()) }
    }

    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().expect("a name")
    }

    fn namespace(&self) -> &str {
        self.object["metadata"]["namespace"].as_str().expect("a namespace")
    }

    /// Whether its container runs now.
    fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it where it is time and what it wants is there, or hears of its end. Gives the new status where there is one.
    pub fn step(&mut self, machine: &Machine<'_>) -> Option<Value> {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.process = Some(self.start(machine)?);
            self.due = None;
            return Some(self.status("Running", json!({"running": {}})));
        }
        let ended = self.process.as_mut()?.exited().expect("its supervisor is there")?;
        let code = ended.code().unwrap_or(-1);
        self.process = None;
        self.exits.push(code);
        let policy = self.object["spec"]["restartPolicy"].as_str().unwrap_or("Always");
        let terminated =
            json!({"terminated": {"exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" }}});
        if policy == "Never" || policy == "OnFailure" && code == 0 {
            return Some(self.status(if code == 0 { "Succeeded" } else { "Failed" }, terminated));
        }
        self.due = Some(Instant::now() + if self.exits.len() > 1 { BACK_OFF } else { Duration::ZERO });
        Some(self.status("Running", json!({"waiting": {"reason": "CrashLoopBackOff"}})))
    }

    /// The container's main process, as the image, the Pod and the cluster make it; `None` where something is not there yet.
    fn start(&self, machine: &Machine<'_>) -> Option<Supervised> {
        let container = container(&self.object);
        let volumes = Volumes { claims: machine.claims, own: &self.directory.join("volumes") };
        let mounts = volumes
            .mounts(&self.object, container, |name| machine.plane.object(self.namespace(), "configmap", name))?;
        fs::write(self.directory.join("mounts"), mounts).expect("a file");
        self.write_account(machine.plane)?;

        let declared = self.declared(machine, container);
        let words = |field: &str| -> Vec<String> {
            let words = container[field].as_array().into_iter().flatten().filter_map(Value::as_str);
            words.map(|word| expand(word, &declared)).collect()
        };
        let (mut command, arguments) = (words("command"), words("args"));
        if command.is_empty() {
            command.push("/docker-entrypoint.sh".to_owned());
        }
        let cable = format!("pod{}", CABLES.fetch_add(1, Ordering::Relaxed));
        let mut process = Supervised::command(Path::new("unshare"), None);
        process.args(["--net", "--mount", "--uts"]);
        process.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failover/pod.sh"));
        process.arg(&self.directory).arg((machine.home)(container["image"].as_str().unwrap_or_default()));
        process.args([self.name(), &self.address, &cable, &std::process::id().to_string()]);
        process.args(command).args(arguments).env_clear().envs(of_image(machine)).envs(&declared);
        let log = File::options().create(true).append(true).open(self.directory.join("output")).expect("a log");
        process.stderr(log.try_clone().expect("a second handle")).stdout(log);
        Some(Supervised::spawn(process).expect("unshare starts"))
    }

    /// The files of its ServiceAccount, which `None` says does not exist.
    fn write_account(&self, plane: &ControlPlane) -> Option<()> {
        let name = self.object["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let token = plane.kubectl(&["-n", self.namespace(), "create", "token", name, "--duration=8h"]);
        let directory = self.directory.join("account");
        for (file, text) in
            [("token", token.stdout.trim()), ("ca.crt", &plane.ca_pem()), ("namespace", self.namespace())]
        {
            fs::write(directory.join(file), text).expect("a file");
        }
        token.success.then_some(())
    }

    /// The image's variables, those of every Pod, and the container's own.
    /// The variables that the Pod and the cluster give, which are those that texts may name.
    fn declared(&self, machine: &Machine<'_>, container: &Value) -> BTreeMap<String, String> {
        let (host, port) = machine.plane.address();
        let mut variables = BTreeMap::from([
            ("KUBERNETES_SERVICE_HOST".to_owned(), host.to_owned()),
            ("KUBERNETES_SERVICE_PORT".to_owned(), port.to_string()),
        ]);
        for variable in container["env"].as_array().into_iter().flatten() {
            let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
            let value = match field {
                Some(path) => self.field(path),
                None => expand(variable["value"].as_str().unwrap_or_default(), &variables),
            };
            variables.insert(variable["name"].as_str().expect("a name").to_owned(), value);
        }
        variables
    }

    fn field(&self, path: &str) -> String {
        match path {
            "status.podIP" => self.address.clone(),
            "spec.nodeName" => "node".to_owned(),
            _ => {
                let pointer = format!("/{}", path.replace('.', "/"));
                self.object.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            }
        }
    }

    /// The conditions, `PodScheduled` among them, are those that controllers and Flink's native mode look at.
    fn status(&self, phase: &str, state: Value) -> Value {
        let ready = if self.runs() { "True" } else { "False" };
        let conditions: Vec<Value> =
            [("PodScheduled", "True"), ("Initialized", "True"), ("ContainersReady", ready), ("Ready", ready)]
                .map(|(name, status)| json!({"type": name, "status": status}))
                .into();
        let container = container(&self.object);
        json!({
            "phase": phase, "podIP": self.address, "podIPs": [{"ip": self.address}], "conditions": conditions,
            "containerStatuses": [{
                "name": container["name"], "image": container["image"], "imageID": "",
                "ready": self.runs(), "started": self.runs(), "restartCount": self.exits.len(), "state": state,
            }],
        })
    }
}

/// The container that is run: Flink's where it has its name, else the first.
fn container(pod: &Value) -> &Value {
    let containers = pod["spec"]["containers"].as_array().expect("containers");
    let main = containers.iter().find(|container| container["name"] == "flink-main-container");
    main.unwrap_or(&containers[0])
}

/// The variables of the image.
fn of_image(machine: &Machine<'_>) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("FLINK_HOME", "/opt/flink".to_owned()),
        ("HOME", "/opt/flink".to_owned()),
        ("PATH", "/opt/flink/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        // The image's Java is older, or its configuration has them. Also for the JVMs that the scripts start.
        ("JDK_JAVA_OPTIONS", machine.jvm_options.to_owned()),
    ];
    variables.extend(std::env::var("JAVA_HOME").ok().map(|home| ("JAVA_HOME", home)));
    variables
}
