//! The objects of a cluster, right or with one fault.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// The objects of one cluster in the order in which they are applied.
#[derive(Clone)]
pub struct Manifest(pub Vec<Value>);

impl Manifest {
    /// What our program makes of it under `policy` in `namespace`, as if its author had written that: without the record of it.
    pub fn completed(&self, policy: &str, namespace: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("policy.yaml");
        std::fs::write(&file, policy).expect("a file");
        let words = ["render", "--policy", &file.display().to_string(), "--output=json"];
        let printed = self.ask(directory.path(), &words, namespace);
        let Value::Array(mut objects) = printed["items"].clone() else { panic!("no list: {printed}") };
        for object in &mut objects {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("annotations");
            }
        }
        Self(objects)
    }

    /// The ids of the rules that find something in it as it is written, with the strictest levels.
    pub fn findings(&self, namespace: &str) -> Vec<String> {
        let directory = tempfile::tempdir().expect("a directory");
        let report = self.ask(directory.path(), &["check", "--as-written", "--output=json"], namespace);
        let objects = report["objects"].as_array().into_iter().flatten();
        let findings = objects.flat_map(|object| object["findings"].as_array().into_iter().flatten());
        findings.filter_map(|finding| finding["rule"].as_str().map(str::to_owned)).collect()
    }

    /// Runs our program on it in `directory` and reads what it prints.
    fn ask(&self, directory: &Path, words: &[&str], namespace: &str) -> Value {
        let file = directory.join("manifest.json");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": self.0});
        std::fs::write(&file, list.to_string()).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flink-admission"));
        let output = command.args(words).args(["--namespace", namespace]).arg(file).output().expect("our program");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The object of that name; of two with one name the last.
    pub fn object(&mut self, name: &str) -> &mut Value {
        let mut objects = self.0.iter_mut();
        objects.rfind(|object| object["metadata"]["name"] == name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The container of each role.
    pub fn containers(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().filter_map(|object| object.pointer_mut("/spec/template/spec/containers/0"))
    }

    /// Takes an option from the arguments of both roles.
    pub fn without(mut self, key: &str) -> Self {
        let begin = format!("{key}=");
        for container in self.containers() {
            let words = container["args"].as_array_mut().expect("arguments");
            words.retain(|word| !word.as_str().is_some_and(|word| word.starts_with(&format!("-D{begin}"))));
            if let Some(at) = words.iter().position(|word| word.as_str().is_some_and(|word| word.starts_with(&begin))) {
                words.drain(at - 1..=at);
            }
        }
        self
    }

    /// Sets an option in the arguments of both roles, by whatever name it was `instead_of`.
    pub fn with(self, key: &str, value: &str, instead_of: &str) -> Self {
        let mut changed = self.without(instead_of);
        for container in changed.containers() {
            let words = container["args"].as_array_mut().expect("arguments");
            words.extend([json!("-D"), json!(format!("{key}={value}"))]);
        }
        changed
    }

    /// Puts `volume` in place of the claim `flink-data`.
    pub fn with_volume(mut self, volume: Value) -> Self {
        for object in &mut self.0 {
            let volumes = object.pointer_mut("/spec/template/spec/volumes").and_then(Value::as_array_mut);
            for found in volumes.into_iter().flatten().filter(|found| found["name"] == "flink-data") {
                found.clone_from(&volume);
            }
        }
        self
    }

    /// The same cluster under another name, without what the platform gives.
    pub fn renamed(&self, name: &str) -> Self {
        let objects = self.0.iter().filter(|object| {
            object["metadata"]["name"].as_str().is_some_and(|own| own.contains('-') && own != "flink-data")
        });
        let text = json!(objects.collect::<Vec<_>>()).to_string();
        let words = ["flink-jobmanager", "flink-taskmanager", "flink-config"];
        let text = words.iter().fold(text, |text, word| {
            text.replace(&format!("\"{word}\""), &format!("\"{}\"", word.replace("flink", name)))
        });
        let text = text.replace(r#""app":"flink""#, &format!(r#""app":"{name}""#));
        Self(serde_json::from_str(&text).expect("JSON"))
    }

    /// Without its TaskManagers: what has no job that runs needs none.
    pub fn job_manager_only(mut self) -> Self {
        let is_other =
            |object: &Value| !object["metadata"]["name"].as_str().unwrap_or_default().ends_with("taskmanager");
        self.0.retain(is_other);
        self
    }
}
