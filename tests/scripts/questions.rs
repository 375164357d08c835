//! A JVM that answers what the scripts of a release ask one before they start Flink.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::release::{Release, java, sources};

/// It ends where this is dropped or the test ends, in whatever way: its input ends then.
pub struct Questions {
    /// A port of the loopback.
    pub port: u16,
    jvm: Child,
}

impl Questions {
    /// Starts it with the class path that the scripts give theirs.
    pub fn of(release: &Release) -> Self {
        let home = release.home.display();
        let jars = std::fs::read_dir(release.home.join("lib")).expect("its jars");
        let mut names = jars.map(|jar| jar.expect("a jar").file_name().into_string().expect("a name"));
        let dist = names.find(|name| name.starts_with("flink-dist")).expect("flink-dist");
        let class_path = format!("{home}/bin/bash-java-utils.jar:{home}/lib/{dist}");
        let mut command = Command::new(java());
        command.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &class_path]);
        command.arg(sources().join("BashQuestions.java"));
        let mut jvm = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("java");
        // Its logging may have something to say before.
        let mut lines = BufReader::new(jvm.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("port ")?.parse().ok());
        Self { port: port.expect("a port"), jvm }
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        drop(self.jvm.stdin.take());
        let _ = self.jvm.wait();
    }
}
