//! What the ServiceAccount has to be allowed, and for what.

use serde_json::{Value, json};

use super::names::Names;
use super::seen::Seen;
use crate::cluster::{KINDS, Kind};

/// One thing that must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The verb.
    pub verb: &'static str,
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// In which namespace; empty for all of them, or for what is in none.
    pub namespace: String,
    /// Of which name; empty for any.
    pub name: String,
    /// What does not work without it.
    pub purpose: &'static str,
    /// Whether the API server's calls depend on it; without the others something is judged as unknown.
    pub is_vital: bool,
}

const AUTHORITY: &str = "the replicas share no authority, so their certificate is not renewed";
const CONFIGURATIONS: &str = "the webhook configurations are not written and not mended";
const NOTICED: &str = "what others change is noticed only at the next check";
const LEADER: &str = "no replica leads, so nothing is rotated, probed or mended";
const MEMBERS: &str = "the leader does not know which authority the replicas serve, and holds the rotation back";
const PROVE: &str = "the way through the API server is never proved, so failurePolicy stays Ignore";
const LOOK_UP: &str = "what it would tell is judged as unknown, and a denial becomes a warning";

/// All that the program asks for. What an authority of its own needs, and what making its configurations needs, is left out
/// where `owns_authority` or `writes_configurations` do not say for certain that it does that.
pub(super) fn wanted(names: &Names, owns_authority: bool, writes_configurations: bool) -> Vec<Right> {
    let mut rights = Vec::new();
    let mut add = |verbs: &[&'static str], group, resource, place: (&str, &str), purpose, is_vital| {
        rights.extend(verbs.iter().map(|&verb| Right {
            verb,
            group,
            resource,
            namespace: place.0.to_owned(),
            name: place.1.to_owned(),
            purpose,
            is_vital,
        }));
    };
    let own = names.namespace.as_str();
    if owns_authority {
        add(&["get", "update"], "", "secrets", (own, &names.secret()), AUTHORITY, true);
        add(&["create"], "", "secrets", (own, ""), AUTHORITY, true);
        add(&["watch"], "", "secrets", (own, &names.secret()), NOTICED, false);
    }
    let group = "admissionregistration.k8s.io";
    for kind in KINDS {
        add(&["get", "patch"], group, kind.plural(), ("", &names.service), CONFIGURATIONS, true);
        if writes_configurations {
            // By server-side apply, which names what it makes.
            add(&["create"], group, kind.plural(), ("", &names.service), CONFIGURATIONS, true);
        }
        add(&["watch"], group, kind.plural(), ("", &names.service), NOTICED, false);
    }
    add(&["list"], group, Kind::Mutating.plural(), ("", ""), CONFIGURATIONS, true);
    if writes_configurations {
        let anchor = names.anchor();
        add(&["get"], "rbac.authorization.k8s.io", "clusterroles", ("", &anchor), CONFIGURATIONS, true);
    }
    add(&["get", "patch"], "coordination.k8s.io", "leases", (own, &names.leader()), LEADER, true);
    add(&["create"], "coordination.k8s.io", "leases", (own, ""), LEADER, true);
    add(&["list", "patch", "delete"], "coordination.k8s.io", "leases", (own, ""), MEMBERS, true);
    add(&["create"], "", "configmaps", (own, ""), PROVE, false);
    for resource in ["namespaces", "serviceaccounts", "configmaps", "persistentvolumeclaims"] {
        add(&["get"], "", resource, ("", ""), LOOK_UP, false);
    }
    add(&["get"], "flink.apache.org", "flinkdeployments", ("", ""), LOOK_UP, false);
    rights
}

impl Right {
    /// `get secrets/flink-admission-authority in flink-system`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!("/{}", self.name) };
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" in {}", self.namespace) };
        format!("{} {}{group}{name}{place}", self.verb, self.resource)
    }

    /// The command that asks the same.
    pub(super) fn command(&self, account: &str) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let name = if self.name.is_empty() { String::new() } else { format!("/{}", self.name) };
        let place =
            if self.namespace.is_empty() { "--all-namespaces".to_owned() } else { format!("-n {}", self.namespace) };
        format!("kubectl auth can-i {} {}{group}{name} {place} --as={account}", self.verb, self.resource)
    }

    /// The review that asks whether `account` has it, or whoever asks where there is none.
    pub(super) fn review(&self, account: Option<(&str, &[String])>) -> Value {
        let attributes = json!({"verb": self.verb, "group": self.group, "resource": self.resource,
            "namespace": self.namespace, "name": self.name});
        let (kind, mut spec) = match account {
            Some((user, groups)) => ("SubjectAccessReview", json!({"user": user, "groups": groups})),
            None => ("SelfSubjectAccessReview", json!({})),
        };
        if let Some(fields) = spec.as_object_mut() {
            fields.insert("resourceAttributes".to_owned(), attributes);
        }
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec})
    }
}

/// The answer in a review's status.
pub(super) fn allowed(answer: Seen<Value>) -> Seen<bool> {
    answer.map(|review| review.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or_default())
}
