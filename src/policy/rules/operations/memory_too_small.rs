//! `memory-too-small`: a process that Flink's own arithmetic does not start.

use std::cmp::Reverse;

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::{field, walk};
use crate::flink::memory::process::{Fit, Shortage, fit, process_size};
use crate::flink::memory::{self, MEBIBYTE};
use crate::object::{FieldPath, at, list, map, name, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "memory-too-small",
    failure: "D2",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The memory of a JobManager or TaskManager (`resource.memory` of a FlinkDeployment, `…memory.process.size` or `…memory.flink.size`) is less than its parts need together.",
        why: "Flink divides the memory before it starts: metaspace, JVM overhead, off-heap memory, managed memory, network buffers. Where they do not fit, the process ends with an `IllegalConfigurationException`, again and again.",
        limits: "It is the arithmetic of Flink 1.13 to 2.3 with the options that are set and Flink's defaults for the rest; the operator's own defaults may make parts smaller. Nothing is said where the configuration may hold more than can be seen, where a size cannot be read, where the options of before 1.11 are used, and where sizes contradict each other so that more memory does not help. That a heap is too small for its work is not judged.",
        example: "spec:\n  jobManager:\n    resource: {memory: 512m, cpu: 1}   # 256 MiB metaspace, 192 MiB overhead, 128 MiB off-heap",
        fix: "Give the role more memory, or make the part smaller that takes most. Flink's own examples have 1600m for a JobManager and 1728m for a TaskManager.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    case.cluster.roles.iter().filter_map(|view| of_role(case, view)).collect()
}

fn of_role(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    if view.unknown.is_some() || has_old_sizes(view) {
        return None;
    }
    let process = process_size(view.role);
    let resource = match resource(case, view.role) {
        Resource::Size(written) => Some(written),
        Resource::None => None,
        Resource::Unclear => return None,
    };
    let value = |option: &str| match &resource {
        Some(written) if option == process => Some(written.bytes.as_str()),
        _ => view.config.value(option, case.cluster.version),
    };
    let Fit::Short(short) = fit(view.role, &value, case.cluster.version) else { return None };
    let enough = enough(view.role, &short, &|size| {
        let with = |option: &str| if option == short.total { Some(size) } else { value(option) };
        fit(view.role, &with, case.cluster.version) == Fit::Enough
    });
    let end = format!("{}, so Flink refuses the configuration and the {} does not start", in_words(&short), view.role);
    let example = |what: &str| {
        enough.as_ref().map_or_else(
            || format!("raise {what}, or make its parts smaller"),
            |enough| format!("set {what} to `{enough}`, for example"),
        )
    };
    let violation = if let Some(Written { text, path, .. }) = resource.filter(|_| short.total == process) {
        let message = format!("the {} gets `{text}`, and {end}", view.role);
        Violation::at_field(path, Some(text), message, example("it"))
    } else {
        let (key, setting) = view.config.option(short.total, case.cluster.version)?;
        let message = format!("`{key}` is `{}`, and {end}", setting.trimmed());
        Violation::at_setting(setting, message, example(&format!("`{key}`")))
    };
    Some(violation.of_role(view.role))
}

/// Sizes of before 1.11, which Flink takes for one of the present ones, another for each way of deployment.
fn has_old_sizes(view: &RoleView) -> bool {
    const OPTIONS: [&str; 4] =
        ["jobmanager.heap.size", "jobmanager.heap.mb", "taskmanager.heap.size", "taskmanager.heap.mb"];
    const VARIABLES: [&str; 2] = ["FLINK_JM_HEAP", "FLINK_TM_HEAP"];
    let is_old = |variable: &Value| name(variable).is_some_and(|name| VARIABLES.contains(&name));
    OPTIONS.iter().any(|option| view.config.exact(option).is_some())
        || view.pod.container().is_some_and(|container| list(container, &["env"]).iter().any(is_old))
}

/// What a FlinkDeployment says of a role's memory besides options.
enum Resource {
    /// Nothing.
    None,
    /// A size, which the operator makes the process size of.
    Size(Written),
    /// Something that operators read in different ways, or cannot read.
    Unclear,
}

struct Written {
    text: String,
    bytes: String,
    path: FieldPath,
}

/// Source: operator 1.15 `FlinkConfigBuilder.setResource`; main `applyResourceConfig`, which prefers `resources`.
fn resource(case: &Case<'_>, role: Role) -> Resource {
    if case.cluster.shape == Shape::Raw {
        return Resource::None;
    }
    let path = case.spec().key(field(role));
    let Some(block) = walk(case.object, &path) else { return Resource::None };
    let is_set = |kind: &str| map(block, &["resources", kind]).is_some_and(|amounts| !amounts.is_empty());
    let keys: &[&str] = match (is_set("requests") || is_set("limits"), at(block, &["resource"]).is_some()) {
        (true, true) => return Resource::Unclear,
        (true, false) if at(block, &["resources", "requests", "memory"]).is_some() => {
            &["resources", "requests", "memory"]
        }
        (true, false) => &["resources", "limits", "memory"],
        (false, _) => &["resource", "memory"],
    };
    if at(block, keys).is_none() {
        return Resource::None;
    }
    match text(block, keys).and_then(|text| Some((text.to_owned(), size(text)?.to_string()))) {
        Some((text, bytes)) => Resource::Size(Written { text, bytes, path: path.keys(keys) }),
        None => Resource::Unclear,
    }
}

/// A size as the operator reads it: Flink's way, else as a Kubernetes quantity in which case and a final `b` do not matter.
///
/// Source: operator 1.6 to 1.15, `parseResourceMemoryString`.
fn size(text: &str) -> Option<u64> {
    memory::size(text).or_else(|| {
        let upper: String = text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let amount = upper.strip_suffix('B').unwrap_or(&upper);
        let quantity = amount.strip_suffix('I').map_or_else(|| amount.to_owned(), |amount| format!("{amount}i"));
        memory::quantity(&Value::String(quantity))
    })
}

/// The largest parts first: `metaspace (256 MiB) and JVM overhead (192 MiB) take 448 MiB together`.
fn in_words(short: &Shortage) -> String {
    let needed = memory::words(short.needed());
    let mut parts = short.parts.clone();
    parts.sort_by_key(|part| Reverse(part.bytes));
    // Of a JobManager as much as the parts take is too little too: the heap is what they leave.
    let nothing_left = if short.needed() == short.bytes { ", which leaves nothing for the heap" } else { "" };
    match parts.as_slice() {
        [] => return "that is nothing".to_owned(),
        [one] => return format!("{} alone takes {needed}{nothing_left}", one.name),
        _ => {}
    }
    let is_long = parts.len() > MOST_PARTS;
    parts.truncate(MOST_PARTS);
    let mut words: Vec<String> =
        parts.iter().map(|part| format!("{} ({})", part.name, memory::words(part.bytes))).collect();
    let last = if is_long { Some("smaller parts".to_owned()) } else { words.pop() };
    format!("{} and {} take {needed} together{nothing_left}", words.join(", "), last.unwrap_or_default())
}

/// A size that `is_enough`: the one that Flink's own examples have, twice, four times … as much, or what is needed.
fn enough(role: Role, short: &Shortage, is_enough: &dyn Fn(&str) -> bool) -> Option<String> {
    let usual: u64 = match (role, short.total.ends_with("process.size")) {
        (Role::JobManager, true) => 1600,
        (Role::TaskManager, true) => 1728,
        (_, false) => 1280,
    };
    let doubled = (0..MOST_DOUBLINGS).map(|doublings| usual << doublings);
    let needed = short.needed() / MEBIBYTE + 1;
    doubled.chain([needed]).map(|mebibytes| format!("{mebibytes}m")).find(|size| is_enough(size))
}

const MOST_DOUBLINGS: u32 = 8;
/// Parts that are named.
const MOST_PARTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_of_nothing_has_no_parts() {
        assert_eq!(
            in_words(&Shortage { total: "jobmanager.memory.flink.size", bytes: 0, parts: vec![] }),
            "that is nothing"
        );
    }
}
