//! A container, and what reaches the JVM when it is run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::kubelet;
use super::questions::Questions;
use super::release::{Release, java};
use crate::support::{Supervised, wait_until};

/// A container to run.
#[derive(Clone)]
pub struct Case {
    /// The fields of the container that matter: `command`, `args`, `env`, `volumeMounts`.
    pub container: Value,
    /// The data of the ConfigMap behind its volume `configuration`.
    pub data: Value,
    /// Whether it is asked also where not all is.
    pub is_central: bool,
}

/// What reached the JVM.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The class, then its arguments.
    pub words: Vec<String>,
    /// The configuration directory as it was then.
    pub configuration: PathBuf,
}

/// A volume's name in all cases.
pub const VOLUME: &str = "configuration";

impl Case {
    /// A container that says only how it starts.
    pub fn of_args(words: &[&str]) -> Self {
        Self { container: json!({"args": words}), data: json!({}), is_central: false }
    }

    /// The same where its words are the whole command line.
    pub fn without_entry_point(mut self) -> Self {
        let words = std::mem::take(&mut self.container["args"]);
        self.container["command"] = words;
        self.container["args"] = json!([]);
        self
    }

    /// The Deployment that has the container, with the image of `release`.
    pub fn object(&self, release: &Release) -> Value {
        let mut container = self.container.clone();
        container["name"] = json!("flink");
        container["image"] = json!(format!("flink:{}", release.name));
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "turbines"},
            "spec": {"template": {"spec": {"containers": [container],
                "volumes": [{"name": VOLUME, "configMap": {"name": "flink-config"}}]}}}})
    }

    /// Runs it in `directory`, which is its own; `None` where no JVM was started. What the scripts ask one of Flink is for
    /// `questions`; what it answers of itself is kept in `answers`.
    pub fn run(&self, release: &Release, directory: &Path, answers: &Path, questions: &Questions) -> Option<Seen> {
        let environment = kubelet::environment(&self.container);
        let words = kubelet::words(&self.container, &environment);
        for made in ["", "seen", "volume"] {
            std::fs::create_dir_all(directory.join(made)).expect("a directory");
        }
        let ended = |words: &[String]| words.iter().fold(String::new(), |made, word| made + word + "\0");
        let assigned: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write(&directory.join("words"), &ended(&words));
        write(&directory.join("environment"), &ended(&assigned));
        write(&directory.join("mounts"), &self.mounts(&directory.join("volume")));

        let mut command = Supervised::command(Path::new("unshare"), None);
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--uts"]);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/pod"));
        command.arg(directory).arg(&release.home).arg(answers).arg(java()).arg(questions.port.to_string());
        let log = std::fs::File::create(directory.join("log")).expect("a log");
        command.stdout(Stdio::from(log.try_clone().expect("a log"))).stderr(Stdio::from(log));
        let mut pod = Supervised::spawn(command).expect("a pod");
        let ended = wait_until(Duration::from_mins(2), || pod.exited().expect("its status"));
        assert!(ended.is_some(), "{:?} does not end: {}", words, Self::log(directory));

        let seen = directory.join("seen");
        let words = std::fs::read_to_string(seen.join("words")).ok()?;
        let words = words.split_terminator('\0').map(str::to_owned).collect();
        Some(Seen { words, configuration: seen.join("conf") })
    }

    /// What the scripts said.
    fn log(directory: &Path) -> String {
        std::fs::read_to_string(directory.join("log")).unwrap_or_default()
    }

    /// Writes the volume, and says what of it is mounted where.
    fn mounts(&self, volume: &Path) -> String {
        for (name, text) in self.data.as_object().expect("data") {
            write(&volume.join(name), text.as_str().expect("a text"));
        }
        let mut mounts = String::new();
        for mount in self.container["volumeMounts"].as_array().into_iter().flatten() {
            let source = volume.join(mount["subPath"].as_str().unwrap_or_default());
            writeln!(mounts, "{}\t{}", source.display(), mount["mountPath"].as_str().expect("a path")).unwrap();
        }
        mounts
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}
