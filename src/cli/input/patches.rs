//! Kustomize's patches: parts of objects, which only `kustomize build` makes whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{File, read_bounded};
use crate::yaml;

/// The real paths of the files that the kustomizations among `files` name as patches.
///
/// Source: kustomize `api/types/kustomization.go`, `patches`, `patchesStrategicMerge` and `patchesJson6902`.
pub(super) fn named_by_kustomizations(files: &[File]) -> BTreeSet<PathBuf> {
    files.iter().filter(|file| is_kustomization(file.path())).flat_map(|file| patches_of(file.path())).collect()
}

fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "kustomization.yaml" || name == "kustomization.yml")
}

/// The files that the kustomization at `path` names; one that cannot be read names none, and is a problem of its own.
fn patches_of(path: &Path) -> Vec<PathBuf> {
    let Ok(text) = read_bounded(path) else { return Vec::new() };
    let folder = path.parent().unwrap_or(Path::new(""));
    let documents = yaml::each_document(&text).into_iter().filter_map(Result::ok);
    let named = documents.flat_map(|document| names(&document.value));
    // An inline patch is no file.
    named.filter_map(|name| folder.join(name).canonicalize().ok()).collect()
}

fn names(kustomization: &Value) -> Vec<String> {
    let lists = FIELDS.iter().filter_map(|field| kustomization.get(field)?.as_array());
    let name = |patch: &Value| patch.as_str().or_else(|| patch.get("path")?.as_str()).map(str::to_owned);
    lists.flatten().filter_map(name).collect()
}

/// The fields of a kustomization that name patches.
const FIELDS: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_are_named_in_three_fields() {
        let kustomization = json!({
            "resources": ["orders.yaml"],
            "patches": [{"path": "a.yaml", "target": {"kind": "FlinkDeployment"}}, {"patch": "- op: remove"}],
            "patchesStrategicMerge": ["b.yaml"],
            "patchesJson6902": [{"target": {"name": "orders"}, "path": "c.json"}],
        });
        assert_eq!(names(&kustomization), ["a.yaml", "b.yaml", "c.json"]);
        for odd in [json!(null), json!({"patches": {}}), json!({"patches": [1, null, {"path": 2}]})] {
            assert_eq!(names(&odd), [""; 0]);
        }
    }
}
