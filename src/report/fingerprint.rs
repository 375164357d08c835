//! What tells a finding from every other one, and stays when lines move: rule, object, role and field.
//!
//! The value is no part of it: it is the same mistake with another path, as it is on an update of a stored object.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::review::Object;
use crate::object::{FieldPath, Segment, name};
use crate::policy::Finding;

/// What a finding is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The object: `FlinkDeployment default/word-count`.
    pub object: String,
    /// Id of the rule.
    pub rule: String,
    /// The role, where it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The field, its option in one piece and list elements by their names:
    /// `spec.flinkConfiguration.high-availability.storageDir`.
    pub field: String,
}

impl Fingerprint {
    /// That of `finding` on `object`.
    #[must_use]
    pub fn of(object: &Object, finding: &Finding) -> Self {
        Self {
            object: object.title(),
            rule: finding.rule.to_owned(),
            role: finding.role.map(|role| role.to_string()),
            field: field(object.stored(), &finding.at),
        }
    }

    /// In one line: `storage-on-empty-dir FlinkDeployment default/word-count JobManager spec…`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let role = self.role.as_ref().map(|role| format!(" {role}")).unwrap_or_default();
        format!("{} {}{role} {}", self.rule, self.object, self.field)
    }
}

/// `path` in `object` without what its form adds: where in a list an element stands, and whether an option is nested.
fn field(object: &Value, path: &FieldPath) -> String {
    let mut value = Some(object);
    let mut words: Vec<String> = Vec::new();
    for segment in path.segments() {
        match segment {
            Segment::Key(key) => {
                value = value.and_then(|value| value.get(key));
                words.push(key.clone());
            }
            Segment::Index(index) => {
                value = value.and_then(|value| value.get(index));
                words.extend(value.and_then(name_of).map(str::to_owned));
            }
        }
    }
    words.join(".")
}

/// The name of a list's element: its own, or that of the option which a word of a command line assigns.
fn name_of(element: &Value) -> Option<&str> {
    let assigned = || element.as_str()?.split_once('=').map(|(option, _)| option.trim_start_matches("-D"));
    name(element).or_else(assigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_keeps_its_name_when_others_are_put_before_it() {
        let object = json!({"spec": {"containers": [{"name": "a"}, {"name": "flink", "args": ["-Da.b=c"]}]}});
        let path = FieldPath::of(&["spec", "containers"]).index(1).key("args").index(0);
        assert_eq!(field(&object, &path), "spec.containers.flink.args.a.b");
        let nested = FieldPath::of(&["spec", "flinkConfiguration", "high-availability", "type"]);
        let dotted = FieldPath::of(&["spec", "flinkConfiguration", "high-availability.type"]);
        assert_eq!(field(&object, &nested), field(&object, &dotted));
    }
}
