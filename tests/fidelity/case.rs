//! A case: the configuration files and the words of a container, as the test, Flink and a review see it.

use std::collections::BTreeMap;

use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::flink::version::FlinkVersion;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a container starts Flink with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Why it is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    pub role: Role,
    /// The files of the configuration directory.
    pub files: BTreeMap<String, String>,
    /// The words behind that of the role.
    pub words: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Session,
    Application,
    TaskManager,
}

impl Role {
    /// The word by which the image's entry point knows it.
    pub const fn subcommand(self) -> &'static str {
        match self {
            Self::Session => "jobmanager",
            Self::Application => "standalone-job",
            Self::TaskManager => "taskmanager",
        }
    }
}

impl Case {
    /// The question to Flink: the words are those that the start script gives to the entry point.
    pub fn question(&self, version: FlinkVersion) -> Value {
        let args = self.launched(version).concat();
        json!({"role": self.role, "files": self.files, "args": args})
    }

    /// What the start script makes of the words, written after `bin/*.sh`: those that it passes on, and those that it puts
    /// behind them. What it adds for the JVM's memory is left out.
    pub fn launched(&self, version: FlinkVersion) -> [Vec<String>; 2] {
        if self.role != Role::Session {
            return [self.words.clone(), Vec::new()];
        }
        let has_options = version.at_least(1, 15);
        let is_2 = version.at_least(2, 0);
        // `[ -z $2 ]`, without quotes: blanks are nothing there, and several words an error.
        let is_place = |word: &&String| !(has_options && (word.trim_ascii().is_empty() || *word == "-D"));
        let is_one_word = |word: &&String| word.split_ascii_whitespace().count() == 1 && !word.contains('*');
        let host = self.words.first().filter(is_place);
        let port = self.words.get(1).filter(|word| host.is_some() && is_place(word));
        let taken = usize::from(host.is_some()) + usize::from(port.is_some());
        let mut passed: Vec<String> = if is_2 { Vec::new() } else { words(&["--executionMode", "cluster"]) };
        if has_options {
            passed.extend(self.words.iter().skip(taken).cloned());
        }
        let mut added = Vec::new();
        // Unlike the options behind it, up to 1.14 the port may stand without the host.
        let port = if has_options { port } else { self.words.get(1) };
        let (host, port) = (host.filter(is_one_word), port.filter(is_one_word));
        for (value, old, new) in [(host, "--host", "jobmanager.rpc.address"), (port, "--webui-port", "rest.port")] {
            let Some(value) = value else { continue };
            added.extend(if is_2 { words(&["-D", &format!("{new}={value}")]) } else { words(&[old, value]) });
        }
        [passed, added]
    }

    /// The Deployment that starts it, and the cluster that answers for its ConfigMap.
    pub fn object(&self, version: &str) -> (Value, Facts) {
        let args: Vec<&str> =
            std::iter::once(self.role.subcommand()).chain(self.words.iter().map(String::as_str)).collect();
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "flink", "namespace": NAMESPACE},
            "spec": {"template": {"spec": {
                "containers": [{"name": "flink", "image": format!("flink:{version}"), "args": args,
                    "volumeMounts": [{"name": "configuration", "mountPath": "/opt/flink/conf"}]}],
                "volumes": [{"name": "configuration", "configMap": {"name": "configuration"}}],
            }}},
        });
        let mut facts = Facts::default();
        let key = FactKey::ConfigMap { namespace: NAMESPACE.to_owned(), name: "configuration".to_owned() };
        facts.insert(key, Answer::Known(json!({"data": self.files})));
        (object, facts)
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Where the Deployment is.
pub const NAMESPACE: &str = "orders";
