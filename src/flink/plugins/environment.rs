//! What the environment of a Flink container enables of the plugins of the official image.

use std::borrow::Cow;

use serde_json::Value;

use super::VARIABLE;
use crate::flink::cluster::{RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::location::{has_placeholder, is_below, normalise};
use crate::flink::pod::Backing;
use crate::flink::user;
use crate::object::{at, list, name, text};
use crate::policy::Role;
use crate::workload::{Entry, Launch};

/// What enables plugins in one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Nothing does.
    Nothing,
    /// [`VARIABLE`] with this text, and the option that brings it; in the pod template where there is none.
    Named(Cow<'a, str>, Option<&'a Setting>),
    /// It cannot be known: the variable comes from elsewhere, or something is mounted where plugins lie.
    Unknown,
}

/// What enables plugins in `view`, in the official image.
#[must_use]
pub fn choice(view: &RoleView, shape: Shape) -> Choice<'_> {
    if has_template_elsewhere(view) { Choice::Unknown } else { choice_in_template(view, shape) }
}

/// What the options and the pod template enable in `view`, as if no template came from elsewhere.
#[must_use]
pub fn choice_in_template(view: &RoleView, shape: Shape) -> Choice<'_> {
    if !starts_plainly(view, shape) || may_bring_files(view) {
        return Choice::Unknown;
    }
    match variable(view, VARIABLE) {
        Variable::Absent => Choice::Nothing,
        Variable::Is(value, _) if value.trim().is_empty() => Choice::Nothing,
        Variable::Is(value, _) if has_placeholder(&value) => Choice::Unknown,
        Variable::Is(value, setting) => Choice::Named(value, setting),
        Variable::FromElsewhere => Choice::Unknown,
    }
}

/// The value that a role's own pod template gives [`VARIABLE`] in words, the last one where there are several.
#[must_use]
pub fn in_template(view: &RoleView) -> Option<&str> {
    let environment = list(view.pod.container()?, &["env"]);
    environment
        .iter()
        .rfind(|variable| name(variable) == Some(VARIABLE))
        .and_then(|variable| text(variable, &["value"]))
}

/// Whether Hadoop's classes may be on the class path of `view`, in the official image.
#[must_use]
pub fn may_have_hadoop(view: &RoleView, shape: Shape) -> bool {
    has_template_elsewhere(view)
        || !starts_plainly(view, shape)
        || may_bring_files(view)
        || variable(view, "HADOOP_CLASSPATH") != Variable::Absent
}

/// A variable of the Flink container.
#[derive(PartialEq, Eq)]
enum Variable<'a> {
    Absent,
    Is(Cow<'a, str>, Option<&'a Setting>),
    FromElsewhere,
}

/// The variable `wanted` of the Flink container. Flink appends those of its options behind the template's, and the last
/// one of a name counts.
fn variable<'a>(view: &'a RoleView, wanted: &str) -> Variable<'a> {
    let of_role = match view.role {
        Role::JobManager => "containerized.master.env.",
        Role::TaskManager => "containerized.taskmanager.env.",
    };
    let secrets = view.config.exact("kubernetes.env.secretKeyRef");
    if secrets.is_some_and(|setting| setting.value.contains(wanted)) {
        return Variable::FromElsewhere;
    }
    if let Some(setting) = view.config.exact(&format!("{of_role}{wanted}")) {
        return Variable::Is(Cow::Borrowed(&setting.value), Some(setting));
    }
    let Some(container) = view.pod.container() else { return Variable::Absent };
    match list(container, &["env"]).iter().rfind(|variable| name(variable) == Some(wanted)) {
        Some(variable) if variable.get("valueFrom").is_some_and(|from| !from.is_null()) => Variable::FromElsewhere,
        Some(variable) => Variable::Is(Cow::Borrowed(text(variable, &["value"]).unwrap_or_default()), None),
        None if list(container, &["envFrom"]).is_empty() => Variable::Absent,
        None => Variable::FromElsewhere,
    }
}

/// Whether the official entry point starts Flink, and nothing around it that may put jars somewhere first.
fn starts_plainly(view: &RoleView, shape: Shape) -> bool {
    let Some(container) = view.pod.container() else { return view.config.exact("kubernetes.entry.path").is_none() };
    let is_hooked = container.get("lifecycle").and_then(|hooks| hooks.get("postStart")).is_some();
    if is_hooked {
        return false;
    }
    if shape != Shape::Raw {
        // Native mode and the operator write command and args themselves, over those of the template.
        return view.config.exact("kubernetes.entry.path").is_none();
    }
    let command = list(container, &["command"]);
    let through_entry_point = command.is_empty()
        || command.iter().filter_map(Value::as_str).any(|word| word.ends_with("docker-entrypoint.sh"));
    let entry = Launch::of(container).map(|launch| launch.entry);
    through_entry_point && matches!(entry, Some(Entry::Subcommand | Entry::Script))
}

/// Why the entry point of the official image cannot enable a plugin in `view`, where nothing else may bring one.
///
/// Source: flink-docker `docker-entrypoint.sh`, `copy_plugins_if_required`: it links the jars
/// below `/opt/flink/plugins`, which is the user `flink`'s (`Dockerfile-debian.template`), and goes on where it cannot.
#[must_use]
pub fn hindrance(view: &RoleView, shape: Shape) -> Option<&'static str> {
    let container = view.pod.container()?;
    let is_script = || shape == Shape::Raw && Launch::of(container).is_some_and(|launch| launch.entry == Entry::Script);
    let command = list(container, &["command"]);
    let is_past_entry_point = !command.is_empty()
        && !command.iter().filter_map(Value::as_str).any(|word| word.ends_with("docker-entrypoint.sh"))
        && is_script();
    let is_read_only = at(container, &["securityContext", "readOnlyRootFilesystem"]) == Some(&Value::Bool(true));
    let is_foreign = || user::numeric(&view.pod).is_some_and(|user| ![ROOT, user::FLINK.into()].contains(&user));
    let reason = if is_past_entry_point {
        "the container starts a script of Flink's without the image's entry point, which alone enables plugins"
    } else if is_read_only {
        "the entry point cannot enable one on a read-only root file system"
    } else if is_foreign() {
        "under this `runAsUser` the entry point cannot enable one: `/opt/flink` is the user 9999's"
    } else {
        return None;
    };
    (container.get("lifecycle").is_none() && !may_bring_files(view)).then_some(reason)
}

/// Whether an option names a file with the pod template.
fn has_template_elsewhere(view: &RoleView) -> bool {
    matches!((view.backing(PLUGINS), view.pod.backing(PLUGINS)), (Backing::Unknown(_), Backing::Container))
}

/// Whether a mount or a variable may bring plugins or jars of its own.
fn may_bring_files(view: &RoleView) -> bool {
    const PLACES: [&str; 5] = [PLUGINS, "/opt/flink/lib", "/opt/flink/opt", "/opt/flink/bin", "/docker-entrypoint.sh"];
    const DIRECTORIES: [&str; 3] = ["FLINK_PLUGINS_DIR", "FLINK_HOME", "FLINK_LIB_DIR"];
    let mounts = view.pod.container().map(|container| list(container, &["volumeMounts"])).unwrap_or_default();
    let mounted = mounts.iter().filter_map(|mount| text(mount, &["mountPath"])).map(normalise);
    let claimed = view.pod.extra.iter().map(|claim| claim.mount_path.clone());
    // At one of the places, above it or below it.
    mounted.chain(claimed).any(|path| PLACES.iter().any(|place| is_below(place, &path) || is_below(&path, place)))
        || DIRECTORIES
            .iter()
            .any(|directory| !matches!(variable(view, directory), Variable::Absent | Variable::FromElsewhere))
}

/// The user that may write everywhere.
const ROOT: i64 = 0;
/// Where the official image has what it loads.
const PLUGINS: &str = "/opt/flink/plugins";
