//! High availability, whole or not at all.

mod both_roles;
mod metadata;

pub use metadata::metadata_of;

use both_roles::{check_siblings, siblings_have_id};
use metadata::{may_have_state, metadata};

use crate::facts::Answer;
use crate::flink::arguments::{Fate, Misread, takes_options};
use crate::flink::cluster::{Cluster, Directory, HighAvailability, RoleView, Shape};
use crate::flink::configuration::Layer;
use crate::flink::defaults;
use crate::flink::deployment::{has_emr_ha, makes_its_account};
use crate::flink::identity::CLUSTER_ANNOTATION;
use crate::flink::location::scheme_of;
use crate::flink::options::{
    self, HA_CLUSTER_ID, HA_JOBMANAGER_PORT, HA_STORAGE_DIR, HA_TYPE, JOBMANAGER_ADDRESS, KUBERNETES_CLUSTER_ID,
    KUBERNETES_NAMESPACE, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT,
};
use crate::flink::plugins;
use crate::flink::raw::{Unknown, container_path, hidden_by, words};
use crate::flink::version::FlinkVersion;
use crate::inject::record::POD_IP;
use crate::inject::{self, Obstacle, Place, Record, Shortfall, Work, arguments};
use crate::object::{FieldPath, list};
use crate::policy::rules::is_of_missing_plugin;
use crate::policy::{Finding, HaMode, Role};
use crate::workload::{Entry, Raw};

/// What is missing, and what to do about it.
struct Missing {
    said: String,
    remedy: String,
    /// The field of the FlinkDeploymentSpec that is not set, where that is what is missing.
    field: Option<&'static str>,
}

impl Missing {
    const fn new(said: String, remedy: String) -> Self {
        Self { said, remedy, field: None }
    }

    fn of_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }
}

/// Adds the policy's HA to a cluster that has none, or the missing pieces to one that has its own.
pub(super) fn add(work: &mut Work<'_>) {
    let cluster = work.cluster();
    match cluster.high_availability() {
        (HighAvailability::Kubernetes, Some(_)) => add_pieces(work, HaMode::Kubernetes),
        (HighAvailability::ZooKeeper, Some(_)) => add_pieces(work, HaMode::Zookeeper),
        (HighAvailability::Off, None) => {
            let Some(mode) = work.target.policy.spec.high_availability.mode else { return };
            if says_otherwise(&cluster, mode) || is_of_emr(work, has_emr_ha) {
                return;
            }
            if let Err(Missing { said: missing, remedy, field }) = add_whole(work, &cluster, mode) {
                let root = cluster.leading().map(|view| view.config_path.clone()).unwrap_or_default();
                let path = root.key(cluster.spelling(HA_TYPE));
                work.shortfalls.push(Shortfall::HighAvailability { path, missing, remedy, field });
            }
        }
        _ => {}
    }
}

/// Says that HA is missing where a shell's text, or `env` with variables of Flink's, starts it: no option can be added
/// there.
///
/// A text that speaks of HA itself is left to its author, and so is a configuration that something else may bring.
pub(super) fn miss(work: &mut Work<'_>) {
    let Some(Place::Pods(raw)) = work.target.place().filter(|_| !work.target.is_opted_out()) else { return };
    let cluster = work.cluster();
    let Some(view) = cluster.leading() else { return };
    let wanted = work.target.policy.spec.high_availability.mode;
    let is_off = cluster.high_availability() == (HighAvailability::Unknown, None)
        && view.unknown == hidden_by(raw.launch.entry).map(|why| Unknown::Elsewhere(why.to_owned()));
    let container = view.pod.container().unwrap_or(&serde_json::Value::Null);
    let Some(obstacle) = raw.launch.obstacle() else { return };
    if !is_off || wanted.is_none_or(|mode| says_otherwise(&cluster, mode)) || speaks_of_it(container) {
        return;
    }
    let role = raw.launch.subcommand();
    let field = if list(container, &["args"]).is_empty() { "command" } else { "args" };
    work.shortfalls.push(Shortfall::HighAvailability {
        path: container_path(raw).key(field),
        missing: obstacle.to_owned(),
        field: None,
        remedy: if raw.launch.entry == Entry::Changed {
            format!("set these variables in the container's `env`, and start it by the image's entry point, `args: [{role}]`")
        } else {
            format!(
                "start it by the image's entry point, `args: [{role}]`, or write the HA options into its configuration file"
            )
        },
    });
}

/// Whether the command line of `container` names an option of HA.
pub(super) fn speaks_of_it(container: &serde_json::Value) -> bool {
    words(container).iter().any(|word| word.contains("high-availability"))
}

/// Whether the target is a resource of Amazon EMR's dialect, of which `says` something.
fn is_of_emr(work: &Work<'_>, says: impl Fn(&serde_json::Value, &FieldPath) -> bool) -> bool {
    matches!(work.target.place(), Some(Place::Resource(spec)) if says(work.target.object, spec))
}

/// Whether the user names another mode under a name that this version does not read.
fn says_otherwise(cluster: &Cluster, mode: HaMode) -> bool {
    let Some(view) = cluster.leading() else { return true };
    let wanted = HighAvailability::of(mode.word());
    options::names(HA_TYPE, None)
        .iter()
        .filter_map(|name| view.config.exact(name))
        .any(|setting| HighAvailability::of(&setting.value) != wanted)
}

/// The pieces that the user's own HA lacks; each alone, since the set as a whole is the user's.
fn add_pieces(work: &mut Work<'_>, mode: HaMode) {
    let cluster = work.cluster();
    let Some(view) = cluster.leading().filter(|view| view.unknown.is_none()) else { return };
    if !accepts_options(work, &cluster) {
        return;
    }
    let template = work.target.policy.spec.high_availability.storage_dir.as_ref();
    if cluster.directory(Directory::HighAvailability).is_none()
        && let Some(directory) = template.and_then(|template| template.fill(&work.names()).ok())
    {
        // A directory that the pods would lose is not filled in; the missing one is a finding of its own.
        let _ = work.attempt(|work| work.set_option(HA_STORAGE_DIR, &directory));
    }
    if mode == HaMode::Zookeeper {
        let _ = work.attempt(|work| add_zookeeper(work, &cluster));
    }
    if let Some(Place::Pods(raw)) = work.target.place().filter(|_| work.target.policy.spec.complete) {
        let _ = work.attempt(|work| {
            add_identity(work, &cluster, mode)?;
            add_address(work, &cluster, view, raw)
        });
    }
}

/// Whether the form in which options are given is accepted: arguments are not, by old session JobManagers.
pub(super) fn accepts_options(work: &Work<'_>, cluster: &Cluster) -> bool {
    match work.target.place() {
        Some(Place::Resource(_)) => true,
        Some(Place::Pods(raw)) => takes_options(&raw.launch, cluster.version) && misread(cluster).is_none(),
        None => false,
    }
}

/// A word that its script takes for something else: whoever wrote it means an option that is not in force, which what
/// we add might contradict.
fn misread(cluster: &Cluster) -> Option<&Misread> {
    let words = &cluster.leading()?.misread;
    let is_meant_otherwise = |word: &&Misread| matches!(word.fate, Fate::Host | Fate::WebPort | Fate::Program);
    words.iter().map(|(word, _)| word).find(is_meant_otherwise)
}

fn is_set(cluster: &Cluster, option: &str) -> bool {
    cluster.leading().is_some_and(|view| view.config.value(option, cluster.version).is_some())
}

fn add_zookeeper(work: &mut Work<'_>, cluster: &Cluster) -> Result<(), FieldPath> {
    let zookeeper = &work.target.policy.spec.high_availability.zookeeper;
    if let Some(quorum) = zookeeper.quorum.as_ref().filter(|_| !is_set(cluster, ZOOKEEPER_QUORUM)) {
        work.set_option(ZOOKEEPER_QUORUM, quorum)?;
    }
    let root = match (&zookeeper.path_root, work.target.place()) {
        (Some(root), _) => root.fill(&work.names()).ok(),
        // The operator's id is the name alone: below one root clusters of one name in two namespaces would be one.
        (None, Some(Place::Resource(_))) => Some(format!("/flink/{}", work.target.namespace)),
        (None, _) => None,
    };
    // Beside a quorum and mode of its own a cluster has chosen the default root.
    let is_chosen = is_set(cluster, ZOOKEEPER_ROOT) || (is_set(cluster, HA_TYPE) && is_set(cluster, ZOOKEEPER_QUORUM));
    if let Some(root) = root.filter(|_| !is_chosen) {
        work.set_option(ZOOKEEPER_ROOT, &root)?;
    }
    Ok(())
}

/// The ids by which a standalone cluster finds its own metadata, and no other cluster's.
fn add_identity(work: &mut Work<'_>, cluster: &Cluster, mode: HaMode) -> Result<(), FieldPath> {
    let identity = work.identity.clone();
    let namespace = work.target.namespace.to_owned();
    if let Some(identity) =
        identity.as_ref().filter(|_| mode == HaMode::Kubernetes && !is_set(cluster, KUBERNETES_CLUSTER_ID))
    {
        work.set_option(KUBERNETES_CLUSTER_ID, identity)?;
    }
    // Unset it is `default`, whatever namespace the pods are in, and it is known whatever the cluster is called.
    let has_run_there = || matches!(metadata(work.target.facts, cluster), Some(Answer::Known(_)));
    let lacks_namespace = mode == HaMode::Kubernetes && !is_set(cluster, KUBERNETES_NAMESPACE);
    if lacks_namespace && namespace != "default" && !has_run_there() {
        work.set_option(KUBERNETES_NAMESPACE, &namespace)?;
    }
    // One that the other role was given is the cluster's, whatever we would have called it.
    let given = work.target.siblings.iter().find_map(|sibling| sibling.setting(HA_CLUSTER_ID));
    let id = given.map(|setting| setting.trimmed().to_owned()).or_else(|| {
        identity.filter(|_| !may_have_state(work, cluster, mode)).map(|identity| format!("/{namespace}/{identity}"))
    });
    if let Some(id) = id.filter(|_| !is_set(cluster, HA_CLUSTER_ID) && siblings_have_id(work)) {
        work.set_option(HA_CLUSTER_ID, &id)?;
    }
    Ok(())
}

/// The JobManager's own address: under HA it is published, and a Service's name stands for all JobManagers.
fn add_address(work: &mut Work<'_>, cluster: &Cluster, view: &RoleView, raw: &Raw) -> Result<(), FieldPath> {
    let given = view.config.exact(JOBMANAGER_ADDRESS).is_some_and(|address| address.layer == Layer::Argument);
    let is_needed = raw.role == Role::JobManager && !given && cluster.shape == Shape::Raw;
    if !is_needed || arguments::has_other_pod_ip(work, raw) {
        return Ok(());
    }
    arguments::add_pod_ip(work, raw, POD_IP);
    work.set_option(JOBMANAGER_ADDRESS, &format!("$({POD_IP})"))
}

fn add_whole(work: &mut Work<'_>, cluster: &Cluster, mode: HaMode) -> Result<(), Missing> {
    let policy = &work.target.policy.spec.high_availability;
    check_form(work, cluster)?;
    check_siblings(work)?;
    let own_directory = cluster.directory(Directory::HighAvailability).is_some();
    let directory = match (own_directory, &policy.storage_dir) {
        (true, _) => None,
        (false, None) => {
            return Err(Missing::new(
                "neither the policy nor the cluster names a storageDir".to_owned(),
                format!("set `highAvailability.storageDir` in the policy, or `{HA_STORAGE_DIR}` in the cluster"),
            ));
        }
        (false, Some(template)) => Some(template.fill(&work.names()).map_err(|word| nameless(word, template.text()))?),
    };
    if let Some(directory) = &directory {
        check_plugin(work, cluster, directory)?;
    }
    let has_account =
        cluster.leading().is_some_and(|view| view.account.0.is_some()) || is_of_emr(work, makes_its_account);
    if mode == HaMode::Kubernetes && !has_account {
        return Err(Missing::new(
            "neither the policy nor the cluster names a ServiceAccount, which Kubernetes HA needs".to_owned(),
            "set `serviceAccount` in the policy, or `serviceAccount` in the cluster".to_owned(),
        )
        .of_field("serviceAccount"));
    }
    if mode == HaMode::Zookeeper && !is_set(cluster, ZOOKEEPER_QUORUM) && policy.zookeeper.quorum.is_none() {
        return Err(Missing::new(
            "neither the policy nor the cluster names a ZooKeeper quorum".to_owned(),
            format!("set `highAvailability.zookeeper.quorum` in the policy, or `{ZOOKEEPER_QUORUM}` in the cluster"),
        ));
    }
    let root = policy.zookeeper.path_root.as_ref().filter(|_| mode == HaMode::Zookeeper);
    if let Some(Err(word)) = root.map(|root| root.fill(&work.names())) {
        return Err(nameless(word, "highAvailability.zookeeper.pathRoot"));
    }
    work.attempt(|work| {
        work.set_option(HA_TYPE, spelled(mode, cluster.version))?;
        if let Some(directory) = &directory {
            work.set_option(HA_STORAGE_DIR, directory)?;
        }
        if mode == HaMode::Zookeeper {
            add_zookeeper(work, cluster)?;
        }
        let (Some(Place::Pods(raw)), Some(view)) = (work.target.place(), cluster.leading()) else { return Ok(()) };
        add_identity(work, cluster, mode)?;
        add_address(work, cluster, view, raw)?;
        if mode == HaMode::Zookeeper && raw.role == Role::JobManager && !is_set(cluster, HA_JOBMANAGER_PORT) {
            let port = view
                .config
                .value("jobmanager.rpc.port", cluster.version)
                .unwrap_or(defaults::JOBMANAGER_PORT)
                .to_owned();
            work.set_option(HA_JOBMANAGER_PORT, &port)?;
        }
        Ok(())
    })
    .map_err(|obstacle| match obstacle {
        Obstacle::Findings(findings) => why(&findings, work),
        Obstacle::Taken(path) if cluster.shape == Shape::Raw => Missing::new(
            format!("`{path}` sets an option of HA to a blank, which counts whatever is added"),
            "remove that argument, or give it a value".to_owned(),
        ),
        Obstacle::Taken(path) => Missing::new(
            format!(
                "`{path}` is taken: this Flink version wants a text there, and the configuration has something else"
            ),
            "write the options below it with dotted names".to_owned(),
        ),
    })
}

/// The finding that speaks of the HA directory, else the first one on a value of the user's: what else we filled in came
/// after HA was tried, and is no reason.
fn why(findings: &[Finding], work: &Work<'_>) -> Missing {
    let cluster = work.cluster();
    let own = cluster.directory(Directory::HighAvailability).map(|(_, setting)| setting.path.to_string());
    let recorded = Record::of(work.target.object).unwrap_or_default();
    let settings = cluster.leading().into_iter().flat_map(|view| view.config.iter());
    let of_record: Vec<String> = settings
        .filter(|(key, setting)| recorded.holds(key, &setting.value))
        .map(|(_, setting)| setting.path.to_string())
        .collect();
    let speaks_of_it =
        |finding: &&Finding| own.as_ref() == Some(&finding.path) || finding.path.contains(HA_STORAGE_DIR);
    let of_user = |finding: &&Finding| !of_record.contains(&finding.path);
    let finding = findings.iter().find(speaks_of_it).or(findings.iter().find(of_user)).or(findings.first());
    let Some(Finding { rule, message, fix, .. }) = finding else { return Missing::new(String::new(), String::new()) };
    let fix = if is_of_missing_plugin(rule) && inject::plugins::wait_for_release(work) {
        format!("{fix}, or name the whole version in the image's tag, and it is filled in")
    } else {
        fix.clone()
    };
    Missing::new(message.clone(), fix)
}

/// Whether the official image can reach the policy's `directory`: where its entry point enables no plugin, nothing does.
fn check_plugin(work: &Work<'_>, cluster: &Cluster, directory: &str) -> Result<(), Missing> {
    let Some(view) = cluster.leading() else { return Ok(()) };
    let is_stock = view.is_stock(&work.target.policy.spec.images.stock);
    let needs_one =
        scheme_of(directory).is_some_and(|(scheme, _)| plugins::serving(scheme, cluster.version).next().is_some());
    let Some(reason) = plugins::hindrance(view, cluster.shape).filter(|_| is_stock && needs_one) else { return Ok(()) };
    Err(Missing::new(
        format!("`{directory}` needs a file-system plugin, and {reason}"),
        "bring the plugin in an image of your own or on a volume at `/opt/flink/plugins`".to_owned(),
    ))
}

/// Whether HA can be given to this cluster in a form that its version accepts.
fn check_form(work: &Work<'_>, cluster: &Cluster) -> Result<(), Missing> {
    if let Some(word) = misread(cluster) {
        return Err(Missing::new(word.in_words(), word.remedy()));
    }
    // Each role is reviewed alone, and a TaskManager does not know of which kind its JobManager is.
    let is_old_role = cluster.shape == Shape::Raw && cluster.version.is_some_and(|version| !version.at_least(1, 15));
    if is_old_role || !accepts_options(work, cluster) {
        return Err(Missing::new(
            "a session JobManager of Flink up to 1.14 takes no options as arguments, and HA is for both roles or for none"
                .to_owned(),
            "write the HA options into the configuration file of both roles".to_owned(),
        ));
    }
    if let Some(Place::Pods(raw)) = work.target.place()
        && raw.role == Role::JobManager
        && arguments::has_other_pod_ip(work, raw)
    {
        return Err(Missing::new(
            format!("the variable `{POD_IP}`, by which the JobManager would get its address, is something else here"),
            format!("call it otherwise, or let `{POD_IP}` be `status.podIP`"),
        ));
    }
    if cluster.shape == Shape::Raw && work.identity.is_none() {
        return Err(Missing::new(
            "neither the JobManager's address nor names and labels say for both roles which cluster this is".to_owned(),
            format!(
                "set the annotation `{CLUSTER_ANNOTATION}` to the same value on the JobManager and the TaskManagers"
            ),
        ));
    }
    match (cluster.shape, cluster.version) {
        (Shape::FlinkDeployment { .. }, None) => {
            let remedy = "set `flinkVersion`, as in `v1_20`".to_owned();
            Err(Missing::new("its Flink version is not known".to_owned(), remedy).of_field("flinkVersion"))
        }
        (Shape::FlinkDeployment { standalone: true }, Some(version))
            if cluster.application && version.at_least(2, 0) =>
        {
            Err(Missing::new(
                format!(
                    "the operator up to 1.15 starts an application in `mode: standalone` of Flink {version} wrongly with HA"
                ),
                "use `mode: native`, or configure HA yourself on an operator that has FLINK-38795".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

fn nameless(word: &str, template: &str) -> Missing {
    Missing::new(
        format!("`{word}` in `{template}` is not known: the object has no name yet (`generateName`)"),
        "give the object a `metadata.name`, or use `{namespace}` alone in the policy".to_owned(),
    )
}

/// The mode as `version` understands it: the short name from 1.16, else the class, which every version understands.
pub(super) fn spelled(mode: HaMode, version: Option<FlinkVersion>) -> &'static str {
    match mode {
        HaMode::Kubernetes => HighAvailability::kubernetes_word(version),
        HaMode::Zookeeper => mode.word(),
    }
}
