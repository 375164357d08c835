//! Documents that are made from the program say what it says. `UPDATE_DOCS=1 cargo test --test docs` writes them anew.
#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

mod manifests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use flink_admission::policy::rules::RULES;
use flink_admission::report::rule;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_page_of_the_rules_is_current() {
    let mut wanted = Vec::new();
    rule::document(&mut wanted).unwrap();
    let wanted = String::from_utf8(wanted).unwrap();
    let path = root().join("docs/rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &wanted).unwrap();
    }
    let is_current = fs::read_to_string(&path).is_ok_and(|text| text == wanted);
    assert!(is_current, "docs/rules.md is not what the rules say: UPDATE_DOCS=1 cargo test --test docs");
    for rule in RULES {
        // A heading of one word is its own anchor.
        assert!(wanted.contains(&format!("\n## {}\n", rule.id)), "{}", rule.id);
    }
}

#[test]
fn every_known_failure_has_a_rule_or_a_reserved_id() {
    let Some(shared) = manifests::shared() else { return };
    let mut listed = Vec::new();
    rule::json(RULES.iter().copied(), &mut listed).unwrap();
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let decided = listed["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]);
    let known: BTreeSet<&str> =
        decided.chain(listed["reserved"].as_array().unwrap()).filter_map(Value::as_str).collect();
    let table = fs::read_to_string(shared.join("knowledge/levels.tsv")).unwrap();
    let missing: Vec<_> =
        table.lines().skip(1).filter_map(|row| row.split('\t').nth(1)).filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
