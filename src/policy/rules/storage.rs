//! Rules on where HA metadata, checkpoints and savepoints lie.

pub(super) mod checkpoint_directory_missing;
pub(super) mod claim_not_found;
pub(super) mod claim_single_node_shared;
pub(super) mod claim_single_pod_shared;
mod claims;
pub(super) mod filesystem_plugin_missing;
pub(super) mod filesystem_plugin_scheme;
pub(super) mod filesystem_plugin_version;
pub(super) mod fs_group_missing;
pub(super) mod ha_storage_dir_missing;
pub(super) mod hadoop_classpath_missing;
pub(super) mod history_archive_not_durable;
pub(super) mod storage_differs_between_roles;
pub(super) mod storage_on_container;
pub(super) mod storage_on_empty_dir;
pub(super) mod storage_on_ephemeral_claim;
pub(super) mod storage_on_host_path;
pub(super) mod storage_on_source_less_volume;
pub(super) mod storage_path_without_scheme;
pub(super) mod storage_per_replica;
pub(super) mod storage_read_only;
pub(super) mod storage_uri_malformed;
pub(super) mod storage_uri_placeholder;

use crate::flink::cluster::{Cluster, Directory, HighAvailability, RoleView};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::image::Image;
use crate::flink::location::{Location, normalise};
use crate::flink::pod::{Backing, MountedVolume, Source};
use crate::policy::finding::{Role, Shared};
use crate::policy::rules::operations::roles_in_one_pod;
use crate::policy::rules::{Case, Violation, checkpoints};

/// A directory on a path of the pods, with what backs it in each role that uses it.
pub(super) struct Placement<'a> {
    /// Which directory.
    pub(super) directory: Directory,
    /// The key that it is set under.
    pub(super) key: &'a str,
    /// Its setting.
    pub(super) setting: &'a Setting,
    /// What backs it, in the roles that use it and that the object shows.
    pub(super) backings: Vec<(Role, Backing)>,
    /// The absolute path.
    pub(super) path: String,
}

/// Every directory of `cluster` that is a path of its pods.
///
/// HA metadata is the JobManager's: a TaskManager without it asks the JobManager's BLOB server. Checkpoints and
/// savepoints are written by both, unless checkpoints are kept in the JobManager's memory.
pub(super) fn placements(cluster: &Cluster) -> Vec<Placement<'_>> {
    Directory::ALL.into_iter().filter_map(|directory| placement(cluster, directory)).collect()
}

fn placement(cluster: &Cluster, directory: Directory) -> Option<Placement<'_>> {
    let (key, setting) = cluster.directory(directory)?;
    let path = match cluster.location(directory)? {
        Location::Local(path) => path,
        // The working directory of the official image.
        Location::Relative(path) => normalise(&format!("/opt/flink/{path}")),
        Location::Remote { .. } | Location::Refused(_) | Location::Unresolved => return None,
    };
    let backings = cluster
        .roles
        .iter()
        .filter(|view| view.role == Role::JobManager || task_managers_write(cluster, directory))
        .map(|view| (view.role, view.backing(&path)))
        .collect();
    Some(Placement { directory, key, setting, backings, path })
}

/// Whether TaskManagers of `cluster` write to `directory` themselves.
pub(super) fn task_managers_write(cluster: &Cluster, directory: Directory) -> bool {
    match directory {
        Directory::HighAvailability => false,
        Directory::Checkpoints => !cluster.keeps_checkpoints_in_memory(),
        Directory::Savepoints => true,
    }
}

impl Placement<'_> {
    /// Its value in words, with the option where the path of the finding does not tell: an argument is a number there.
    fn named(&self) -> String {
        let value = self.setting.trimmed();
        match self.setting.layer {
            Layer::Argument => format!("`{}={value}`", self.key),
            Layer::File | Layer::Environment => format!("`{value}`"),
        }
    }

    /// The role to speak of when the directory dies with its pods, and what backs it there.
    ///
    /// `None` where one of the roles keeps it on something shared: then the roles differ, which is another rule's.
    fn dying(&self) -> Option<(Role, &Backing)> {
        let dies = |backing: &Backing| durability(backing) == Durability::DiesWithPod;
        if !self.backings.iter().all(|(_, backing)| dies(backing)) {
            return None;
        }
        self.backings.first().map(|(role, backing)| (*role, backing))
    }

    /// A violation at this directory's setting, said of `role`.
    pub(super) fn violation(&self, role: Role, message: String, fix: String) -> Violation {
        Violation::at_setting(self.setting, message, fix).of_role(role)
    }
}

/// How long what backs a path lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// No longer than its pod, or than the pod's stay on one node.
    DiesWithPod,
    /// Longer.
    Survives,
    /// It cannot be known.
    Unknown,
}

/// How long what backs a path lives.
pub(super) fn durability(backing: &Backing) -> Durability {
    match backing {
        Backing::Container => Durability::DiesWithPod,
        Backing::Unknown(_) => Durability::Unknown,
        Backing::Volume(volume) => match volume.source {
            Source::EmptyDir { .. } | Source::Missing | Source::HostPath(_) | Source::Ephemeral => {
                Durability::DiesWithPod
            }
            Source::Claim(_)
            | Source::ClaimTemplate(_)
            | Source::Nfs { .. }
            | Source::Network(_)
            | Source::ReadOnly(_) => Durability::Survives,
            Source::Unknown(_) => Durability::Unknown,
        },
    }
}

/// How much a directory of the cluster matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// HA is on: a JobManager that starts again reads all of them.
    HighAvailability,
    /// HA is off, and checkpoints are on or upgrades go by savepoints: a job that is restarted or upgraded reads its state.
    State,
}

impl Need {
    /// What the directories of `case` are needed for; `None` where they may well be needed for nothing.
    pub(super) fn of(case: &Case<'_>) -> Option<Self> {
        // Roles in one pod share its volumes, and end together.
        let is_one_pod = || !(roles_in_one_pod::RULE.check)(case).is_empty();
        match case.cluster.high_availability().0 {
            // Where that cannot be seen, the pods often cannot either.
            HighAvailability::Unknown => None,
            HighAvailability::Off => (checkpoints::are_needed(case) && !is_one_pod()).then_some(Self::State),
            _ => Some(Self::HighAvailability),
        }
    }

    /// Whether `directory` is read at all.
    pub(super) fn reads(self, directory: Directory) -> bool {
        self == Self::HighAvailability || directory != Directory::HighAvailability
    }

    /// `violation` with the weight that it has: a denial is for what HA relies on.
    pub(super) fn weigh(self, violation: Violation) -> Violation {
        if self == Self::State { violation.uncertain() } else { violation }
    }
}

/// Violations of a cluster whose directory is needed and dies with its pods in the way that `kind` names: in words for
/// the message, `None` for any other way.
pub(super) fn dying(case: &Case<'_>, kind: impl Fn(&Backing) -> Option<String>) -> Vec<Violation> {
    let Some(need) = Need::of(case) else { return Vec::new() };
    let of_kind = |placement: Placement<'_>| {
        let (role, backing) = placement.dying()?;
        let fact = format!("in the {role} {} is {}", placement.named(), kind(backing)?);
        let message = format!("{fact}, {}", loss(need, placement.directory, backing));
        let (claim, roles) = match placement.directory {
            Directory::HighAvailability => ("PersistentVolumeClaim", "the JobManager"),
            Directory::Checkpoints | Directory::Savepoints => {
                ("ReadWriteMany PersistentVolumeClaim", "the JobManager and the TaskManagers")
            }
        };
        let fix = format!(
            "mount a {claim} at `{}` or above it in {roles}, or use an object store such as `s3://<bucket>/…`",
            placement.path,
        );
        let violation = need.weigh(placement.violation(role, message, fix));
        Some(match volume(backing) {
            Some(volume) => violation.sharing(shared(&placement, volume, fact)),
            None => violation,
        })
    };
    placements(case.cluster)
        .into_iter()
        .filter(|placement| need.reads(placement.directory))
        .filter_map(of_kind)
        .collect()
}

/// What a directory on `volume` has in common with the others on it.
fn shared(placement: &Placement<'_>, volume: &MountedVolume, fact: String) -> Shared {
    let mount = &volume.mount_path;
    let loss = if is_of_node(volume) {
        "pods on other nodes do not find what is written there, and jobs lose their state"
    } else {
        "what is written there is gone with its pod, and jobs lose their state"
    };
    Shared {
        cause: format!("{} at {mount}", volume.name),
        rank: placement.directory as u8,
        option: placement.key.to_owned(),
        fact,
        loss: Some(loss.to_owned()),
        fix: format!(
            "mount a ReadWriteMany PersistentVolumeClaim at `{mount}` in the JobManager and the TaskManagers instead, or use an object store such as `s3://<bucket>/…`"
        ),
    }
}

fn is_of_node(volume: &MountedVolume) -> bool {
    matches!(volume.source, Source::HostPath(_))
}

/// Why the loss of `directory` hurts.
fn loss(need: Need, directory: Directory, backing: &Backing) -> &'static str {
    let of_node = volume(backing).is_some_and(is_of_node);
    match directory {
        Directory::HighAvailability if of_node => {
            "so a JobManager on another node does not find the HA metadata and cannot start the jobs again"
        }
        Directory::Checkpoints if of_node => {
            "so pods on other nodes do not find the checkpoints and a job that fails over loses its state"
        }
        Directory::Savepoints if of_node => "so pods on other nodes do not find a savepoint",
        Directory::HighAvailability => {
            "so the HA metadata is gone with the pod and the next JobManager cannot start the jobs again"
        }
        // Each role writes its part, and the new JobManager of a cluster without HA looks for none.
        Directory::Checkpoints if need == Need::State => {
            "so each pod has files of its own, and a job whose TaskManager is lost does not find its part of the checkpoints"
        }
        Directory::Checkpoints => "so the checkpoints are gone with the pod and a job that fails over loses its state",
        Directory::Savepoints => "so a savepoint is gone with the pod that wrote it",
    }
}

/// The volume of a backing that is one.
pub(super) fn volume(backing: &Backing) -> Option<&MountedVolume> {
    match backing {
        Backing::Volume(volume) => Some(volume),
        Backing::Container | Backing::Unknown(_) => None,
    }
}

/// The roles that run the official image, with the image: only of that is known what it holds.
pub(super) fn stock_roles<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a RoleView, Image<'a>)> {
    let mirrors = &case.policy.spec.images.stock;
    case.cluster.roles.iter().filter_map(move |view| {
        let image = Image::parse(&view.image.as_ref()?.0);
        image.is_stock(mirrors).then_some((view, image))
    })
}

/// What was found in each role, with the role: said once, without one, where both roles have the same.
pub(super) fn said_once<T: PartialEq>(found: Vec<(Role, T)>) -> Vec<(Option<Role>, T)> {
    let is_same = matches!(found.as_slice(), [(_, ours), (_, theirs)] if ours == theirs);
    let roles = found.into_iter().map(|(role, what)| (Some(role), what));
    if is_same { roles.take(1).map(|(_, what)| (None, what)).collect() } else { roles.collect() }
}

/// Who ends without the file system of a directory: a cluster opens its own, and for a job's the job fails.
pub(super) const fn ends(cluster: &Cluster) -> &'static str {
    if cluster.submission.is_some() { "the job ends" } else { "Flink ends" }
}

/// The roles that a finding is about, in words.
pub(super) const fn in_words(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::JobManager) => "the JobManager",
        Some(Role::TaskManager) => "the TaskManagers",
        None => "the JobManager and the TaskManagers",
    }
}
