//! Rules beside Flink, in both directions: what a finding says, Flink does; and where Flink throws, there is a finding.
//!
//! That a directory, HA or a role's memory is refused is said by no one but the rules, so the other direction is the
//! comparison of their fields ([`fields`](super::fields)); here it is that of the command line and of the file.

use flink_admission::flink::cluster::Directory;
use flink_admission::policy::{Finding, Level};
use serde_json::Value;

use super::ours::Ours;

/// What a rule says, and the field of Flink's answer that is as it says.
const CLAIMS: [(&str, &str, Claim); 8] = [
    ("memory-too-small", "memory", Claim::Refused),
    ("ha-cluster-id-refused", "haDirectory", Claim::Refused),
    ("ha-storage-dir-missing", "haDirectory", Claim::Refused),
    ("ha-mode-misspelt", "highAvailability", Claim::Is("FACTORY_CLASS")),
    ("checkpoint-directory-missing", "checkpointStorage", Claim::Is("memory")),
    ("restart-strategy-off", "restartStrategy", Claim::Is("none")),
    ("restart-strategy-default-attempts", "restartStrategy", Claim::Ends(" 1")),
    ("jar-upload-open", "takesJars", Claim::Is("true")),
];

enum Claim {
    /// Flink throws.
    Refused,
    /// It is this.
    Is(&'static str),
    /// It ends so.
    Ends(&'static str),
}

impl Claim {
    fn holds(&self, flink: &Value) -> bool {
        match self {
            Self::Refused => flink.is_object(),
            // Something else may be refused before it is asked.
            Self::Is(_) | Self::Ends(_) if flink.is_object() => true,
            Self::Is(value) => flink == value,
            Self::Ends(end) => flink.as_str().is_some_and(|value| value.ends_with(end)),
        }
    }
}

/// What a review says, and Flink does otherwise.
pub fn without_reason(ours: &Ours, flink: &Value) -> Vec<String> {
    let refused = flink.get("refused").and_then(Value::as_str);
    let wrong = ours.findings.iter().filter(|finding| match finding.rule {
        "arguments-refused" | "configuration-refused" if finding.level == Level::Deny => refused.is_none(),
        // What Flink does not come to is not asked.
        _ if refused.is_some() => false,
        // Others of its findings are on paths that nobody means.
        "storage-uri-malformed" if !is_refusal(finding) => false,
        "storage-uri-malformed" | "storage-path-without-scheme" => !is_refused(ours, finding, &flink["effective"]),
        // A blank of several is an id that nobody means, and a class that is not known may be there.
        "ha-cluster-id-refused" | "ha-mode-misspelt" if finding.level != Level::Deny => false,
        rule => {
            let mut claims = CLAIMS.iter().filter(|(claimed, ..)| *claimed == rule);
            claims.any(|(_, field, claim)| !claim.holds(&flink["effective"][field]))
        }
    });
    wrong.map(|finding| format!("rule {}: {} {}", finding.rule, finding.path, finding.message)).collect()
}

/// What Flink ends with, and a review says nothing of.
pub fn without_finding(ours: &Ours, flink: &Value) -> Option<String> {
    let error = flink.get("error").and_then(Value::as_str).unwrap_or_default();
    match flink.get("refused").and_then(Value::as_str)? {
        "arguments" => {
            let has_finding = ARGUMENTS.iter().any(|rule| ours.has_finding(rule));
            (!has_finding).then(|| format!("no finding on the command line, which Flink refuses: {error}"))
        }
        // That it is not there is said of the options: that they are not known.
        _ if error.contains("does not exist") && ours.view().unknown.is_some() => None,
        // So it is of what our parser refuses and Flink's may not.
        _ if ours.view().refused.as_ref().is_some_and(|refused| !refused.refusal.certain) => None,
        _ => {
            let has_finding = ours.has_finding("configuration-refused");
            (!has_finding).then(|| format!("no finding on the file, which Flink refuses: {error}"))
        }
    }
}

/// The rules on words that Flink refuses, and on options that `jobmanager.sh` takes for the host or the port.
const ARGUMENTS: [&str; 6] = [
    "arguments-refused",
    "jobmanager-address-is-service",
    "ha-mode-missing",
    "ha-storage-dir-missing",
    "kubernetes-cluster-id-missing",
    "zookeeper-quorum-missing",
];

/// Whether Flink refuses the directory that `finding` is about: its file system, or what is to be kept there.
fn is_refused(ours: &Ours, finding: &Finding, flink: &Value) -> bool {
    let of = Directory::ALL.into_iter().filter(|directory| is_about(ours, finding, *directory));
    let fields = of.flat_map(|directory| match directory {
        Directory::HighAvailability => ["haDirectory", "storageDirAt"],
        Directory::Checkpoints => ["checkpointsTaken", "checkpointsAt"],
        Directory::Savepoints => ["savepointsTaken", "savepointsAt"],
    });
    fields.into_iter().any(|field| flink[field].is_object())
}

/// The findings by which Flink refuses `directory`.
pub fn refusing(ours: &Ours, directory: Directory) -> impl Iterator<Item = &Finding> {
    ours.findings.iter().filter(move |finding| match finding.rule {
        "storage-uri-malformed" => is_refusal(finding) && is_about(ours, finding, directory),
        "storage-path-without-scheme" => is_about(ours, finding, directory),
        "ha-storage-dir-missing" => directory == Directory::HighAvailability,
        "ha-cluster-id-refused" => directory == Directory::HighAvailability && finding.level == Level::Deny,
        _ => false,
    })
}

/// Whether it says that Flink refuses a directory, and not that it takes it for another.
fn is_refusal(finding: &Finding) -> bool {
    finding.message.contains("Flink refuses") || finding.message.contains("Flink finds no scheme")
}

/// Whether `finding` is on the setting of `directory`.
fn is_about(ours: &Ours, finding: &Finding, directory: Directory) -> bool {
    ours.cluster.directory(directory).is_some_and(|(_, setting)| {
        (finding.path.as_str(), finding.origin.as_str()) == (setting.path.to_string().as_str(), &*setting.origin)
            && (setting.value.contains(char::is_control) || finding.value.as_ref() == Some(&setting.value))
    })
}
