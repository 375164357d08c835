//! Real manifests, where they lie beside the checkout: nothing in them crashes the program, and what is denied of them,
//! FlinkDeployments and standalone roles alike, is what `corpus-verdicts.tsv` lists, each line with the reason why that is
//! right.
//!
//! Each object is judged twice: with its file alone, as `check FILE` does, and with all files that its author keeps in one
//! directory, as `check DIR` does; a standalone cluster is seldom one file. What the operator made is never denied, and says
//! nothing beside the resource that it was made for.
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

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use flink_admission::cli::input;
use flink_admission::policy::{Level, Policies};
use flink_admission::verdict::{self, Outcome};
use flink_admission::workload::{self, Owner};
use serde_json::Value;

const VERDICTS: &str = include_str!("corpus-verdicts.tsv");

#[test]
fn real_manifests_are_denied_for_good_reasons_only() {
    let Some(corpus) = Corpus::beside() else { return };
    let mut found = BTreeSet::new();
    for profile in ["strict", "baseline"] {
        for (file, object, outcome) in corpus.judged(profile) {
            let title = title(object);
            let denials = outcome.findings.into_iter().filter(|finding| finding.level == Level::Deny);
            found.extend(
                denials.map(|finding| format!("{file}\t{title}\t{profile}\t{}\t{}", finding.rule, finding.path)),
            );
        }
    }
    let (listed, reasons): (BTreeSet<String>, Vec<&str>) =
        lines().filter_map(|line| line.rsplit_once('\t')).map(|(denial, why)| (denial.to_owned(), why)).unzip();
    assert!(reasons.iter().all(|why| why.split(' ').count() > 4), "each line says why it is right");
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "denied and not listed: {new:#?}\nlisted and not denied: {gone:#?}");
}

/// `--host` is the operator's own doing, of which the FlinkDeployment shows nothing.
#[test]
fn what_the_operator_made_is_answered_for_by_its_owner() {
    let Some(corpus) = Corpus::beside() else { return };
    let mut made = BTreeSet::new();
    for (file, object, outcome) in corpus.judged("strict") {
        if Owner::of(object).is_none() {
            continue;
        }
        let denied = outcome.findings.iter().find(|finding| finding.level == Level::Deny);
        assert!(denied.is_none(), "{file}: {denied:?}");
        assert!(outcome.patch.0.is_empty(), "{file}: {:?}", outcome.patch);
        made.insert((file, title(object)));
    }
    assert!(made.len() > 15, "the corpus holds {made:#?}");
    for (file, object, directory) in corpus.objects() {
        let outcome = judge(object, directory, "strict");
        let left = outcome.findings.iter().find(|finding| finding.rule != "host-argument-removed");
        assert!(Owner::of(object).is_none() || left.is_none(), "{file}: {left:?}");
    }
}

#[test]
fn the_list_is_sorted_and_whole() {
    let listed: Vec<&str> = lines().collect();
    assert!(listed.is_sorted() && listed.iter().all(|line| line.split('\t').count() == 6), "{listed:#?}");
}

fn lines() -> impl Iterator<Item = &'static str> {
    VERDICTS.lines().filter(|line| !line.starts_with('#'))
}

fn title(object: &Value) -> String {
    let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", word("/kind"), word("/metadata/name"))
}

fn judge(object: &Value, others: &[Value], profile: &str) -> Outcome {
    let policies = Policies::from_text(&format!("spec: {{profile: {profile}}}")).unwrap();
    manifests::review(object, None, &policies, others, verdict::judge)
}

/// The manifests, by the directories in which their authors keep them.
struct Corpus {
    directories: BTreeMap<String, Vec<(String, Vec<Value>)>>,
    together: BTreeMap<String, Vec<Value>>,
}

impl Corpus {
    fn beside() -> Option<Self> {
        let root = manifests::shared()?.join("corpus");
        let index = std::fs::read_to_string(root.join("index.tsv")).unwrap();
        let sources: BTreeMap<&str, String> = index.lines().skip(1).map(source).collect();
        let mut directories: BTreeMap<String, Vec<(String, Vec<Value>)>> = BTreeMap::new();
        for (file, objects) in read(&root) {
            // What is not in the index was captured, and lies in directories already.
            let directory = sources.get(file.as_str()).cloned().unwrap_or_else(|| parent(&file).to_owned());
            directories.entry(directory).or_default().push((file, objects));
        }
        let all = |files: &Vec<(String, Vec<Value>)>| files.iter().flat_map(|(_, objects)| objects.clone()).collect();
        let together = directories.iter().map(|(directory, files)| (directory.clone(), all(files))).collect();
        Some(Self { directories, together })
    }

    /// Every workload of Flink with its file, and all objects of its directory.
    fn objects(&self) -> impl Iterator<Item = (&str, &Value, &[Value])> {
        self.directories.iter().flat_map(|(directory, files)| {
            let together = &self.together[directory];
            files.iter().flat_map(move |(file, objects)| {
                let workloads = objects.iter().filter(|object| workload::recognise(object).is_some());
                workloads.map(move |object| (file.as_str(), object, together.as_slice()))
            })
        })
    }

    /// What is said of every workload: with its file alone, and with its directory.
    fn judged<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = (&'a str, &'a Value, Outcome)> {
        let files: BTreeMap<&str, &Vec<Value>> =
            self.directories.values().flatten().map(|(file, objects)| (file.as_str(), objects)).collect();
        self.objects().flat_map(move |(file, object, together)| {
            [files[file].as_slice(), together].map(|others| (file, object, judge(object, others, profile)))
        })
    }
}

/// The file of one line of the index, and the directory that it comes from. A page's snippets stand behind a `#`.
fn source(line: &str) -> (&str, String) {
    let columns: Vec<&str> = line.split('\t').collect();
    let (file, repository, path) = (columns[0], columns[1], columns[2]);
    let directory = path.split_once('#').map_or_else(|| parent(path), |(page, _)| page);
    (file, format!("{repository}/{directory}"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
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
