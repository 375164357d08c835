//! Flink's entry points, asked what they make of a command line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::container::Seen;
use super::release::{Release, java, sources};

/// What an entry point made of its command line.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The options.
    pub options: BTreeMap<String, String>,
    /// The arguments of the program: what is no option.
    pub program: Vec<String>,
    /// The id of an application's job.
    pub job_id: Option<String>,
    /// The exceptions, where it refuses.
    pub refused: Option<String>,
}

/// What the entry points of `release` make of each of `all`, with `directory` for the classes.
pub fn ask(release: &Release, all: &[&Seen], directory: &Path) -> Vec<Made> {
    let jars = format!("{}/lib/*", release.home.display());
    let mut compiler = Command::new("javac");
    compiler.args(["--release", "11", "-nowarn", "-cp", &jars, "-d"]).arg(directory);
    let output = compiler.arg(sources().join("EntryPoints.java")).output().expect("javac");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut lines = String::new();
    for seen in all {
        let place = seen.configuration.to_str().expect("a path");
        let mut words = seen.words.clone();
        // The directory of the container, as it was kept.
        if let Some(first) = words.iter().position(|word| word == "--configDir") {
            place.clone_into(&mut words[first + 1]);
        }
        let words: Vec<String> = words.iter().map(|word| hex(word)).collect();
        writeln!(lines, "{}", words.join(" ")).unwrap();
    }
    let class_path = format!("{}:{jars}", directory.display());
    let options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &class_path, "EntryPoints"];
    let mut command = Command::new(java());
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut jvm = command.spawn().expect("java");
    let mut input = jvm.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = jvm.wait_with_output().expect("its answers");
    writer.join().expect("a thread").expect("all is written");
    let answers = String::from_utf8(output.stdout).expect("text");
    let made: Vec<Made> = answers.lines().filter_map(|line| line.strip_prefix("answer ")).map(read).collect();
    assert_eq!(made.len(), all.len(), "an answer each");
    made
}

fn read(answer: &str) -> Made {
    let mut made = Made::default();
    for (kind, digits) in answer.split_whitespace().filter_map(|part| part.split_once(':')) {
        let text = unhex(digits);
        match kind {
            "set" => {
                let (key, value) = text.split_once('\0').expect("key and value");
                made.options.insert(key.to_owned(), value.to_owned());
            }
            "program" => made.program.push(text),
            "job" => made.job_id = Some(text).filter(|id| id != "null"),
            "refused" => made.refused = Some(made.refused.map_or(text.clone(), |before| format!("{before}: {text}"))),
            other => panic!("`{other}`"),
        }
    }
    made
}

fn hex(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.bytes().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

fn unhex(digits: &str) -> String {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits"));
    String::from_utf8(bytes.collect()).expect("text")
}
