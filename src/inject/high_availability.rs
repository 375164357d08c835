//! High availability, whole or not at all.

use crate::flink::cluster::{Cluster, Directory, HighAvailability, KUBERNETES_FACTORY, Shape};
use crate::flink::options::{self, HA_STORAGE_DIR, HA_TYPE, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT};
use crate::flink::version::FlinkVersion;
use crate::inject::{Shortfall, Work};
use crate::policy::{HaMode, Role};

/// What is missing, and what to do about it.
struct Missing(String, String);

/// Adds the policy's HA to a cluster that has none, or the missing pieces to one that has its own.
pub(super) fn add(work: &mut Work<'_>) {
    let cluster = work.cluster();
    match cluster.high_availability() {
        (HighAvailability::Kubernetes, Some(_)) => add_pieces(work, HaMode::Kubernetes),
        (HighAvailability::ZooKeeper, Some(_)) => add_pieces(work, HaMode::Zookeeper),
        (_, Some(_)) => {}
        (_, None) => {
            let Some(mode) = work.target.policy.spec.high_availability.mode else { return };
            if says_otherwise(&cluster, mode) {
                return;
            }
            if let Err(Missing(missing, remedy)) = add_whole(work, &cluster, mode) {
                let path = work.target.spec.key("flinkConfiguration").key(cluster.spelling(HA_TYPE));
                work.shortfalls.push(Shortfall::HighAvailability { path, missing, remedy });
            }
        }
    }
}

/// Whether the user names another mode under a name that this version does not read.
fn says_otherwise(cluster: &Cluster, mode: HaMode) -> bool {
    let Some(view) = cluster.leading() else { return true };
    let wanted = HighAvailability::of(mode.word());
    options::names(HA_TYPE, None)
        .into_iter()
        .filter_map(|name| view.config.exact(name))
        .any(|setting| HighAvailability::of(&setting.value) != wanted)
}

/// The pieces that the user's own HA lacks and the policy has; each alone, since the set as a whole is the user's.
fn add_pieces(work: &mut Work<'_>, mode: HaMode) {
    let policy = &work.target.policy.spec.high_availability;
    let cluster = work.cluster();
    if cluster.directory(Directory::HighAvailability).is_none() {
        if let Some(directory) =
            policy.storage_dir.as_ref().and_then(|template| template.fill(&work.target.names()).ok())
        {
            // A directory that the pods would lose is not filled in; the missing one is a finding of its own.
            let _ = work.attempt(|work| work.set_option(HA_STORAGE_DIR, &directory));
        }
    }
    if mode == HaMode::Zookeeper {
        add_zookeeper(work, &cluster);
    }
}

fn add_zookeeper(work: &mut Work<'_>, cluster: &Cluster) {
    let zookeeper = &work.target.policy.spec.high_availability.zookeeper;
    let is_set =
        |option: &str| cluster.leading().is_some_and(|view| view.config.value(option, cluster.version).is_some());
    if is_set(ZOOKEEPER_QUORUM) {
        return;
    }
    if let Some(quorum) = &zookeeper.quorum {
        work.set_option(ZOOKEEPER_QUORUM, quorum);
    }
    if let Some(root) = zookeeper.path_root.as_ref().filter(|_| !is_set(ZOOKEEPER_ROOT)) {
        if let Ok(root) = root.fill(&work.target.names()) {
            work.set_option(ZOOKEEPER_ROOT, &root);
        }
    }
}

fn add_whole(work: &mut Work<'_>, cluster: &Cluster, mode: HaMode) -> Result<(), Missing> {
    let policy = &work.target.policy.spec.high_availability;
    let version = cluster.version.ok_or_else(|| {
        Missing("its Flink version is not known".to_owned(), "set `flinkVersion`, as in `v1_20`".to_owned())
    })?;
    if (cluster.shape == Shape::FlinkDeployment { standalone: true }) && version.at_least(2, 0) {
        return Err(Missing(
            format!("the operator up to 1.15 starts `mode: standalone` of Flink {version} wrongly with HA"),
            "use `mode: native`, or configure HA yourself on an operator that has FLINK-38795".to_owned(),
        ));
    }
    let own_directory = cluster.directory(Directory::HighAvailability).is_some();
    let directory = match (own_directory, &policy.storage_dir) {
        (true, _) => None,
        (false, None) => {
            return Err(Missing(
                "neither the policy nor the cluster names a storageDir".to_owned(),
                format!("set `highAvailability.storageDir` in the policy, or `{HA_STORAGE_DIR}` in the cluster"),
            ));
        }
        (false, Some(template)) => {
            Some(template.fill(&work.target.names()).map_err(|word| nameless(word, template.text()))?)
        }
    };
    if mode == HaMode::Kubernetes && cluster.role(Role::JobManager).is_some_and(|view| view.account.0.is_none()) {
        return Err(Missing(
            "neither the policy nor the cluster names a ServiceAccount, which Kubernetes HA needs".to_owned(),
            "set `serviceAccount` in the policy, or `serviceAccount` in the cluster".to_owned(),
        ));
    }
    let has_quorum =
        cluster.leading().is_some_and(|view| view.config.value(ZOOKEEPER_QUORUM, cluster.version).is_some());
    if mode == HaMode::Zookeeper && !has_quorum && policy.zookeeper.quorum.is_none() {
        return Err(Missing(
            "neither the policy nor the cluster names a ZooKeeper quorum".to_owned(),
            format!("set `highAvailability.zookeeper.quorum` in the policy, or `{ZOOKEEPER_QUORUM}` in the cluster"),
        ));
    }
    if let Some(Err(word)) =
        policy.zookeeper.path_root.as_ref().filter(|_| mode == HaMode::Zookeeper).map(|t| t.fill(&work.target.names()))
    {
        return Err(nameless(word, "highAvailability.zookeeper.pathRoot"));
    }
    work.attempt(|work| {
        work.set_option(HA_TYPE, spelled(mode, version));
        if let Some(directory) = &directory {
            work.set_option(HA_STORAGE_DIR, directory);
        }
        if mode == HaMode::Zookeeper {
            add_zookeeper(work, cluster);
        }
    })
    .map_err(|finding| Missing(format!("with it {}", finding.message), finding.fix))
}

fn nameless(word: &str, template: &str) -> Missing {
    Missing(
        format!("`{word}` in `{template}` is not known: the object has no name yet (`generateName`)"),
        "give the object a `metadata.name`, or use `{namespace}` alone in the policy".to_owned(),
    )
}

/// The mode as `version` understands it: the short name from 1.16, the class before.
pub(super) fn spelled(mode: HaMode, version: FlinkVersion) -> &'static str {
    match mode {
        HaMode::Kubernetes if !version.at_least(1, 16) => KUBERNETES_FACTORY,
        HaMode::Kubernetes | HaMode::Zookeeper => mode.word(),
    }
}
