//! The operator's classes, in a JVM that answers questions.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::skip;

/// The operator's classes.
pub struct Classes {
    /// Versions of Flink that it knows: `v1_19`.
    pub versions: Vec<String>,
    /// Whether it takes a configuration of any depth, and not only a map of texts.
    pub takes_nested: bool,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    jvm: Child,
    _directory: TempDir,
}

impl Classes {
    /// Starts them. `None` where they or a JDK are missing; the test then returns, having said so on standard error. On CI
    /// (`CI=true`) that is a panic.
    pub fn start() -> Option<Self> {
        match class_path() {
            Ok(class_path) => Some(Self::of(&class_path)),
            Err(missing) => {
                skip(&missing);
                None
            }
        }
    }

    /// The answer to `question`.
    pub fn ask(&mut self, question: &Value) -> Value {
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{question}").expect("the JVM reads");
        self.read()
    }

    fn of(class_path: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/Operator.java");
        let mut compiler = Command::new("javac");
        compiler.args(["--release", "11", "-nowarn", "-cp", class_path, "-d"]).arg(directory.path()).arg(source);
        let output = compiler.output().expect("javac");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let place = directory.path().display();
        let mut command = Command::new("java");
        command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg(format!("-Djava.io.tmpdir={place}")).args(["-cp", &format!("{place}:{class_path}"), "Operator"]);
        // It ends where its input does, so with the test, however that ends.
        let mut jvm = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("java");
        let (input, output) = (jvm.stdin.take(), BufReader::new(jvm.stdout.take().expect("a pipe")));
        let mut classes = Self { versions: Vec::new(), takes_nested: false, input, output, jvm, _directory: directory };
        let hello = classes.read();
        let versions = hello["versions"].as_array().expect("versions").iter();
        classes.versions = versions.map(|version| version.as_str().expect("a version").to_owned()).collect();
        classes.takes_nested = hello["nested"] == json!(true);
        classes
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"))
    }
}

impl Drop for Classes {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.jvm.wait();
    }
}

/// The class path of the operator, or what is missing and how to get it.
fn class_path() -> Result<String, String> {
    let is_there =
        |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if let Some(tool) = ["java", "javac"].into_iter().find(|tool| !is_there(tool)) {
        return Err(format!("`{tool}` does not run; install a JDK (17)"));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/operator/build");
    let output = Command::new(script).arg("--where").output().map_err(|error| error.to_string())?;
    let class_path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let first = class_path.split(':').next().unwrap_or_default();
    if !Path::new(first).exists() {
        return Err(format!("there is no `{first}`; run `tests/flink/operator/build` to bring the operator"));
    }
    Ok(class_path)
}
