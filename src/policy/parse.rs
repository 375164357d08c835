//! Reads a policy strictly: what is not known is refused with its path and the known words.

use serde::Deserialize;
use serde_json::Value;

use crate::flink::location::{Location, has_placeholder, is_below, normalise, scheme_of};
use crate::object::{is_dns_label, shape};
use crate::policy::document::{FlinkPolicy, Spec, Volume};
use crate::policy::rules;
use crate::policy::template::Template;
use crate::yaml;

/// Why a policy document is refused.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Refused {
    /// Path of the field: `spec.rules.storage-on-empty-dri`; the line, where the text is no YAML.
    pub path: String,
    /// What is wrong, and the known words.
    pub reason: String,
}

const API_VERSION: &str = "flink-admission.io/v1alpha1";
const KIND: &str = "FlinkPolicy";
/// Every volume of a policy goes into every pod, and its record onto every object.
const MOST_VOLUMES: usize = 50;
/// Where Flink's image has its configuration.
const CONF_DIR: &str = "/opt/flink/conf";

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
    let documents = yaml::documents(text).map_err(|error| refused(&format!("line {}", error.line), error.reason))?;
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
    only_maps(&value)?;
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
    if let Some(account) = &spec.service_account {
        named("spec.serviceAccount.name", &account.name)?;
    }
    directory("spec.highAvailability.storageDir", spec.high_availability.storage_dir.as_ref(), false)?;
    directory("spec.checkpoints.directory", spec.checkpoints.directory.as_ref(), true)?;
    directory("spec.checkpoints.savepoints", spec.checkpoints.savepoints.as_ref(), true)?;
    if spec.volumes.len() > MOST_VOLUMES {
        return Err(refused(
            "spec.volumes",
            format!("it has {} volumes, and may have {MOST_VOLUMES}", spec.volumes.len()),
        ));
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        usable(index, volume, &spec.volumes)?;
    }
    let name = document.metadata.get("name").and_then(Value::as_str).unwrap_or("policy").to_owned();
    Ok(FlinkPolicy { name, spec })
}

/// What must be a map where it is there: a list would be read as its fields in their order.
const MAPS: [&str; 11] = [
    "",
    "/metadata",
    "/spec",
    "/spec/namespaceSelector",
    "/spec/rules",
    "/spec/highAvailability",
    "/spec/highAvailability/zookeeper",
    "/spec/checkpoints",
    "/spec/serviceAccount",
    "/spec/images",
    "/spec/podSecurity",
];

/// Lists whose elements must be maps.
const LISTS_OF_MAPS: [&str; 2] = ["/spec/volumes", "/spec/namespaceSelector/matchExpressions"];

fn only_maps(value: &Value) -> Result<(), Refused> {
    let maps = MAPS.iter().filter_map(|path| Some(((*path).to_owned(), value.pointer(path)?)));
    let elements = LISTS_OF_MAPS.iter().flat_map(|path| {
        let list = value.pointer(path).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        list.iter().enumerate().flat_map(move |(index, element)| {
            let provision = element.get("provision").map(|inner| (format!("{path}/{index}/provision"), inner));
            std::iter::once((format!("{path}/{index}"), element)).chain(provision)
        })
    });
    for (path, value) in maps.chain(elements) {
        if !value.is_object() && !value.is_null() {
            let path = path.trim_start_matches('/').replace('/', ".");
            return Err(refused(
                if path.is_empty() { "document" } else { &path },
                format!("it is {}, and must be a map", shape(value)),
            ));
        }
    }
    Ok(())
}

fn known_rule(path: &str, id: &str) -> Result<(), Refused> {
    if rules::is_known_id(id) {
        return Ok(());
    }
    Err(refused(&format!("{path}.{id}"), format!("unknown rule `{id}`; known are {}", rules::known_ids().join(", "))))
}

fn usable(index: usize, volume: &Volume, all: &[Volume]) -> Result<(), Refused> {
    let at = |field: &str| format!("spec.volumes[{index}].{field}");
    let path = normalise(&volume.mount_path);
    if path == "/" || is_below(&path, CONF_DIR) || is_below(CONF_DIR, &path) {
        return Err(refused(&at("mountPath"), format!("`{}` would hide Flink's own files", volume.mount_path)));
    }
    if !volume.mount_path.starts_with('/') || volume.mount_path.contains(':') {
        return Err(refused(&at("mountPath"), format!("`{}` is not an absolute path without `:`", volume.mount_path)));
    }
    if !is_dns_label(&volume.name) {
        return Err(refused(
            &at("name"),
            format!("`{}` is no name of a volume: 1 to 63 of a-z, 0-9 and `-`", volume.name),
        ));
    }
    named(&at("claimName"), &volume.claim_name)?;
    if volume.roles.is_empty() {
        return Err(refused(&at("roles"), "it names no role; known are `jobmanager`, `taskmanager`".to_owned()));
    }
    let former = all.iter().take(index);
    for other in former {
        if other.name == volume.name {
            return Err(refused(&at("name"), format!("`{}` is the name of two volumes", volume.name)));
        }
        if normalise(&other.mount_path) == path {
            return Err(refused(&at("mountPath"), format!("`{}` is the path of two volumes", volume.mount_path)));
        }
    }
    Ok(())
}

/// A template that becomes the name of an object.
fn named(path: &str, template: &Template) -> Result<(), Refused> {
    let text = template.text().replace("{namespace}", "a").replace("{name}", "a").replace("{cluster}", "a");
    let is_name = text.split('.').all(is_dns_label) && text != "default";
    if is_name {
        Ok(())
    } else {
        Err(refused(path, format!("`{}` is no name of an object of its own: a-z, 0-9, `-` and `.`", template.text())))
    }
}

/// A directory that Flink can be given as it is.
fn directory(path: &str, template: Option<&Template>, is_of_jobs: bool) -> Result<(), Refused> {
    let Some(text) = template.map(Template::text) else { return Ok(()) };
    let filled = text.replace(['{', '}'], "");
    if has_placeholder(&filled) {
        return Err(refused(
            path,
            format!(
                "`{text}` holds a placeholder that nothing replaces; known are `{{namespace}}`, `{{name}}`, `{{cluster}}`"
            ),
        ));
    }
    if is_of_jobs && scheme_of(&filled).is_none() {
        return Err(refused(
            path,
            format!(
                "`{text}` has no scheme, and Flink refuses that when a job starts; write `file://{text}` or the scheme of an object store"
            ),
        ));
    }
    if is_of_jobs && Location::parse(&filled, None).is_root() {
        return Err(refused(
            path,
            format!(
                "`{text}` is the root of a file system, and Flink refuses that when a job starts; name a directory below it"
            ),
        ));
    }
    Ok(())
}

fn refused(path: &str, reason: String) -> Refused {
    Refused { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::document::FsGroup;

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
                "[]",
                "spec: {highAvailability: [kubernetes, true]}",
                "spec: {volumes: [{name: a, claimName: a, mountPath: /opt/flink}]}",
                "spec: {volumes: [{name: a, claimName: A/.., mountPath: /a}]}",
                "spec: {serviceAccount: {name: default}}",
                "spec: {checkpoints: {directory: /flink/cp}}",
                "spec: {checkpoints: {savepoints: \"s3://{namespace}\"}}",
                "spec: {highAvailability: {storageDir: \"s3://$(BUCKET)/ha\"}}",
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
    fn a_policy_has_a_bounded_number_of_volumes() {
        let volumes = |number: usize| -> String {
            let volume = |n: usize| format!("{{name: v{n}, claimName: c, mountPath: /v{n}}}");
            format!("spec: {{volumes: [{}]}}", (0..number).map(volume).collect::<Vec<_>>().join(", "))
        };
        assert!(from_text(&volumes(MOST_VOLUMES)).is_ok());
        assert!(refusal(&volumes(MOST_VOLUMES + 1)).starts_with("spec.volumes: it has 51 volumes"));
    }

    #[test]
    fn an_empty_spec_is_the_built_in_policy() {
        let policy = from_text("spec: {}").unwrap();
        assert_eq!(policy.describe(), "policy (profile baseline, enforcement enforce)");
        assert!(policy.may_change() && policy.spec.complete);
    }

    #[test]
    fn names_and_paths_of_volumes_are_those_of_kubernetes() {
        let volume = |name: &str, claim: &str, path: &str| {
            from_text(&format!("spec: {{volumes: [{{name: '{name}', claimName: '{claim}', mountPath: '{path}'}}]}}"))
                .is_ok()
        };
        assert!(volume("a", "a.b-c", "/data") && volume(&"a".repeat(63), "0", "/a/b"));
        for name in ["", "-a", "a-", "A", "a_b", "a.b", &"a".repeat(64)] {
            assert!(!volume(name, "a", "/data"), "{name}");
        }
        for claim in ["a..b", "a.-b", "default", "A"] {
            assert!(!volume("a", claim, "/data"), "{claim}");
        }
        for path in ["data", "/a:b", "/", "/opt", "/opt/flink/conf/x"] {
            assert!(!volume("a", "a", path), "{path}");
        }
    }

    #[test]
    fn off_may_be_written_as_yaml_reads_it() {
        for off in ["off", "'off'", "false"] {
            let policy =
                from_text(&format!("spec: {{podSecurity: {{fsGroup: {off}}}, rules: {{ha-required: {off}}}}}"));
            assert_eq!(policy.unwrap().spec.pod_security.fs_group, FsGroup::Off, "{off}");
        }
        let of = |id: &str| {
            from_text(&format!("spec: {{podSecurity: {{fsGroup: {id}}}}}"))
                .map(|policy| policy.spec.pod_security.fs_group)
        };
        assert_eq!(of("1").ok(), Some(FsGroup::Id(1)));
        assert_eq!(of("4294967295").ok(), Some(FsGroup::Id(u32::MAX)));
        for wrong in ["0", "4294967296", "1.5", "on", "true"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
