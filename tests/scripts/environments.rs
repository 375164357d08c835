//! Environments and mounted files: what the image's entry point, re-enacted, and Flink make of them.

use serde_json::{Value, json};

use super::container::{Case, VOLUME};

/// `FLINK_PROPERTIES` of a container that mounts nothing, with the variables that they may name.
const PROPERTIES: &[&str] = &[
    "a: b\nc.d: e f\n",
    "a: b",
    "a: ${X}/ha\nb: $X\nc: $(X)\nd: $$X\n",
    "a: ${UNSET}x\nb: $UNSET\nc: ${UNSET:-y}\nd: 5$\ne: ${\n",
    "a: b\na: c\n",
    "jobmanager.rpc.address: other\nblob.server.port: 7000\ntaskmanager.numberOfTaskSlots: 7\n",
    "# a: b\nc: d # e\nf: g#h\n",
    "a:b\nc:\nd: \ne\nf=g\nh: i: j\nk: l:\nm::n\no: p:q:\nr: s::\nt::\nu=v: w\nx=y\n",
    "  a: b\n\tc:\td\n e : f \n",
    "a: 'b'\nc: \"d\"\ne: \"f g\"\nh: ''\n",
    "a: [b, c]\nd: {e: f}\ng: b;c\nh: - i\n",
    "a: 007\nb: 1.0\nc: True\nd: yes\ne: null\nf: 1e3\ng: ~\n",
    "a: s3://bucket/ha\nb: file:///x:y\nc: http://h:1/?d=e&f=g\n",
    "a: b\r\nc: d\r\n",
    "a: /opt/*\nb: x?y\nc: [d]\n",
    "a: b\\c\nd: e\\nf\ng: `h`\ni: j|k\nl: @m\nn: %o\np: !q\nr: &s\nt: *u\n",
    "a: \u{a0}b\nc: ü→\n",
    "high-availability: kubernetes\na: b\n",
    "high-availability.type: kubernetes\nhigh-availability.storageDir: s3://bucket/ha\n",
    "-n\na: b\n-e\n",
    "\n\n a: b\n\n\n",
];

/// Files as a ConfigMap may hold them.
const LEGACY: &str = "flink-conf.yaml";
const STANDARD: &str = "config.yaml";
/// Without it no JVM is started.
const MEMORY: &str = "jobmanager.memory.process.size: 1700m\ntaskmanager.memory.process.size: 1800m\n";
const IN_LEGACY: &str = "jobmanager.rpc.address: file\na: legacy ${X} # c\nhigh-availability: kubernetes\nb:c\n";
const IN_STANDARD: &str = "jobmanager:\n  rpc.address: file\na: standard ${X} # c\nd:\n  e: [f, g]\n  h: 007\n";

fn env(variables: &[(&str, &str)]) -> Value {
    variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn mounted(at: &str, file: Option<&str>) -> Value {
    match file {
        None => json!([{"name": VOLUME, "mountPath": at}]),
        Some(file) => json!([{"name": VOLUME, "mountPath": format!("{at}/{file}"), "subPath": file}]),
    }
}

fn case(container: Value, data: Value) -> Case {
    Case { container, data, is_central: false }
}

/// What the environment says, for an image whose configuration can be written.
fn free() -> Vec<Case> {
    let mut cases: Vec<Case> = PROPERTIES
        .iter()
        .map(|text| {
            let variables = env(&[("X", "s3://bucket"), ("FLINK_PROPERTIES", text)]);
            case(json!({"args": ["taskmanager"], "env": variables}), json!({}))
        })
        .collect();
    for (words, variables) in [
        (&["jobmanager"][..], &[("JOB_MANAGER_RPC_ADDRESS", "jm"), ("TASK_MANAGER_NUMBER_OF_TASK_SLOTS", "3")][..]),
        (&["taskmanager"], &[("JOB_MANAGER_RPC_ADDRESS", "jm"), ("TASK_MANAGER_NUMBER_OF_TASK_SLOTS", "3")]),
        (&["taskmanager"], &[("JOB_MANAGER_RPC_ADDRESS", ""), ("TASK_MANAGER_NUMBER_OF_TASK_SLOTS", "")]),
        (&["taskmanager"], &[("FLINK_PROPERTIES", ""), ("JOB_MANAGER_RPC_ADDRESS", "${X}"), ("X", "y")]),
        (&["taskmanager"], &[("JOB_MANAGER_RPC_ADDRESS", "a.b&c")]),
        (&["taskmanager"], &[("JOB_MANAGER_RPC_ADDRESS", "jm"), ("FLINK_PROPERTIES", "jobmanager.rpc.address: p")]),
        (&["jobmanager", "$(X)", "-D", "a=arg"], &[("X", "10.0.0.7"), ("FLINK_PROPERTIES", "a: p\nb: c")]),
        (&["standalone-job", "-Da=arg", "-Db=$(X)"], &[("X", "y"), ("X", "z"), ("FLINK_PROPERTIES", "a: p\nb: c")]),
        (&["jobmanager"], &[("HOST", "elsewhere")]),
        (&["jobmanager", "-D", "a=b"], &[("HOST", "elsewhere"), ("WEBUIPORT", "8090")]),
        (&["jobmanager", "own"], &[("HOST", "elsewhere"), ("WEBUIPORT", "8090")]),
        (&["standalone-job", "-Da=b"], &[("HOST", "elsewhere"), ("ARGS", "x"), ("args", "y")]),
        (&["jobmanager"], &[("DYNAMIC_PARAMETERS", "-D a=b"), ("FLINK_ENV_JAVA_OPTS", "-Dc=d")]),
        (&["taskmanager"], &[("FLINK_CONF_DIR", ""), ("FLINK_PROPERTIES", "a: b")]),
        (&["taskmanager"], &[("FLINK_CONF_DIR", "conf"), ("FLINK_PROPERTIES", "a: b")]),
        (&["taskmanager"], &[("FLINK_CONF_DIR", "/opt/flink/conf/"), ("FLINK_PROPERTIES", "a: b")]),
    ] {
        cases.push(case(json!({"args": words, "env": env(variables)}), json!({})));
    }
    let script = ["/opt/flink/bin/taskmanager.sh", "start-foreground"];
    let properties = env(&[("FLINK_PROPERTIES", "a: b"), ("JOB_MANAGER_RPC_ADDRESS", "jm")]);
    cases.push(case(json!({"command": script, "env": properties}), json!({})));
    let entry_point = ["/docker-entrypoint.sh"];
    cases.push(case(json!({"command": entry_point, "args": ["taskmanager"], "env": properties}), json!({})));
    cases.push(case(json!({"command": entry_point, "args": script, "env": properties}), json!({})));
    cases.push(case(json!({"args": script, "env": properties}), json!({})));
    cases
}

/// What mounted files say beside the environment.
fn of_files() -> Vec<Case> {
    let variables = env(&[("X", "y"), ("FLINK_PROPERTIES", "a: properties\np: q"), ("JOB_MANAGER_RPC_ADDRESS", "jm")]);
    let (legacy, standard) = (format!("{MEMORY}{IN_LEGACY}"), format!("{MEMORY}{IN_STANDARD}"));
    let mut cases = Vec::new();
    for data in [json!({LEGACY: legacy}), json!({STANDARD: standard}), json!({LEGACY: legacy, STANDARD: standard})] {
        for words in [&["jobmanager"][..], &["standalone-job", "-Da=arg", "--job-classname", "X"], &["taskmanager"]] {
            let mounts = mounted("/opt/flink/conf", None);
            cases.push(case(json!({"args": words, "env": variables, "volumeMounts": mounts}), data.clone()));
        }
        for file in data.as_object().expect("data").keys() {
            let mounts = mounted("/opt/flink/conf", Some(file));
            cases.push(case(json!({"args": ["taskmanager"], "env": variables, "volumeMounts": mounts}), data.clone()));
        }
        let mut elsewhere = variables.as_array().expect("variables").clone();
        elsewhere.push(json!({"name": "FLINK_CONF_DIR", "value": "/etc/flink"}));
        let container = json!({"args": ["taskmanager"], "env": elsewhere, "volumeMounts": mounted("/etc/flink", None)});
        cases.push(case(container, data.clone()));
        let beside = json!({"args": ["taskmanager"], "env": variables, "volumeMounts": mounted("/etc/flink", None)});
        cases.push(case(beside, data));
    }
    for text in ["a: 1\na: 2\n", "a:\nb: c\n", "- a\n", "", "a: b", "a: &x {k: v}\nc: *x\n", "a: {{ b }}\n"] {
        let container = json!({"args": ["taskmanager"], "volumeMounts": mounted("/opt/flink/conf", None)});
        cases.push(case(container, json!({LEGACY: format!("{MEMORY}{text}")})));
        let container = json!({"args": ["taskmanager"], "volumeMounts": mounted("/opt/flink/conf", None)});
        cases.push(case(container, json!({STANDARD: format!("{MEMORY}{text}")})));
    }
    cases
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let (mut free, mut of_files) = (free(), of_files());
    for index in [2, 7, PROPERTIES.len()] {
        free[index].is_central = true;
    }
    for index in [0, 3, 6] {
        of_files[index].is_central = true;
    }
    [free, of_files].concat()
}
