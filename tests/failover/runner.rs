//! A kubelet of one page: what the Pods of a namespace say runs as processes.
//!
//! A Pod that is deleted ends by `kill -9`, as when its node is lost. Images are releases of Flink by their tags. Neither
//! probes nor limits, users and further containers of a Pod are looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::pod::{Machine, Pod};
use crate::support::{ControlPlane, Supervised};

const TICK: Duration = Duration::from_millis(200);

/// Runs the Pods of a namespace until it is dropped.
pub struct Runner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    plane: &'static ControlPlane,
    namespace: String,
    directory: PathBuf,
    jvm_options: String,
    homes: PathBuf,
    stop: AtomicBool,
    /// By their uid: names come again.
    pods: Mutex<BTreeMap<String, Pod>>,
    /// By their names.
    services: Mutex<BTreeMap<String, Value>>,
}

/// What a watch says: an event, or that it has ended.
type Heard = Option<Value>;

/// What a Pod is seen to be from outside.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: String,
    pub address: String,
    pub labels: Value,
    /// All that it has said, each start of its container behind the last.
    pub log: PathBuf,
    /// The exit codes of its container.
    pub exits: Vec<i32>,
}

impl Seen {
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Runner {
    /// Begins to run the Pods of `namespace` with the releases of Flink below `homes`, each in a directory of its version.
    ///
    /// `jvm_options` is what every JVM gets.
    pub fn start(plane: &'static ControlPlane, namespace: &str, homes: &Path, jvm_options: &str) -> Self {
        let directory = std::env::temp_dir().join("runner").join(namespace);
        fs::create_dir_all(directory.join("claims")).expect("a directory");
        let shared = Arc::new(Shared {
            plane,
            namespace: namespace.to_owned(),
            directory,
            jvm_options: jvm_options.to_owned(),
            homes: homes.to_owned(),
            stop: AtomicBool::new(false),
            pods: Mutex::default(),
            services: Mutex::default(),
        });
        fs::write(shared.hosts(), "").expect("a file");
        let worker = Arc::clone(&shared);
        Self { shared, thread: Some(std::thread::spawn(move || worker.work())) }
    }

    /// The Pods that there are now, the oldest first.
    #[track_caller]
    pub fn pods(&self) -> Vec<Seen> {
        let has_ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        assert!(!has_ended, "nothing runs the Pods any more; its panic is above");
        let pods: BTreeMap<u32, Seen> = self.shared.lock().values().map(|pod| (pod.number, seen(pod))).collect();
        pods.into_values().collect()
    }

    /// A file that is rewritten in place, in the form of `/etc/hosts`, with the Services of the namespace. A process beside the
    /// API server has it at `/etc/hosts` by `unshare --mount` and `mount --bind`.
    pub fn hosts(&self) -> PathBuf {
        self.shared.hosts()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.lock().clear();
    }
}

impl Shared {
    fn work(&self) {
        let (mut _watches, mut events) = self.watch();
        while !self.stop.load(Ordering::Relaxed) {
            let mut changed = false;
            // All that has happened by now, then a look at the Pods.
            let mut next = events.recv_timeout(TICK).ok();
            while let Some(heard) = next {
                if let Some(event) = heard {
                    changed |= self.hear(event);
                } else {
                    (_watches, events) = self.watch();
                }
                next = events.try_recv().ok();
            }
            if changed {
                self.write_hosts();
            }
            self.step();
        }
    }

    /// What happens to the Pods and Services of the namespace, for as long as the processes live.
    fn watch(&self) -> ([Supervised; 2], Receiver<Heard>) {
        let (sender, receiver) = mpsc::channel();
        (["pods", "services"].map(|kind| self.watch_kind(kind, sender.clone())), receiver)
    }

    fn watch_kind(&self, kind: &str, sender: Sender<Heard>) -> Supervised {
        let words = ["get", kind, "--namespace", &self.namespace, "--watch", "--output-watch-events", "--output=json"];
        let mut kubectl = self.plane.admin().watch(&words).expect("kubectl starts");
        let output = kubectl.take_stdout().expect("a pipe");
        std::thread::spawn(move || {
            let events = serde_json::Deserializer::from_reader(std::io::BufReader::new(output)).into_iter::<Value>();
            let said = events.map_while(Result::ok).map(Some).chain([None]);
            // Nobody listens once there is another watch.
            said.map(|heard| sender.send(heard)).take_while(Result::is_ok).for_each(drop);
        });
        kubectl
    }

    /// Whether a Pod or a Service came or went.
    fn hear(&self, mut event: Value) -> bool {
        let object = event["object"].take();
        if object["kind"] == "Service" {
            let Some(name) = object["metadata"]["name"].as_str() else { return false };
            let mut services = lock(&self.services);
            if event["type"] == "DELETED" {
                return services.remove(name).is_some();
            }
            return services.insert(name.to_owned(), object.clone()).as_ref() != Some(&object);
        }
        let Some(uid) = object["metadata"]["uid"].as_str().map(str::to_owned) else { return false };
        let is_gone = event["type"] == "DELETED" || !object["metadata"]["deletionTimestamp"].is_null();
        let mut pods = self.lock();
        if is_gone {
            // Dropping it kills it.
            return pods.remove(&uid).is_some();
        }
        let has_ended = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if pods.contains_key(&uid) || has_ended {
            return false;
        }
        let directory = self.directory.join("pods").join(&uid);
        pods.insert(uid, Pod::new(object, directory));
        true
    }

    fn step(&self) {
        let home = |image: &str| self.home(image);
        let claims = self.directory.join("claims");
        let machine = Machine { plane: self.plane, claims: &claims, home: &home, jvm_options: &self.jvm_options };
        let mut patches = Vec::new();
        for (uid, pod) in self.lock().iter_mut() {
            if let Some(status) = pod.step(&machine) {
                patches.push((uid.clone(), pod.name().to_owned(), status));
            }
        }
        for (uid, name, status) in patches {
            // The uid keeps it from another Pod of that name; a Pod that is gone by now needs no status.
            let patch = serde_json::json!({"metadata": {"uid": uid}, "status": status}).to_string();
            let words =
                ["patch", "pod", &name, "--namespace", &self.namespace, "--subresource=status", "--type=merge", "-p"];
            self.plane.kubectl(&[words.as_slice(), &[&patch]].concat());
        }
    }

    /// The release that an image stands for: its tag begins with the version.
    fn home(&self, image: &str) -> PathBuf {
        let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        let version = tag.split('-').next().unwrap_or_default();
        let home = self.homes.join(version);
        assert!(
            home.join("bin").is_dir(),
            "there is no release of Flink for the image `{image}` in {}",
            self.homes.display()
        );
        home
    }

    /// Writes the names of the Services into the hosts of all Pods and of this machine.
    fn write_hosts(&self) {
        let (services, pods) = (lock(&self.services), self.lock());
        let mut lines = String::from("127.0.0.1 localhost\n");
        for (name, service) in &*services {
            let Some(selector) = service["spec"]["selector"].as_object() else { continue };
            let is_selected = |pod: &&Pod| {
                let labels = &pod.object["metadata"]["labels"];
                selector.iter().all(|(name, value)| labels[name] == *value)
            };
            if let Some(pod) = pods.values().find(is_selected) {
                let whole = format!("{name}.{}", self.namespace);
                let _ = writeln!(lines, "{} {name} {whole} {whole}.svc {whole}.svc.cluster.local", pod.address);
            }
        }
        let _ = fs::write(self.hosts(), &lines);
        for pod in pods.values() {
            let own = format!("{lines}{} {}\n", pod.address, pod.name());
            let _ = fs::write(pod.directory.join("hosts"), own);
        }
    }

    fn hosts(&self) -> PathBuf {
        self.directory.join("hosts")
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Pod>> {
        lock(&self.pods)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seen(pod: &Pod) -> Seen {
    Seen {
        name: pod.name().to_owned(),
        address: pod.address.clone(),
        labels: pod.object["metadata"]["labels"].clone(),
        log: pod.directory.join("output"),
        exits: pod.exits.clone(),
    }
}
