//! High availability, whole or not at all.

use crate::flink::cluster::{Cluster, Directory, HighAvailability, Shape};
use crate::flink::deployment::{has_emr_ha, makes_its_account};
use crate::flink::options::{self, HA_STORAGE_DIR, HA_TYPE, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT};
use crate::flink::version::FlinkVersion;
use crate::inject::{Obstacle, Shortfall, Work};
use crate::object::FieldPath;
use crate::policy::{Finding, HaMode, Role};

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
            if says_otherwise(&cluster, mode) || has_emr_ha(work.target.object, work.target.spec) {
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
    let directory = policy.storage_dir.as_ref().and_then(|template| template.fill(&work.target.names()).ok());
    if let Some(directory) = directory.filter(|_| cluster.directory(Directory::HighAvailability).is_none()) {
        // A directory that the pods would lose is not filled in; the missing one is a finding of its own.
        let _ = work.attempt(|work| work.set_option(HA_STORAGE_DIR, &directory));
    }
    if mode == HaMode::Zookeeper {
        let _ = work.attempt(|work| add_zookeeper(work, &cluster));
    }
}

fn add_zookeeper(work: &mut Work<'_>, cluster: &Cluster) -> Result<(), FieldPath> {
    let zookeeper = &work.target.policy.spec.high_availability.zookeeper;
    let is_set =
        |option: &str| cluster.leading().is_some_and(|view| view.config.value(option, cluster.version).is_some());
    if is_set(ZOOKEEPER_QUORUM) {
        return Ok(());
    }
    if let Some(quorum) = &zookeeper.quorum {
        work.set_option(ZOOKEEPER_QUORUM, quorum)?;
    }
    let root = zookeeper.path_root.as_ref().and_then(|root| root.fill(&work.target.names()).ok());
    if let Some(root) = root.filter(|_| !is_set(ZOOKEEPER_ROOT)) {
        work.set_option(ZOOKEEPER_ROOT, &root)?;
    }
    Ok(())
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
    let has_account = cluster.role(Role::JobManager).is_some_and(|view| view.account.0.is_some())
        || makes_its_account(work.target.object, work.target.spec);
    if mode == HaMode::Kubernetes && !has_account {
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
        work.set_option(HA_TYPE, spelled(mode, version))?;
        if let Some(directory) = &directory {
            work.set_option(HA_STORAGE_DIR, directory)?;
        }
        if mode == HaMode::Zookeeper {
            add_zookeeper(work, cluster)?;
        }
        Ok(())
    })
    .map_err(|obstacle| match obstacle {
        Obstacle::Findings(findings) => why(&findings, directory.is_none().then_some(cluster)),
        Obstacle::Taken(path) => Missing(
            format!("`{path}` is taken: Flink {version} wants a text there, and the configuration has something else"),
            "write the options below it with dotted names".to_owned(),
        ),
    })
}

/// The finding that speaks of the directory, else the first one: others may come and go with what else is filled in.
fn why(findings: &[Finding], with_own_directory: Option<&Cluster>) -> Missing {
    let own = with_own_directory.and_then(|cluster| cluster.directory(Directory::HighAvailability));
    let path = own.map(|(_, setting)| setting.path.to_string());
    let speaks_of_it = |finding: &&Finding| match &path {
        Some(path) => finding.path == *path,
        None => finding.path.contains(HA_STORAGE_DIR),
    };
    let finding = findings.iter().find(speaks_of_it).or(findings.first());
    let (message, fix) = finding.map(|finding| (finding.message.clone(), finding.fix.clone())).unwrap_or_default();
    Missing(message, fix)
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
        HaMode::Kubernetes => HighAvailability::kubernetes_word(Some(version)),
        HaMode::Zookeeper => mode.word(),
    }
}
