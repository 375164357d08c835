//! `ha-directory-shared`: two clusters that keep their HA metadata in one directory.

use crate::flink::cluster::{Directory, Shape};
use crate::flink::options::HA_CLUSTER_ID;
use crate::policy::finding::Level;
use crate::policy::rules::neighbours::{cluster_identity_taken, in_words, others, own};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-directory-shared",
    failure: "B20",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "Another Flink cluster has the same HA directory: the same `high-availability.storageDir` and below it the same `high-availability.cluster-id`, which for a FlinkDeployment is its name. On a volume it is the same claim and path.",
        why: "The clean stop of the one deletes the other's files (`<storageDir>/<id>/blob`; executed with 2.3.0: the other's next JobManager ends with `FileNotFoundException: …/default/blob/…`, exit code 239), and in one result store a job of the one is taken for a finished one of the other.",
        limits: "Clusters that share a storageDir under different ids are fine. Clusters whose configuration is not known whole are left out, and so are paths of `hdfs:///` without a name node, which each pod resolves for itself. The offline commands compare what they are given; a review sees no other clusters yet.",
        example: "kind: FlinkDeployment\nmetadata: {name: orders, namespace: staging}   # and another one called orders in namespace production\nspec:\n  flinkConfiguration:\n    high-availability.storageDir: s3://state/ha",
        fix: "Give each namespace a storageDir of its own, as in `s3://state/ha/<namespace>`; standalone clusters a `high-availability.cluster-id` of their own. What is in use is moved by a stop with a savepoint.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    // Where the identity is one too, that is the cause.
    if case.is_said_by(&cluster_identity_taken::RULE, &RULE) {
        return Vec::new();
    }
    let (Some(own), Some((_, setting))) = (own(case), case.cluster.directory(Directory::HighAvailability)) else {
        return Vec::new();
    };
    let is_shared = |directories: &[_]| own.ha_directories.iter().any(|ours| directories.contains(ours));
    let Some(other) = others(case).find(|other| is_shared(&other.footprint.ha_directories)) else { return Vec::new() };
    let message = format!(
        "below `{}` {} has the same directory, its HA cluster-id is the same, so the clean stop of one deletes the other's HA metadata",
        setting.trimmed(),
        in_words(case, other)
    );
    let fix = match case.cluster.shape {
        Shape::Raw => format!("give each cluster a `{HA_CLUSTER_ID}` of its own"),
        Shape::FlinkDeployment { .. } => {
            format!(
                "give each namespace a storageDir of its own, as in `{}/{}`",
                setting.trimmed().trim_end_matches('/'),
                case.namespace
            )
        }
    };
    vec![Violation::at_setting(setting, message, fix)]
}
