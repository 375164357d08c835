//! Whether the manifest of an object says an option that was once filled in, as far as the object tells.
//!
//! What was applied on the server's side is named by `managedFields`, and what was applied by `kubectl` on the client's stands
//! in an annotation. What a webhook fills in is in neither: the API server writes `managedFields` before it calls webhooks
//! (endpoints/handlers/{create,update,patch}.go of k8s.io/apiserver). `helm` and `kubectl create` leave nothing by which a
//! later manifest could be told.

use serde_json::Value;

use crate::flink::options;
use crate::object::{annotation, at, list, text};
use crate::workload::GROUP;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// To it the API server gives all that stood in an object before its first server-side apply.
const BEFORE: &str = "before-first-apply";
/// What comes before the name of a field in `managedFields`.
const FIELD: &str = "f:";

/// What is known of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manifest {
    /// It says the option: the webhook is not needed for it any more.
    Says,
    /// It does not.
    Lacks,
    /// It cannot be known.
    Unknown,
}

impl Manifest {
    /// What the manifest of `object`, of which the metadata is enough, says of `option`, by its newest name.
    pub(super) fn of(object: &Value, option: &str) -> Self {
        let names = options::names(option, None);
        let is_named = |key: &String| key == option || names.contains(&key.as_str());
        let is_of_flink = text(object, &["apiVersion"]).is_some_and(|version| version.starts_with(GROUP));
        let mut is_applied = false;
        for manager in list(object, &["metadata", "managedFields"]) {
            let Some(spec) = at(manager, &["fieldsV1", "f:spec"]).filter(|_| is_of_flink) else { continue };
            if text(manager, &["manager"]) == Some(BEFORE) {
                continue;
            }
            if configured(spec, FIELD).iter().any(is_named) {
                return Self::Says;
            }
            is_applied |= text(manager, &["operation"]) == Some("Apply");
        }
        // The fields say it, or the annotation does, which may be an old one beside them.
        if is_applied {
            return Self::Lacks;
        }
        let applied = annotation(object, LAST_APPLIED).and_then(|json| serde_json::from_str::<Value>(json).ok());
        let Some(spec) = applied.as_ref().and_then(|manifest| at(manifest, &["spec"])) else { return Self::Unknown };
        let says = if is_of_flink {
            configured(spec, "").iter().any(is_named)
        } else {
            names.iter().any(|name| is_written(spec, name))
        };
        if says { Self::Says } else { Self::Lacks }
    }
}

/// The keys of the Flink configuration below `spec`, however they are nested; `mark` comes before the name of each field.
fn configured(spec: &Value, mark: &str) -> Vec<String> {
    let marked = |key: &str| format!("{mark}{key}");
    let (configuration, template, inner) = (marked("flinkConfiguration"), marked("template"), marked("spec"));
    let mut found = Vec::new();
    for place in [&[configuration.as_str()][..], &[&template, &inner, &configuration]] {
        if let Some(configuration) = at(spec, place) {
            keys(configuration, "", mark, &mut found);
        }
    }
    found
}

fn keys(value: &Value, parent: &str, mark: &str, found: &mut Vec<String>) {
    let fields = value.as_object().into_iter().flatten();
    let mut fields = fields.filter_map(|(name, value)| Some((name.strip_prefix(mark)?, value))).peekable();
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty()) || value.is_null();
    if fields.peek().is_none() && !parent.is_empty() && !is_blank {
        found.push(parent.to_owned());
    }
    for (name, value) in fields {
        let key = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        keys(value, &key, mark, found);
    }
}

/// Whether `name` gets a value somewhere below `value`: in an argument, or in a variable that holds a configuration.
fn is_written(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => [":", "="].iter().any(|sign| text.contains(&format!("{name}{sign}"))),
        Value::Array(items) => items.iter().any(|item| is_written(item, name)),
        Value::Object(fields) => fields.values().any(|value| is_written(value, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flink::options::{HA_STORAGE_DIR, HA_TYPE};

    const FLINK: &str = "flink.apache.org/v1beta1";

    fn managed(operation: &str, manager: &str, configuration: &Value) -> Manifest {
        let fields = json!({"f:spec": {"f:flinkConfiguration": configuration, "f:image": {}}});
        let entries = json!([{"manager": manager, "operation": operation, "fieldsV1": fields}]);
        Manifest::of(&json!({"apiVersion": FLINK, "metadata": {"managedFields": entries}}), HA_TYPE)
    }

    fn last_applied(version: &str, manifest: &Value) -> Manifest {
        let annotations = json!({LAST_APPLIED: manifest.to_string()});
        Manifest::of(&json!({"apiVersion": version, "metadata": {"annotations": annotations}}), HA_TYPE)
    }

    #[test]
    fn fields_name_what_was_applied_on_the_server() {
        let slots = json!({"f:taskmanager.numberOfTaskSlots": {}, ".": {}});
        for says in [
            json!({"f:high-availability.type": {}}),
            json!({"f:high-availability": {}}),
            json!({".": {}, "f:high-availability": {".": {}, "f:type": {}}}),
        ] {
            assert_eq!(managed("Apply", "argocd", &says), Manifest::Says, "{says}");
            assert_eq!(managed("Update", "terraform", &says), Manifest::Says, "{says}");
            assert_eq!(managed("Apply", BEFORE, &says), Manifest::Unknown, "{says}");
        }
        assert_eq!(managed("Apply", "argocd", &slots), Manifest::Lacks);
        // Its storage directory alone is not the type, which was once called `high-availability`.
        assert_eq!(managed("Apply", "argocd", &json!({"f:high-availability": {"f:storageDir": {}}})), Manifest::Lacks);
        // What `helm` applies later changes nothing where it says what stands there.
        assert_eq!(managed("Update", "helm", &slots), Manifest::Unknown);
    }

    #[test]
    fn an_annotation_holds_what_was_applied_on_the_client() {
        let cluster = |configuration: Value| json!({"spec": {"flinkConfiguration": configuration}});
        let of = |configuration: Value| last_applied(FLINK, &cluster(configuration));
        assert_eq!(of(json!({"high-availability.type": "kubernetes"})), Manifest::Says);
        assert_eq!(of(json!({"high-availability": {"type": "kubernetes"}})), Manifest::Says);
        assert_eq!(of(json!({"high-availability.type": " "})), Manifest::Lacks);
        assert_eq!(of(json!({})), Manifest::Lacks);
        let pair = json!({"spec": {"template": cluster(json!({"high-availability.type": "kubernetes"}))}});
        assert_eq!(last_applied(FLINK, &pair), Manifest::Says);
        let pods = |args: Value| json!({"spec": {"template": {"spec": {"containers": [{"name": "x", "args": args}]}}}});
        let of = |args: Value| last_applied("apps/v1", &pods(args));
        assert_eq!(of(json!(["jobmanager", "-D", "high-availability.type=kubernetes"])), Manifest::Says);
        assert_eq!(of(json!(["jobmanager", "-Dhigh-availability.storageDir=s3://a"])), Manifest::Lacks);
        assert_eq!(Manifest::of(&json!({"metadata": {}}), HA_STORAGE_DIR), Manifest::Unknown);
        assert_eq!(last_applied("apps/v1", &json!("no manifest")), Manifest::Unknown);
    }
}
