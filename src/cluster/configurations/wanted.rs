//! The configurations as the chart wants them, and what is to stand in the cluster at a moment.

use json_patch::merge;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Value, json};

use super::Kind;
use crate::cluster::bundle::Bundle;
use crate::cluster::installation::{INSTALLATION_LABEL, Installation, PROBE_ENTRY, PROVED_ANNOTATION};
use crate::object::{list, text};
use crate::yaml;

/// The configurations as the chart wants them.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    mutating: Value,
    validating: Value,
}

/// Why a file holds no configurations.
#[derive(Debug, thiserror::Error)]
pub enum NotWanted {
    /// It is no YAML.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// One of them is missing or there twice.
    #[error("it must hold one {0}, and holds {1}")]
    Number(Kind, usize),
    /// It has no entries.
    #[error("the {0} has no entry under `webhooks`")]
    Empty(Kind),
}

/// What is to stand in the cluster at this moment.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Whom the API server trusts; `None` where others write that.
    pub bundle: Option<&'a Bundle>,
    /// Since when requests come through, as RFC 3339; `None` while that is not known.
    pub proved: Option<&'a str>,
    /// With whom the configuration goes.
    pub owner: Option<&'a OwnerReference>,
}

impl Wanted {
    /// The configurations in `file`, YAML documents.
    ///
    /// # Errors
    /// It is no YAML, or one of the two is missing.
    pub fn read(file: &str) -> Result<Self, NotWanted> {
        let documents = yaml::documents(file).map_err(|error| NotWanted::Unreadable(error.to_string()))?;
        let one = |kind: Kind| {
            let of_kind = |value: &&Value| text(value, &["kind"]) == Some(kind.name());
            let mut found = documents.iter().map(|document| &document.value).filter(of_kind);
            match (found.next(), found.count()) {
                (Some(value), 0) if list(value, &["webhooks"]).is_empty() => Err(NotWanted::Empty(kind)),
                (Some(value), 0) => Ok(value.clone()),
                (first, more) => Err(NotWanted::Number(kind, usize::from(first.is_some()) + more)),
            }
        };
        Ok(Self { mutating: one(Kind::Mutating)?, validating: one(Kind::Validating)? })
    }

    pub(super) const fn of(&self, kind: Kind) -> &Value {
        match kind {
            Kind::Mutating => &self.mutating,
            Kind::Validating => &self.validating,
        }
    }

    /// The whole configuration, for server-side apply.
    pub(super) fn whole(&self, kind: Kind, installation: &Installation, standing: &Standing<'_>) -> Value {
        let mut whole = self.of(kind).clone();
        let ours = json!({"metadata": {
            "name": installation.configurations,
            "labels": {INSTALLATION_LABEL: installation.label()},
            "annotations": {PROVED_ANNOTATION: standing.proved.unwrap_or_default()},
            "ownerReferences": standing.owner.map(|owner| [owner]),
        }});
        merge(&mut whole, &ours);
        for entry in whole.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
            let policy = failure_policy(entry, standing.proved.is_some()).to_owned();
            merge(entry, &json!({"failurePolicy": policy}));
            if let Some(bundle) = standing.bundle {
                merge(entry, &json!({"clientConfig": {"caBundle": ByteString(bundle.pem().into_bytes())}}));
            }
        }
        whole
    }
}

/// What happens to an object when the call for `entry` fails. The probe's own entry harms nobody, and under `Fail` the API
/// server says why a call fails.
pub(super) fn failure_policy(entry: &Value, is_proved: bool) -> &str {
    let is_probe = text(entry, &["name"]) == Some(PROBE_ENTRY);
    match text(entry, &["failurePolicy"]) {
        _ if is_probe => "Fail",
        Some(wanted) if is_proved => wanted,
        _ => "Ignore",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_both_is_refused() {
        let mutating = "kind: MutatingWebhookConfiguration\nwebhooks: [{name: a}]";
        let refused = |file: &str| Wanted::read(file).unwrap_err().to_string();
        assert_eq!(refused(mutating), "it must hold one ValidatingWebhookConfiguration, and holds 0");
        assert_eq!(
            refused(&format!("{mutating}\n---\n{mutating}")),
            "it must hold one MutatingWebhookConfiguration, and holds 2"
        );
        assert!(refused("a: [").starts_with("it cannot be read"));
        let empty = "kind: MutatingWebhookConfiguration";
        assert_eq!(refused(empty), "the MutatingWebhookConfiguration has no entry under `webhooks`");
    }
}
