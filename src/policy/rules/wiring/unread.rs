//! Options for HA and state that stand where Flink does not read them.

use crate::flink::cluster::{Cluster, HighAvailability};
use crate::flink::configuration::{EffectiveConfig, Setting};
use crate::flink::options::{self, HA_TYPE};
use crate::flink::raw::VoidReason;

/// Whether `key` is an option that HA or the state of jobs hangs on.
pub(super) fn is_of_state(key: &str) -> bool {
    const PREFIXES: [&str; 7] = [
        "high-availability",
        "recovery.",
        "state.",
        "execution.checkpointing.",
        "execution.savepoint.",
        "execution.state-recovery.",
        "job-result-store.",
    ];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || matches!(key, "kubernetes.cluster-id" | "kubernetes.namespace")
}

/// The setting in `config` that would switch HA on, under any name that a version knows.
pub(super) fn ha_of(config: &EffectiveConfig) -> Option<&Setting> {
    options::names(HA_TYPE, None)
        .iter()
        .filter_map(|name| config.exact(name))
        .find(|setting| HighAvailability::of(&setting.value).is_on())
}

/// Where the leading role of `cluster` was given HA in a file that it does not read, and what it reads instead: words for
/// a message.
pub(super) fn ha_in_unread_file(cluster: &Cluster) -> Option<String> {
    let void = &cluster.leading()?.void;
    void.iter().find_map(|void| {
        let setting = ha_of(&void.config)?;
        let VoidReason::File { name, read: Some(read), .. } = &void.reason else { return None };
        let version = cluster.version.map(|version| format!(" {version}")).unwrap_or_default();
        Some(format!("{} switches HA on, but Flink{version} reads `{read}` and not `{name}`", setting.origin))
    })
}
