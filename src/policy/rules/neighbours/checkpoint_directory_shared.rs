//! `checkpoint-directory-shared`: two jobs of one id that write their checkpoints to one place.

use crate::flink::cluster::Directory;
use crate::flink::options::HA_CLUSTER_ID;
use crate::neighbours::JobId;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::neighbours::{cluster_identity_taken, in_words, others, own};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "checkpoint-directory-shared",
    failure: "B19",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "Another standalone application has the same checkpoint directory and gives its job the same id: by `--job-id`, or under HA by the same `high-availability.cluster-id` (before 1.16 under HA always).",
        why: "Checkpoints lie in `<directory>/<job id>/chk-<number>`. A checkpoint of the one job takes the place of the other's with its number and removes it when it is older than needed, and the other then never starts again: `FileNotFoundException: …/chk-6/…` (executed with two application clusters of 1.20.5 and 2.3.0).",
        limits: "Without HA and `--job-id` each start has an id of its own, as has every job of the operator and of a session. Clusters whose configuration is not known whole are left out, and so are those that are scaled to none, finished or being deleted. Buckets are told apart by their endpoint. Where the identity of the two is one, that is said alone. The offline commands compare what they are given; a review sees no other clusters yet.",
        example: "kind: Job        # orders-eu-jobmanager, and the same words in orders-us-jobmanager\nargs: [standalone-job, --job-id, 5f3c1e0a9b7d4c2e8a6f0b1d2c3e4f50, -D, execution.checkpointing.dir=s3://state/cp]",
        fix: "Give each cluster a checkpoint directory of its own, as in `s3://state/cp/<cluster>`, or an id of its own: `--job-id`, or `high-availability.cluster-id`. The old checkpoints are not found under a new id: stop with a savepoint first.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    // Where the identity is one too, that is the cause.
    if case.is_said_by(&cluster_identity_taken::RULE, &RULE) {
        return Vec::new();
    }
    let (Some(own), Some((_, setting))) = (own(case), case.cluster.directory(Directory::Checkpoints)) else {
        return Vec::new();
    };
    let (Some(ours), Some(job)) = (&own.checkpoints, &own.job) else { return Vec::new() };
    let is_shared = |footprint: &crate::neighbours::Footprint| {
        footprint.checkpoints.as_ref() == Some(ours) && footprint.job.as_ref() == Some(job)
    };
    let Some(other) = others(case).find(|other| is_shared(&other.footprint)) else { return Vec::new() };
    let (id, remedy) = match job {
        JobId::Written(id) => (format!("the id `{id}`"), "a `--job-id`".to_owned()),
        JobId::OfCluster(cluster) => {
            (format!("the id that is made of `{HA_CLUSTER_ID}`, `{cluster}`"), format!("a `{HA_CLUSTER_ID}`"))
        }
    };
    let directory = setting.trimmed();
    let message = format!(
        "`{directory}` is the checkpoint directory of {} too, and the jobs of both have {id}, so the one deletes the other's checkpoints",
        in_words(case, other)
    );
    let fix = format!(
        "give each cluster a directory of its own, as in `{}/<cluster>`, or {remedy} of its own",
        directory.trim_end_matches('/')
    );
    vec![Violation::at_setting(setting, message, fix).of_role(Role::JobManager)]
}
