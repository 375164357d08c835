//! What the operator did, from the API server's audit log, and what webhooks made of it there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::operator::ACCOUNT;

/// One request of the operator that changes something.
#[derive(Debug)]
pub struct Act(Value);

/// Flags of kube-apiserver, and the log that it then writes.
pub fn flags(directory: &Path) -> (Vec<String>, PathBuf) {
    let (policy, log) = (directory.join("audit-policy.yaml"), directory.join("audit.log"));
    let text = format!(
        "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    resources: [{{group: '', resources: [events]}}, {{group: coordination.k8s.io}}]
  - level: RequestResponse
    users: ['system:serviceaccount:{ACCOUNT}:{ACCOUNT}']
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
"
    );
    std::fs::write(&policy, text).expect("the policy is written");
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
        // What the operator has been answered is in the log.
        "--audit-log-mode=blocking-strict".to_owned(),
    ];
    (flags.to_vec(), log)
}

/// What the operator did in `namespace`, in order.
pub fn acts(log: &Path, namespace: &str) -> Vec<Act> {
    let text = std::fs::read_to_string(log).expect("the audit log");
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let events = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
    events.filter(|event| event["objectRef"]["namespace"] == namespace).map(Act).collect()
}

impl Act {
    /// `create deployments/word-count`, `update flinkdeployments/word-count/status`.
    pub fn title(&self) -> String {
        let word = |name: &str| self.0["objectRef"][name].as_str();
        // The name of what is created stands in the object.
        let name = word("name").or_else(|| self.0["requestObject"]["metadata"]["name"].as_str()).unwrap_or("?");
        let parts = [word("resource"), Some(name), word("subresource")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        format!("{} {}", self.0["verb"].as_str().expect("a verb"), parts.join("/"))
    }

    /// The status of the answer.
    pub fn code(&self) -> u64 {
        self.0["responseStatus"]["code"].as_u64().expect("a code")
    }

    /// Whether mutating webhooks were asked: for each of them, whether it changed the object.
    pub fn mutated(&self) -> Vec<bool> {
        self.annotations("mutation.webhook.admission.k8s.io/")
            .map(|value| serde_json::from_str::<Value>(value).expect("JSON")["mutated"] == true)
            .collect()
    }

    /// The patches of webhooks.
    pub fn patches(&self) -> Vec<&str> {
        self.annotations("patch.webhook.admission.k8s.io/").collect()
    }

    /// Whether our webhook is registered for it.
    pub fn is_reviewed(&self) -> bool {
        let word = |name: &str| self.0["objectRef"][name].as_str();
        let resources = ["deployments", "flinkdeployments", "flinksessionjobs"];
        let is_ours = word("resource").is_some_and(|resource| resources.contains(&resource));
        is_ours && word("subresource").is_none() && self.0["verb"] != "delete"
    }

    /// Whether a whole object was sent, and one came back.
    pub fn is_whole(&self) -> bool {
        self.0["verb"] == "create" || self.0["verb"] == "update"
    }

    /// What was sent and what was stored.
    pub fn objects(&self) -> (&Value, &Value) {
        (&self.0["requestObject"], &self.0["responseObject"])
    }

    fn annotations<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.0["annotations"].as_object().into_iter().flatten();
        all.filter(move |(key, _)| key.starts_with(prefix)).filter_map(|(_, value)| value.as_str())
    }
}
