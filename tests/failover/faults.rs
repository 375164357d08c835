//! Manifests with one fault each, and the rule that finds it.

use serde_json::{Value, json};

use self::Ending::*;
use super::manifest::Manifest;

/// What is wrong with a manifest that would be right without.
pub struct Fault {
    /// The rule that finds it.
    pub rule: &'static str,
    pub what: &'static str,
    pub version: &'static str,
    /// Makes it in a manifest that is right.
    pub make: fn(Manifest) -> Manifest,
    pub ending: Ending,
}

/// How a cluster with a fault ends, on the real thing. Each text is of a line that its JobManager says, `…` for what is another
/// word each time, and stands so in the page of the rule.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    /// It does not come up: the process ends, having said it.
    DoesNotStart(&'static str),
    /// It comes up and says it when a job is submitted, which then fails.
    RefusesTheJob(&'static str),
    /// It runs; the next leader knows of no job.
    ForgetsTheJob,
    /// It runs; the JobManager after the first one ends with 239, having said it.
    DoesNotComeBack(&'static str),
    /// It runs; the JobManager after the first one says it again and again and never leads.
    NeverLeadsAgain(&'static str),
    /// The second cluster of two ends with 239, having said it, when the first one's JobManager is gone.
    TakesTheOther(&'static str),
    /// The first of two ends with 239, having said it, when it starts again after the second was stopped.
    IsTakenDown(&'static str),
    /// It runs, says it again and again, and answers nobody.
    DoesNotAnswer(&'static str),
}

impl Ending {
    /// What the JobManager says; `None` where its REST API answers instead.
    pub fn said(self) -> Option<&'static str> {
        match self {
            ForgetsTheJob => None,
            DoesNotStart(said)
            | RefusesTheJob(said)
            | DoesNotComeBack(said)
            | NeverLeadsAgain(said)
            | TakesTheOther(said)
            | IsTakenDown(said)
            | DoesNotAnswer(said) => Some(said),
        }
    }
}

pub const FAULTS: [Fault; 16] = [
    Fault { rule: "ha-off", what: "no HA", version: "2.3.0", make: without_arguments, ending: ForgetsTheJob },
    Fault {
        rule: "storage-on-empty-dir",
        what: "storageDir on an emptyDir",
        version: "2.3.0",
        make: |manifest| manifest.with_volume(json!({"name": "flink-data", "emptyDir": {}})),
        ending: DoesNotComeBack("Could not retrieve submitted ExecutionPlan from state handle"),
    },
    Fault {
        rule: "kubernetes-namespace-missing",
        what: "no kubernetes.namespace",
        version: "2.3.0",
        make: |manifest| manifest.without("kubernetes.namespace"),
        ending: DoesNotStart("cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""),
    },
    Fault {
        rule: "service-account-lacks-rights",
        what: "no rights",
        version: "2.3.0",
        make: |mut manifest| {
            manifest.0.retain(|object| object["kind"] != "RoleBinding");
            manifest
        },
        ending: DoesNotStart("cannot list resource \"configmaps\""),
    },
    Fault {
        rule: "service-account-lacks-rights",
        what: "no right to patch",
        version: "2.3.0",
        make: without_patch,
        ending: NeverLeadsAgain("cannot patch resource \"configmaps\""),
    },
    Fault {
        rule: "service-account-lacks-rights",
        what: "no right to patch",
        version: "1.20.5",
        make: without_patch,
        ending: NeverLeadsAgain("cannot patch resource \"configmaps\""),
    },
    Fault {
        rule: "cluster-identity-taken",
        what: "two clusters with one kubernetes.cluster-id",
        version: "1.20.5",
        make: |manifest| {
            let other = manifest.renamed("other");
            let other =
                other.with("high-availability.storageDir", "file:///flink-data/other", "high-availability.storageDir");
            both(manifest, other.with("high-availability.cluster-id", "/other", "high-availability.cluster-id"))
        },
        ending: TakesTheOther("FileNotFoundException: …/blob/job_…"),
    },
    Fault {
        rule: "ha-directory-shared",
        what: "two clusters with the default high-availability.cluster-id on one storageDir",
        version: "2.3.0",
        make: |manifest| {
            let manifest = manifest.without("high-availability.cluster-id");
            let other = manifest.renamed("other").with("kubernetes.cluster-id", "other", "kubernetes.cluster-id");
            both(manifest, other)
        },
        ending: IsTakenDown("FileNotFoundException: …/default/blob/…"),
    },
    Fault {
        rule: "ha-mode-short-name",
        what: "the short name on 1.15",
        version: "1.15.4",
        make: |manifest| manifest.with("high-availability", "kubernetes", "high-availability"),
        ending: DoesNotStart("Could not instantiate class 'kubernetes'"),
    },
    Fault {
        rule: "ha-mode-missing",
        what: "high-availability.type on 1.16",
        version: "1.16.3",
        make: |manifest| manifest.with("high-availability.type", "kubernetes", "high-availability"),
        ending: ForgetsTheJob,
    },
    Fault {
        rule: "option-overlap",
        what: "overlapping keys in FLINK_PROPERTIES",
        version: "2.3.0",
        make: overlapping,
        ending: DoesNotStart("Configuration is missing the mandatory parameter: Key: 'high-availability.storageDir'"),
    },
    Fault {
        rule: "filesystem-plugin-missing",
        what: "s3:// without plugin",
        version: "2.3.0",
        make: |manifest| manifest.with("high-availability.storageDir", "s3://flink/ha", "high-availability.storageDir"),
        ending: DoesNotStart("Could not find a file system implementation for scheme 's3'"),
    },
    Fault {
        rule: "storage-path-without-scheme",
        what: "a checkpoint directory without scheme",
        version: "2.3.0",
        make: |manifest| {
            manifest.with("execution.checkpointing.dir", "/flink-data/checkpoints", "execution.checkpointing.dir")
        },
        ending: RefusesTheJob("The scheme (hdfs://, file://, etc) is null"),
    },
    Fault {
        rule: "ha-mode-missing",
        what: "-Dkey=value given to a session JobManager",
        version: "1.20.5",
        make: glued,
        ending: DoesNotStart("Missing argument for option: h"),
    },
    Fault {
        rule: "ha-mode-missing",
        what: "-Dkey=value twice given to a session JobManager",
        version: "2.3.0",
        make: glued,
        ending: DoesNotStart("Could not parse value … for key 'rest.port'"),
    },
    Fault {
        rule: "ha-mode-missing",
        what: "-Dkey=value once given to a session JobManager",
        version: "2.3.0",
        make: |mut manifest| {
            // `-D` and the mode are the first words behind the role's.
            let words = arguments(&mut manifest);
            words.remove(1);
            words[1] = json!(format!("-D{}", words[1].as_str().expect("a word")));
            manifest
        },
        ending: DoesNotAnswer("Retrying to connect to pekko.tcp://flink@-dhigh-availability.type=kubernetes:6123"),
    },
];

fn both(first: Manifest, second: Manifest) -> Manifest {
    Manifest(first.0.into_iter().chain(second.0).collect())
}

/// As its author has written it.
fn without_arguments(mut manifest: Manifest) -> Manifest {
    for container in manifest.containers() {
        container["args"].as_array_mut().expect("arguments").truncate(1);
    }
    manifest
}

fn without_patch(mut manifest: Manifest) -> Manifest {
    for object in manifest.0.iter_mut().filter(|object| object["kind"] == "Role") {
        let verbs = object["rules"][0]["verbs"].as_array_mut().expect("verbs");
        verbs.retain(|verb| verb != "patch");
    }
    manifest
}

/// The words of the JobManager.
fn arguments(manifest: &mut Manifest) -> &mut Vec<Value> {
    let words = manifest.object("flink-jobmanager").pointer_mut("/spec/template/spec/containers/0/args");
    words.and_then(Value::as_array_mut).expect("arguments")
}

/// The options of the JobManager in one word each.
fn glued(mut manifest: Manifest) -> Manifest {
    let words = arguments(&mut manifest);
    let options = words.iter().skip(1).filter_map(Value::as_str).filter(|word| *word != "-D");
    let glued: Vec<Value> = options.map(|word| json!(format!("-D{word}"))).collect();
    words.truncate(1);
    words.extend(glued);
    manifest
}

/// HA by the environment, which the entry point writes into the image's own file.
fn overlapping(manifest: Manifest) -> Manifest {
    let keys = ["high-availability.type", "high-availability.storageDir"];
    let mut manifest = keys.iter().fold(manifest, |manifest, key| manifest.without(key));
    let lines = "high-availability: kubernetes\nhigh-availability.storageDir: file:///flink-data/ha\n\
                 jobmanager.memory.process.size: 800m\ntaskmanager.bind-host: 0.0.0.0\njobmanager.bind-host: 0.0.0.0\n";
    for container in manifest.containers() {
        let variable = json!({"name": "FLINK_PROPERTIES", "value": lines});
        match container["env"].as_array_mut() {
            Some(variables) => variables.push(variable),
            None => container["env"] = json!([variable]),
        }
        let mounts = container["volumeMounts"].as_array_mut().expect("mounts");
        mounts.retain(|mount| mount["name"] != "flink-config-volume");
    }
    manifest
}
