//! All cases, asked and compared.

use std::cell::{Cell, RefCell};
use std::io::Write as _;

use flink_admission::policy::Policies;
use flink_admission::verdict;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};

use super::beliefs::{differences, version};
use super::classes::Classes;
use super::compared::Compared;
use super::deployments::{asked, reviewed};
use crate::generated::{Json, policy};
use crate::manifests;
use crate::support::asked;

/// As many cases as are asked for; the same on every run, but for another seed.
pub fn config() -> ProptestConfig {
    ProptestConfig {
        cases: asked::cases(),
        rng_seed: RngSeed::Fixed(asked::seed()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn the_operator_makes_of_a_deployment_what_we_make_and_takes_what_we_fill_in() {
    let Some(classes) = Classes::start() else { return };
    let classes = RefCell::new(classes);
    let [asked_for, read, accepted, completed] = [const { Cell::new(0_u32) }; 4];
    let compared = Compared::default();
    let count = |cell: &Cell<u32>, yes: bool| cell.set(cell.get() + u32::from(yes));
    let result = TestRunner::new(config()).run(&(reviewed(), policy()), |(Json(object), Json(policy))| {
        let classes = &mut *classes.borrow_mut();
        count(&asked_for, true);
        let before = asked(&object, classes);
        let answer = classes.ask(&json!({"deployment": before}));
        let is_read = answer["unreadable"].is_null();
        count(&read, is_read);
        if is_read {
            let found = differences(&before, &answer, classes, &compared);
            prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), before);
        }
        let is_accepted = is_read && answer["rejected"].is_null();
        count(&accepted, is_accepted);

        let stored = create(&object, &policy);
        count(&completed, stored != object && is_accepted);
        let after = classes.ask(&json!({"deployment": asked(&stored, classes)}));
        let is_taken = after["unreadable"].is_null() && after["rejected"].is_null();
        prop_assert!(is_taken || !is_accepted, "it is rejected ({}) once it is {}", after, stored);
        prop_assert!(after["unreadable"].is_null() || !is_read, "it is unreadable ({}) once it is {}", after, stored);
        prop_assert_eq!(version(&object), version(&stored));
        Ok(())
    });
    let _ = writeln!(
        std::io::stderr(),
        "operator classes: {} cases, {} read, {} accepted, {} of these completed, {}; compared: {}",
        asked_for.get(),
        read.get(),
        accepted.get(),
        completed.get(),
        if result.is_ok() { "0 differences" } else { "a difference" },
        compared.in_words()
    );
    result.unwrap_or_else(|failure| panic!("{failure}"));
    // Else the test would hold where nothing is read, accepted or completed.
    assert!(
        read.get() * 2 > asked_for.get()
            && accepted.get() * 6 > asked_for.get()
            && completed.get() * 10 > asked_for.get()
    );
    compared.assert_enough(read.get());
}

/// What is stored of `object` when it is created under `policy`.
fn create(object: &Value, policy: &Value) -> Value {
    let policies = Policies::from_text(&policy.to_string()).expect("a policy");
    manifests::review(object, None, &policies, &[], verdict::judge).stored
}
