//! What the operator makes of a FlinkSessionJob: a job on the pods of the FlinkDeployment that it names.
//!
//! The job is submitted over the cluster's REST API with the options of the cluster and its own over them, from Flink 1.17;
//! older ones get no options of it. The processes run already, so what only they read at their start stays the cluster's.
//! Sources: operator 1.9 to 1.15, `FlinkConfigManager.getSessionJobConfig`, `AbstractFlinkService.runJar`.

use serde_json::Value;

use crate::facts::{Answer, FactKey, Facts};
use crate::flink::cluster::{Cluster, RoleView, Shape};
use crate::flink::configuration::{EffectiveConfig, Setting, flatten};
use crate::flink::options::{self, CHECKPOINT_DIR, CHECKPOINT_INTERVAL, RESTART_STRATEGY, SAVEPOINT_DIR};
use crate::flink::pod::Pod;
use crate::flink::raw::Unknown;
use crate::flink::spelling;
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, at, text};
use crate::policy::Role;

/// What a session job brings to a cluster, and which that is.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The options of its own, with and without effect.
    pub own: EffectiveConfig,
    /// The FlinkDeployment that it is submitted to.
    pub target: Target,
    /// Its name; `None` where the job names none.
    pub name: Option<String>,
}

/// What is known of the FlinkDeployment that a session job names.
#[derive(Debug, Clone)]
pub enum Target {
    /// A session cluster.
    Session(Box<Cluster>),
    /// A cluster that runs one job of its own.
    Application,
    /// It is not there.
    Absent,
    /// It could not be looked up.
    Unknown,
}

/// The question after the FlinkDeployment that `object` names; `None` where it names none.
#[must_use]
pub fn target(object: &Value, namespace: &str) -> Option<FactKey> {
    let name = text(object, &["spec", "deploymentName"])?;
    Some(FactKey::FlinkDeployment { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// The cluster that the session job `object` works on, as far as `facts` show it.
#[must_use]
pub fn resolve(object: &Value, namespace: &str, facts: &Facts) -> Cluster {
    let path = FieldPath::of(&["spec", "flinkConfiguration"]);
    let own = match at(object, &["spec", "flinkConfiguration"]) {
        Some(map @ Value::Object(_)) => flatten(map, &path, &path.to_string()),
        _ => EffectiveConfig::default(),
    };
    let key = target(object, namespace);
    let name = key.as_ref().map(|key| key.name().to_owned());
    let target = key.map_or(Target::Unknown, |key| match facts.answer(&key) {
        Answer::Known(deployment) => Target::of(deployment),
        Answer::Absent => Target::Absent,
        _ => Target::Unknown,
    });
    let mut cluster = match &target {
        Target::Session(cluster) => on(cluster, &own, name.as_deref().unwrap_or_default(), &path),
        Target::Application | Target::Absent | Target::Unknown => alone(&own, &path),
    };
    cluster.submission = Some(Submission { own, target, name });
    cluster
}

impl Target {
    fn of(deployment: &Value) -> Self {
        let cluster = Cluster::of_flink_deployment(deployment, &FieldPath::of(&["spec"]));
        if cluster.application { Self::Application } else { Self::Session(Box::new(cluster)) }
    }
}

/// The session cluster `target` with the job's `own` options over its own; what it says itself has no place in the job.
fn on(target: &Cluster, own: &EffectiveConfig, name: &str, path: &FieldPath) -> Cluster {
    let mut cluster = target.clone();
    let version = cluster.version;
    // The roles of a FlinkDeployment have one configuration.
    let theirs = cluster.leading().map(|view| view.config.clone()).unwrap_or_default();
    let is_new = |key: &str, setting: &Setting| {
        let is_shared = SHARED.iter().any(|option| options::names(option, None).contains(&key));
        let is_same = || theirs.exact(key).map(Setting::trimmed) == Some(setting.trimmed());
        lack(key, version).is_none() && !(is_shared && is_same())
    };
    let new = own.clone().retained(is_new);
    let mut config = theirs.of_another(&format!("FlinkDeployment {name}")).overlaid(&new);
    config.note_overridden_names(version);
    let is_full = theirs.is_full() || own.is_full() || config.is_full();
    for view in &mut cluster.roles {
        view.config = config.clone();
        view.config_path = path.clone();
        view.unknown = is_full.then(|| Unknown::Elsewhere("it sets more options than are read".to_owned()));
    }
    cluster
}

/// What the job shows where nothing is known of the cluster.
fn alone(own: &EffectiveConfig, path: &FieldPath) -> Cluster {
    let view = RoleView {
        role: Role::JobManager,
        config: own.clone().retained(|key, _| lack(key, None).is_none()),
        pod: Pod::with_main_container(Value::Null),
        image: None,
        account: (None, FieldPath::default()),
        config_path: path.clone(),
        unknown: Some(Unknown::Elsewhere("the FlinkDeployment that the job is submitted to is not known".to_owned())),
        void: Vec::new(),
        misread: Vec::new(),
        refused: None,
        refused_arguments: None,
    };
    Cluster {
        shape: Shape::FlinkDeployment { standalone: false },
        version: None,
        roles: vec![view],
        job_managers: None,
        application: false,
        job_id: None,
        submission: None,
    }
}

/// Options of a job for which the cluster answers where both say the same.
const SHARED: [&str; 4] = [CHECKPOINT_DIR, SAVEPOINT_DIR, CHECKPOINT_INTERVAL, RESTART_STRATEGY];

/// Why an option of a session job has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The processes of the cluster read it when they start, or what makes their pods.
    OfProcesses,
    /// The operator gives no options to jobs of this version.
    OfVersion(FlinkVersion),
}

/// Why `key` has no effect in a session job on a cluster of `version`; `None` where it has one, or may have.
#[must_use]
pub fn lack(key: &str, version: Option<FlinkVersion>) -> Option<Lack> {
    let is_of_processes = |key: &str| EXACT.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    if is_of_processes(key) || spelling::meant(key).is_some_and(|near| !near.bare && is_of_processes(near.name)) {
        return Some(Lack::OfProcesses);
    }
    // The operator reads these itself; and what Flink does not know may be for others.
    let is_for_operator = key.starts_with("kubernetes.") || key.starts_with("job.") || key.starts_with("rest.");
    let is_savepoints = options::names(SAVEPOINT_DIR, None).contains(&key);
    let version = version.filter(|version| !version.at_least(1, 17) && options::is_known(key))?;
    (!is_for_operator && !is_savepoints).then_some(Lack::OfVersion(version))
}

/// Options of processes and pods alone. Those that the operator or a job may read as well are not among them.
const EXACT: [&str; 7] = [
    "high-availability",
    "taskmanager.numberOfTaskSlots",
    "taskmanager.memory.managed.size",
    "taskmanager.memory.managed.fraction",
    "kubernetes.service-account",
    "fs.default-scheme",
    "fs.allowed-fallback-filesystems",
];
const PREFIXES: [&str; 17] = [
    "high-availability.",
    "job-result-store.",
    "jobmanager.memory.",
    "jobmanager.heap.",
    "jobmanager.rpc.",
    "taskmanager.heap.",
    "taskmanager.rpc.",
    "taskmanager.memory.process.",
    "taskmanager.memory.flink.",
    "taskmanager.memory.framework.",
    "taskmanager.memory.task.",
    "taskmanager.memory.network.",
    "taskmanager.memory.jvm-",
    "kubernetes.jobmanager.",
    "kubernetes.taskmanager.",
    "kubernetes.pod-template-file",
    "env.java.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolved(target: Answer, spec: Value) -> Cluster {
        let object = json!({"spec": spec});
        let mut facts = Facts::default();
        facts.insert(FactKey::FlinkDeployment { namespace: "a".into(), name: "session".into() }, target);
        resolve(&object, "a", &facts)
    }

    #[test]
    fn what_the_operator_reads_itself_is_not_without_effect() {
        let of = |key: &str, minor| lack(key, Some(FlinkVersion::new(1, minor)));
        assert_eq!((of("kubernetes.namespace", 16), of("rest.port", 16)), (None, None));
        assert_eq!(of("pipeline.max-parallelism", 16), Some(Lack::OfVersion(FlinkVersion::new(1, 16))));
        assert_eq!(of("pipeline.max-parallelism", 17), None);
    }

    #[test]
    fn what_has_more_options_than_are_read_is_not_known_whole() {
        let many = |prefix: &str| -> serde_json::Map<String, Value> {
            (0..6_000).map(|index| (format!("{prefix}{index}"), json!("1"))).collect()
        };
        let twice = || many("a").into_iter().chain(many("b")).collect::<serde_json::Map<_, _>>();
        let is_known = |theirs: serde_json::Map<String, Value>, own: serde_json::Map<String, Value>| {
            let target = json!({"spec": {"flinkVersion": "v1_20", "flinkConfiguration": theirs}});
            let cluster =
                resolved(Answer::Known(target), json!({"deploymentName": "session", "flinkConfiguration": own}));
            cluster.leading().is_some_and(|view| view.unknown.is_none())
        };
        assert!(is_known(many("a"), many("a")));
        assert!(!is_known(twice(), many("a")) && !is_known(many("a"), twice()) && !is_known(many("a"), many("b")));
    }

    #[test]
    fn the_jobs_options_lie_over_those_of_its_cluster() {
        let target = json!({"spec": {"flinkVersion": "v1_20", "flinkConfiguration": {
            "high-availability.type": "kubernetes", "execution.checkpointing.dir": "s3://theirs", "a": "1"}}});
        let job = json!({"deploymentName": "session", "flinkConfiguration": {
            "high-availability.type": "NONE", "execution.checkpointing.dir": "s3://ours"}});
        let cluster = resolved(Answer::Known(target), job);
        assert!(cluster.high_availability().0.is_on());
        let config = &cluster.leading().unwrap().config;
        let directory = config.exact(CHECKPOINT_DIR).unwrap();
        let place = r#"spec.flinkConfiguration["execution.checkpointing.dir"]"#;
        assert_eq!((directory.value.as_str(), directory.path.to_string().as_str()), ("s3://ours", place));
        let theirs = config.exact("a").unwrap();
        assert_eq!(
            (theirs.is_of_object(), &*theirs.origin),
            (false, "FlinkDeployment session, spec.flinkConfiguration")
        );
        assert_eq!(cluster.roles.len(), 2);
    }

    #[test]
    fn a_job_repeats_an_option_of_its_cluster_or_sets_its_own() {
        let origin = |value: &str| {
            let target = json!({"spec": {"flinkVersion": "v1_20", "flinkConfiguration": {"execution.checkpointing.dir": "s3://theirs"}}});
            let job =
                json!({"deploymentName": "session", "flinkConfiguration": {"execution.checkpointing.dir": value}});
            let cluster = resolved(Answer::Known(target), job);
            cluster.leading().unwrap().config.exact(CHECKPOINT_DIR).unwrap().is_of_object()
        };
        assert_eq!((origin("s3://ours"), origin("s3://theirs")), (true, false));
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_absent() {
        let job = json!({"deploymentName": "session", "flinkConfiguration": {"state.savepoints.dir": "s3://ours"}});
        for (answer, is_absent) in [(Answer::Unknown("why".to_owned()), false), (Answer::Absent, true)] {
            let cluster = resolved(answer, job.clone());
            let submission = cluster.submission.as_ref().unwrap();
            assert_eq!(matches!(submission.target, Target::Absent), is_absent);
            assert!(cluster.leading().unwrap().unknown.is_some() && cluster.version.is_none());
        }
        for name in [json!(null), json!(7), json!(["session"]), json!({"session": 1})] {
            let cluster = resolved(Answer::Absent, json!({"deploymentName": name}));
            assert!(matches!(cluster.submission.unwrap().target, Target::Unknown), "{name}");
        }
    }

    #[test]
    fn options_of_processes_have_no_effect_in_a_job() {
        let v = FlinkVersion::new;
        for key in ["high-availability.storageDir", "high-availability-storageDir", "taskmanager.memory.task.heap.size"]
        {
            assert_eq!(lack(key, Some(v(1, 20))), Some(Lack::OfProcesses), "{key}");
        }
        for key in ["taskmanager.memory.managed.consumer-weights", "kubernetes.operator.job.restart.failed", "mine"] {
            assert_eq!(lack(key, Some(v(1, 20))), None, "{key}");
        }
        for key in ["kubernetes.operator.job.restart.failed", "mine"] {
            assert_eq!(lack(key, Some(v(1, 16))), None, "{key}");
        }
        let interval = "execution.checkpointing.interval";
        assert_eq!(lack(interval, Some(v(1, 16))), Some(Lack::OfVersion(v(1, 16))));
        assert_eq!((lack(interval, Some(v(1, 17))), lack(interval, None)), (None, None));
        assert_eq!(lack("state.savepoints.dir", Some(v(1, 16))), None);
        for key in ["kubernetes.jobmanager.cpu", "rest.port", "job.autoscaler.enabled"] {
            assert_ne!(lack(key, Some(v(1, 16))), Some(Lack::OfVersion(v(1, 16))), "{key}");
        }
    }
}
