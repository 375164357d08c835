//! Every rule by example: `tests/golden/<rule>/`.
//!
//! - `positive*.yaml`: the rule finds something.
//! - `near-miss*.yaml`: as close as can be, and the rule finds nothing.
//! - `remedy*.yaml`: the rule finds something, and what the policy fills in settles it.
//!
//! A file holds the object, and where they matter a FlinkPolicy and the objects that stand for the cluster; without a
//! policy the profile is `strict`. Beside `x.yaml`, `x.old.yaml` is the stored object that `x.yaml` updates, and
//! `x.expected` holds every word that is said of it. `UPDATE_GOLDEN=1 cargo test --test golden` writes the latter anew:
//! read what changed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::pedantic,
    reason = "a test ends by panicking, and says what it skips"
)]

mod manifests;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use flink_admission::policy::finding::merge;
use flink_admission::policy::rules::RULES;
use flink_admission::policy::{Finding, Level, Policies};
use flink_admission::verdict::{Decision, Outcome};
use flink_admission::{verdict, yaml};
use serde_json::json;

use manifests::{Input, documents};

#[test]
fn golden_cases_say_what_is_expected() {
    let failures: Vec<String> = cases().iter().filter_map(|case| case.check(None, is_updating()).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_rule_has_its_cases() {
    for rule in RULES {
        for kind in ["positive", "near-miss"] {
            assert!(
                cases().iter().any(|case| case.rule == rule.id && case.kind() == kind),
                "`{}` has no {kind} case",
                rule.id
            );
        }
    }
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    for case in cases() {
        assert!(known.contains(case.rule.as_str()), "`{}` is no rule", case.rule);
    }
}

#[test]
fn no_case_passes_without_its_rule() {
    for case in cases().iter().filter(|case| case.kind() != "near-miss") {
        assert!(case.check(Some(&case.rule), false).is_err(), "{} passes with the rule off", case.path.display());
    }
}

#[test]
fn no_expectation_is_left_over() {
    for directory in children(&root()) {
        for file in children(&directory).into_iter().filter(|file| file.extension().is_some_and(|e| e == "expected")) {
            assert!(file.with_extension("yaml").exists(), "{} belongs to no case", file.display());
        }
    }
}

struct GoldenCase {
    rule: String,
    path: PathBuf,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn is_updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn cases() -> Vec<GoldenCase> {
    let of_rule = |directory: PathBuf| {
        let rule = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let manifests = children(&directory).into_iter().filter(|path| {
            let name = path.to_str().unwrap();
            name.ends_with(".yaml") && !name.ends_with(".old.yaml")
        });
        manifests.map(move |path| GoldenCase { rule: rule.clone(), path }).collect::<Vec<_>>()
    };
    children(&root()).into_iter().flat_map(of_rule).collect()
}

impl GoldenCase {
    fn kind(&self) -> &'static str {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        ["positive", "near-miss", "remedy"]
            .into_iter()
            .find(|kind| name.starts_with(kind))
            .unwrap_or_else(|| panic!("{} is of no kind", self.path.display()))
    }

    /// Judges the case with the rule `off` switched off; what is wrong with the answer.
    fn check(&self, off: Option<&str>, update: bool) -> Result<(), String> {
        let mut input = Input::of(documents(&self.path));
        if let Some(off) = off {
            input.policy["spec"]["rules"][off] = json!("off");
        }
        let old = self.path.with_extension("old.yaml");
        let old = old.exists().then(|| documents(&old).remove(0));
        let (found, text) = match &old {
            Some(old) => {
                let decision = input.review(verdict::validate, Some(old));
                (decision.rules.iter().any(|(rule, _)| *rule == self.rule), said(&decision))
            }
            None => {
                let outcome = input.judge();
                (self.is_found(&outcome), report(&outcome, &self.rule, self.kind() == "remedy"))
            }
        };
        let wrong = |what: &str| Err(format!("{}: {what}\n{text}", self.path.display()));
        if found != (self.kind() == "positive") {
            return wrong(if found { "the rule finds something" } else { "the rule finds nothing" });
        }
        if self.kind() == "remedy" {
            let mut unchanged = input.clone();
            unchanged.policy["spec"]["mutation"] = json!(false);
            if !self.is_found(&unchanged.judge()) {
                return wrong("there is nothing to settle");
            }
        }
        let expected = self.path.with_extension("expected");
        if update {
            std::fs::write(&expected, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if text == expected {
            Ok(())
        } else {
            wrong(&format!("differs from what is expected:\n{expected}\n--- but is:"))
        }
    }

    fn is_found(&self, outcome: &Outcome) -> bool {
        outcome.findings.iter().any(|finding| finding.rule == self.rule)
    }
}

/// What nearly every case would repeat, since small examples have neither resources, nor a strategy, nor directories, nor
/// a mode of upgrade.
const EVERYWHERE: [&str; 5] = [
    "checkpoint-directory-missing",
    "memory-limit-missing",
    "rolling-update-two-jobmanagers",
    "upgrade-mode-stateless",
    "upgrade-mode-without-directory",
];

/// Every finding in words, and for a remedy what was filled in. Remarks of level audit are left out where they are not of
/// `rule` itself, as is what is found [`EVERYWHERE`]: a small cluster is open to many, and each of its cases would repeat
/// them.
fn report(outcome: &Outcome, rule: &str, with_patch: bool) -> String {
    let mut text = String::new();
    let shown = |finding: &&Finding| {
        finding.rule == rule || (finding.level > Level::Audit && !EVERYWHERE.contains(&finding.rule))
    };
    let mut findings = outcome.findings.clone();
    merge(&mut findings);
    for finding in findings.iter().filter(shown) {
        let role = finding.role.map(|role| format!(" ({role})")).unwrap_or_default();
        writeln!(text, "{} {}{role}", finding.level, finding.rule).unwrap();
        writeln!(text, "  at:    {}", finding.path).unwrap();
        if let Some(value) = &finding.value {
            writeln!(text, "  value: {value}").unwrap();
        }
        writeln!(text, "  from:  {}", finding.origin).unwrap();
        writeln!(text, "  is:    {}", finding.message).unwrap();
        writeln!(text, "  do:    {}", finding.fix).unwrap();
    }
    if text.is_empty() {
        text.push_str("no findings\n");
    }
    if with_patch {
        text.push_str("patch:\n");
        for operation in &outcome.patch.0 {
            writeln!(text, "  {}", serde_json::to_string(operation).unwrap()).unwrap();
        }
        writeln!(text, "stored:\n{}", yaml::to_text(&outcome.stored).trim_end()).unwrap();
    }
    text
}

/// What the API server hears of an update.
fn said(decision: &Decision) -> String {
    let mut text = if decision.allowed { "allowed\n".to_owned() } else { format!("{}\n", decision.message) };
    for warning in &decision.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    text
}

#[test]
fn levels_are_those_that_were_decided() {
    let Some(shared) = manifests::shared() else { return };
    let table = std::fs::read_to_string(shared.join("knowledge/levels.tsv")).unwrap();
    for rule in RULES {
        let Some(row) = table.lines().map(|line| line.split('\t').collect::<Vec<_>>()).find(|row| row[1] == rule.id)
        else {
            // What the mutation and the shape of an object bring about has no row, nor has what concerns session jobs alone; of
            // what Flink refuses it knows none.
            let without = [
                "injected-value-missing",
                "shape-not-understood",
                "arguments-refused",
                "configuration-refused",
                "storage-uri-malformed",
                "ha-mode-misspelt",
                "ha-cluster-id-refused",
                "ha-differs-between-roles",
                "ha-off",
                "flink-deployment-refused",
                "session-job-refused",
                "ha-id-of-each-pod",
                "session-option-without-effect",
                "session-target-not-found",
                "session-target-without-ha",
            ];
            assert!(without.contains(&rule.id), "{} has no row", rule.id);
            continue;
        };
        let expected = (row[0], row[3], row[4].trim());
        assert_eq!((rule.failure, rule.strict.word(), rule.baseline.word()), expected, "{}", rule.id);
    }
}

#[test]
fn a_policy_switches_its_rules_off() {
    for rule in RULES {
        let text = json!({"spec": {"rules": {rule.id: "off"}}}).to_string();
        let policies = Policies::from_text(&text).unwrap();
        let policy = policies.select("any", &flink_admission::facts::Answer::Absent).policy;
        assert_eq!(policy.level(rule), Level::Off, "{}", rule.id);
    }
}

#[test]
fn messages_follow_one_style() {
    for case in cases().iter().filter(|case| case.kind() == "positive") {
        let input = Input::of(documents(&case.path));
        for finding in input.judge().findings {
            for sentence in [&finding.message, &finding.fix] {
                let first = sentence.chars().next().unwrap_or('.');
                assert!(!sentence.ends_with('.') && !sentence.contains('\n'), "{}: {sentence}", case.path.display());
                let is_name =
                    ["HA ", "Flink ", "FlinkDeployment ", "ConfigMap ", "ServiceAccount ", "Service ", "Ingress "]
                        .iter()
                        .any(|name| sentence.starts_with(name));
                assert!(!first.is_uppercase() || is_name, "{sentence}");
                assert!(sentence.chars().count() <= 300, "{}: long: {sentence}", case.path.display());
                assert!(sentence.matches('`').count() % 2 == 0, "{}: {sentence}", case.path.display());
            }
        }
    }
}
