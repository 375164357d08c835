//! Configurations of any depth, where the operator takes them.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::beliefs::flat;
use super::classes::Classes;
use super::run::config;
use crate::generated::Json;

#[test]
#[ignore = "wants an operator that takes a nested configuration, which 1.7.0 does not: FLINK_ADMISSION_OPERATOR"]
fn configurations_of_any_depth_are_flattened_alike() {
    let Some(classes) = Classes::start() else { return };
    let newest = classes.versions.last().expect("a version");
    assert!(classes.takes_nested, "the operator that knows Flink up to {newest} takes no nested configuration");
    let classes = RefCell::new(classes);
    TestRunner::new(config())
        .run(&configuration(), |Json(configuration)| {
            let theirs = classes.borrow_mut().ask(&json!({"flatten": configuration}));
            prop_assert_eq!(&theirs["flat"], &flat(&configuration));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn configuration() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec![json!(0.5), json!(1.0), json!(1e7), json!(1.5e-7), json!(-2.25), json!(123_456_789.5)]),
        select(vec!["", " ", "a", "a;b", "a.b", "null", "[x]"]).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        let key = select(vec!["a", "b", "a.b", "b.c", "", "x y"]).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((key, inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    let key = select(vec!["a", "b", "a.b", "high-availability"]).prop_map(str::to_owned);
    proptest::collection::vec((key, value), 0..5).prop_map(|pairs| Json(Value::Object(pairs.into_iter().collect())))
}
