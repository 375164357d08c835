//! What a rule found wrong, as data.

use std::fmt;

use serde::Deserialize;

use crate::object::FieldPath;

/// How much a finding weighs. The order is the order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum Level {
    /// The rule is not evaluated.
    Off,
    /// Reported in reports and audit annotations only.
    Audit,
    /// Shown to the user, the object passes.
    Warn,
    /// The object is refused.
    Deny,
}

impl TryFrom<serde_json::Value> for Level {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        match &value {
            // YAML 1.1 reads an unquoted `off` as false.
            serde_json::Value::Bool(false) => Ok(Self::Off),
            serde_json::Value::String(word) => {
                { [Self::Off, Self::Audit, Self::Warn, Self::Deny].into_iter().find(|level| level.word() == word) }
                    .ok_or_else(|| format!("unknown level `{word}`; known are `deny`, `warn`, `audit`, `off`"))
            }
            _ => Err(format!("`{value}` is not a level; known are `deny`, `warn`, `audit`, `off`")),
        }
    }
}

impl Level {
    /// The word in policies and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The half of a Flink cluster that a finding speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The JobManager.
    JobManager,
    /// The TaskManagers.
    TaskManager,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JobManager => "JobManager",
            Self::TaskManager => "TaskManager",
        })
    }
}

/// One violation of one rule at one place.
///
/// In words: `<path>: <what is>, <why it hurts>; <what to do>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule: `storage-on-empty-dir`.
    pub rule: &'static str,
    /// Its level under the policy that applies.
    pub level: Level,
    /// The role it concerns, where it concerns one.
    pub role: Option<Role>,
    /// Field path in the object: `spec.flinkConfiguration["high-availability.storageDir"]`.
    pub path: String,
    /// The same path in its steps.
    pub at: FieldPath,
    /// The value found there; `None` where there is none or it must not be shown.
    pub value: Option<String>,
    /// Where the value comes from: `spec.flinkConfiguration`, `ConfigMap flink-config, key config.yaml, line 12`.
    pub origin: String,
    /// What is, and why it hurts.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// What to write in the place of what stands there, where that alone settles the finding.
    pub replacement: Option<Replacement>,
    /// The reason of an exception by which it is no denial.
    pub exception: Option<String>,
    /// What it has in common with others, where one change settles all of them.
    pub shared: Option<Shared>,
}

/// What several findings of one rule come from: one volume that holds several directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The cause, as it is told from others.
    pub cause: String,
    /// Place of this finding among those of its cause: the lowest speaks for all.
    pub rank: u8,
    /// The option that it is about.
    pub option: String,
    /// What is, said of this one: the first half of its message.
    pub fact: String,
    /// Why it hurts, said of all of them; `None` where the first half tells.
    pub loss: Option<String>,
    /// What to do, said of all of them.
    pub fix: String,
}

/// A change of one word at the place of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// Of the value.
    Value(String),
    /// Of an option's name, of which the value stays.
    Key {
        /// The whole name as it stands there.
        old: String,
        /// The name that is meant.
        new: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.message, self.fix)
    }
}

/// The order of findings in every answer.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.level
            .cmp(&a.level)
            .then_with(|| (&a.path, a.role, a.rule, &a.message).cmp(&(&b.path, b.role, b.rule, &b.message)))
    });
}

/// Makes one finding of those that one cause has: the first speaks for all, and names the options of the others.
///
/// Only for answers: whether a finding is new is asked of each place.
pub fn merge(findings: &mut Vec<Finding>) {
    let mut merged: Vec<Finding> = Vec::new();
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in findings.drain(..) {
        let is_same = |other: &Finding| {
            (other.rule, other.level, other.role, &other.exception)
                == (finding.rule, finding.level, finding.role, &finding.exception)
                && other.shared.as_ref().map(|shared| &shared.cause)
                    == finding.shared.as_ref().map(|shared| &shared.cause)
        };
        let group = groups.iter_mut().find(|group| group.first().is_some_and(is_same));
        match (group, &finding.shared) {
            (_, None) => merged.push(finding),
            (Some(group), Some(_)) => group.push(finding),
            (None, Some(_)) => groups.push(vec![finding]),
        }
    }
    merged.extend(groups.into_iter().filter_map(spoken_for));
    sort(&mut merged);
    *findings = merged;
}

fn spoken_for(mut group: Vec<Finding>) -> Option<Finding> {
    group.sort_by_key(|finding| finding.shared.as_ref().map(|shared| shared.rank));
    let mut group = group.into_iter();
    let mut first = group.next()?;
    let others: Vec<String> = group.filter_map(|other| Some(format!("`{}`", other.shared?.option))).collect();
    if let (Some((last, before)), Some(shared)) = (others.split_last(), &first.shared) {
        let and = if before.is_empty() { "" } else { " and " };
        let others = [&before.join(", "), and, last].concat();
        let loss = shared.loss.as_ref().map(|loss| format!(", so {loss}")).unwrap_or_default();
        first.message = format!("{}; the same is true of {others}{loss}", shared.fact);
        first.fix.clone_from(&shared.fix);
    }
    Some(first)
}
