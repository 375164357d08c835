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
    let chart = chart();
    let chart = chart.to_str().unwrap();
    let mut args = vec!["template", release, chart, "--namespace", namespace];
    args.extend(values.iter().flat_map(|value| ["--set", *value]));
    objects(&client.helm(&args).succeeded())
}

/// The documents of a text.
#[track_caller]
pub(crate) fn objects(text: &str) -> Vec<Value> {
    flink_admission::yaml::documents(text).unwrap().into_iter().map(|document| document.value).collect()
}

/// All objects of `kind`.
pub(crate) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}
