//! `configuration-not-mounted`: HA in a ConfigMap that no container of the cluster reads.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::arguments::Fate;
use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::config_file::{self, LEGACY, STANDARD};
use crate::flink::configuration::{EffectiveConfig, Layer};
use crate::flink::raw::{TEMPLATE, config_maps};
use crate::object::{FieldPath, list, map, name, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::unread::ha_of;
use crate::policy::rules::{Case, Page, Rule, Violation};
use crate::workload::{Kind, recognise};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "configuration-not-mounted",
    failure: "C4",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone cluster has no HA, and a ConfigMap with a Flink configuration that switches HA on is mounted where Flink does not look for it, or nowhere.",
        why: "The options have no effect: Flink reads `flink-conf.yaml` or `config.yaml` in `/opt/flink/conf`, or in `FLINK_CONF_DIR`, and nothing else. The argument `--configDir` does not change that: the start scripts give one before it, and Flink takes the first (1.13 to 2.3, executed).",
        limits: "A ConfigMap that no pod mounts is only seen offline, and taken for this cluster's where no other standalone JobManager of the namespace could be meant. A start script of an image of its own may copy the file.",
        example: "volumeMounts:\n- {name: flink-config, mountPath: /opt/flink/config}   # not /opt/flink/conf",
        fix: "Mount the ConfigMap at `/opt/flink/conf`, in the JobManager and in the TaskManagers.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.role(Role::JobManager).filter(|_| cluster.shape == Shape::Raw) else { return Vec::new() };
    if cluster.high_availability() != (HighAvailability::Off, None) || view.unknown.is_some() {
        return Vec::new();
    }
    let volumes = list(&view.pod.template, &["spec", "volumes"]);
    let mounted = |name: &str| volumes.iter().position(|volume| of_volume(volume).contains(name));
    let read: BTreeSet<String> = read_by_others(case).into_iter().collect();
    let listed = case.facts.list(Listed::ConfigMaps, case.namespace);
    let unread = listed.iter().filter_map(|config_map| {
        let name = config_map.get("metadata").and_then(name)?;
        (!read.contains(name)).then_some(())?;
        let key = key_with_ha(config_map)?;
        let volume = mounted(name);
        (volume.is_some() || is_alone(case)).then_some((name, key, volume))
    });
    let violation = |(name, key, volume): (&str, &str, Option<usize>)| {
        let volumes = FieldPath::of(&TEMPLATE).keys(&["spec", "volumes"]);
        let (path, is) = match volume {
            Some(index) => (volumes.index(index), "is mounted where Flink does not look for its configuration"),
            None => (volumes, "is mounted by no pod"),
        };
        let message = format!("`{key}` of ConfigMap `{name}` switches HA on and {is}, so this cluster has no HA");
        let directory = volume.and_then(|_| view.misread.iter().find(|(word, _)| word.fate == Fate::Directory));
        let mount = format!("mount `{name}` at `/opt/flink/conf` in the JobManager and the TaskManagers");
        let (message, fix) = match directory {
            Some((word, _)) => (format!("{message}: {}", word.in_words()), format!("{mount}, or {}", word.remedy())),
            None => (message, mount),
        };
        Violation::at_field(path, Some(name.to_owned()), message, fix).of_role(Role::JobManager)
    };
    unread.take(1).map(violation).collect()
}

/// Names of the ConfigMaps that a volume brings.
fn of_volume(volume: &Value) -> BTreeSet<&str> {
    let projected =
        list(volume, &["projected", "sources"]).iter().filter_map(|source| text(source, &["configMap", "name"]));
    text(volume, &["configMap", "name"]).into_iter().chain(projected).collect()
}

/// Names of the ConfigMaps that this role and the other workloads of the namespace read or mount; of this one's own mounts
/// only those that Flink reads.
fn read_by_others(case: &Case<'_>) -> Vec<String> {
    let own = recognise(case.object).map(|workload| workload.kind);
    let mut read = match own {
        Some(Kind::Raw(raw)) => config_maps(case.object, &raw),
        _ => Vec::new(),
    };
    let siblings: Vec<_> = case.siblings.iter().map(|sibling| &sibling.object).collect();
    read.extend(case.siblings.iter().flat_map(|sibling| config_maps(&sibling.object, &sibling.raw)));
    let own_name = case.object.get("metadata").and_then(name);
    for other in case.facts.list(Listed::Workloads, case.namespace) {
        if other.get("metadata").and_then(name) == own_name || siblings.contains(&other) {
            continue;
        }
        let volumes = list(other, &["spec", "template", "spec", "volumes"]);
        read.extend(volumes.iter().flat_map(of_volume).map(str::to_owned));
    }
    read
}

/// The key of `config_map` under which a configuration stands that switches HA on.
fn key_with_ha(config_map: &Value) -> Option<&'static str> {
    let data = map(config_map, &["data"])?;
    [LEGACY, STANDARD].into_iter().find(|file| {
        let Some(text) = data.get(*file).and_then(Value::as_str) else { return false };
        let entries =
            if *file == LEGACY { config_file::legacy(text) } else { config_file::standard(text).unwrap_or_default() };
        let mut config = EffectiveConfig::default();
        for entry in entries {
            config.set(Layer::File, entry.key, entry.value, String::new(), FieldPath::default());
        }
        ha_of(&config).is_some()
    })
}

/// Whether no other standalone JobManager of the namespace could be meant.
fn is_alone(case: &Case<'_>) -> bool {
    let own_name = case.object.get("metadata").and_then(name);
    let is_job_manager = |other: &Value| {
        other.get("metadata").and_then(name) != own_name
            && matches!(recognise(other).map(|workload| workload.kind), Some(Kind::Raw(raw)) if raw.role == Role::JobManager)
    };
    !case.facts.list(Listed::Workloads, case.namespace).iter().any(|other| is_job_manager(other))
}
