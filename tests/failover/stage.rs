//! The control plane in the network of the test, and namespaces of it with and without our webhook.

use std::path::{Path, PathBuf};

use flink_admission::yaml;
use serde_json::Value;

use super::namespaces::HOST;
use super::runner::Runner;
use crate::support::installation::Installation;
use crate::support::{ControlPlane, Registration, Supervised, ZooKeeper};

/// API server and controllers.
pub struct Stage {
    pub plane: &'static ControlPlane,
    _controllers: Supervised,
}

/// A namespace whose Pods run.
pub struct Place {
    pub plane: &'static ControlPlane,
    pub name: String,
    pub runner: Runner,
    _webhook: Option<Registration>,
}

impl Stage {
    /// Starts what there is once in a test; the caller is inside of its own namespaces.
    pub fn open() -> Self {
        let plane: &'static ControlPlane =
            Box::leak(Box::new(ControlPlane::start_at(HOST, &[]).expect("a control plane")));
        plane.apply_crds().expect("the CRDs");
        let controllers = plane.start_controllers().expect("the controllers");
        Self { plane, _controllers: controllers }
    }

    /// A ZooKeeper beside the API server.
    pub fn zookeeper(flink: &Installation) -> ZooKeeper {
        ZooKeeper::start(&flink.lib(), &std::env::temp_dir(), HOST)
    }

    /// A namespace where `policy` completes what is applied; without one our webhook has no say there.
    pub fn place(&self, name: &str, flink: &Installation, policy: Option<&str>) -> Place {
        let name = self.plane.create_namespace(name);
        let webhook = policy.map(|policy| Registration::start(self.plane, policy, &[&name]));
        let homes = flink.home.parent().expect("the directory of all releases");
        let runner = Runner::start(self.plane, &name, homes, &jvm_options(homes));
        Place { plane: self.plane, name, runner, _webhook: webhook }
    }
}

impl Place {
    /// `kubectl apply` of all `objects`; gives what kubectl said.
    pub fn apply(&self, objects: &[Value]) -> String {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let outcome = self.plane.admin().kubectl_with(&["apply", "-n", &self.name, "-f", "-"], &list.to_string());
        let said = outcome.stderr.clone();
        outcome.succeeded() + &said
    }

    /// The node of a Pod is lost.
    pub fn lose(&self, pod: &str) {
        let words = ["delete", "pod", pod, "-n", &self.name, "--grace-period=0", "--force", "--wait=false"];
        self.plane.kubectl(&words).succeeded();
    }
}

/// The documents of a file beside this one, with words of it replaced.
pub fn documents(file: &str, words: &[(&str, &str)]) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failover").join(file);
    let text = std::fs::read_to_string(path).expect("a manifest");
    let text = words.iter().fold(text, |text, (word, by)| text.replace(word, by));
    yaml::documents(&text).expect("YAML").into_iter().map(|document| document.value).collect()
}

/// What Java 17 must be told for every release of Flink: what the newest one's own file says, and a word for 1.16.
fn jvm_options(homes: &Path) -> String {
    let newest: PathBuf = homes.join("2.3.0/conf/config.yaml");
    let text = std::fs::read_to_string(newest).expect("Flink's configuration");
    let options = text.lines().find_map(|line| line.trim().strip_prefix("all: ")).expect("`env.java.opts.all`");
    format!("{options} --add-exports=java.base/sun.net.util=ALL-UNNAMED -XX:TieredStopAtLevel=1")
}
