//! The cases that a release is asked.

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::container::Case;
use super::excuses::is_for_exception;
use crate::support::asked;

/// How many of a whole run each release is asked.
const SHARE: usize = 60;

/// What the release is asked that is the one of number `turn`.
pub fn of(all: &[Case], turn: usize) -> Vec<Case> {
    let (central, others): (Vec<&Case>, Vec<&Case>) = all.iter().partition(|case| case.is_central);
    if asked::is_named() {
        return all.to_vec();
    }
    if !asked::is_whole() {
        return central.into_iter().cloned().collect();
    }
    let (kept, others): (Vec<&Case>, Vec<&Case>) = others.into_iter().partition(|case| is_for_exception(case));
    let others = shuffled(others);
    // One release goes on where the one before it ended: eleven of them come to each case twice.
    let count = SHARE - central.len() - kept.len();
    let drawn = others.iter().cycle().skip(turn * count).take(count);
    central.into_iter().chain(kept).chain(drawn.copied()).cloned().collect()
}

fn shuffled(mut cases: Vec<&Case>) -> Vec<&Case> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&asked::seed().to_le_bytes());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    for end in (1..cases.len()).rev() {
        let with = usize::try_from(random.next_u64() % (end as u64 + 1)).expect("an index");
        cases.swap(end, with);
    }
    cases
}
