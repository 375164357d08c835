//! FlinkDeployments and policies as people write them, and as they should not.

#[path = "generated/pods.rs"]
mod pods;

use pods::{role, template};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// JSON that a failure prints as JSON.
#[derive(Clone)]
pub(crate) struct Json(pub(crate) Value);

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A FlinkDeployment that says next to nothing.
pub(crate) fn bare() -> Value {
    json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "turbines", "namespace": "plants"},
        "spec": {"flinkVersion": "v1_20"}})
}

/// A version as `flinkVersion` has it.
pub(crate) fn version() -> impl Strategy<Value = String> {
    let known =
        ["v1_13", "v1_14", "v1_15", "v1_16", "v1_17", "v1_18", "v1_19", "v1_20", "v2_0", "v2_1", "v2_2", "v2_3"];
    select(known.to_vec()).prop_map(str::to_owned)
}

/// A FlinkDeployment of any kind, mostly of the shape that it should have.
pub(crate) fn deployment() -> impl Strategy<Value = Json> {
    let version = prop_oneof![
        12 => version().prop_map(Value::from),
        1 => select(vec![json!("1.20"), json!("v3_0"), json!(7), Value::Null]),
    ];
    let account = select(vec![Value::Null, json!(""), json!("default"), json!("own"), json!("own"), json!(7)]);
    let image = select(vec![
        Value::Null,
        json!("flink:1.20.1-java17"),
        json!("flink@sha256:00"),
        json!("example.net/turbines:4.2"),
    ]);
    let mode = select(vec![Value::Null, Value::Null, json!("native"), json!("standalone")]);
    let name =
        select(vec![json!({"name": "turbines"}), json!({"name": "turbines"}), json!({"generateName": "turbines-"})]);
    let job = select(vec![Value::Null, json!({"jarURI": "local:///opt/flink/usrlib/turbines.jar"})]);
    let roles = (option::of(role()), option::of(role()), option::of(template()));
    let parts = (
        version,
        account,
        image,
        (mode, job),
        name,
        configuration(),
        roles,
        option::weighted(0.05, (any::<prop::sample::Index>(), odd())),
    );
    parts.prop_map(
        |(version, account, image, (mode, job), metadata, configuration, (job_manager, task_manager, common), odd)| {
            let mut spec = Map::new();
            let fields = [
                ("flinkVersion", Some(version)),
                ("serviceAccount", Some(account)),
                ("image", Some(image)),
                ("mode", Some(mode)),
                ("job", Some(job)),
                ("flinkConfiguration", configuration),
                ("podTemplate", common),
                ("jobManager", job_manager),
                ("taskManager", task_manager),
            ];
            for (key, value) in fields {
                if let Some(value) = value.filter(|value| !value.is_null()) {
                    spec.insert(key.to_owned(), value);
                }
            }
            let mut object = bare();
            object["metadata"] = metadata;
            object["metadata"]["namespace"] = json!("plants");
            object["spec"] = Value::Object(spec);
            if let Some((place, odd)) = odd {
                let places = places(&object["spec"], "/spec");
                let pointer: &String = place.get(&places);
                *object.pointer_mut(pointer).unwrap() = odd;
            }
            Json(object)
        },
    )
}

/// Pointers of everything below `value`, which is at `pointer`.
fn places(value: &Value, pointer: &str) -> Vec<String> {
    let mut found = vec![pointer.to_owned()];
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                found.extend(places(value, &format!("{pointer}/{key}")));
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                found.extend(places(value, &format!("{pointer}/{index}")));
            }
        }
        _ => {}
    }
    found
}

fn odd() -> impl Strategy<Value = Value> {
    select(vec![Value::Null, json!(7), json!("text"), json!([]), json!({}), json!([{"name": 7}]), json!({"name": {}})])
}

const DIRECTORIES: [&str; 8] = [
    "s3://plants/state",
    "file:///flink-data/state",
    "/flink-data/state",
    "file:///scratch/state",
    "state",
    "${BUCKET}/state",
    "",
    " ",
];

/// `flinkConfiguration`, flat, nested or mixed.
fn configuration() -> impl Strategy<Value = Option<Value>> {
    let mode = (
        select(vec!["high-availability.type", "high-availability", "recovery.mode"]),
        select(vec![
            json!("kubernetes"),
            json!("org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory"),
            json!("ZooKeeper"),
            json!("NONE"),
            json!(""),
            json!("kubernets"),
            json!(true),
            Value::Null,
        ]),
    );
    let directory = |names: &'static [&'static str]| (select(names), select(&DIRECTORIES[..]).prop_map(Value::from));
    let other = select(vec![
        ("taskmanager.numberOfTaskSlots", json!(2)),
        ("state.backend", json!("rocksdb")),
        ("state.backend.type", json!("rocksdb")),
        ("state.backend.incremental", json!(true)),
        ("execution.checkpointing.interval", json!(10_000)),
        ("restart-strategy", json!("fixed-delay")),
        ("restart-strategy.fixed-delay.attempts", json!(10)),
        ("kubernetes.jobmanager.replicas", json!(2)),
        ("kubernetes.operator.pod-template.merge-arrays-by-name", json!(true)),
        ("kubernetes.service-account", json!("by-option")),
        ("high-availability.zookeeper.quorum", json!("zk:2181")),
        ("high-availability.zookeeper.path.root", json!("/flink")),
        ("high-availability.cluster-id", json!("turbines")),
        ("kubernetes.pod-template-file.default", json!("/opt/pod.yaml")),
        ("pipeline.jars", json!(["a", "b"])),
    ]);
    let entries = (
        option::weighted(0.4, mode),
        option::weighted(0.4, directory(&["high-availability.storageDir", "recovery.zookeeper.storageDir"])),
        option::weighted(
            0.4,
            directory(&["execution.checkpointing.dir", "state.checkpoints.dir", "state.backend.fs.checkpointdir"]),
        ),
        option::weighted(0.3, directory(&["execution.checkpointing.savepoint-dir", "state.savepoints.dir"])),
        vec(other, 0..4),
        vec(0..3_usize, 8),
    );
    let map = entries.prop_map(|(mode, ha, checkpoints, savepoints, others, styles)| {
        let all = [mode, ha, checkpoints, savepoints].into_iter().flatten().chain(others);
        let mut map = Value::Object(Map::new());
        for ((key, value), style) in all.zip(styles) {
            insert(&mut map, key, value, style);
        }
        map
    });
    prop_oneof![10 => map.prop_map(Some), 1 => Just(None), 1 => odd().prop_map(Some)]
}

/// Inserts `key`: as it is (0), as maps all the way down (1), or as one map with the rest dotted (2).
fn insert(map: &mut Value, key: &str, value: Value, style: usize) {
    let split = if style == 0 { None } else { key.split_once('.') };
    match split {
        Some((first, rest)) if map.get(first).is_none_or(Value::is_object) => {
            if map.get(first).is_none() {
                map[first] = json!({});
            }
            insert(&mut map[first], rest, value, usize::from(style == 1));
        }
        _ if map.get(key).is_none() => map[key] = value,
        _ => {}
    }
}

/// A policy that wants something.
pub(crate) fn policy() -> impl Strategy<Value = Json> {
    let directory = || {
        select(vec![
            Value::Null,
            json!("s3://platform/{namespace}"),
            json!("s3://platform/{namespace}/{cluster}"),
            json!("file:///flink-data/state"),
        ])
    };
    let volume = |name: &'static str, claim: &'static str, path: &'static str| {
        select(vec![
            Value::Null,
            json!({"name": name, "claimName": claim, "mountPath": path}),
            json!({"name": name, "claimName": claim, "mountPath": path, "roles": ["jobmanager"]}),
            json!({"name": name, "claimName": claim, "mountPath": path, "roles": ["taskmanager"]}),
        ])
    };
    let parts = (
        select(vec!["strict", "baseline", "permissive"]),
        select(vec![Value::Null, json!("kubernetes"), json!("zookeeper")]),
        (directory(), directory(), directory()),
        select(vec![Value::Null, json!({"quorum": "zk:2181", "pathRoot": "/flink/{namespace}"})]),
        select(vec![Value::Null, json!({"name": "flink"})]),
        (volume("flink-data", "flink-data", "/flink-data"), volume("jars", "jars", "/opt/flink/usrlib")),
        select(vec![json!(9999), json!("off")]),
        select(vec![json!([]), json!(["jar-upload-open", "jobmanagers-not-spread"])]),
    );
    parts.prop_map(
        |(profile, mode, (ha, checkpoints, savepoints), zookeeper, account, (data, jars), group, remedies)| {
            let mut spec = json!({"profile": profile, "podSecurity": {"fsGroup": group}, "optionalRemedies": remedies});
            let mut set = |keys: [&str; 2], value: Value| {
                if !value.is_null() {
                    spec[keys[0]][keys[1]] = value;
                }
            };
            set(["highAvailability", "mode"], mode);
            set(["highAvailability", "storageDir"], ha);
            set(["highAvailability", "zookeeper"], zookeeper);
            set(["checkpoints", "directory"], checkpoints);
            set(["checkpoints", "savepoints"], savepoints);
            if !account.is_null() {
                spec["serviceAccount"] = account;
            }
            spec["volumes"] = [data, jars].into_iter().filter(|volume| !volume.is_null()).collect();
            Json(json!({"spec": spec}))
        },
    )
}

/// Any JSON, with the words that are looked for in it.
pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    let words = [
        "flinkConfiguration",
        "podTemplate",
        "jobManager",
        "taskManager",
        "spec",
        "containers",
        "volumes",
        "volumeMounts",
        "name",
        "mountPath",
        "flink-main-container",
        "high-availability",
        "type",
        "storageDir",
        "high-availability.type",
        "kubernetes",
        "file:///flink-data",
        "flinkVersion",
        "v1_20",
        "v2_0",
        "image",
        "replicas",
        "serviceAccount",
        "metadata",
        "annotations",
        "flink-admission.io/injected",
        "persistentVolumeClaim",
        "claimName",
        "emptyDir",
        "securityContext",
        "fsGroup",
        "runAsNonRoot",
        "flink:1.20.1",
        "s3://b/ha",
        "env",
        "value",
        "ENABLE_BUILT_IN_PLUGINS",
        "job",
        "mode",
        "",
        "~/",
        "$(X)",
        "..",
    ];
    let record = r#"{"namespace":"a","values":[{"what":"volume","role":"jobmanager","name":"name","claim":"c","mountPath":""},{"what":"fsGroup","role":"taskmanager","value":1},{"what":"plugins","role":"jobmanager","value":"flink-s3-fs-hadoop-1.20.0.jar"},{"what":"runAsUser","role":"taskmanager","value":9999},{"what":"option","option":"x","key":"","value":""},{"what":"serviceAccount","value":"kubernetes"}]}"#;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(words.to_vec()).prop_map(Value::from),
        Just(json!(record)),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let key = prop_oneof![6 => select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((key, inner), 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
    .prop_map(Json)
}

/// `value` with the fields of every map in an order of their own; 0 turns each around.
pub(crate) fn shuffled(value: &Value, seed: u64) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().map(|(key, value)| (key.clone(), shuffled(value, seed))).collect();
            fields.reverse();
            if seed > 0 {
                fields.sort_by_key(|(key, _)| {
                    key.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
                });
            }
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|value| shuffled(value, seed)).collect(),
        scalar => scalar.clone(),
    }
}

/// The words of a role's container, a text that it reads its configuration from, and what else its pod may have.
pub(crate) fn role_of_ones_own() -> impl Strategy<Value = (Json, String)> {
    let words = [
        "jobmanager",
        "taskmanager",
        "standalone-job",
        "-D",
        "-Dhigh-availability.type=kubernetes",
        "-D=",
        "-Da",
        "--host",
        "-c",
        "bash",
        "exec \"$@\"",
        "$(POD_IP)",
        "$(FLINK_PROPERTIES)",
        "start-foreground",
        "--",
        "env",
        "A=$(A)",
        "",
        "'",
        "jobmanager.sh",
    ];
    let start = select(vec!["jobmanager", "taskmanager", "standalone-job"]).prop_map(|word| vec![Value::from(word)]);
    let args = (start, vec(select(words.to_vec()).prop_map(Value::from), 0..6))
        .prop_map(|(start, rest)| [start, rest].concat());
    let lines = vec(
        prop_oneof![
            select(vec![
                "high-availability: kubernetes",
                "high-availability.storageDir: file:///x",
                "a: &a [*a]",
                "a:",
                "- b",
                "  c: d",
                "# e"
            ])
            .prop_map(str::to_owned),
            "([-?:,\\[\\]{}#&*!|>'\"%@` \t~<0-9a-c]|<<: |&a |\\*a)*",
        ],
        0..6,
    );
    let kind = select(vec!["Deployment", "StatefulSet", "Job"]);
    (kind, args, lines, any_json(), any_json(), option::weighted(0.3, any_json())).prop_map(
        |(kind, args, lines, pod, spec, env)| {
            let text = lines.join("\n");
            let mut object = json!({"apiVersion": if kind == "Job" { "batch/v1" } else { "apps/v1" }, "kind": kind,
            "metadata": {"name": "turbines", "namespace": "plants"}, "spec": spec.0});
            if !object["spec"].is_object() {
                object["spec"] = json!({});
            }
            let mut pod = if pod.0.is_object() { pod.0 } else { json!({}) };
            pod["containers"] = json!([{"name": "flink", "image": "flink:2.0.0", "args": args,
            "env": env.map_or_else(|| json!([{"name": "FLINK_PROPERTIES", "value": text}]), |env| env.0),
            "volumeMounts": [{"name": "conf", "mountPath": "/opt/flink/conf"}]}]);
            if pod["volumes"].is_null() {
                pod["volumes"] = json!([{"name": "conf", "configMap": {"name": "conf"}}]);
            }
            object["spec"]["template"] = json!({"spec": pod});
            (Json(object), text)
        },
    )
}
