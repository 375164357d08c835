//! What we say of each thing that Flink's own code is asked for.

use flink_admission::flink::cluster::{Directory, HighAvailability};
use flink_admission::flink::duration::nanoseconds;
use flink_admission::flink::location::{Location, Refusal, has_placeholder, scheme_of};
use flink_admission::flink::memory::process::{Fit, fit};
use flink_admission::flink::options::{
    CHECKPOINT_DIR, CHECKPOINT_INTERVAL, HA_CLUSTER_ID, HA_JOBMANAGER_PORT, HA_STORAGE_DIR, JOBMANAGER_ADDRESS,
    KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, RESTART_STRATEGY, SAVEPOINT_DIR, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT,
};
use flink_admission::flink::rest;
use flink_admission::flink::restart_strategy::RestartStrategy;

use super::compare::Said;
use super::ours::Ours;

// Where we say less than Flink does, and why. Each of these is counted.

/// No file of the configuration directory is one that the version reads: Flink ends, we say that the options are not known.
pub const NO_FILE: &str = "no file";
/// `config.yaml` is refused by our parser, and not certainly by Flink's.
pub const ANOTHER_PARSER: &str = "another parser";
/// A value holds what something else may replace.
pub const PLACEHOLDER: &str = "placeholder";
/// Quotes around a directory: a path that nobody means, refused or not.
pub const QUOTED: &str = "quoted path";
/// The sizes of a process contradict each other, or cannot be read, or no total is set.
pub const MEMORY: &str = "memory";
/// The sizes of before 1.11, which Flink takes for present ones: the rule says nothing beside them.
pub const OLD_SIZES: &str = "old memory options";
/// A value that Flink refuses where it is used, and that no rule speaks of.
pub const NOT_JUDGED: &str = "value not judged";

/// Each field of the answer with what we say of it.
pub fn of(ours: &Ours) -> Vec<(&'static str, Said)> {
    let mut fields: Vec<(&'static str, Said)> = [
        ("storageDir", HA_STORAGE_DIR, None),
        ("haClusterId", HA_CLUSTER_ID, Some("/default")),
        ("zooKeeperQuorum", ZOOKEEPER_QUORUM, None),
        ("zooKeeperRoot", ZOOKEEPER_ROOT, Some("/flink")),
        ("haJobManagerPort", HA_JOBMANAGER_PORT, Some("0")),
        ("kubernetesClusterId", KUBERNETES_CLUSTER_ID, None),
        ("kubernetesNamespace", KUBERNETES_NAMESPACE, Some("default")),
        ("checkpoints", CHECKPOINT_DIR, None),
        ("savepoints", SAVEPOINT_DIR, None),
        ("jobManagerAddress", JOBMANAGER_ADDRESS, None),
        ("restAddress", "rest.address", None),
    ]
    .into_iter()
    .map(|(field, option, default)| (field, Said::Is(value(ours, option).or(default).map(str::to_owned))))
    .collect();
    fields.extend([
        ("highAvailability", high_availability(ours)),
        ("isHighlyAvailable", is_highly_available(ours)),
        ("leaseDuration", duration(ours, "high-availability.kubernetes.leader-election.lease-duration", Some(15))),
        ("renewDeadline", duration(ours, "high-availability.kubernetes.leader-election.renew-deadline", Some(15))),
        ("retryPeriod", duration(ours, "high-availability.kubernetes.leader-election.retry-period", Some(5))),
        ("checkpointInterval", duration(ours, CHECKPOINT_INTERVAL, None)),
        ("storageDirAt", place(ours, Directory::HighAvailability)),
        ("checkpointsAt", place(ours, Directory::Checkpoints)),
        ("savepointsAt", place(ours, Directory::Savepoints)),
        ("memory", memory(ours)),
        ("haDirectory", ha_directory(ours)),
        ("jobResultStore", job_result_store(ours)),
        ("checkpointStorage", checkpoint_storage(ours)),
        ("restartStrategy", restart_strategy(ours)),
        ("isBatch", is_batch(ours)),
        ("restPort", rest_port(ours)),
        ("restAsksForCertificates", asks_for_certificates(ours)),
    ]);
    fields
}

/// The value that is in force for `option`, as it is written.
fn value<'a>(ours: &'a Ours, option: &str) -> Option<&'a str> {
    ours.view().config.option(option, ours.cluster.version).map(|(_, setting)| setting.value.as_str())
}

fn high_availability(ours: &Ours) -> Said {
    let word = match ours.cluster.high_availability().0 {
        HighAvailability::Off => "NONE",
        HighAvailability::ZooKeeper => "ZOOKEEPER",
        // The class works in all versions, the short name from 1.16 on.
        HighAvailability::Kubernetes if ours.version.at_least(1, 16) && !is_class(ours) => "KUBERNETES",
        HighAvailability::Kubernetes | HighAvailability::Class(_) => "FACTORY_CLASS",
        HighAvailability::Unknown => return Said::Unknown(PLACEHOLDER),
    };
    Said::Is(Some(word.to_owned()))
}

fn is_class(ours: &Ours) -> bool {
    ours.cluster.high_availability().1.is_some_and(|(_, setting)| setting.value.contains('.'))
}

fn is_highly_available(ours: &Ours) -> Said {
    match ours.cluster.high_availability().0 {
        HighAvailability::Unknown => Said::Unknown(PLACEHOLDER),
        known => Said::Is(Some(known.is_on().to_string())),
    }
}

fn duration(ours: &Ours, option: &str, default: Option<u128>) -> Said {
    match value(ours, option) {
        None => Said::Is(default.map(|seconds| (seconds * 1_000_000_000).to_string())),
        Some(text) => {
            nanoseconds(text, ours.cluster.version).map_or(Said::Refused, |length| Said::Is(Some(length.to_string())))
        }
    }
}

/// The scheme of the file system that serves `directory`.
fn place(ours: &Ours, directory: Directory) -> Said {
    match ours.cluster.default_scheme() {
        Some(default) if has_placeholder(default) => return Said::Unknown(PLACEHOLDER),
        Some(default) if !is_uri(default) => return Said::Unknown(NOT_JUDGED),
        _ => {}
    }
    let Some((_, setting)) = ours.cluster.directory(directory) else { return blank(ours, directory) };
    // An address of IPv6, or blanks in the place of a host.
    if setting.value.contains(['[', ']']) || (setting.trimmed() != setting.value && setting.trimmed().ends_with("//")) {
        return Said::Unknown(NOT_JUDGED);
    }
    match ours.cluster.location(directory) {
        None => Said::Is(None),
        Some(Location::Remote { scheme, .. }) => Said::Is(Some(scheme)),
        Some(Location::Local(_) | Location::Relative(_)) => Said::Is(Some("file".to_owned())),
        Some(Location::Refused(Refusal::Quoted(_))) => Said::Unknown(QUOTED),
        Some(Location::Unresolved) if has_placeholder(&setting.value) => Said::Unknown(PLACEHOLDER),
        Some(Location::Refused(_) | Location::Unresolved) => Said::Refused,
    }
}

/// Whether `default` is a URI with a scheme; what is none ends Flink, and no rule speaks of it.
fn is_uri(default: &str) -> bool {
    let has_rest = scheme_of(default).is_some_and(|(_, rest)| !rest.is_empty());
    has_rest && default.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte))
}

/// A blank directory is none to us; of an empty one Flink makes no path, of blanks it makes one.
fn blank(ours: &Ours, directory: Directory) -> Said {
    match value(ours, directory.option()) {
        None => Said::Is(None),
        Some("") => Said::Refused,
        Some(_) => Said::Unknown(NOT_JUDGED),
    }
}

/// Whether Flink's arithmetic comes to an end; the bytes it comes to are not ours to say.
fn memory(ours: &Ours) -> Said {
    let options = |option: &str| ours.view().config.value(option, ours.cluster.version);
    let is_blank = |value: &str| value.trim().is_empty();
    if ours.view().config.iter().any(|(key, setting)| key.contains(".memory.") && is_blank(&setting.value)) {
        return Said::Unknown(NOT_JUDGED);
    }
    let slots = value(ours, "taskmanager.numberOfTaskSlots");
    if slots.is_some_and(|slots| slots.parse::<u16>().is_err()) {
        return Said::Unknown(NOT_JUDGED);
    }
    let old = ["jobmanager.heap.size", "jobmanager.heap.mb", "taskmanager.heap.size", "taskmanager.heap.mb"];
    if old.iter().any(|option| ours.view().config.exact(option).is_some()) {
        return Said::Unknown(OLD_SIZES);
    }
    match fit(ours.view().role, &options, ours.cluster.version) {
        Fit::Enough => Said::Is(Some("enough".to_owned())),
        Fit::Short(_) => Said::Refused,
        Fit::Unknown => Said::Unknown(MEMORY),
    }
}

/// Whether there is a directory of the cluster's own below the storageDir.
fn ha_directory(ours: &Ours) -> Said {
    let is_bare = value(ours, HA_CLUSTER_ID).is_some_and(|id| id.bytes().all(|byte| byte == b'/'));
    match (value(ours, HA_STORAGE_DIR), ours.cluster.location(Directory::HighAvailability)) {
        (None, _) => Said::Refused,
        (Some(storage), _) if storage.trim_matches(|c| c <= ' ').is_empty() => Said::Refused,
        (_, Some(Location::Refused(Refusal::Quoted(_)))) => Said::Unknown(QUOTED),
        (_, Some(Location::Refused(Refusal::NoScheme))) => Said::Refused,
        _ if is_bare => Said::Refused,
        // How Flink puts the two together is not ours to say; that it can is.
        _ => Said::Unknown(NOT_JUDGED),
    }
}

fn job_result_store(ours: &Ours) -> Said {
    if !ours.version.at_least(1, 15) {
        return Said::Is(None);
    }
    let below =
        |storage: &str| format!("{storage}/job-result-store/{}", value(ours, HA_CLUSTER_ID).unwrap_or("/default"));
    let path = value(ours, "job-result-store.storage-path").map(str::to_owned);
    Said::Is(path.or_else(|| value(ours, HA_STORAGE_DIR).map(below)))
}

/// Whether checkpoints go to files: what the rule on directories without a scheme stands on.
fn checkpoint_storage(ours: &Ours) -> Said {
    if value(ours, "execution.checkpointing.storage").is_some() {
        return Said::Unknown(NOT_JUDGED);
    }
    let mut is_refused = false;
    for directory in [Directory::Checkpoints, Directory::Savepoints] {
        let Some(text) = value(ours, directory.option()) else { continue };
        let Some((_, setting)) = ours.cluster.directory(directory) else { return Said::Refused };
        // What leads above the root, and blanks around it, are kept by Java.
        if text.contains("/..") || setting.trimmed() != text {
            return Said::Unknown(NOT_JUDGED);
        }
        is_refused |= match Location::parse(text, None) {
            Location::Refused(Refusal::Quoted(_)) => return Said::Unknown(QUOTED),
            Location::Unresolved => return Said::Unknown(PLACEHOLDER),
            // A host is taken for one until the first file is written.
            Location::Refused(Refusal::Authority { .. }) => return Said::Unknown(NOT_JUDGED),
            Location::Refused(_) => true,
            location if location.is_root() => true,
            _ => scheme_of(setting.trimmed()).is_none(),
        };
    }
    match (is_refused, value(ours, CHECKPOINT_DIR)) {
        (true, _) => Said::Refused,
        (false, Some(_)) => Said::Is(Some("files".to_owned())),
        (false, None) => Said::Is(Some("memory".to_owned())),
    }
}

fn restart_strategy(ours: &Ours) -> Said {
    // Flink reads the numbers of a strategy with it.
    if ours.view().config.iter().any(|(key, _)| key.starts_with("restart-strategy.") && key.matches('.').count() > 1) {
        return Said::Unknown(NOT_JUDGED);
    }
    let word = match value(ours, RESTART_STRATEGY).map(RestartStrategy::of) {
        Some(Some(RestartStrategy::Off)) => "NoRestartBackoffTimeStrategy",
        Some(Some(RestartStrategy::FixedDelay)) => "FixedDelayRestartBackoffTimeStrategy",
        Some(Some(RestartStrategy::FailureRate)) => "FailureRateRestartBackoffTimeStrategy",
        // The default is not the same in all versions; all of them go on.
        Some(None) | None => return Said::Unknown(NOT_JUDGED),
    };
    Said::Is(Some(word.to_owned()))
}

fn is_batch(ours: &Ours) -> Said {
    let mode = value(ours, "execution.runtime-mode").unwrap_or("streaming").to_ascii_lowercase();
    if !["batch", "streaming", "automatic"].contains(&mode.as_str()) {
        return Said::Unknown(NOT_JUDGED);
    }
    Said::Is(Some(ours.view().is_batch().to_string()))
}

fn asks_for_certificates(ours: &Ours) -> Said {
    let switches = ["security.ssl.rest.enabled", "security.ssl.rest.authentication-enabled"];
    let is_switch = |text: &str| ["true", "false"].contains(&text.to_ascii_lowercase().as_str());
    if switches.iter().any(|switch| value(ours, switch).is_some_and(|text| !is_switch(text))) {
        return Said::Unknown(NOT_JUDGED);
    }
    Said::Is(Some(rest::asks_for_certificates(ours.view(), ours.cluster.version).to_string()))
}

fn rest_port(ours: &Ours) -> Said {
    match rest::port(ours.view(), ours.cluster.version) {
        // Flink keeps a text, and makes a number of it where it binds.
        Some(port) if value(ours, "rest.bind-port").is_none_or(|text| text == port.to_string()) => {
            Said::Is(Some(port.to_string()))
        }
        _ => Said::Unknown(NOT_JUDGED),
    }
}
