//! `history-archive-not-durable`: an archive of jobs that is gone with its JobManager.

use crate::flink::location::{Location, scheme_of};
use crate::flink::pod::{Backing, Source};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "history-archive-not-durable",
    failure: "B29",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "`jobmanager.archive.fs.dir` is a path of the JobManager's container, or lies on an `emptyDir` or another volume that goes with the pod.",
        why: "The JobManager writes there what became of its jobs, for the history server. In its own pod no history server reads it, and it is gone with the pod.",
        limits: "Where the pod or the file system cannot be known, nothing is said. A history server in the same pod may read an `emptyDir` as long as the pod lives.",
        example: "spec:\n  flinkConfiguration:\n    jobmanager.archive.fs.dir: file:///opt/flink/archive   # nothing is mounted there",
        fix: "Use an object store, or mount a PersistentVolumeClaim that the history server mounts too.",
    },
    check,
};

const ARCHIVE: &str = "jobmanager.archive.fs.dir";

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager) else { return Vec::new() };
    let Some((key, setting)) = view.config.option(ARCHIVE, case.cluster.version) else { return Vec::new() };
    let value = setting.trimmed();
    let scheme = case.cluster.default_scheme();
    // Something that is not seen may bring another file system for paths without a scheme.
    if value.is_empty() || (view.unknown.is_some() && scheme.is_none() && scheme_of(value).is_none()) {
        return Vec::new();
    }
    let Location::Local(path) = Location::parse(value, scheme) else { return Vec::new() };
    let place = match view.backing(&path) {
        Backing::Container => "on the container's own file system".to_owned(),
        Backing::Volume(volume) => match volume.source {
            Source::EmptyDir { .. } => format!("on the `emptyDir` volume `{}`", volume.name),
            Source::Missing => {
                format!("on the volume `{}`, which has no source and becomes an `emptyDir`", volume.name)
            }
            Source::Ephemeral => format!("on the ephemeral volume `{}`", volume.name),
            _ => return Vec::new(),
        },
        Backing::Unknown(_) => return Vec::new(),
    };
    let message = format!("`{key}` is {place}, so the archive of finished jobs is gone with the JobManager's pod");
    let fix = format!("use an object store, or mount a PersistentVolumeClaim at `{path}` or above it");
    vec![Violation::at_setting(setting, message, fix).of_role(view.role)]
}
