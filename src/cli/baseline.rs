//! Findings that are known and accepted, in a file beside the manifests: what is new fails, what is old does not.
//!
//! ```json
//! {
//!   "apiVersion": "flink-admission.io/v1alpha1",
//!   "kind": "Baseline",
//!   "findings": [
//!     {"object": "FlinkDeployment default/word-count", "rule": "storage-on-empty-dir", "role": "JobManager",
//!      "field": "spec.flinkConfiguration.high-availability.storageDir"}
//!   ]
//! }
//! ```
//!
//! Nothing in it depends on where a finding stands in its file, nor on the value that was found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::input;
use super::review::{Object, Reviewed};
use crate::policy::rules::is_known_id;
use crate::report::fingerprint::Fingerprint;

/// Known findings, and how many there are of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Fingerprint, usize>,
}

/// What a baseline makes of the findings that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// For each object whether each of its findings is known, in the order of the input.
    pub known: Vec<Vec<bool>>,
    /// How many findings are known.
    pub accepted: usize,
    /// How many of the baseline are not found any more, of the objects in the input.
    pub gone: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    fingerprint: Fingerprint,
    /// How often it is found, where that is more than once.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    count: usize,
}

impl Baseline {
    /// All findings of `reviewed`.
    #[must_use]
    pub fn of(reviewed: &Reviewed) -> Self {
        let mut known = BTreeMap::new();
        for object in &reviewed.objects {
            for finding in object.findings() {
                *known.entry(Fingerprint::of(object, finding)).or_default() += 1;
            }
        }
        Self { known }
    }

    /// The baseline in the file at `path`.
    ///
    /// # Errors
    /// What cannot be read, or is no baseline.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = input::read_bounded(path).map_err(|reason| anyhow::anyhow!("baseline {name}: {reason}"))?;
        let document: Document = serde_json::from_str(&text).with_context(|| format!("baseline {name}"))?;
        if document.api_version != API_VERSION || document.kind != KIND {
            bail!("baseline {name}: is no `{KIND}` of `{API_VERSION}`; `check --write-baseline` makes one");
        }
        let mut known = BTreeMap::new();
        for Entry { fingerprint, count } in document.findings {
            if !is_known_id(&fingerprint.rule) {
                bail!("baseline {name}: there is no rule `{}`; write the baseline anew", fingerprint.rule);
            }
            *known.entry(fingerprint).or_default() += count;
        }
        Ok(Self { known })
    }

    /// Writes the baseline to the file at `path`, one finding a line.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let entry =
            |(fingerprint, count): (&Fingerprint, &usize)| Entry { fingerprint: fingerprint.clone(), count: *count };
        let findings = self.known.iter().map(entry).collect();
        let document = Document { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), findings };
        let text = serde_json::to_string_pretty(&document)?;
        fs::write(path, text + "\n").with_context(|| format!("baseline {}", path.display()))
    }

    /// How many findings it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.values().sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Which findings of `reviewed` are known. Of several that are alike as many are as were known.
    #[must_use]
    pub fn accept(&self, reviewed: &Reviewed) -> Accepted {
        let mut left = self.known.clone();
        let mut accepted = 0;
        let mut known = Vec::new();
        for object in &reviewed.objects {
            let mut of_object = Vec::new();
            for finding in object.findings() {
                let number = left.get_mut(&Fingerprint::of(object, finding)).filter(|number| **number > 0);
                accepted += usize::from(number.is_some());
                of_object.push(number.map(|number| *number -= 1).is_some());
            }
            known.push(of_object);
        }
        // Of an object that is not in the input nothing is known.
        let shown: BTreeSet<String> = reviewed.objects.iter().map(Object::title).collect();
        let gone = left.iter().filter(|(fingerprint, _)| shown.contains(&fingerprint.object));
        Accepted { known, accepted, gone: gone.map(|(_, number)| number).sum() }
    }
}

const fn once() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_once(count: &usize) -> bool {
    *count == 1
}

const API_VERSION: &str = "flink-admission.io/v1alpha1";
const KIND: &str = "Baseline";
