//! The chart, rendered by helm.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::Client;

/// Directory of the chart.
pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/helm/flink-admission")
}

/// The objects of a release with these values (`--set`), as `helm template` gives them without a cluster.
#[track_caller]
pub(crate) fn render(client: &Client, release: &str, namespace: &str, values: &[&str]) -> Vec<Value> {
    let values: Vec<&str> = values.iter().flat_map(|value| ["--set", *value]).collect();
    objects(&template(client, release, namespace, &values))
}

/// The text of a release with these flags.
#[track_caller]
pub(crate) fn template(client: &Client, release: &str, namespace: &str, flags: &[&str]) -> String {
    let chart = chart();
    client
        .helm(&[&["template", release, chart.to_str().unwrap(), "--namespace", namespace], flags].concat())
        .succeeded()
}

/// The documents of a text.
#[track_caller]
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let documents = flink_admission::yaml::documents(text).unwrap().into_iter().map(|document| document.value);
    documents.filter(|object| !object.is_null()).collect()
}

/// All objects of `kind`.
pub(crate) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}
