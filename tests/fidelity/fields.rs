//! What we say of each thing that Flink's own code is asked for.

use flink_admission::flink::cluster::{Directory, HighAvailability};
use flink_admission::flink::configuration::Setting;
use flink_admission::flink::defaults;
use flink_admission::flink::duration::nanoseconds;
use flink_admission::flink::location::{Location, Refusal, has_placeholder, scheme_of};
use flink_admission::flink::memory::process::{Fit, fit};
use flink_admission::flink::options::{
    CHECKPOINT_DIR, CHECKPOINT_INTERVAL, HA_CLUSTER_ID, HA_JOBMANAGER_PORT, HA_STORAGE_DIR, JOBMANAGER_ADDRESS,
    KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, RESTART_STRATEGY, SAVEPOINT_DIR, SUBMIT_ENABLE, ZOOKEEPER_QUORUM,
    ZOOKEEPER_ROOT,
};
use flink_admission::flink::restart_strategy::RestartStrategy;
use flink_admission::flink::{rest, uploads};

use super::compare::Said;
use super::findings;
use super::ours::Ours;

// Where we say less than Flink does, and why. Each of these is counted.

/// No file of the configuration directory is one that the version reads: Flink ends, we say that the options are not known.
pub const NO_FILE: &str = "no file";
/// `config.yaml` is refused by our parser, and not certainly by Flink's.
pub const ANOTHER_PARSER: &str = "another parser";
/// `config.yaml` is refused by both, and we say that Flink may.
pub const NOT_CERTAIN: &str = "file refused, not certainly";
/// A value holds what something else may replace.
pub const PLACEHOLDER: &str = "placeholder";
/// Quotes around a directory: a path that nobody means, refused or not.
pub const QUOTED: &str = "quoted path";
/// The sizes of a process contradict each other, or a fraction is none.
pub const MEMORY: &str = "memory";
/// The sizes of before 1.11, which Flink takes for present ones: the rule says nothing beside them.
pub const OLD_SIZES: &str = "old memory options";
/// A directory for jobs that is blank, which Flink refuses, and no rule speaks of.
pub const BLANK: &str = "blank directory";
/// A value that Flink refuses where it is used, and that no rule speaks of.
pub const NOT_JUDGED: &str = "value not judged";

/// A factory of the user's own, which may need no directory.
pub const OWN_FACTORY: &str = "factory of one's own";

/// Each field of the answer with what we say of it.
pub fn of(ours: &Ours) -> Vec<(&'static str, Said)> {
    let mut fields: Vec<(&'static str, Said)> = [
        ("storageDir", HA_STORAGE_DIR, None),
        ("haClusterId", HA_CLUSTER_ID, Some(defaults::HA_CLUSTER_ID)),
        ("zooKeeperQuorum", ZOOKEEPER_QUORUM, None),
        ("zooKeeperRoot", ZOOKEEPER_ROOT, Some(defaults::ZOOKEEPER_ROOT)),
        ("haJobManagerPort", HA_JOBMANAGER_PORT, Some(defaults::HA_JOBMANAGER_PORT)),
        ("kubernetesClusterId", KUBERNETES_CLUSTER_ID, None),
        ("kubernetesNamespace", KUBERNETES_NAMESPACE, Some(defaults::KUBERNETES_NAMESPACE)),
        ("checkpoints", CHECKPOINT_DIR, None),
        ("savepoints", SAVEPOINT_DIR, None),
        ("jobManagerAddress", JOBMANAGER_ADDRESS, None),
        ("restAddress", "rest.address", None),
    ]
    .into_iter()
    .map(|(field, option, default)| (field, Said::Is(value(ours, option).or(default).map(str::to_owned))))
    .collect();
    let election = |name: &str| format!("high-availability.kubernetes.leader-election.{name}");
    fields.extend([
        ("highAvailability", high_availability(ours)),
        ("isHighlyAvailable", is_highly_available(ours)),
        ("leaseDuration", duration(ours, &election("lease-duration"), Some(defaults::LEASE_DURATION))),
        ("renewDeadline", duration(ours, &election("renew-deadline"), Some(defaults::RENEW_DEADLINE))),
        ("retryPeriod", duration(ours, &election("retry-period"), Some(defaults::RETRY_PERIOD))),
        ("checkpointInterval", duration(ours, CHECKPOINT_INTERVAL, None)),
        ("storageDirAt", place(ours, Directory::HighAvailability)),
        ("checkpointsAt", place(ours, Directory::Checkpoints)),
        ("savepointsAt", place(ours, Directory::Savepoints)),
        ("checkpointsTaken", taken(ours, Directory::Checkpoints)),
        ("savepointsTaken", taken(ours, Directory::Savepoints)),
        ("memory", memory(ours)),
        ("haDirectory", ha_directory(ours)),
        ("checkpointStorage", checkpoint_storage(ours)),
        ("restartStrategy", restart_strategy(ours)),
        ("isBatch", is_batch(ours)),
        ("jobManagerPort", job_manager_port(ours)),
        ("restPort", rest_port(ours)),
        ("restAsksForCertificates", asks_for_certificates(ours)),
        ("takesJars", takes_jars(ours)),
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

fn duration(ours: &Ours, option: &str, default: Option<&str>) -> Said {
    match value(ours, option).or(default) {
        None => Said::Is(None),
        Some(text) => {
            nanoseconds(text, ours.cluster.version).map_or(Said::Refused, |length| Said::Is(Some(length.to_string())))
        }
    }
}

/// The scheme of the file system that serves `directory`.
fn place(ours: &Ours, directory: Directory) -> Said {
    if let Some(why) = unknown_default(ours) {
        return Said::Unknown(why);
    }
    let Some((_, setting)) = ours.cluster.directory(directory) else { return blank(ours, directory) };
    if has_odd_host(setting) {
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

/// Whether it has an address of IPv6, or blanks in the place of a host or before a scheme.
fn has_odd_host(setting: &Setting) -> bool {
    let has_blanks = setting.trimmed() != setting.value;
    let has_scheme = setting.value.contains(':');
    setting.value.contains(['[', ']']) || (has_blanks && (has_scheme || setting.trimmed().ends_with("//")))
}

/// Whether it is a number that is none, of which Flink makes one text as an option and another here.
fn is_no_number(text: &str) -> bool {
    matches!(text.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str(), ".nan" | ".inf")
}

/// Why the file system of what has no scheme is not known, and with it whether Flink opens any.
fn unknown_default(ours: &Ours) -> Option<&'static str> {
    match ours.cluster.default_scheme()? {
        default if has_placeholder(default) => Some(PLACEHOLDER),
        default if !is_uri(default) => Some(NOT_JUDGED),
        _ => None,
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
    if ours.has_finding("memory-too-small") {
        return Said::Refused;
    }
    match fit(ours.view().role, &options, ours.cluster.version) {
        // What is short has its finding.
        Fit::Enough | Fit::Short(_) => Said::Is(Some("enough".to_owned())),
        Fit::Unset | Fit::Unreadable => Said::Refused,
        Fit::Unknown => Said::Unknown(MEMORY),
    }
}

/// The directory below the storageDir that the cluster has to itself, refused where a rule says so.
fn ha_directory(ours: &Ours) -> Said {
    match ours.cluster.high_availability().0 {
        HighAvailability::Off => return Said::Is(None),
        HighAvailability::Unknown => return Said::Unknown(PLACEHOLDER),
        HighAvailability::Class(_) => return Said::Unknown(OWN_FACTORY),
        HighAvailability::Kubernetes | HighAvailability::ZooKeeper => {}
    }
    if findings::refusing(ours, Directory::HighAvailability).next().is_some() {
        return Said::Refused;
    }
    if let Some(why) = unknown_default(ours) {
        return Said::Unknown(why);
    }
    // Two slashes alone are a host, and Flink puts the id behind its name; of a backslash it makes a slash.
    let is_odd = |setting: &Setting| {
        has_odd_host(setting)
            || setting.value.trim() != setting.value
            || setting.value.starts_with("//")
            || setting.value.contains('\\')
            || is_no_number(&setting.value)
    };
    if ours.cluster.directory(Directory::HighAvailability).is_some_and(|(_, setting)| is_odd(setting)) {
        return Said::Unknown(NOT_JUDGED);
    }
    // Blanks around an id belong to it, and what stands before a colon is a scheme, which Flink refuses.
    let is_odd = |id: &str| id.trim() != id || id.contains([':', '\\']) || id.is_empty() || is_no_number(id);
    if value(ours, HA_CLUSTER_ID).is_some_and(is_odd) {
        return Said::Unknown(NOT_JUDGED);
    }
    let id = ours.cluster.ha_cluster_id(ours.view());
    match ours.cluster.ha_directory(id) {
        _ if has_placeholder(id) => Said::Unknown(PLACEHOLDER),
        Some(Location::Refused(Refusal::Quoted(_))) => Said::Unknown(QUOTED),
        Some(Location::Unresolved) => unresolved(ours, Directory::HighAvailability),
        Some(location) => Said::At(location),
        // What is not there has its finding.
        None => Said::Is(None),
    }
}

/// Why nothing is known of `directory`, which is set.
fn unresolved(ours: &Ours, directory: Directory) -> Said {
    let holds_one = ours.cluster.directory(directory).is_some_and(|(_, setting)| has_placeholder(&setting.value));
    let default_holds_one = ours.cluster.default_scheme().is_some_and(has_placeholder);
    Said::Unknown(if holds_one || default_holds_one { PLACEHOLDER } else { NOT_JUDGED })
}

/// Whether jobs take `directory`, which they do where no rule says otherwise.
fn taken(ours: &Ours, directory: Directory) -> Said {
    let Some(text) = value(ours, directory.option()) else { return Said::Is(None) };
    let Some((_, setting)) = ours.cluster.directory(directory) else { return Said::Unknown(BLANK) };
    // What leads above the root, and blanks around it, are kept by Java.
    if text.contains("/..") || setting.trimmed() != text || has_odd_host(setting) {
        return Said::Unknown(NOT_JUDGED);
    }
    // Where the default scheme is none, or not known, what has one of its own is still told.
    match Location::parse(text, None) {
        Location::Unresolved => return Said::Unknown(PLACEHOLDER),
        // A host is taken for one until the first file is written.
        Location::Refused(Refusal::Authority { .. }) => return Said::Unknown(NOT_JUDGED),
        _ => {}
    }
    match findings::refusing(ours, directory).next() {
        Some(_) => Said::Refused,
        None => Said::Is(Some("taken".to_owned())),
    }
}

/// Whether checkpoints go to files.
fn checkpoint_storage(ours: &Ours) -> Said {
    let storage = value(ours, "execution.checkpointing.storage");
    if storage.is_some_and(|storage| !storage.eq_ignore_ascii_case("jobmanager"))
        || value(ours, "state.backend.type").is_some()
    {
        return Said::Unknown(NOT_JUDGED);
    }
    for directory in [Directory::Checkpoints, Directory::Savepoints] {
        match taken(ours, directory) {
            Said::Is(_) => {}
            unknown_or_refused => return unknown_or_refused,
        }
    }
    let is_in_memory =
        ours.cluster.keeps_checkpoints_in_memory() || ours.cluster.directory(Directory::Checkpoints).is_none();
    Said::Is(Some(if is_in_memory { "memory" } else { "files" }.to_owned()))
}

/// What becomes of a job that fails, with the number of its restarts.
fn restart_strategy(ours: &Ours) -> Said {
    let Some(word) = value(ours, RESTART_STRATEGY) else { return Said::Is(Some("endless".to_owned())) };
    let Some(strategy) = RestartStrategy::of(word) else { return Said::Refused };
    // The other numbers of a strategy Flink reads with it.
    let prefix = match strategy {
        RestartStrategy::Off => return Said::Is(Some("none".to_owned())),
        RestartStrategy::FixedDelay => "restart-strategy.fixed-delay.",
        RestartStrategy::FailureRate => "restart-strategy.failure-rate.",
        RestartStrategy::ExponentialDelay => "restart-strategy.exponential-delay.",
    };
    let is_other = |key: &str| key.starts_with(prefix) && Some(key) != strategy.limit();
    // Beyond a number of 64 bits it overflows where it is used.
    let is_short = |length: u128| i64::try_from(length).is_ok();
    let is_judged = |text: &str| nanoseconds(text, ours.cluster.version).is_some_and(is_short);
    if ours.view().config.iter().any(|(key, setting)| is_other(key) && !is_judged(&setting.value)) {
        return Said::Unknown(NOT_JUDGED);
    }
    let Some(limit) = strategy.limit() else { return Said::Is(Some("endless".to_owned())) };
    let Ok(number) = value(ours, limit).unwrap_or(defaults::RESTARTS).parse::<i32>() else {
        return Said::Unknown(NOT_JUDGED);
    };
    Said::Is(Some(match strategy {
        _ if number == i32::MAX => "endless".to_owned(),
        RestartStrategy::FixedDelay => format!("FixedDelay {number}"),
        _ => format!("FailureRate {number}"),
    }))
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

fn job_manager_port(ours: &Ours) -> Said {
    let port = value(ours, "jobmanager.rpc.port").unwrap_or(defaults::JOBMANAGER_PORT);
    match port.parse::<i32>() {
        Ok(number) if number.to_string() == port => Said::Is(Some(port.to_owned())),
        _ => Said::Unknown(NOT_JUDGED),
    }
}

fn takes_jars(ours: &Ours) -> Said {
    if value(ours, SUBMIT_ENABLE).is_some_and(|text| !is_switch(text)) {
        return Said::Unknown(NOT_JUDGED);
    }
    Said::Is(Some(uploads::are_taken(ours.view(), ours.cluster.version).to_string()))
}

fn is_switch(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}
