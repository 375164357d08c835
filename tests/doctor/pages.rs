//! The page names every check, every field and every state.

use std::collections::BTreeSet;

use flink_admission::doctor::{Check, State};
use serde_json::Value;

#[test]
fn every_check_has_its_place_on_the_page() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md")).unwrap();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let checks: Vec<&str> = Check::ALL.into_iter().map(Check::word).collect();
    assert_eq!(headings, checks, "in the order of the report");
    for state in [State::Ok, State::Unknown, State::Warning, State::Error] {
        assert!(page.contains(&format!("`{}`", state.word())), "{}", state.word());
    }

    // The golden report has every check and every field.
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctor/snapshots/healthy-json.snap");
    let golden = std::fs::read_to_string(golden).unwrap();
    let golden = golden.split_once("\n---\n").unwrap().1.rsplit_once("exit status").unwrap().0;
    let report: Value = serde_json::from_str(golden).unwrap();
    for field in report.as_object().unwrap().keys().filter(|field| *field != "findings") {
        assert!(page.contains(&format!("`{field}`")), "{field}");
    }
    let findings = report["findings"].as_array().unwrap();
    for field in findings[0].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `findings[].{field}` |")), "{field}");
    }
    let reported: BTreeSet<&str> = findings.iter().filter_map(|finding| finding["check"].as_str()).collect();
    assert_eq!(reported, checks.into_iter().collect());
}
