//! `deploy/kustomize` holds what the chart makes of its defaults, without helm's labels and its test.
//! `UPDATE_DOCS=1 cargo test --test chart` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::golden::holds;
use super::rendered::{objects, template};
use crate::support::ControlPlane;

const NAME: &str = "flink-admission";
const HELMS: [&str; 2] = ["helm.sh/chart", "app.kubernetes.io/managed-by"];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kustomize")
}

/// The files of the base, by name: the documents of each template of the chart.
fn files(rendered: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in rendered.split("---\n# Source: ").skip(1) {
        let (source, text) = document.split_once('\n').unwrap();
        let name = source.rsplit('/').next().unwrap().to_owned();
        // The program's own label, in what it is given to write, has one of these names.
        let is_helms = |line: &str| {
            let line = line.trim();
            line.starts_with("helm.sh/chart: ") || line == "app.kubernetes.io/managed-by: Helm"
        };
        let kept = text.lines().filter(|line| !is_helms(line));
        let text = kept.collect::<Vec<_>>().join("\n") + "\n";
        if text.contains("\nkind: ") {
            let file = files.entry(name).or_default();
            if !file.is_empty() {
                file.push_str("---\n");
            }
            file.push_str(text.trim_start_matches('\n'));
        }
    }
    files
}

#[test]
fn the_base_is_what_the_chart_makes() {
    let Some(plane) = ControlPlane::shared() else { return };
    let rendered = template(plane.admin(), NAME, NAME, &["--skip-tests"]);
    let mut wanted = files(&rendered);
    let mut kustomization = "# Written by UPDATE_DOCS=1 cargo test --test chart; see README.md.\n\
        apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - namespace.yaml\n"
        .to_owned();
    for name in wanted.keys() {
        kustomization.extend(["  - ", name, "\n"]);
    }
    wanted.insert("kustomization.yaml".to_owned(), kustomization);
    for (name, text) in &wanted {
        let path = directory().join(name);
        assert!(holds(&path, text, "UPDATE_DOCS"), "{} is old: UPDATE_DOCS=1 cargo test --test chart", path.display());
    }
    let there = fs::read_dir(directory()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let written_by_hand = ["README.md", "namespace.yaml"].map(str::to_owned);
    let known: BTreeSet<String> = wanted.into_keys().chain(written_by_hand).collect();
    assert_eq!(there.collect::<BTreeSet<String>>(), known);

    // kustomize's own words for it hold the same objects.
    let built = plane.kubectl(&["kustomize", directory().to_str().unwrap()]).succeeded();
    let mut built = by_name(objects(&built));
    let namespace = built.remove(&format!("Namespace {NAME}")).unwrap();
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    assert_eq!(built, by_name(objects(&rendered)));
}

/// Without helm's labels, and the order of keys.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let named = objects.into_iter().map(|mut object| {
        for path in ["/metadata/labels", "/spec/template/metadata/labels"] {
            if let Some(labels) = object.pointer_mut(path).and_then(Value::as_object_mut) {
                labels.retain(|label, _| !HELMS.contains(&label.as_str()));
            }
        }
        (format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap()), object)
    });
    named.collect()
}

#[test]
fn the_base_is_accepted() {
    let Some(plane) = ControlPlane::shared() else { return };
    let built = plane.kubectl(&["kustomize", directory().to_str().unwrap()]).succeeded();
    // Dry runs need the namespace to be there; it stays for the tests of this binary alone.
    let (namespaces, others): (Vec<Value>, Vec<Value>) =
        objects(&built).into_iter().partition(|object| object["kind"] == "Namespace");
    plane.apply(&namespaces[0].to_string()).succeeded();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": others});
    let args = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    plane.admin().kubectl_with(&args, &list.to_string()).succeeded();
}
