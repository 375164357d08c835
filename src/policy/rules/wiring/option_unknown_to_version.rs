//! `option-unknown-to-version`: an option of another Flink version.

use crate::flink::configuration::Setting;
use crate::flink::options::{self, HA_TYPE};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "option-unknown-to-version",
    failure: "C9b",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "An option of HA, checkpoints or state is set under a name that another Flink version reads and this one does not: `execution.checkpointing.dir` before 1.20, `state.backend.type` before 1.17.",
        why: "Flink ignores what it does not know, without a word: checkpoints go to the JobManager's memory, state to the heap; `security.ssl.enabled: true` leaves Flink 2 without any encryption.",
        limits: "Only names of known Flink options are judged. An option that was removed because its feature is gone is not reported when it has no successor. Where the same option is also set under a name that this version reads, nothing is lost and nothing is said.",
        example: "spec:\n  flinkVersion: v1_18\n  flinkConfiguration:\n    execution.checkpointing.dir: s3://state/checkpoints",
        fix: "Use this version's name; the finding says it.",
    },
    check,
};

const PREFIXES: [&str; 7] = [
    "high-availability.",
    "execution.checkpointing.",
    "execution.state-recovery.",
    "state.",
    "restart-strategy.",
    "job-result-store.",
    "kubernetes.jobmanager.replicas",
];

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (Some(version), Some(view)) = (case.cluster.version, case.cluster.leading()) else { return Vec::new() };
    let unknown = |(key, setting)| {
        let key: &str = key;
        let is_judged = PREFIXES.iter().any(|prefix| key.starts_with(prefix)) && key != HA_TYPE;
        if !is_judged || options::is_read_by(key, version) {
            return None;
        }
        let history = options::history(key)?;
        let own = options::counterpart(key, version);
        // What the cluster of a session job sets is not what the job wants.
        let is_set = |own| view.config.exact(own).is_some_and(Setting::is_of_object);
        if own.is_some_and(is_set) || (own.is_none() && history.last < version) {
            return None;
        }
        let span = if history.first > version {
            format!("new in {}", history.first)
        } else {
            format!("read up to {}", history.last)
        };
        let message = format!("Flink {version} does not know `{key}` ({span}) and ignores it without a word");
        Some(if let Some(own) = own {
            Violation::at_setting(setting, message, format!("write `{own}` instead")).settled_by_name(key, own)
        } else {
            let fix = format!("remove it, or use Flink {} or later", history.first);
            Violation::at_setting(setting, message, fix)
        })
    };
    view.config.iter().filter_map(unknown).chain(without_encryption(case)).collect()
}

/// The one switch of all encryption, which Flink 2 has not: it reads those of its parts.
///
/// Source: Flink `SecurityOptions`, `SecurityOptions.isRestSSLEnabled`, 1.20.5 and 2.3.0.
fn without_encryption(case: &Case<'_>) -> Option<Violation> {
    let version = case.cluster.version.filter(|version| version.at_least(2, 0))?;
    let config = &case.cluster.leading()?.config;
    let setting = config.exact(ALL_ENCRYPTION).filter(|setting| setting.trimmed().eq_ignore_ascii_case("true"))?;
    if PARTS.iter().any(|part| config.exact(part).is_some()) {
        return None;
    }
    let message = format!(
        "Flink {version} does not know `{ALL_ENCRYPTION}` (read up to 1.20) and ignores it without a word, so nothing is encrypted"
    );
    let fix = format!("set `{}` and `{}`", PARTS[0], PARTS[1]);
    Some(Violation::at_setting(setting, message, fix))
}

const ALL_ENCRYPTION: &str = "security.ssl.enabled";
const PARTS: [&str; 2] = ["security.ssl.internal.enabled", "security.ssl.rest.enabled"];
