//! Manifests as the program meets them: documents of a file, a policy, and what stands for the cluster.

#![allow(dead_code, unreachable_pub, reason = "a module of each test binary, which uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by panicking, and says what it skips"
)]

use std::path::{Path, PathBuf};

use flink_admission::admission::Operation;
use flink_admission::facts::Facts;
use flink_admission::facts::offline::{Assume, Offline};
use flink_admission::policy::Policies;
use flink_admission::verdict::{self, Subject};
use flink_admission::{workload, yaml};
use serde_json::{Value, json};

/// One object with what surrounds it.
#[derive(Debug, Clone)]
pub struct Input {
    /// The FlinkPolicy, or profile `strict`.
    pub policy: Value,
    /// The object that is judged.
    pub object: Value,
    /// What stands for the cluster.
    pub others: Vec<Value>,
}

/// The documents of the file at `path`.
pub fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let documents = yaml::documents(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    documents.into_iter().map(|document| document.value).collect()
}

/// The material that lies beside the checkout; `None`, and a word about it, where it does not.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("FLINK_ADMISSION_SHARED").map_or(beside, PathBuf::from);
    if !path.is_dir() {
        eprintln!("skipped: there is no `{}`", path.display());
        return None;
    }
    Some(path)
}

impl Input {
    /// The first Flink object of `documents` with the others around it.
    pub fn of(documents: Vec<Value>) -> Self {
        let (policies, objects): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| document["kind"] == "FlinkPolicy");
        assert!(policies.len() <= 1, "at most one policy a file");
        let policy = policies.into_iter().next().unwrap_or_else(|| json!({"spec": {"profile": "strict"}}));
        let mut others = objects;
        let subject = others.iter().position(|object| workload::recognise(object).is_some()).unwrap();
        Self { policy, object: others.remove(subject), others }
    }

    /// The object judged as created.
    pub fn judge(&self) -> verdict::Outcome {
        self.review(verdict::judge, None)
    }

    /// What `answer` says of the object: as an update of `old`, else as a creation.
    pub fn review<T>(&self, answer: impl Fn(&Subject<'_>, &Policies, &Facts) -> T, old: Option<&Value>) -> T {
        let policies = Policies::from_text(&self.policy.to_string()).unwrap();
        review(&self.object, old, &policies, &self.others, answer)
    }
}

/// What `answer` says of `object`: as an update of `old`, else as a creation.
pub fn review<T>(
    object: &Value,
    old: Option<&Value>,
    policies: &Policies,
    others: &[Value],
    answer: impl Fn(&Subject<'_>, &Policies, &Facts) -> T,
) -> T {
    let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let namespace = word("/metadata/namespace").unwrap_or("default");
    let workload = workload::recognise(object).unwrap();
    let subject = Subject {
        object,
        old,
        operation: if old.is_some() { Operation::Update } else { Operation::Create },
        namespace,
        name: word("/metadata/name"),
        workload: &workload,
    };
    let mut offline = Offline::new(Assume::Shown);
    for other in others {
        offline.put(other, other.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or(namespace));
    }
    let mut facts = verdict::learn(&subject, policies, |key| offline.answer(key));
    let neighbour = |other: &Value| {
        let workload = workload::recognise(other)?;
        let word = |pointer: &str| other.pointer(pointer).and_then(Value::as_str);
        let (namespace, name) = (word("/metadata/namespace").unwrap_or(namespace), word("/metadata/name"));
        let subject = Subject { object: other, old: None, namespace, name, workload: &workload, ..subject };
        let facts = verdict::learn(&subject, policies, |key| offline.answer(key));
        verdict::neighbour(&subject, other, policies, &facts)
    };
    facts.set_neighbours(others.iter().filter_map(neighbour).collect());
    answer(&subject, policies, &facts)
}
