//! How much is asked of Flink and its operator, as the environment says it for all tests that ask them:
//!
//! - `FLINK_ADMISSION_FIDELITY`: `all`, or releases of Flink with commas between;
//! - `FIDELITY_CASES`: how many cases are made;
//! - `FIDELITY_SEED`: a number, from which other cases are made.

use std::path::Path;

/// The releases to ask, by `FLINK_ADMISSION_FIDELITY`, else `few`.
///
/// # Panics
///
/// Where one is none of `tests/flink/versions`: it would be asked nothing.
pub fn releases(few: &[&str]) -> Vec<String> {
    let known = known();
    let wanted: Vec<String> = match variable("FLINK_ADMISSION_FIDELITY").as_deref() {
        None => few.iter().map(|&name| name.to_owned()).collect(),
        Some("all") => known.clone(),
        Some(list) => list.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    for name in &wanted {
        assert!(known.contains(name), "FLINK_ADMISSION_FIDELITY: `{name}` is none of {known:?}");
    }
    assert!(!wanted.is_empty(), "no release is asked");
    wanted
}

/// Whether all releases are asked.
pub fn is_whole() -> bool {
    variable("FLINK_ADMISSION_FIDELITY").is_some_and(|wanted| wanted == "all")
}

/// Whether the environment names releases.
pub fn is_named() -> bool {
    variable("FLINK_ADMISSION_FIDELITY").is_some() && !is_whole()
}

/// How many cases are made.
pub fn cases() -> u32 {
    number("FIDELITY_CASES").map_or(500, |cases| u32::try_from(cases).expect("FIDELITY_CASES"))
}

/// From what they are made.
pub fn seed() -> u64 {
    number("FIDELITY_SEED").unwrap_or(2026)
}

fn known() -> Vec<String> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/versions");
    let list = std::fs::read_to_string(list).expect("the list of releases");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` is no number")))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
