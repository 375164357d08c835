//! A run: cases made and kept, given to both sides, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

use super::case::Case;
use super::compare::{Comparison, Outcome};
use super::findings;
use super::generate;
use super::oracle::Oracle;
use super::ours::Ours;
use super::shrink::shrink;
use crate::support::asked;

/// What is to be run.
pub struct Plan {
    pub versions: Vec<String>,
    pub cases: usize,
    pub seed: u64,
}

/// What came of one version.
#[derive(Debug, Default)]
pub struct Tally {
    pub version: String,
    cases: usize,
    refused: usize,
    /// Cases of which nothing could be compared.
    unknown: usize,
    /// How often each thing was not known.
    reasons: BTreeMap<&'static str, usize>,
    /// Of each field how often Flink has a value, has none, or throws, and how often we say nothing.
    fields: BTreeMap<&'static str, Counts>,
    different: usize,
    kinds: BTreeSet<String>,
    time: Duration,
    /// The first of each kind, as small as they get.
    pub differences: Vec<String>,
}

impl Plan {
    pub fn of_environment() -> Self {
        Self { versions: asked::releases(&FEW), cases: asked::cases() as usize, seed: asked::seed() }
    }
}

/// What is asked where nothing else is wanted.
const FEW: [&str; 3] = ["1.16.3", "1.20.5", "2.3.0"];

/// Gives the kept cases, then those of `plan`, to both sides.
pub fn run(oracle: &Oracle, plan: &Plan) -> Tally {
    let begin = Instant::now();
    let mut tally = Tally { version: oracle.version.clone(), ..Tally::default() };
    tally.take(oracle, &kept());
    // Each version has cases of its own.
    let version = oracle.flink();
    let seed = plan.seed.wrapping_mul(1_000).wrapping_add(u64::from(version.major) * 100 + u64::from(version.minor));
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let strategy = generate::case(version);
    let mut left = plan.cases;
    while left > 0 && tally.differences.len() < MOST_DIFFERENCES {
        let cases: Vec<Case> =
            (0..left.min(CHUNK)).map(|_| strategy.new_tree(&mut runner).expect("a case").current()).collect();
        left -= cases.len();
        tally.take(oracle, &cases);
    }
    tally.time = begin.elapsed();
    tally
}

impl Tally {
    fn take(&mut self, oracle: &Oracle, cases: &[Case]) {
        for (case, answer) in cases.iter().zip(oracle.ask(cases)) {
            let comparison = compared(case, &self.version, &answer);
            self.cases += 1;
            self.refused += usize::from(comparison.refused);
            self.unknown += usize::from(comparison.is_unknown);
            for (field, outcome) in comparison.fields {
                let counts = self.fields.entry(field).or_default();
                counts.of[outcome as usize] += 1;
                if outcome != Outcome::Unknown && counts.answers.len() < MOST_ANSWERS {
                    counts.answers.insert(answer["effective"][field].as_str().map(str::to_owned));
                }
            }
            for why in comparison.unknown {
                *self.reasons.entry(why).or_default() += 1;
            }
            if let Some(first) = comparison.differences.first() {
                self.different += 1;
                if self.kinds.insert(kind(first)) && self.differences.len() < MOST_DIFFERENCES {
                    self.differences.push(smallest(oracle, case, kind(first)));
                }
            }
        }
    }

    /// Else the test would hold where all is refused, or nothing known.
    pub fn assert_that_it_says_something(&self) {
        let Self { version, cases, refused, unknown, fields, .. } = self;
        assert!(refused * 2 < *cases && refused * 20 > *cases, "{version}: Flink refuses {refused} of {cases} cases");
        assert!(unknown * 10 < *cases, "{version}: we know nothing of {unknown} of {cases} cases");
        for (field, Counts { of: [value, nothing, thrown, unsaid], answers }) in fields {
            let compared = value + nothing + thrown;
            let said =
                format!("{version}, {field}: {value} values, {nothing} without, {thrown} refused, {unsaid} unknown");
            assert!(unsaid * 2 < compared, "{said}: we say too little");
            assert!(value * 100 > compared, "{said}: too few values");
            assert!(!REFUSABLE.contains(field) || thrown * 400 > compared, "{said}: too few are refused");
            let least = if *field == "restartStrategy" { 5 } else { 2 };
            assert!(answers.len() >= least, "{said}: {} different answers", answers.len());
        }
    }
}

fn compared(case: &Case, version: &str, answer: &Value) -> Comparison {
    let ours = Ours::of(case, version);
    let mut comparison = Comparison::of(case, &ours, answer);
    comparison.differences.extend(findings::without_reason(&ours, answer));
    comparison.differences.extend(findings::without_finding(&ours, answer));
    comparison
}

/// The kind of a difference: two cases that differ so show one bug, as far as one can tell.
fn kind(difference: &str) -> String {
    let kind = difference.split(':').next().unwrap_or_default();
    if kind.starts_with("option ") { "option".to_owned() } else { kind.to_owned() }
}

/// The smallest case that differs in the same kind of way, in words.
fn smallest(oracle: &Oracle, case: &Case, wanted: String) -> String {
    let compared = |case: &Case, answer: &Value| compared(case, &oracle.version, answer);
    let shows = |cases: &[Case]| -> Vec<bool> {
        let answers = oracle.ask(cases);
        let is_such = |(case, answer)| compared(case, answer).differences.iter().any(|words| kind(words) == wanted);
        cases.iter().zip(&answers).map(is_such).collect()
    };
    let small = shrink(case.clone(), shows);
    let answer = oracle.ask(std::slice::from_ref(&small)).remove(0);
    let differences = compared(&small, &answer).differences.join("\n  ");
    let json = serde_json::to_string(&small).expect("it is JSON");
    format!("{}:\n  {differences}\n  {json}\n", oracle.version)
}

/// The cases of `tests/fidelity/kept`, by the names of their files.
fn kept() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity/kept");
    let files = std::fs::read_dir(directory).expect("the kept cases");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).expect("a kept case");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.iter().map(read).collect()
}

/// The figures of all versions, in columns.
pub fn table(tallies: &[Tally], seed: u64) -> String {
    let mut table = format!(
        "{:<8} {:>7} {:>8} {:>8} {:>12} {:>7}\n",
        "Flink", "cases", "refused", "unknown", "differences", "time"
    );
    for Tally { version, cases, refused, unknown, different, time, .. } in tallies {
        let seconds = time.as_secs_f32();
        let _ = writeln!(table, "{version:<8} {cases:>7} {refused:>8} {unknown:>8} {different:>12} {seconds:>6.1}s");
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (why, count) in tallies.iter().flat_map(|tally| &tally.reasons) {
        *reasons.entry(why).or_default() += count;
    }
    let reasons: Vec<String> = reasons.iter().map(|(why, count)| format!("{why} {count}")).collect();
    table.push_str(&table_of_fields(tallies));
    let _ = writeln!(table, "seed {seed}; said to be unknown: {}", reasons.join(", "));
    table
}

/// What Flink has of each field, in all versions together; and of the version where that is worst, the part of the cases
/// in which we say nothing, and the number of different answers.
fn table_of_fields(tallies: &[Tally]) -> String {
    let mut table = format!(
        "{:<24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
        "field", "values", "nothing", "refused", "unknown", "worst", "answers"
    );
    let names: BTreeSet<&str> = tallies.iter().flat_map(|tally| tally.fields.keys().copied()).collect();
    for name in names {
        let counts: Vec<&Counts> = tallies.iter().filter_map(|tally| tally.fields.get(name)).collect();
        let [value, nothing, thrown, unsaid] =
            [0, 1, 2, 3].map(|outcome| counts.iter().map(|counts| counts.of[outcome]).sum::<usize>());
        let part = |of: &[usize; 4]| of[3] * 100 / of.iter().sum::<usize>().max(1);
        let most = counts.iter().map(|counts| part(&counts.of)).max().unwrap_or_default();
        let answers = counts.iter().map(|counts| counts.answers.len()).min().unwrap_or_default();
        let _ = writeln!(table, "{name:<24} {value:>8} {nothing:>8} {thrown:>8} {unsaid:>8} {most:>7}% {answers:>8}");
    }
    table
}

/// What came of one field.
#[derive(Debug, Default)]
struct Counts {
    /// How often each [`Outcome`].
    of: [usize; 4],
    /// Answers of Flink that were compared, so far as they differ; `None` for nothing and for an exception.
    answers: BTreeSet<Option<String>>,
}

/// Different answers that are kept: enough to see that a field lives.
const MOST_ANSWERS: usize = 9;
/// Fields of which Flink must throw in some cases.
const REFUSABLE: [&str; 13] = [
    "checkpointInterval",
    "checkpointStorage",
    "checkpointsAt",
    "checkpointsTaken",
    "haDirectory",
    "leaseDuration",
    "memory",
    "renewDeadline",
    "restartStrategy",
    "retryPeriod",
    "savepointsAt",
    "savepointsTaken",
    "storageDirAt",
];
/// Cases that are asked for at once.
const CHUNK: usize = 500;
/// Differences that are made small before a version is given up.
const MOST_DIFFERENCES: usize = 12;
