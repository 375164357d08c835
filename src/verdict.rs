//! From a recognised object to a decision: the same functions for the webhook and for the offline commands.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::admission::Operation;
use crate::facts::{FactKey, Facts};
use crate::flink::configuration::EffectiveConfig;
use crate::policy::{Finding, Policies, Role};
use crate::workload::Workload;

/// The object under review with what surrounds it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The object as it came.
    pub object: &'a Value,
    /// The object as it is stored, on UPDATE.
    pub old: Option<&'a Value>,
    /// What is done to it.
    pub operation: Operation,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name; `None` on a CREATE with `generateName`.
    pub name: Option<&'a str>,
    /// What it was recognised as.
    pub workload: &'a Workload,
}

/// What is answered to the API server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Whether the object may pass.
    pub allowed: bool,
    /// The whole denial for people, at most ten lines; empty when allowed.
    pub message: String,
    /// One cause a denial, for `status.details.causes`.
    pub causes: Vec<Cause>,
    /// Warnings, each at most 256 characters, together at most 4096.
    pub warnings: Vec<String>,
    /// The change, empty when there is none (always empty for `/validate`).
    pub patch: json_patch::Patch,
    /// Audit annotations by key, without the webhook's name.
    pub audit: BTreeMap<String, String>,
    /// Rules that found something, with their level, for the log and the metrics: (`storage-on-empty-dir`, `deny`).
    pub rules: Vec<(&'static str, &'static str)>,
    /// What was filled in, in words, for the log; never a value of a credential-like key.
    pub changes: Vec<String>,
    /// Name of the policy that was applied.
    pub policy: String,
}

/// One reason of a denial.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Field path: `spec.flinkConfiguration["high-availability.storageDir"]`.
    pub field: String,
    /// Id of the rule: `storage-on-empty-dir`.
    pub reason: String,
    /// The whole message.
    pub message: String,
}

impl Decision {
    /// Allowed, untouched, without a word.
    #[must_use]
    pub fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }
}

/// What must be known of the cluster to judge `subject`.
#[must_use]
pub fn needs(subject: &Subject<'_>, policies: &Policies) -> BTreeSet<FactKey> {
    let _ = (subject, policies);
    BTreeSet::new()
}

/// Everything that is to be said of one object: the offline commands print it, [`mutate`] and [`validate`] answer with it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Name of the policy that was applied.
    pub policy: String,
    /// The findings on the object as it would be stored, worst level first, then by path.
    pub findings: Vec<Finding>,
    /// What completes the object; empty when nothing is filled in.
    pub patch: json_patch::Patch,
    /// The object with the patch applied.
    pub stored: Value,
    /// What was filled in, in words.
    pub changes: Vec<String>,
}

/// Completes and judges `subject` as the cluster would.
#[must_use]
pub fn judge(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Outcome {
    let _ = (policies, facts);
    Outcome {
        policy: String::new(),
        findings: Vec::new(),
        patch: json_patch::Patch::default(),
        stored: subject.object.clone(),
        changes: Vec::new(),
    }
}

/// The configuration that each role of `subject` works with, for `explain`.
#[must_use]
pub fn configurations(subject: &Subject<'_>, facts: &Facts) -> Vec<(Role, EffectiveConfig)> {
    let _ = (subject, facts);
    Vec::new()
}

/// The answer of `/mutate`: the change that completes the object. Never a denial.
#[must_use]
pub fn mutate(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
    let _ = (subject, policies, facts);
    Decision::allow()
}

/// The answer of `/validate`: what is wrong with the final object.
#[must_use]
pub fn validate(subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
    let _ = (subject, policies, facts);
    Decision::allow()
}
