//! What every test here stands on: an API server that writes down what the operator does, controllers and the operator.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::audit::{self, Act};
use crate::support::operator::Operator;
use crate::support::{ControlPlane, Outcome, Registration, Supervised, wait_until};

/// What the operator does takes seconds; four other JVMs may have the cores.
pub const DEADLINE: Duration = Duration::from_mins(2);

/// The claim that policies name.
const CLAIM: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: flink-data}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
";

/// Never dropped: its processes end with the test's.
pub struct World {
    pub plane: &'static ControlPlane,
    pub operator: Operator,
    audit_log: PathBuf,
    _controllers: Supervised,
}

impl World {
    /// The one of all tests. `None` where something is missing; the test then returns, having said so on standard error. On CI
    /// (`CI=true`) that is a panic.
    pub fn shared() -> Option<&'static Self> {
        static PLANE: OnceLock<ControlPlane> = OnceLock::new();
        static SHARED: OnceLock<World> = OnceLock::new();
        if !ControlPlane::is_available_with(&["kube-controller-manager", "helm"]) {
            return None;
        }
        if !Operator::is_available() {
            return None;
        }
        Some(SHARED.get_or_init(|| {
            let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory").keep();
            let (flags, audit_log) = audit::flags(&directory);
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let plane = PLANE.get_or_init(|| ControlPlane::start_with(&flags).expect("a control plane"));
            plane.apply_crds().expect("the CRDs");
            let controllers = plane.start_controllers().expect("controllers");
            Self { plane, operator: Operator::start(plane, &directory), audit_log, _controllers: controllers }
        }))
    }

    /// What the operator wrote in `namespace`, in order.
    pub fn acts(&self, namespace: &str) -> Vec<Act> {
        audit::acts(&self.audit_log, namespace)
    }
}

/// A namespace of the world with our webhook.
pub struct Stage {
    pub world: &'static World,
    pub namespace: String,
    pub registration: Registration,
}

impl Stage {
    /// A namespace whose name begins with `name`, with the ServiceAccount `flink`, the claim `flink-data`, and `policy` in force.
    #[track_caller]
    pub fn open(name: &str, policy: &str) -> Option<Self> {
        let world = World::shared()?;
        let namespace = world.plane.create_namespace(name);
        world.plane.kubectl(&["create", "serviceaccount", "flink", "-n", &namespace]).succeeded();
        world.plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], CLAIM).succeeded();
        let registration = Registration::start(world.plane, policy, &[&namespace]);
        Some(Self { world, namespace, registration })
    }

    /// kubectl in the namespace.
    pub fn kubectl(&self, args: &[&str]) -> Outcome {
        self.world.plane.kubectl(&[&["-n", &self.namespace], args].concat())
    }

    /// `kubectl apply`, client-side.
    pub fn apply(&self, object: &Value) -> Outcome {
        let args = ["-n", &self.namespace, "apply", "-f", "-"];
        self.world.plane.admin().kubectl_with(&args, &object.to_string())
    }

    /// The object as it is stored (`flinkdeployment/word-count`); `None` where it is not.
    pub fn find(&self, object: &str) -> Option<Value> {
        let outcome = self.kubectl(&["get", object, "-o", "json", "--ignore-not-found"]);
        let text = outcome.succeeded();
        (!text.is_empty()).then(|| serde_json::from_str(&text).expect("JSON"))
    }

    /// The same, which must be there.
    #[track_caller]
    pub fn stored(&self, object: &str) -> Value {
        self.find(object).unwrap_or_else(|| panic!("there is no {object}"))
    }

    /// The Pods of cluster `name`, once its Deployments have theirs.
    pub fn pods(&self, name: &str) -> Vec<Value> {
        let selector = format!("app={name}");
        let list = |kind: &str| {
            let text = self.kubectl(&["get", kind, "-l", &selector, "-o", "json"]).succeeded();
            let list: Value = serde_json::from_str(&text).expect("JSON");
            list["items"].as_array().expect("a list").clone()
        };
        self.eventually(&format!("the Pods of {name}"), || {
            let pods = list("pods");
            (pods.len() == list("deployments").len()).then_some(pods)
        })
    }

    /// What the operator wrote here, in order.
    pub fn acts(&self) -> Vec<Act> {
        self.world.acts(&self.namespace)
    }

    /// Waits until the operator has deployed generation `generation` of cluster `name`, or a later one.
    #[track_caller]
    pub fn wait_until_deployed(&self, name: &str, generation: u64) {
        self.eventually(&format!("deploying generation {generation} of {name}"), || {
            let status = &self.stored(&format!("flinkdeployment/{name}"))["status"];
            assert!(status["error"].is_null(), "{name}: {}", status["error"]);
            let spec = status["reconciliationStatus"]["lastReconciledSpec"].as_str()?;
            let spec: Value = serde_json::from_str(spec).expect("JSON");
            let reconciled = spec["resource_metadata"]["metadata"]["generation"].as_u64()?;
            (status["lifecycleState"] == "DEPLOYED" && reconciled >= generation).then_some(())
        });
    }

    /// What `condition` gives once it does; panics with what the operator has said of the namespace when it takes too long.
    #[track_caller]
    pub fn eventually<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        match wait_until(DEADLINE, condition) {
            Some(answer) => answer,
            None => panic!("{what} did not happen; the operator said:\n{}", self.said()),
        }
    }

    /// The operator's log, but for what it says of other namespaces.
    pub fn said(&self) -> String {
        let log = self.world.operator.log();
        let own = format!("[{}/", self.namespace);
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains('[') || line.contains(&own)).collect();
        lines.join("\n")
    }
}
