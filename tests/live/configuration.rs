//! What Flink's own class makes of a `config.yaml`, beside what we make of it.
//!
//! A denial says that Flink refuses the file. Each text here, many of them made by small changes of one that is right, is
//! given to both: what we hold for certainly refused must be.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use flink_admission::flink::config_file::standard;

use super::installation::Installation;

const RIGHT: &str = "# Flink
jobmanager:
  rpc.address: flink-jobmanager
  memory:
    process.size: 1600m
high-availability:
  type: kubernetes
  storageDir: s3://bucket/ha   # here
  cluster-id: \"/prod/orders\"
env.java.opts.all: --add-exports=java.base/sun.net.util=ALL-UNNAMED -Dfoo='bar baz'
metrics.reporters: [prom, jmx]
restart-strategy: {type: fixed-delay, fixed-delay: {attempts: 10, delay: 5 s}}
security: >
  some folded
  text
list:
- a
- - b
  - c
anchor: &x {k: v}
alias: *x
empty: ''
";
/// What is put into it.
const WORDS: &str =
    ": |:| |  |\n|\t|#|'|\"|[|]|{|}|,|- |? |&a |*a |!|%|@|`|---\n|\na: |1|~|null|\\|.|<<|\r|é|!!str |>|\n>|\n...\n";
const NUMBER: usize = 2_000;

#[test]
fn what_is_certainly_refused_is_refused() {
    let Some(flink) = Installation::shared("2.3.0") else { return };
    let texts = texts();
    let answers = ask(flink, &texts);
    assert_eq!(answers.len(), texts.len());
    let (mut refused, mut certain) = (0, 0);
    for (text, answer) in texts.iter().zip(&answers) {
        let is_refused = answer.starts_with("refused");
        refused += usize::from(is_refused);
        if let Err(refusal) = standard(text)
            && refusal.certain
        {
            certain += 1;
            assert!(is_refused, "{refusal:?} is read by Flink:\n{text}\n{answer}");
        }
    }
    // Else the test would hold where nothing is certain, or everything refused.
    assert!(certain * 2 > refused && refused < texts.len(), "{certain} certain of {refused}, of {}", texts.len());
    assert!(answers[0].starts_with("read "), "{}", answers[0]);
}

/// The right text, what is known to be a case of its own, and the right one with one to three changes.
fn texts() -> Vec<String> {
    let mut texts = vec![RIGHT.to_owned()];
    let known = ["a: 1\na: 2\n", "a:\nb: 1\n", "- a\n", "a:b\n", "a: 1\n---\nb: 2\n", "a: {{ b }}\n", "a: !!set {x}\n"];
    let others =
        ["", "null\n", "a: &x [*x]\n", "null: a\n'null': b\n", "a:\n- {[x]: y}\n", "a:\n|", "a:\t1\n", "1: a\n"];
    texts.extend(known.iter().chain(&others).map(|text| (*text).to_owned()));
    let words: Vec<&str> = WORDS.split('|').chain(["|"]).collect();
    // The same texts on every run.
    let mut state = 20_u64;
    let mut draw = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    while texts.len() < NUMBER {
        let mut text: Vec<char> = RIGHT.chars().collect();
        for _ in 0..=draw(3) {
            let position = draw(text.len());
            let word = words[draw(words.len())].chars();
            let removed = if draw(3) == 0 { 1 + draw(4) } else { 0 };
            let end = (position + removed).min(text.len());
            text.splice(position..end, word);
        }
        texts.push(text.into_iter().collect());
    }
    texts
}

/// What Flink answers for each of `texts`.
fn ask(flink: &Installation, texts: &[String]) -> Vec<String> {
    let mut command = Command::new("java");
    command.args([
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        &flink.class_path(),
        "Configurations",
    ]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut java = command.spawn().expect("java");
    let mut input = java.stdin.take().expect("a pipe");
    let mut lines = String::new();
    for text in texts {
        for byte in text.bytes() {
            write!(lines, "{byte:02x}").unwrap();
        }
        lines.push('\n');
    }
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = java.wait_with_output().expect("its answers");
    writer.join().expect("a thread").expect("all is written");
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    answers.lines().filter(|line| line.starts_with("read") || line.starts_with("refused")).map(str::to_owned).collect()
}
