//! Our resolver beside Flink's own classes: what both make of the same configuration files and command lines.
//!
//! `tests/flink/Oracle.java` answers for Flink, one JVM a version; [`ours`](fidelity/ours.rs) takes the way of a review.
//! Each difference is made smaller and printed in the form of `tests/fidelity/kept`, whose cases come first in every run.
//!
//! How much is asked the environment says (`tests/support/asked.rs`): 500 cases for each of 1.16.3, 1.20.5 and 2.3.0 where it is silent.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

mod support;

mod fidelity {
    pub mod case;
    pub mod compare;
    pub mod fields;
    pub mod findings;
    pub mod generate;
    pub mod oracle;
    pub mod ours;
    pub mod run;
    pub mod shrink;
}

use std::io::Write as _;

use fidelity::oracle::Oracle;
use fidelity::run::{self, Plan, Tally};

#[test]
fn what_we_make_of_a_cluster_is_what_flink_makes_of_it() {
    let plan = Plan::of_environment();
    let tallies: Vec<Option<Tally>> = std::thread::scope(|scope| {
        let halves: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let plan = &plan;
                scope.spawn(move || {
                    let versions = plan.versions.iter().skip(worker).step_by(WORKERS);
                    versions.map(|version| Some(run::run(&Oracle::start(version)?, plan))).collect::<Vec<_>>()
                })
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().expect("a worker")).collect()
    });
    let mut tallies: Vec<Tally> = tallies.into_iter().flatten().collect();
    tallies.sort_by_key(|tally| plan.versions.iter().position(|version| *version == tally.version));
    let table = run::table(&tallies, plan.seed);
    // Not `println`, which the test runner swallows where the test passes.
    let _ = write!(std::io::stderr(), "\n{table}");
    let differences: Vec<&str> =
        tallies.iter().flat_map(|tally| tally.differences.iter().map(String::as_str)).collect();
    assert!(differences.is_empty(), "{table}\nFIDELITY_SEED={}\n{}", plan.seed, differences.join("\n"));
    for tally in &tallies {
        tally.assert_that_it_says_something();
    }
}

/// Versions that are looked at side by side.
const WORKERS: usize = 2;
