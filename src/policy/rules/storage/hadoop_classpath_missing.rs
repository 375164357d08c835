//! `hadoop-classpath-missing`: HDFS from an image without Hadoop.

use crate::flink::plugins;
use crate::policy::finding::Level;
use crate::policy::rules::storage::{ends, in_words, said_once, stock_roles};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "hadoop-classpath-missing",
    failure: "B14b",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "HA metadata, checkpoints or savepoints are on `hdfs` or `viewfs`, and nothing brings Hadoop's classes into the official image.",
        why: "The image holds no Hadoop. Flink ends with `Hadoop is not in the classpath/dependencies`.",
        limits: "Only official images and the policy's `images.stock` are judged. Nothing is said where `HADOOP_CLASSPATH` is set or may come from elsewhere, where something is mounted at `/opt/flink/lib` or above it, and where a command of your own starts Flink.",
        example: "spec:\n  image: flink:1.20.1\n  flinkConfiguration:\n    high-availability.storageDir: hdfs://namenode:8020/flink/ha",
        fix: "Use an image with Hadoop's client, or bring it by a volume and name it in `HADOOP_CLASSPATH`, in both roles.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let directories = plugins::remote_directories(case.cluster);
    let Some(remote) = directories.iter().find(|remote| matches!(remote.scheme.as_str(), "hdfs" | "viewfs")) else {
        return Vec::new();
    };
    let ends = ends(case.cluster);
    let lacking = stock_roles(case).filter(|(view, _)| !plugins::may_have_hadoop(view, case.cluster.shape));
    let violation = |(role, ()): (Option<_>, ())| {
        let roles = in_words(role);
        let message = format!(
            "`{}://` needs Hadoop's classes, which the official image does not hold, and nothing brings them into {roles}, so {ends} with `Hadoop is not in the classpath/dependencies`",
            remote.scheme
        );
        let fix = format!("use an image with Hadoop's client, or mount it and set `HADOOP_CLASSPATH` in {roles}");
        Violation { role, ..Violation::at_setting(remote.setting, message, fix) }
    };
    said_once(lacking.map(|(view, _)| (view.role, ())).collect()).into_iter().map(violation).collect()
}
