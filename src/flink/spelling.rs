//! Keys that no Flink version knows, and the option that their author meant.
//!
//! Two keys are one spelling where they differ in separators, case, number and the like only; else where two edits lead
//! from one to the other. Only options of HA, state and checkpoints are looked for, since a key that is ignored there
//! costs data, and since Flink leaves all other prefixes to programs, plugins and reporters.
//!
//! ```
//! use flink_admission::flink::spelling::meant;
//! assert_eq!(meant("state-savepoints-dir").map(|near| near.name), Some("state.savepoints.dir"));
//! assert_eq!(meant("state.savepoints.dir"), None);
//! assert_eq!(meant("my.app.savepoints.dir"), None);
//! ```

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::flink::options::{
    self, CHECKPOINT_DIR, CHECKPOINT_INTERVAL, HA_CLUSTER_ID, HA_STORAGE_DIR, HA_TYPE, KUBERNETES_CLUSTER_ID,
    KUBERNETES_NAMESPACE, SAVEPOINT_DIR, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT,
};

/// What a key looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// The option's name, in some version.
    pub name: &'static str,
    /// Whether the key may as well be the program's own, since it lacks Flink's prefix.
    pub bare: bool,
}

/// The option that `key` looks like; `None` for a key that Flink knows, and for one that looks like none.
#[must_use]
pub fn meant(key: &str) -> Option<Near> {
    if key.len() > LONGEST || options::is_known(key) || OPERATOR.iter().any(|prefix| key.starts_with(prefix)) {
        return None;
    }
    let plain = plain(key);
    let of_flink = |name| Near { name, bare: false };
    if let Some(name) = NAMES.get(plain.as_str()) {
        return Some(of_flink(name));
    }
    if let Some((_, name)) = MISTAKES.iter().find(|(mistake, _)| *mistake == plain) {
        return Some(of_flink(name));
    }
    if let Some((_, name)) = BARE.iter().find(|(mistake, _)| *mistake == plain) {
        return Some(Near { name, bare: true });
    }
    let allowed = |name: &str| if name.len() < SHORT { 1 } else { 2 };
    let initial = plain.get(..1)?.to_owned();
    let near = |edits: usize| {
        NAMES
            .range(initial.clone()..)
            .take_while(|(name, _)| name.starts_with(&initial))
            .find(|(name, _)| edits <= allowed(name) && is_within(plain.as_bytes(), name.as_bytes(), edits))
            .map(|(_, name)| of_flink(name))
    };
    near(1).or_else(|| near(2))
}

/// Whether `key` stands in the room of Flink's Kubernetes HA, where no plugin has options of its own.
#[must_use]
pub fn is_of_kubernetes_ha(key: &str) -> bool {
    key.starts_with("high-availability.kubernetes.") && !options::is_known(key)
}

/// The names that Flink has for what `key`, in the room of restart strategies, may mean: `None` where it is one of Flink's,
/// or stands elsewhere.
///
/// No plugin has options there: a strategy of one's own is a class of its own name
/// (`RestartBackoffTimeStrategyFactoryLoader`).
///
/// ```
/// use flink_admission::flink::spelling::of_restart_strategy;
/// let meant = of_restart_strategy("restart-strategy.exponential-delay.multiplier");
/// assert_eq!(meant, Some(Some("restart-strategy.exponential-delay.backoff-multiplier")));
/// assert_eq!(of_restart_strategy("restart-strategy.exponential-delay.max-attempts"), Some(None));
/// assert_eq!(of_restart_strategy("restart-strategy.fixed-delay.attempts"), None);
/// ```
#[must_use]
pub fn of_restart_strategy(key: &str) -> Option<Option<&'static str>> {
    const ROOM: &str = "restart-strategy.";
    let rest = key.strip_prefix(ROOM).filter(|_| !options::is_known(key) && key.len() <= LONGEST)?;
    let (strategy, word) = rest.rsplit_once('.').unwrap_or(("", rest));
    let (strategy, word) = (plain(strategy), plain(word));
    let mut near = options::all_names().filter(|name| {
        let (of, last) = name.strip_prefix(ROOM).and_then(|rest| rest.rsplit_once('.')).unwrap_or_default();
        let last = plain(last);
        plain(of) == strategy
            && !last.is_empty()
            && (last.ends_with(&word) || word.ends_with(&last) || is_within(word.as_bytes(), last.as_bytes(), 2))
    });
    // Of several none is meant for sure.
    Some(near.next().filter(|_| near.next().is_none()))
}

/// Judged options by their plain spelling.
static NAMES: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    // Of two names with one spelling the newer one stands: what is inserted later wins.
    let mut names: Vec<&'static str> = options::all_names().filter(|name| is_judged(name)).collect();
    names.sort_by_key(|name| options::history(name).map(|history| history.last));
    names.into_iter().map(|name| (plain(name), name)).collect()
});

fn is_judged(name: &str) -> bool {
    const FAMILIES: [&str; 4] = ["high-availability", "execution.checkpointing.", "state.", "job-result-store."];
    (FAMILIES.iter().any(|family| name.starts_with(family)) && !name.starts_with("state.backend.rocksdb.metrics."))
        || matches!(name, KUBERNETES_CLUSTER_ID | KUBERNETES_NAMESPACE)
}

/// `key` without separators and case, and with the words that are mixed up most in one form.
fn plain(key: &str) -> String {
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    [("checkpointing", "checkpoint"), ("checkpoints", "checkpoint"), ("savepoints", "savepoint"), ("directory", "dir")]
        .into_iter()
        .fold(
            letters,
            |plain, (variant, word)| if plain.contains(variant) { plain.replace(variant, word) } else { plain },
        )
}

/// Whether at most `edits` letters are added, left out, changed, or swapped with their neighbour.
pub(crate) fn is_within(a: &[u8], b: &[u8], edits: usize) -> bool {
    if a.len().abs_diff(b.len()) > edits {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let (Some((a_first, a_rest)), Some((b_first, b_rest))) = (a.split_first(), b.split_first()) else {
        return a.len().max(b.len()) <= edits;
    };
    if edits == 0 {
        return false;
    }
    let swapped = || match (a_rest.split_first(), b_rest.split_first()) {
        (Some((a_next, a_rest)), Some((b_next, b_rest))) => {
            a_first == b_next && b_first == a_next && is_within(a_rest, b_rest, edits - 1)
        }
        _ => false,
    };
    is_within(a_rest, b_rest, edits - 1)
        || is_within(a_rest, b, edits - 1)
        || is_within(a, b_rest, edits - 1)
        || swapped()
}

/// What the operator takes for itself and Flink never sees.
const OPERATOR: [&str; 2] = ["kubernetes.operator.", "job.autoscaler."];

/// Keys that were seen, or are easily believed in, and are too far from the right name for edits.
const MISTAKES: [(&str, &str); 20] = [
    ("highavailabilitykubernetesclusterid", KUBERNETES_CLUSTER_ID),
    ("highavailabilitykubernetesnamespace", KUBERNETES_NAMESPACE),
    ("highavailabilitykubernetesstoragedir", HA_STORAGE_DIR),
    ("highavailabilitystorage", HA_STORAGE_DIR),
    ("highavailabilitystoragepath", HA_STORAGE_DIR),
    ("highavailabilitydir", HA_STORAGE_DIR),
    ("highavailabilitymode", HA_TYPE),
    ("highavailabilityenabled", HA_TYPE),
    ("highavailabilityzookeeperclusterid", HA_CLUSTER_ID),
    ("highavailabilityquorum", ZOOKEEPER_QUORUM),
    ("highavailabilitypathroot", ZOOKEEPER_ROOT),
    ("highavailabilityzookeeperroot", ZOOKEEPER_ROOT),
    ("highavailabilityzookeeperpath", ZOOKEEPER_ROOT),
    ("statecheckpointpath", CHECKPOINT_DIR),
    ("executioncheckpointpath", CHECKPOINT_DIR),
    ("statesavepointpath", SAVEPOINT_DIR),
    ("executionsavepointdir", SAVEPOINT_DIR),
    ("executionsavepointpath", SAVEPOINT_DIR),
    ("executioncheckpointenabled", CHECKPOINT_INTERVAL),
    ("statecheckpointinterval", CHECKPOINT_INTERVAL),
];

/// Names without Flink's prefix.
const BARE: [(&str, &str); 4] = [
    ("storagedir", HA_STORAGE_DIR),
    ("checkpointdir", CHECKPOINT_DIR),
    ("savepointdir", SAVEPOINT_DIR),
    ("checkpointinterval", CHECKPOINT_INTERVAL),
];

/// The longest judged option has fewer characters.
const LONGEST: usize = 96;

/// A plain spelling with fewer letters may differ in one of them only.
const SHORT: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_understood() {
        for (key, name) in [
            ("high-availability-storageDir", "high-availability.storageDir"),
            ("high-availability.storagedir", "high-availability.storageDir"),
            ("high-availability.storage-dir", "high-availability.storageDir"),
            ("high-availability.storageDirectory", "high-availability.storageDir"),
            ("high-avaliability.storageDir", "high-availability.storageDir"),
            ("high_availability", "high-availability"),
            ("HIGH_AVAILABILITY_TYPE", "high-availability.type"),
            ("high-availability.cluster.id", "high-availability.cluster-id"),
            ("high-availability.zookeper.quorum", "high-availability.zookeeper.quorum"),
            ("high-availability.kubernetes.cluster-id", "kubernetes.cluster-id"),
            ("high-availability.mode", "high-availability.type"),
            ("kubernetes.clusterId", "kubernetes.cluster-id"),
            ("kubernetes.namepsace", "kubernetes.namespace"),
            ("state.checkpoint.dir", "state.checkpoints.dir"),
            ("state.checkpoints.directory", "state.checkpoints.dir"),
            ("state-savepoints-dir", "state.savepoints.dir"),
            ("state.backend-type", "state.backend.type"),
            ("execution.checkpoint.interval", "execution.checkpointing.interval"),
            ("execution.checkpointing.intervall", "execution.checkpointing.interval"),
            ("execution.checkpointing.savepointDir", "execution.checkpointing.savepoint-dir"),
            ("excution.checkpointing.min-pause", "execution.checkpointing.min-pause"),
        ] {
            assert_eq!(meant(key), Some(Near { name, bare: false }), "{key}");
        }
        assert_eq!(meant("storageDir"), Some(Near { name: HA_STORAGE_DIR, bare: true }));
    }

    #[test]
    fn what_is_known_or_somebody_elses_is_left_alone() {
        for key in [
            "",
            "é",
            "high-availability",
            "recovery.mode",
            "jobmanager.heap.size",
            "state.backend.fs.checkpointdir",
            "high-availability.zookeeper.client.max-retry-attempts",
            "state.backend.forst.local-dir",
            "state.backend.gemini.savepoint.external-sort.local-storage.enabled",
            "state.backend.rocksdb.metrics.num-files-at-level0",
            "kubernetes.operator.savepoint.history.max.count",
            "kubernetes.operator.periodic.savepoint.interval",
            "job.autoscaler.enabled",
            "metrics.reporter.prom.port",
            "env.java.opts",
            "containerized.master.env.CHECKPOINT_DIR",
            "s3.endpoint",
            "fs.s3a.path.style.access",
            "my.app.state.checkpoints.dir",
            "app.checkpoint.dir",
            "checkpoint.topic",
            "table.exec.state.ttl",
            "high-availability.mycompany.region",
            "kubernetes.jobmanager.replica",
            // Two letters away from names that are too short for that.
            "state.bakcned",
        ] {
            assert_eq!(meant(key), None, "{key}");
        }
    }

    #[test]
    fn names_of_restart_strategies_are_a_closed_set() {
        for (key, meant) in [
            ("fixed-delay.max-attempts", Some("fixed-delay.attempts")),
            ("fixed-delay.delai", Some("fixed-delay.delay")),
            ("fixedDelay.attempts", Some("fixed-delay.attempts")),
            ("failure-rate.max-failures", None),
            ("exponential-delay.backoff", None),
            ("attempts", None),
            ("", None),
        ] {
            let meant = meant.map(|name| format!("restart-strategy.{name}"));
            let found = of_restart_strategy(&format!("restart-strategy.{key}"));
            assert_eq!(found.map(|name| name.map(str::to_owned)), Some(meant), "{key}");
        }
        assert_eq!(of_restart_strategy("restart-strategy"), None);
        assert_eq!(of_restart_strategy("my.restart-strategy.fixed-delay.retries"), None);
        for name in options::all_names() {
            assert_eq!(of_restart_strategy(name), None, "{name}");
        }
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [
            ("type", "type", 0),
            ("tpye", "type", 1),
            ("tye", "type", 1),
            ("tyype", "type", 1),
            ("dype", "type", 1),
            ("dypes", "type", 2),
        ] {
            assert!(is_within(a.as_bytes(), b.as_bytes(), edits), "{a} {b}");
            assert!(edits == 0 || !is_within(a.as_bytes(), b.as_bytes(), edits - 1), "{a} {b}");
        }
        assert!(is_within(b"badc", b"abcd", 2) && !is_within(b"badcfe", b"abcdef", 2));
        assert!(!is_within(b"abcdef", b"defabc", 2) && !is_within(b"defabc", b"abcdef", 2));
        assert!(!is_within(b"abcd", b"ab", 1) && !is_within(b"ab", b"abcd", 1));
        assert!(!is_within(b"abc", b"xab", 1) && !is_within(b"xab", b"abc", 1) && !is_within(b"abc", b"bdc", 1));
    }

    #[test]
    fn every_option_of_flink_is_left_alone() {
        for name in options::all_names() {
            assert_eq!(meant(name), None, "{name}");
        }
        assert!(NAMES.keys().all(|name| name.len() < LONGEST));
    }

    #[test]
    fn a_key_too_long_is_not_looked_at() {
        let named = |length: usize| meant(&format!("{:-<length$}", "state-savepoints-dir")).is_some();
        assert!(named(LONGEST) && !named(LONGEST + 1));
    }
}
