//! What the ServiceAccount has to be allowed, and for what.

use serde_json::{Value, json};

use super::names::Names;
use super::seen::Seen;
use crate::cluster::KINDS;

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
    /// Whether the API server's calls depend on it; without the others less is known, or told.
    pub is_vital: bool,
}

/// What a right is for: what does not work without it, and whether that is vital.
type Purpose = (&'static str, bool);

const fn vital(why: &'static str) -> Purpose {
    (why, true)
}

const fn minor(why: &'static str) -> Purpose {
    (why, false)
}

const AUTHORITY: Purpose = vital("the replicas share no authority, so their certificate is not renewed");
const CONFIGURATIONS: Purpose = vital("the webhook configurations are not written and not mended");
const OWNER: Purpose = minor("what the program makes has no owner, and stays behind when the release is removed");
const NOTICED: Purpose = minor("what others change is noticed only at the next check");
const SECOND: Purpose = minor("a second installation is not seen, and what others change only at the next check");
const LEADER: Purpose = vital("no replica leads, so nothing is rotated, probed or mended");
const MEMBERS: Purpose =
    vital("the leader does not know which authority the replicas serve, and holds the rotation back");
const TOLD: Purpose = minor("what was changed, and what cannot be done, stands in the log alone and in no Event");
const PROVE: Purpose = minor("the way through the API server is never proved, so failurePolicy stays Ignore");
const LOOK_UP: Purpose = minor("what it would tell is judged as unknown, and a denial becomes a warning");
const LOOKED_AT: Purpose = minor("`doctor` in a pod, as `helm test` runs it, sees less of the installation");

impl Right {
    /// All that the program asks for. What an authority of its own needs, and what making its configurations needs, is left
    /// out where `owns_authority` or `writes_configurations` do not say for certain that it does that.
    #[must_use]
    pub fn needed(names: &Names, owns_authority: bool, writes_configurations: bool) -> Vec<Self> {
        let own = names.namespace.as_str();
        let mut needed = Vec::new();
        let mut add = |verbs: &[&'static str], group, resource, place: (&str, &str), (purpose, is_vital): Purpose| {
            needed.extend(verbs.iter().map(|&verb| Self {
                verb,
                group,
                resource,
                namespace: place.0.to_owned(),
                name: place.1.to_owned(),
                purpose,
                is_vital,
            }));
        };
        if owns_authority {
            let secret = names.secret();
            add(&["get", "update"], "", "secrets", (own, &secret), AUTHORITY);
            add(&["create"], "", "secrets", (own, ""), AUTHORITY);
            add(&["list", "watch"], "", "secrets", (own, &secret), NOTICED);
        }
        let group = "admissionregistration.k8s.io";
        for kind in KINDS {
            add(&["get", "patch"], group, kind.plural(), ("", &names.service), CONFIGURATIONS);
            if writes_configurations {
                // By server-side apply, which names what it makes.
                add(&["create"], group, kind.plural(), ("", &names.service), CONFIGURATIONS);
            }
            add(&["watch"], group, kind.plural(), ("", &names.service), NOTICED);
            add(&["list"], group, kind.plural(), ("", ""), SECOND);
        }
        let (group, anchor) = ("rbac.authorization.k8s.io", names.anchor());
        let purpose = if writes_configurations { CONFIGURATIONS } else { OWNER };
        add(&["get"], group, "clusterroles", ("", &anchor), purpose);
        let group = "coordination.k8s.io";
        add(&["get"], group, "leases", (own, &names.leader()), LEADER);
        add(&["create", "patch"], group, "leases", (own, ""), LEADER);
        add(&["list", "delete"], group, "leases", (own, ""), MEMBERS);
        add(&["create", "patch"], "events.k8s.io", "events", (own, ""), TOLD);
        add(&["create"], "", "configmaps", (own, ""), PROVE);
        for resource in ["namespaces", "serviceaccounts", "configmaps", "persistentvolumeclaims"] {
            add(&["get"], "", resource, ("", ""), LOOK_UP);
        }
        add(&["get"], "flink.apache.org", "flinkdeployments", ("", ""), LOOK_UP);
        add(&["get"], "", "services", (own, &names.service), LOOKED_AT);
        add(&["get"], "apps", "deployments", (own, &names.service), LOOKED_AT);
        add(&["list"], "discovery.k8s.io", "endpointslices", (own, ""), LOOKED_AT);
        needed
    }

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
