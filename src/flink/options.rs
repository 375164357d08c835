//! The options of every Flink version from 1.13 to 2.3: which names a version looks up, and in which order.
//!
//! Source: the option classes of the released `flink-dist` jars, dumped by reflection into `options.tsv`. A version
//! outside of that range is taken for the nearest one inside. A name that a version does not know is ignored by it
//! without a word, which is why the spelling matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use crate::flink::version::FlinkVersion;

/// High-availability mode.
pub const HA_TYPE: &str = "high-availability.type";
/// Id of the cluster in Kubernetes HA, and of a native cluster.
pub const KUBERNETES_CLUSTER_ID: &str = "kubernetes.cluster-id";
/// Namespace of the ConfigMaps of Kubernetes HA.
pub const KUBERNETES_NAMESPACE: &str = "kubernetes.namespace";
/// Id of the cluster below `storageDir` and in ZooKeeper.
pub const HA_CLUSTER_ID: &str = "high-availability.cluster-id";
/// Address that a JobManager publishes.
pub const JOBMANAGER_ADDRESS: &str = "jobmanager.rpc.address";
/// Port of the REST API.
pub const REST_PORT: &str = "rest.port";
/// Port of the JobManager under ZooKeeper HA.
pub const HA_JOBMANAGER_PORT: &str = "high-availability.jobmanager.port";
/// Port of a TaskManager; unset or 0: a random one.
pub const TASKMANAGER_PORT: &str = "taskmanager.rpc.port";
/// Where HA metadata is kept.
pub const HA_STORAGE_DIR: &str = "high-availability.storageDir";
/// ZooKeeper servers.
pub const ZOOKEEPER_QUORUM: &str = "high-availability.zookeeper.quorum";
/// Root of all clusters in ZooKeeper.
pub const ZOOKEEPER_ROOT: &str = "high-availability.zookeeper.path.root";
/// Directory of checkpoints.
pub const CHECKPOINT_DIR: &str = "execution.checkpointing.dir";
/// Directory of savepoints.
pub const SAVEPOINT_DIR: &str = "execution.checkpointing.savepoint-dir";
/// Time between checkpoints; unset or 0: none are made.
pub const CHECKPOINT_INTERVAL: &str = "execution.checkpointing.interval";
/// What becomes of a job that fails.
pub const RESTART_STRATEGY: &str = "restart-strategy.type";
/// Restarts under strategy `fixed-delay`; 1 where it is unset.
pub const FIXED_DELAY_ATTEMPTS: &str = "restart-strategy.fixed-delay.attempts";
/// Restarts within the interval under strategy `failure-rate`; 1 where it is unset.
pub const FAILURE_RATE_MAX: &str = "restart-strategy.failure-rate.max-failures-per-interval";
/// Whether the REST API takes jars and runs them.
pub const SUBMIT_ENABLE: &str = "web.submit.enable";
/// How slots are given to jobs: `reactive` takes all there are.
pub const SCHEDULER_MODE: &str = "scheduler-mode";
/// File system of paths without a scheme.
pub const DEFAULT_SCHEME: &str = "fs.default-scheme";

static TABLE: LazyLock<IndexMap<&'static str, Entry, FixedState>> = LazyLock::new(|| {
    let lines = || include_str!("options.tsv").lines().filter(|line| !line.starts_with('#')).filter_map(entry);
    let older: BTreeMap<&'static str, Vec<&'static str>> =
        lines().map(|(key, entry)| (key, entry.names.iter().copied().skip(1).collect())).collect();
    let with_all_names = |(key, entry): (&'static str, Entry)| {
        let mut all = vec![key];
        for name in entry.older() {
            let of_older = older.get(name).into_iter().flatten().copied();
            all.extend(std::iter::once(name).chain(of_older));
        }
        let mut seen = BTreeSet::new();
        all.retain(|name| seen.insert(*name));
        (key, Entry { all_names: all, ..entry })
    };
    lines().map(with_all_names).collect()
});

/// For each name, the options that it is an older name of.
static SUCCESSORS: LazyLock<IndexMap<&'static str, Vec<&'static str>, FixedState>> = LazyLock::new(|| {
    let mut successors: IndexMap<&'static str, Vec<&'static str>, FixedState> = IndexMap::default();
    for (&key, entry) in TABLE.iter() {
        for older in entry.older() {
            successors.entry(older).or_default().push(key);
        }
    }
    successors
});

fn successors(key: &str) -> &'static [&'static str] {
    SUCCESSORS.get(key).map_or(&[], Vec::as_slice)
}

struct Entry {
    since: FlinkVersion,
    until: FlinkVersion,
    /// Its name and its older names, in the order in which they are looked up.
    names: Vec<&'static str>,
    /// The same with the older names of the older names, for a version that is not known.
    all_names: Vec<&'static str>,
}

const OLDEST: FlinkVersion = FlinkVersion::new(1, 13);
const NEWEST: FlinkVersion = FlinkVersion::new(2, 3);

fn entry(line: &'static str) -> Option<(&'static str, Entry)> {
    let mut columns = line.split('\t');
    let key = columns.next()?;
    let since = columns.next().and_then(FlinkVersion::from_dotted).unwrap_or(OLDEST);
    let until = columns.next().and_then(FlinkVersion::from_dotted).unwrap_or(NEWEST);
    let older = columns.next().unwrap_or_default().split_whitespace();
    let names = std::iter::once(key).chain(older).collect();
    Some((key, Entry { since, until, names, all_names: Vec::new() }))
}

impl Entry {
    fn exists_in(&self, version: FlinkVersion) -> bool {
        let version = FlinkVersion::new(version.major, version.minor).clamp(OLDEST, NEWEST);
        self.since <= version && version <= self.until
    }

    fn older(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied().skip(1)
    }
}

/// The names under which `version` looks `option` up, the one that wins first; all of them where it is unknown.
///
/// `option` is the name in the newest version that has it.
///
/// ```
/// use flink_admission::flink::{options, version::FlinkVersion};
/// assert_eq!(options::names(options::HA_TYPE, Some(FlinkVersion::new(1, 16))), ["high-availability", "recovery.mode"]);
/// ```
#[must_use]
pub fn names(option: &str, version: Option<FlinkVersion>) -> &'static [&'static str] {
    let Some(entry) = TABLE.get(option) else { return &[] };
    let Some(version) = version else { return &entry.all_names };
    if entry.exists_in(version) {
        return &entry.names;
    }
    let former = entry.older().filter_map(|name| TABLE.get(name)).find(|former| former.exists_in(version));
    former.map_or(&[], |former| &former.names)
}

/// The name to write `option` under for `version`; where the version is unknown, the one that most versions accept.
#[must_use]
pub fn spelling(option: &str, version: Option<FlinkVersion>) -> &'static str {
    let known = version.or_else(|| Some(FlinkVersion::new(1, 19)).filter(|_| option != HA_TYPE)).unwrap_or(NEWEST);
    names(option, Some(known)).first().copied().unwrap_or_default()
}

/// Whether `version` reads `key`, as an option or as an older name of one.
#[must_use]
pub fn is_read_by(key: &str, version: FlinkVersion) -> bool {
    let exists = |key: &str| TABLE.get(key).is_some_and(|entry| entry.exists_in(version));
    exists(key) || successors(key).iter().any(|successor| exists(successor))
}

/// Whether any version reads `key`, as an option or as an older name of one.
#[must_use]
pub fn is_known(key: &str) -> bool {
    TABLE.contains_key(key) || SUCCESSORS.contains_key(key)
}

/// Whether `version` is newer than what the table knows.
#[must_use]
pub fn is_beyond(version: FlinkVersion) -> bool {
    version.at_least(NEWEST.major, NEWEST.minor + 1)
}

/// Every name that some version reads.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    TABLE.keys().chain(SUCCESSORS.keys()).copied()
}

/// The name that `version` has for what `name` means in some version; where it is unknown, `name` or its successor.
#[must_use]
pub fn name_in(name: &'static str, version: Option<FlinkVersion>) -> &'static str {
    match version {
        Some(version) if TABLE.get(name).is_some_and(|entry| entry.exists_in(version)) => name,
        Some(version) => counterpart(name, version).unwrap_or(name),
        None if TABLE.contains_key(name) => name,
        None => successors(name).first().copied().unwrap_or(name),
    }
}

/// The newest name of `key` and the versions that read `key` itself; `None` where no version knows it.
#[must_use]
pub fn history(key: &str) -> Option<History> {
    let readers: Vec<FlinkVersion> = VERSIONS.into_iter().filter(|version| is_read_by(key, *version)).collect();
    Some(History { first: *readers.first()?, last: *readers.last()? })
}

/// The span of versions that read a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// The first one in the table that does.
    pub first: FlinkVersion,
    /// The last one in the table that does.
    pub last: FlinkVersion,
}

const VERSIONS: [FlinkVersion; 12] = [
    OLDEST,
    FlinkVersion::new(1, 14),
    FlinkVersion::new(1, 15),
    FlinkVersion::new(1, 16),
    FlinkVersion::new(1, 17),
    FlinkVersion::new(1, 18),
    FlinkVersion::new(1, 19),
    FlinkVersion::new(1, 20),
    FlinkVersion::new(2, 0),
    FlinkVersion::new(2, 1),
    FlinkVersion::new(2, 2),
    NEWEST,
];

/// The name that `version` uses for what `key` means in another version.
#[must_use]
pub fn counterpart(key: &str, version: FlinkVersion) -> Option<&'static str> {
    let own = TABLE.get_key_value(key).map(|(&name, _)| name);
    own.into_iter()
        .chain(successors(key).iter().copied())
        .flat_map(|name| std::iter::once(name).chain(TABLE.get(name).into_iter().flat_map(Entry::older)))
        .find(|name| *name != key && TABLE.get(name).is_some_and(|entry| entry.exists_in(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_changed_its_name_in_1_17() {
        let v = FlinkVersion::new;
        assert_eq!(spelling(HA_TYPE, Some(v(1, 16))), "high-availability");
        assert_eq!(spelling(HA_TYPE, Some(v(1, 17))), "high-availability.type");
        assert_eq!(spelling(CHECKPOINT_DIR, Some(v(1, 19))), "state.checkpoints.dir");
        assert_eq!(spelling(CHECKPOINT_DIR, Some(v(1, 20))), "execution.checkpointing.dir");
        assert_eq!(spelling(CHECKPOINT_DIR, None), "state.checkpoints.dir");
        assert_eq!(
            names(CHECKPOINT_DIR, None),
            ["execution.checkpointing.dir", "state.checkpoints.dir", "state.backend.fs.checkpointdir"]
        );
        assert!(!is_read_by("execution.checkpointing.dir", v(1, 19)));
        assert!(is_read_by("state.backend.fs.checkpointdir", v(2, 3)) && is_read_by("high-availability", v(2, 4)));
        assert_eq!(counterpart("execution.checkpointing.dir", v(1, 18)), Some("state.checkpoints.dir"));
        assert_eq!(counterpart("high-availability.type", v(1, 16)), Some("high-availability"));
        assert_eq!(history("high-availability.type"), Some(History { first: v(1, 17), last: v(2, 3) }));
    }

    #[test]
    fn a_name_is_told_in_the_words_of_the_version() {
        let v = FlinkVersion::new;
        let of = |name, version| name_in(name, version);
        assert_eq!(of("high-availability", Some(v(1, 16))), "high-availability");
        assert_eq!(of("high-availability", Some(v(1, 17))), "high-availability.type");
        assert_eq!(of("high-availability.type", None), "high-availability.type");
        assert_eq!(of("recovery.zookeeper.quorum", None), "high-availability.zookeeper.quorum");
        assert_eq!(of("no.option", Some(v(1, 20))), "no.option");
        // It has an older name in that version, too.
        let current = "execution.batch.adaptive.auto-parallelism.max-parallelism";
        assert_eq!(of(current, Some(v(1, 17))), current);
        assert!(is_beyond(v(NEWEST.major, NEWEST.minor + 1)) && !is_beyond(NEWEST) && !is_beyond(v(1, 20)));
    }
}
