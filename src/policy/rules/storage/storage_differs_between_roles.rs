//! `storage-differs-between-roles`: JobManager and TaskManagers see different things behind one path.

use crate::flink::cluster::{Directory, Shape};
use crate::flink::deployment::{field, walk};
use crate::flink::location::normalise;
use crate::flink::pod::{Backing, MAIN_CONTAINER, MountedVolume, Source};
use crate::flink::template::MERGE_BY_NAME;
use crate::object::{FieldPath, named};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::storage::{Durability, durability};
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-differs-between-roles",
    failure: "B5",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The checkpoint or savepoint directory is backed differently in the JobManager and in the TaskManagers: another claim, another `subPath`, or no volume at all in one of them.",
        why: "TaskManagers write the state, the JobManager writes the metadata that points to it. If they do not write to one place, checkpoints fail (`Mkdirs failed to create`) or cannot be restored.",
        limits: "`high-availability.storageDir` is the JobManager's alone, since a TaskManager without it asks the BLOB server. Where both roles keep the path inside their pods, the rules on that say so. Checkpoints kept by the JobManager (`execution.checkpointing.storage: jobmanager`) are not written by TaskManagers. A claim and an NFS or other network volume, two NFS servers, or two kinds of network volumes may lead to the same files and pass.",
        example: "spec:\n  jobManager:\n    podTemplate: {…}   # mounts the claim at /flink-data\n  taskManager: {}      # does not",
        fix: "Mount the same claim with the same `subPath` in both roles, most simply in `spec.podTemplate`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.shape == Shape::Raw {
        return between_objects(case);
    }
    let differs = |placement: storage::Placement<'_>| {
        let [(_, ours), (_, theirs)] = placement.backings.as_slice() else { return None };
        let (lacking, message) = difference(&placement, ours, theirs)?;
        let fix = misplaced(case).unwrap_or_else(|| {
            format!(
                "mount the same claim with the same `subPath` at `{}` in both roles, as in `spec.podTemplate`",
                placement.path
            )
        });
        Some(placement.violation(lacking, message, fix))
    };
    storage::placements(case.cluster).into_iter().filter_map(differs).collect()
}

/// Standalone roles: the JobManager says where, and the pods of both must have one and the same thing there.
fn between_objects(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading() else { return Vec::new() };
    let mut violations: Vec<Violation> = Vec::new();
    for sibling in case.siblings {
        let (job_manager, task_manager) = match view.role {
            Role::JobManager => (case.cluster, sibling.view()),
            Role::TaskManager => (&sibling.cluster, Some(view)),
        };
        let (Some(of_jobs), Some(task_manager)) = (job_manager.leading(), task_manager) else { continue };
        if of_jobs.unknown.is_some() {
            continue;
        }
        let placements = storage::placements(job_manager).into_iter();
        for placement in placements.filter(|placement| storage::task_managers_write(job_manager, placement.directory)) {
            let ours = of_jobs.backing(&placement.path);
            let theirs = task_manager.backing(&placement.path);
            let Some((_, message)) = difference(&placement, &ours, &theirs) else { continue };
            let fix = format!(
                "mount the same claim with the same `subPath` at `{}` here and in {}",
                placement.path,
                sibling.title()
            );
            let violation = match view.role {
                Role::JobManager => placement.violation(view.role, message, fix),
                // The setting is the other object's.
                Role::TaskManager => {
                    let path = view.config_path.split_last().map(|(container, _)| container).unwrap_or_default();
                    let origin = format!("{}, {}", sibling.title(), placement.setting.origin);
                    let value = Some(placement.setting.value.clone());
                    let at = Violation::at_field(path.key("volumeMounts"), value, message, fix).of_role(view.role);
                    Violation { origin, ..at }
                }
            };
            if !violations.iter().any(|known| known.message == violation.message) {
                violations.push(violation);
            }
        }
    }
    violations
}

/// The role that lacks what the other has at this directory, and the words for it; `None` where both have the same, keep it
/// inside of their pods, or it cannot be known.
fn difference(placement: &storage::Placement<'_>, ours: &Backing, theirs: &Backing) -> Option<(Role, String)> {
    let lives = [durability(ours), durability(theirs)];
    if placement.directory == Directory::HighAvailability
        || lives.contains(&Durability::Unknown)
        || lives == [Durability::DiesWithPod; 2]
        || may_be_same(ours, theirs, &placement.path)
    {
        return None;
    }
    let lacking = if durability(ours) == Durability::DiesWithPod { Role::JobManager } else { Role::TaskManager };
    let message = format!(
        "`{}` is {} in the JobManager and {} in the TaskManagers, so {} fail or cannot be restored",
        placement.setting.trimmed(),
        words(ours),
        words(theirs),
        placement.directory.content(),
    );
    Some((lacking, message))
}

/// What to do where the roles differ because a role's Flink container falls on another one of the common template.
fn misplaced(case: &Case<'_>) -> Option<String> {
    let config = &case.cluster.leading()?.config;
    let by_name = config.exact(MERGE_BY_NAME).is_some_and(|setting| setting.trimmed().eq_ignore_ascii_case("true"));
    let containers = |template: &FieldPath| walk(case.object, &template.keys(&["spec", "containers"]))?.as_array();
    let position = |template: &FieldPath| named(containers(template)?, MAIN_CONTAINER).map(|(position, _)| position);
    let common = case.spec().key("podTemplate");
    let expected = position(&common).filter(|_| !by_name && case.cluster.shape != Shape::Raw)?;
    let of_roles = [Role::JobManager, Role::TaskManager].map(|role| case.spec().key(field(role)).key("podTemplate"));
    let template = of_roles.iter().find(|template| position(template).is_some_and(|position| position != expected))?;
    Some(format!(
        "the operator merges pod templates by position, and `{MAIN_CONTAINER}` of `{template}` falls on another container of \
         `{common}`: put it at the same position in both, or set `{MERGE_BY_NAME}: \"true\"`"
    ))
}

/// Whether both lead to one place, the same source and the same directory in it, or may do so.
fn may_be_same(ours: &Backing, theirs: &Backing, path: &str) -> bool {
    let (Some(ours), Some(theirs)) = (storage::volume(ours), storage::volume(theirs)) else { return false };
    let places = (ours.place_of(path), theirs.place_of(path));
    match (&ours.source, &theirs.source) {
        (Source::EmptyDir { .. } | Source::Missing | Source::Ephemeral, _) => false,
        (Source::Nfs { server, path }, Source::Nfs { server: of, path: their_path }) => {
            let of_server = |path: &str, place: &str| normalise(&format!("{path}/{place}"));
            // One server may have several names.
            server != of || of_server(path, &places.0) == of_server(their_path, &places.1)
        }
        (ours, theirs) if ours == theirs => places.0 == places.1,
        // Without its definition at hand a claim may be of the volume that the other role names itself.
        (ours, theirs) => is_network(ours) && is_network(theirs) && (is_direct(ours) || is_direct(theirs)),
    }
}

const fn is_network(source: &Source) -> bool {
    is_direct(source) || matches!(source, Source::Claim(_))
}

/// Whether the pod itself names what holds the files.
const fn is_direct(source: &Source) -> bool {
    matches!(source, Source::Nfs { .. } | Source::Network(_))
}

fn words(backing: &Backing) -> String {
    let Some(volume) = storage::volume(backing) else { return "on no volume".to_owned() };
    let MountedVolume { name, source, sub_path, mount_path, .. } = volume;
    let source = match source {
        Source::Claim(claim) => format!("on claim `{claim}`"),
        Source::Nfs { server, path } => format!("on NFS `{server}:{path}`"),
        Source::HostPath(path) => format!("on `hostPath` `{path}`"),
        Source::EmptyDir { .. } => format!("on `emptyDir` `{name}`"),
        Source::Missing => format!("on volume `{name}` without a source"),
        _ => format!("on volume `{name}`"),
    };
    let sub_path = if sub_path.is_empty() { String::new() } else { format!(", subPath `{sub_path}`") };
    format!("{source} (mounted at `{mount_path}`{sub_path})")
}
