//! What the chart makes of its values: `golden/default.yaml` in full, and for each `golden/x.values.yaml` how it differs from
//! that, in `x.diff`. `UPDATE_GOLDEN=1 cargo test --test chart golden` writes both anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rendered::{chart, template};
use crate::support::{Client, ControlPlane};

const RELEASE: &str = "flink-admission";
const NAMESPACE: &str = "flink-system";

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chart/golden")
}

/// The cases, by name with the file of their values.
pub(crate) fn cases() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(directory()).unwrap().map(|file| file.unwrap().path());
    let mut cases: Vec<_> = files
        .filter_map(|path| Some((path.file_name()?.to_str()?.strip_suffix(".values.yaml")?.to_owned(), path.clone())))
        .collect();
    cases.sort();
    assert!(cases.len() > 10);
    cases
}

/// Whether `text` is what stands in the file, which is written first where that is asked for.
#[track_caller]
pub(crate) fn holds(path: &Path, text: &str, variable: &str) -> bool {
    if std::env::var_os(variable).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::read_to_string(path).is_ok_and(|written| written == text)
}

#[track_caller]
fn assert_golden(name: &str, text: &str) {
    let path = directory().join(name);
    if !holds(&path, text, "UPDATE_GOLDEN") {
        let written = fs::read_to_string(&path).unwrap_or_default();
        let diff = similar::TextDiff::from_lines(&written, text).unified_diff().to_string();
        panic!(
            "{} is not what the chart makes: UPDATE_GOLDEN=1 cargo test --test chart golden\n{diff}",
            path.display()
        );
    }
}

#[test]
fn the_chart_makes_what_is_written() {
    let Some(plane) = ControlPlane::shared() else { return };
    let default = template(plane.admin(), RELEASE, NAMESPACE, &[]);
    assert_golden("default.yaml", &default);
    for (name, values) in cases() {
        let made = template(plane.admin(), RELEASE, NAMESPACE, &["--values", values.to_str().unwrap()]);
        let diff = similar::TextDiff::from_lines(&default, &made).unified_diff().context_radius(4).to_string();
        assert!(!diff.is_empty(), "{name} changes nothing");
        assert_golden(&format!("{name}.diff"), &diff);
    }
}

#[test]
fn a_long_name_has_a_label_that_is_allowed() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (one, other) = ("a".repeat(60), "a".repeat(60) + "b");
    let label = |namespace: &str| {
        let text = template(plane.admin(), RELEASE, namespace, &[]);
        let line = text.lines().find(|line| line.contains("flink-admission.io/installation: ")).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert!(label(&one).len() <= 63 && label(&one) != label(&other), "{}", label(&one));
    assert_eq!(label("flink-system"), "flink-system.flink-admission");
}

/// What helm says after an installation.
fn notes(client: &Client, flags: &[&str]) -> String {
    let chart = chart();
    let install = ["install", RELEASE, chart.to_str().unwrap(), "--namespace", NAMESPACE, "--dry-run=client"];
    let said = client.helm(&[&install[..], flags].concat()).succeeded();
    said.split_once("\nNOTES:\n").unwrap().1.to_owned()
}

#[test]
fn the_notes_say_what_to_do_next() {
    let Some(plane) = ControlPlane::shared() else { return };
    assert_golden("default.notes", &notes(plane.admin(), &[]));
    let closed = ["webhooks.managedBy=chart,hostNetwork=true", "webhooks.exemptGroups={break-glass}"];
    let closed = [closed[0], closed[1], "webhooks.failurePolicy.mutate=Fail,webhooks.failurePolicy.validate=Fail"];
    let flags: Vec<&str> = closed.iter().flat_map(|values| ["--set", values]).collect();
    assert_golden("closed.notes", &notes(plane.admin(), &flags));
}

/// Paths of the values that are no maps.
pub(crate) fn leaves(values: &Value, path: &str, found: &mut BTreeSet<String>) {
    match values.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(value, &format!("{path}.{key}"), found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_value_has_a_case() {
    let read = |path: &Path| super::rendered::objects(&fs::read_to_string(path).unwrap()).remove(0);
    let (mut all, mut tried) = (BTreeSet::new(), BTreeSet::new());
    leaves(&read(&chart().join("values.yaml")), "", &mut all);
    for (_, values) in cases() {
        leaves(&read(&values), "", &mut tried);
    }
    let below = |path: &str| tried.iter().any(|tried| tried == path || tried.starts_with(&format!("{path}.")));
    let missing: Vec<&String> = all.iter().filter(|path| !below(path)).collect();
    // What a policy says of itself does not change the chart's objects.
    assert_eq!(missing, Vec::<&String>::new());
}
