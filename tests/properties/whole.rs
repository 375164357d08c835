//! What holds for whole inputs: the documents of every golden case, in any order, as the commands read them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flink_admission::cli::Streams;
use flink_admission::cli::review::{self, Reviewed, Selection, Stored};
use flink_admission::policy::{Finding, Level};
use flink_admission::yaml;
use serde_json::Value;

use crate::generated::shuffled;
use crate::manifests;

/// What is said of each object, by its title.
type Said = BTreeMap<String, Vec<String>>;

struct Case {
    path: PathBuf,
    documents: Vec<Value>,
    policy: tempfile::NamedTempFile,
}

fn cases() -> impl Iterator<Item = Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let children = |directory: &Path| {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let files: Vec<PathBuf> = children(&root).iter().flat_map(|directory| children(directory)).collect();
    let manifests = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    manifests.map(|path| {
        let input = manifests::Input::of(manifests::documents(&path));
        let policy = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(policy.path(), yaml::to_text(&input.policy)).unwrap();
        let documents = std::iter::once(input.object).chain(input.others).collect();
        Case { path, documents, policy }
    })
}

impl Case {
    fn review(&self, documents: &[Value], stored: Stored) -> Reviewed {
        let text: Vec<String> = documents.iter().map(yaml::to_text).collect();
        let text = text.join("---\n");
        let selection = Selection {
            paths: vec!["-".into()],
            policy: Some(self.policy.path().into()),
            namespace: None,
            assume: None,
        };
        let mut streams =
            Streams { input: &mut text.as_bytes(), output: &mut std::io::sink(), errors: &mut std::io::sink() };
        review::review(&selection, stored, &mut streams).unwrap()
    }

    fn said(&self, documents: &[Value]) -> Said {
        let reviewed = self.review(documents, Stored::Completed);
        let objects = reviewed.objects.iter();
        objects.map(|object| (object.title(), object.findings().iter().map(whole).collect())).collect()
    }
}

fn whole(finding: &Finding) -> String {
    let Finding { rule, level, role, path, message, fix, .. } = finding;
    format!("{rule} {level:?} {role:?} {path}: {message}; {fix}")
}

fn denial(finding: &Finding) -> Option<String> {
    (finding.level == Level::Deny).then(|| format!("{} {:?} {}", finding.rule, finding.role, finding.path))
}

#[test]
fn documents_and_keys_may_stand_in_any_order() {
    for (number, case) in cases().enumerate() {
        let said = case.said(&case.documents);
        assert_eq!(said.len(), case.documents.len(), "{}: two objects of one name", case.path.display());
        for seed in [0, 1 + number as u64] {
            let mut turned: Vec<Value> = case.documents.iter().map(|document| shuffled(document, seed)).collect();
            turned.reverse();
            assert_eq!(case.said(&turned), said, "{} in the order {seed}", case.path.display());
        }
    }
}

#[test]
fn check_agrees_with_what_render_gives() {
    for case in cases() {
        let rendered = case.review(&case.documents, Stored::Completed);
        let documents: Vec<Value> = rendered.objects.iter().map(|object| object.stored().clone()).collect();
        let again = case.review(&documents, Stored::Completed);
        for (before, after) in rendered.objects.iter().zip(&again.objects) {
            let place = format!("{}: {}", case.path.display(), before.title());
            assert_eq!(after.stored(), before.stored(), "{place}: a second time more is filled in");
            let denials = |findings: &[Finding]| findings.iter().filter_map(denial).collect::<Vec<_>>();
            assert_eq!(denials(after.findings()), denials(before.findings()), "{place}");
            let changes = after.outcome.as_ref().map(|outcome| outcome.changes.clone()).unwrap_or_default();
            assert!(changes.is_empty() || before.stored() == &before.source.object, "{place}: {changes:?}");
        }
    }
}
