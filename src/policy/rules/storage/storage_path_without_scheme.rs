//! `storage-path-without-scheme`: a checkpoint or savepoint directory that Flink refuses.

use crate::flink::cluster::Directory;
use crate::flink::location::{Location, has_placeholder, scheme_of};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-path-without-scheme",
    failure: "B26",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The checkpoint or savepoint directory has no scheme: `/flink-data/checkpoints`.",
        why: "Flink refuses it when the job starts: `The scheme (hdfs://, file://, etc) is null`. The cluster comes up, the job does not (executed with 2.3.0).",
        limits: "`high-availability.storageDir` may lack its scheme. A directory that the job sets in its own code wins over this one.",
        example: "spec:\n  flinkConfiguration:\n    execution.checkpointing.dir: /flink-data/checkpoints",
        fix: "Write the scheme: `file:///flink-data/checkpoints`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let without_scheme = |directory: Directory| {
        let (_, setting) = case.cluster.directory(directory)?;
        let value = setting.trimmed();
        let is_refused = matches!(case.cluster.location(directory), Some(Location::Refused(_)));
        if is_refused || has_placeholder(value) || scheme_of(value).is_some() {
            return None;
        }
        let message = format!(
            "`{value}` has no scheme, so Flink refuses it when the job starts (`The scheme (hdfs://, file://, etc) is null`)"
        );
        Some(if value.starts_with('/') {
            let whole = format!("file://{value}");
            Violation::at_setting(setting, message, format!("write `{whole}`")).settled_by_value(whole)
        } else {
            let fix = "write a whole URI, as in `file:///flink-data/…` or `s3://<bucket>/…`".to_owned();
            Violation::at_setting(setting, message, fix)
        })
    };
    [Directory::Checkpoints, Directory::Savepoints].into_iter().filter_map(without_scheme).collect()
}
