//! Reads a policy strictly: what is not known is refused with its path and the known words.

use serde::Deserialize;
use serde_json::Value;

use crate::policy::document::{FlinkPolicy, Spec, Volume};
use crate::policy::rules;
use crate::yaml;

/// Why a policy document is refused.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Refused {
    /// Path of the field: `spec.rules.storage-on-empty-dri`.
    pub path: String,
    /// What is wrong, and the known words.
    pub reason: String,
}

const API_VERSION: &str = "flink-admission.io/v1alpha1";
const KIND: &str = "FlinkPolicy";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    spec: Option<Spec>,
    /// Written by the cluster, for people.
    #[serde(default, rename = "status")]
    _status: Value,
}

/// The policy in the one document of `text`.
///
/// # Errors
/// [`Refused`]: text that is not YAML, several documents, and everything that is not known.
pub(super) fn from_text(text: &str) -> Result<FlinkPolicy, Refused> {
    let documents = yaml::documents(text).map_err(|error| refused("document", error.to_string()))?;
    let mut documents = documents.into_iter().map(|document| document.value).filter(|value| !value.is_null());
    let value = documents.next().ok_or_else(|| refused("document", "it is empty".to_owned()))?;
    if documents.next().is_some() {
        return Err(refused("document", "a policy file holds one document, this one holds several".to_owned()));
    }
    from_value(value)
}

/// The policy in `value`, an object of kind FlinkPolicy.
///
/// # Errors
/// [`Refused`].
pub(super) fn from_value(value: Value) -> Result<FlinkPolicy, Refused> {
    let document: Document = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        refused(if path == "." { "document" } else { &path }, error.inner().to_string())
    })?;
    for (path, value, known) in [("apiVersion", &document.api_version, API_VERSION), ("kind", &document.kind, KIND)] {
        if let Some(value) = value.as_ref().filter(|value| *value != known) {
            return Err(refused(path, format!("`{value}` is not known here; known is `{known}`")));
        }
    }
    let spec = document.spec.unwrap_or_default();
    for id in spec.rules.keys() {
        known_rule("spec.rules", id)?;
    }
    for id in &spec.optional_remedies {
        known_rule("spec.optionalRemedies", id)?;
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        usable(index, volume, &spec.volumes)?;
    }
    let name = document.metadata.get("name").and_then(Value::as_str).unwrap_or("policy").to_owned();
    Ok(FlinkPolicy { name, spec })
}

fn known_rule(path: &str, id: &str) -> Result<(), Refused> {
    if rules::is_known_id(id) {
        return Ok(());
    }
    Err(refused(&format!("{path}.{id}"), format!("unknown rule `{id}`; known are {}", rules::known_ids().join(", "))))
}

fn usable(index: usize, volume: &Volume, all: &[Volume]) -> Result<(), Refused> {
    let at = |field: &str| format!("spec.volumes[{index}].{field}");
    if !volume.mount_path.starts_with('/') || volume.mount_path.contains(':') {
        return Err(refused(&at("mountPath"), format!("`{}` is not an absolute path without `:`", volume.mount_path)));
    }
    if volume.name.is_empty() || volume.name.len() > 63 {
        return Err(refused(&at("name"), format!("`{}` is not a name of 1 to 63 characters", volume.name)));
    }
    let former = all.iter().take(index);
    for other in former {
        if other.name == volume.name {
            return Err(refused(&at("name"), format!("`{}` is the name of two volumes", volume.name)));
        }
        if other.mount_path.trim_end_matches('/') == volume.mount_path.trim_end_matches('/') {
            return Err(refused(&at("mountPath"), format!("`{}` is the path of two volumes", volume.mount_path)));
        }
    }
    Ok(())
}

fn refused(path: &str, reason: String) -> Refused {
    Refused { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        from_text(text).map(|policy| policy.describe()).unwrap_err().to_string()
    }

    #[test]
    fn whatever_is_not_known_is_refused_with_path_and_known_words() {
        insta::assert_snapshot!(
            [
                "spec: {profil: strict}",
                "spec: {profile: lax}",
                "spec: {highAvailability: {zookeeper: {quorums: a}}}",
                "spec: {rules: {storage-on-empty-dri: deny}}",
                "spec: {rules: {storage-on-empty-dir: never}}",
                "spec: {checkpoints: {directory: \"s3://b/{team}\"}}",
                "spec: {volumes: [{name: a, claimName: a, mountPath: data}]}",
                "spec: {podSecurity: {fsGroup: -1}}",
                "kind: Policy",
                "a: 1\n---\nb: 2",
                "",
            ]
            .map(|text| refusal(text)
                .split("; known are claim")
                .next()
                .unwrap_or_default()
                .chars()
                .take(230)
                .collect::<String>())
            .join("\n")
        );
    }

    #[test]
    fn an_empty_spec_is_the_built_in_policy() {
        let policy = from_text("spec: {}").unwrap();
        assert_eq!(policy.describe(), "policy (profile baseline, enforcement enforce)");
        assert!(policy.may_change() && policy.spec.complete);
    }
}
