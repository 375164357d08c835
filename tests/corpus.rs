//! Real manifests, where they lie beside the checkout: nothing in them crashes the program, and what is denied of them is
//! what `corpus-verdicts.tsv` lists, each line with the reason why that is right.
//!
//! A new denial is a false alarm until somebody has looked at the manifest as its owner would, and has written the line.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test ends by panicking, and says what it skips"
)]

mod manifests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flink_admission::cli::input;
use flink_admission::policy::{Level, Policies};
use flink_admission::{verdict, workload};
use serde_json::Value;

const VERDICTS: &str = include_str!("corpus-verdicts.tsv");

#[test]
fn real_manifests_are_denied_for_good_reasons_only() {
    let Some(corpus) = manifests::shared().map(|shared| shared.join("corpus")) else { return };
    let files = read(&corpus);
    let mut found = BTreeSet::new();
    for profile in ["strict", "baseline"] {
        let policies = Policies::from_text(&format!("spec: {{profile: {profile}}}")).unwrap();
        for (file, objects) in &files {
            for object in objects.iter().filter(|object| workload::recognise(object).is_some()) {
                let outcome = manifests::review(object, None, &policies, objects, verdict::judge);
                let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                let kind = object["kind"].as_str().unwrap_or_default();
                let denials = outcome.findings.into_iter().filter(|finding| finding.level == Level::Deny);
                found.extend(
                    denials
                        .filter(|_| kind == "FlinkDeployment" || kind == "FlinkBlueGreenDeployment")
                        .map(|finding| format!("{file}\t{kind}/{name}\t{profile}\t{}\t{}", finding.rule, finding.path)),
                );
            }
        }
    }
    let (listed, reasons): (BTreeSet<String>, Vec<&str>) =
        lines().filter_map(|line| line.rsplit_once('\t')).map(|(denial, why)| (denial.to_owned(), why)).unzip();
    assert!(reasons.iter().all(|why| why.split(' ').count() > 4), "each line says why it is right");
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "denied and not listed: {new:#?}\nlisted and not denied: {gone:#?}");
}

#[test]
fn the_list_is_sorted_and_whole() {
    let listed: Vec<&str> = lines().collect();
    assert!(listed.is_sorted() && listed.iter().all(|line| line.split('\t').count() == 6), "{listed:#?}");
}

fn lines() -> impl Iterator<Item = &'static str> {
    VERDICTS.lines().filter(|line| !line.starts_with('#'))
}

/// Every file below `corpus` with its objects.
fn read(corpus: &Path) -> Vec<(String, Vec<Value>)> {
    let mut files = Vec::new();
    collect(corpus, &mut files);
    assert!(files.len() > 100, "the corpus has {} files", files.len());
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(corpus).unwrap().to_str().unwrap().to_owned();
            let read = input::read(&[path], &mut std::io::empty());
            (name, read.objects.into_iter().map(|source| source.object).collect())
        })
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}
