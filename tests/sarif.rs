//! `check --output sarif`: valid by the schema of the standard, and every region is the text that the finding speaks of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends by panicking, and says what it skips"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The report on `files` below `tests/`.
fn sarif(files: &[&str]) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
        .args(["check", "--output", "sarif"])
        .args(files)
        .current_dir(tests())
        .output()
        .unwrap();
    serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The schema by OASIS, as the crate that `tests/sarif/Cargo.toml` names ships it; `None`, having said so, where it cannot be
/// fetched. On CI that is a failure.
fn schema() -> Option<Value> {
    let manifest = tests().join("sarif/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    if !run.status.success() {
        let errors = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(std::env::var("CI").is_err(), "{errors}");
        eprintln!("skipped: the schema of SARIF cannot be fetched: {errors}");
        return None;
    }
    let metadata: Value = serde_json::from_slice(&run.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
    let schema = fs::read_to_string(folder.join("src/schema.json")).unwrap();
    Some(serde_json::from_str(&schema).unwrap())
}

#[test]
fn the_report_is_valid() {
    let Some(schema) = schema() else { return };
    assert_eq!(schema["title"], "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report =
        sarif(&["cli/standalone.yaml", "cli/word-count.yaml", "cli/broken.yaml", "cli/missing.yaml", "golden"]);
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let results = report["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 100 && results.iter().any(|result| !result["fixes"].is_null()), "{}", results.len());

    // The validator sees what is wrong.
    for (pointer, wrong) in [
        ("/version", Value::from("2.0.0")),
        ("/runs/0/results/0/level", Value::from("deny")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", Value::from(0)),
    ] {
        let mut broken = report.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
}

/// The text of a region.
fn text_of(file: &str, region: &Value) -> String {
    let text = fs::read_to_string(tests().join(file)).unwrap();
    let number = |field: &str| usize::try_from(region[field].as_u64().unwrap()).unwrap();
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let (first, last) = (number("startLine"), number("endLine"));
    let mut found = String::new();
    for line in first..=last {
        let characters = lines.get(line - 1).map_or(&[][..], Vec::as_slice);
        let from = if line == first { number("startColumn") - 1 } else { 0 };
        let to = if line == last { number("endColumn") - 1 } else { characters.len() };
        found.extend(characters.get(from..to).unwrap_or_else(|| panic!("{file}: {region}")));
        found.push_str(if line == last { "" } else { "\n" });
    }
    found
}

#[test]
fn a_value_inside_of_a_config_map_is_pointed_at_in_its_manifest() {
    let report = sarif(&["cli/standalone.yaml"]);
    let results = report["runs"][0]["results"].as_array().unwrap();
    let pointed: Vec<String> = results
        .iter()
        .map(|result| {
            let region = &result["locations"][0]["physicalLocation"]["region"];
            let rule = result["ruleId"].as_str().unwrap();
            format!("{rule} {}: {}", region["startLine"], text_of("cli/standalone.yaml", region))
        })
        .collect();
    insta::assert_snapshot!(pointed.join("\n"), @r#"
    storage-on-empty-dir 10: "file:///flink-data/ha"
    option-misspelt 27: state.checkpoint.dir
    storage-path-without-scheme 11: /flink-data/checkpoints
    ha-without-checkpoints 27: args
    memory-limit-missing 25: name: jobmanager
    option-misspelt 56: state.checkpoint.dir
    ha-without-checkpoints 52: args
    memory-limit-missing 50: name: jobmanager
    "#);
    let reader = &results[0]["relatedLocations"][0]["physicalLocation"]["region"];
    assert_eq!(text_of("cli/standalone.yaml", reader), "configMap");
}

#[test]
fn a_fix_that_is_applied_settles_its_finding() {
    let folder = tempfile::tempdir().unwrap();
    let (mut settled, mut files) = (0, Vec::new());
    for rule in fs::read_dir(tests().join("golden")).unwrap() {
        files.extend(fs::read_dir(rule.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.push(tests().join("cli/standalone.yaml"));
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    let all: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let report = sarif(&all);
    for result in report["runs"][0]["results"].as_array().unwrap() {
        let Some(replacement) = result.pointer("/fixes/0/artifactChanges/0/replacements/0") else { continue };
        let file = result.pointer("/locations/0/physicalLocation/artifactLocation/uri").and_then(Value::as_str);
        let file = Path::new(file.unwrap().trim_start_matches("file://")).to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let region = &replacement["deletedRegion"];
        let number = |field: &str| usize::try_from(region[field].as_u64().unwrap()).unwrap();
        assert_eq!(region["startLine"], region["endLine"]);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let line: Vec<char> = lines[number("startLine") - 1].chars().collect();
        let inserted = replacement["insertedContent"]["text"].as_str().unwrap();
        let before = line[..number("startColumn") - 1].iter().collect::<String>();
        let behind = line[number("endColumn") - 1..].iter().collect::<String>();
        lines[number("startLine") - 1] = format!("{before}{inserted}{behind}");
        let fixed = folder.path().join("fixed.yaml");
        fs::write(&fixed, lines.join("\n") + "\n").unwrap();
        let print = |report: &Value| -> Vec<String> {
            let results = report["runs"][0]["results"].as_array().unwrap().iter();
            results.map(|result| result["partialFingerprints"]["finding/v1"].as_str().unwrap().to_owned()).collect()
        };
        let count = |report: &Value| {
            print(report)
                .iter()
                .filter(|one| *one == result["partialFingerprints"]["finding/v1"].as_str().unwrap())
                .count()
        };
        let (before, after) = (sarif(&[file.to_str().unwrap()]), sarif(&[fixed.to_str().unwrap()]));
        assert!(count(&after) < count(&before), "{}: {result}\n{}", file.display(), lines.join("\n"));
        settled += 1;
    }
    assert!(settled >= 5, "{settled}");
}
