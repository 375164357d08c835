use super::*;
use crate::facts::{Answer, FactKey};
use crate::flink::configuration::Layer;
use crate::workload::{Kind, recognise};
use serde_json::json;

/// The role of a container with `fields`, whose `ConfigMap` `c` is mounted by `volume` and holds `data`.
fn role(fields: Value, volume: Value, data: Value) -> RawRole {
    let mut container = json!({"name": "flink", "image": "flink:1.20.1", "args": ["taskmanager"],
        "volumeMounts": [{"name": "v", "mountPath": "/opt/flink/conf"}]});
    container.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [container], "volumes": [{"name": "log", "emptyDir": {}}, volume]}}}});
    let Some(Kind::Raw(raw)) = recognise(&object).map(|workload| workload.kind) else { panic!("it is a role") };
    let mut facts = Facts::default();
    let key = FactKey::ConfigMap { namespace: "a".into(), name: "c".into() };
    facts.insert(key, Answer::Known(json!({"data": data})));
    resolve(&object, &raw, "a", &facts, &[])
}

fn mounted() -> Value {
    json!({"name": "v", "configMap": {"name": "c"}})
}

fn value<'a>(role: &'a RawRole, key: &str) -> Option<&'a str> {
    role.config.exact(key).map(|setting| setting.value.as_str())
}

#[test]
fn a_value_says_where_it_comes_from() {
    let role = role(json!({}), mounted(), json!({"config.yaml": "a:\n  b: 1\n"}));
    let setting = role.config.exact("a.b").unwrap();
    assert_eq!(&*setting.origin, "ConfigMap c, key config.yaml, line 2");
    assert_eq!(setting.path.to_string(), r#"spec.template.spec.volumes[1].configMap["a.b"]"#);
    assert_eq!(setting.layer, Layer::File);
}

#[test]
fn the_file_is_found_through_items_sub_paths_and_projections() {
    let data = json!({"flink": "a: 1\n", "flink-conf.yaml": "a: 2\n"});
    let items = json!([{"key": "flink", "path": "flink-conf.yaml"}]);
    let projected = json!({"name": "v", "projected": {"sources": [{"configMap": {"name": "c", "items": items}}]}});
    assert_eq!(value(&role(json!({}), projected, data.clone()), "a"), Some("1"));
    let by_items = json!({"name": "v", "configMap": {"name": "c", "items": items}});
    assert_eq!(value(&role(json!({}), by_items, data.clone()), "a"), Some("1"));
    let file = "/opt/flink/conf/flink-conf.yaml";
    let of_file = json!({"volumeMounts": [{"name": "v", "mountPath": file, "subPath": "flink"}]});
    assert_eq!(value(&role(of_file, mounted(), data.clone()), "a"), Some("1"));
    let of_directory = json!({"volumeMounts": [{"name": "v", "mountPath": "/etc/flink"}],
        "env": [{"name": "FLINK_CONF_DIR", "value": "/etc/flink/"}]});
    assert_eq!(value(&role(of_directory, mounted(), data), "a"), Some("2"));
}

#[test]
fn what_this_version_does_not_read_is_void() {
    let both = role(json!({}), mounted(), json!({"flink-conf.yaml": "a: 1\n", "config.yaml": "b: 2\n"}));
    assert_eq!((value(&both, "a"), value(&both, "b"), both.unknown.is_some()), (Some("1"), None, false));
    let reason = VoidReason::File { name: STANDARD, read: Some(LEGACY), hides: true, certain: true };
    assert_eq!(both.void.first().map(|void| &void.reason), Some(&reason));
    let of_2 = role(json!({"image": "flink:2.0.1"}), mounted(), json!({"flink-conf.yaml": "a: 1\n"}));
    assert_eq!((value(&of_2, "a"), of_2.unknown.is_some(), of_2.void.len()), (None, true, 1));
    // Mounted as a file it hides nothing: the image's own config.yaml is read.
    let file = json!({"image": "flink:2.0.1", "volumeMounts":
        [{"name": "v", "mountPath": "/opt/flink/conf/flink-conf.yaml", "subPath": "flink-conf.yaml"}]});
    let beside = role(file, mounted(), json!({"flink-conf.yaml": "a: 1\n"}));
    assert_eq!((beside.unknown.is_some(), beside.void.len()), (false, 1));
}

#[test]
fn of_an_image_of_ones_own_a_file_is_known_where_it_is_mounted_and_a_refusal_where_nothing_else_is_read() {
    let of_file = |name: &str, version: &str| {
        json!({"image": format!("example.net/flink{version}"), "volumeMounts":
            [{"name": "v", "mountPath": format!("/opt/flink/conf/{name}"), "subPath": name}]})
    };
    let legacy = role(of_file(LEGACY, ""), mounted(), json!({LEGACY: "a: 1\n"}));
    assert_eq!((value(&legacy, "a"), &legacy.unknown), (Some("1"), &None));
    let standard = role(of_file(STANDARD, ":2.3.0"), mounted(), json!({STANDARD: "a: 1\na: 2\n"}));
    assert!(standard.refused.is_some_and(|refused| !refused.refusal.certain));
}

#[test]
fn words_are_read_up_to_a_number() {
    let is_known = |command: &[&str], arguments: usize| {
        let arguments = std::iter::once("taskmanager").chain(std::iter::repeat("-Da=b")).take(arguments);
        let fields = json!({"command": command, "args": arguments.collect::<Vec<_>>()});
        role(fields, mounted(), json!({LEGACY: "a: 1\n"})).unknown.is_none()
    };
    let entry = ["tini", "/docker-entrypoint.sh"];
    assert!(is_known(&entry[1..], 4_095) && is_known(&entry, 3_000));
    assert!(!is_known(&entry[1..], 4_096) && !is_known(&entry, 5_000));
}

/// Executed with the image's entry points of 1.18.1, 1.20.5 and 2.3.0.
#[test]
fn variables_are_put_into_lines_up_to_1_18_and_into_values_from_1_19() {
    let env = json!([{"name": "HA", "value": "a: 1\nb: 2"}, {"name": "BUCKET", "value": "my bucket"},
        {"name": "PREFIX", "value": "c"},
        {"name": "FLINK_PROPERTIES", "value": "${HA}\n${PREFIX}.d: 3\ne: s3://${BUCKET}/x y\n"}]);
    let of = |image: &str| role(json!({"image": image, "env": env, "volumeMounts": []}), mounted(), json!({}));
    let values = |role: &RawRole| ["a", "b", "c.d", "e"].map(|key| value(role, key).map(str::to_owned));
    let known = |values: [&str; 4]| values.map(|value| Some(value.to_owned()));
    assert_eq!(values(&of("flink:1.18.1")), known(["1", "2", "3", "s3://my bucket/x y"]));
    assert_eq!(values(&of("flink:2.3.0")), [None, None, None, Some("s3://my".to_owned())]);
}

#[test]
fn an_author_knows_the_version_better_than_the_tag_of_an_image_of_their_own() {
    let version = |image: &str| {
        let object = json!({"metadata": {"annotations": {VERSION_ANNOTATION: "1.20"}}, "spec": {"template": {}}});
        super::version(&object, Some(image), Image::parse(image).is_stock(&[])).map(|version| version.to_string())
    };
    assert_eq!(version("ghcr.io/acme/flink:2.3.1").as_deref(), Some("1.20"));
    assert_eq!(version("flink:2.3.0").as_deref(), Some("2.3.0"));
}

#[test]
fn the_environment_counts_only_where_the_file_can_be_written() {
    let env = json!([{"name": "DIR", "value": "s3://b"}, {"name": "FLINK_PROPERTIES", "value": "a: lost"}, {"name": "JOB_MANAGER_RPC_ADDRESS", "value": "jm"},
        {"name": "FLINK_PROPERTIES", "value": "a: ${DIR}/ha\nb: $(DIR)\n"}]);
    let free = role(json!({"env": env, "volumeMounts": []}), mounted(), json!({}));
    assert_eq!((value(&free, "a"), value(&free, "b")), (Some("s3://b/ha"), Some("s3://b")));
    assert_eq!(value(&free, "jobmanager.rpc.address"), Some("jm"));
    let place = |key: &str| free.config.exact(key).map(|setting| (setting.layer, setting.path.to_string()));
    let variable = |index: usize| format!("spec.template.spec.containers[0].env[{index}].value");
    assert_eq!(place("a"), Some((Layer::Environment, format!("{}.a", variable(3)))), "the last one of a name counts");
    assert_eq!(place("jobmanager.rpc.address"), Some((Layer::Environment, variable(2))));
    let fixed = role(json!({"env": env}), mounted(), json!({"flink-conf.yaml": "c: 1\n"}));
    assert_eq!((value(&fixed, "a"), value(&fixed, "jobmanager.rpc.address")), (None, None));
    assert_eq!(fixed.void.iter().map(|void| void.config.iter().count()).sum::<usize>(), 2);
    let bypassed = json!({"env": env, "volumeMounts": [],
        "command": ["/opt/flink/bin/taskmanager.sh"], "args": ["start-foreground"]});
    assert_eq!(role(bypassed, mounted(), json!({})).void.len(), 1);
}

#[test]
fn arguments_know_the_environment() {
    let fields = json!({"args": ["taskmanager", "-Da=$(X)/$(POD)", "-Db=$$(X)"],
        "env": [{"name": "X", "value": "x"}, {"name": "POD", "valueFrom": {}}]});
    let role = role(fields, mounted(), json!({"flink-conf.yaml": "a: 1\n"}));
    assert_eq!((value(&role, "a"), value(&role, "b")), (Some("x/$(POD)"), Some("$(X)")));
}

#[test]
fn the_script_takes_its_host_and_port_from_the_environment_too() {
    let of = |args: Value, image: &str| {
        let env = json!([{"name": "HOST", "value": "jm"}, {"name": "WEBUIPORT", "value": "8090"}]);
        let role =
            role(json!({"args": args, "env": env, "image": image}), mounted(), json!({"flink-conf.yaml": "a: 1\n"}));
        ["jobmanager.rpc.address", "rest.port"].map(|key| value(&role, key).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of(json!(["jobmanager", "-D", "b=c"]), "flink:1.20"), [some("jm"), some("8090")]);
    assert_eq!(of(json!(["jobmanager", "own"]), "flink:1.20"), [some("own"), some("8090")]);
    assert_eq!(of(json!(["jobmanager", "own", "8082"]), "flink:1.20"), [some("own"), some("8082")]);
    assert_eq!(of(json!(["jobmanager", "-D", "b=c", "word"]), "flink:1.20"), [None, None]);
    assert_eq!(of(json!(["jobmanager"]), "flink:1.14"), [None, None]);
    assert_eq!(of(json!(["taskmanager"]), "flink:1.20"), [None, None]);
}

#[test]
fn an_empty_variable_is_none_and_a_directory_may_be_relative() {
    let env = json!([{"name": "JOB_MANAGER_RPC_ADDRESS", "value": ""}, {"name": "FLINK_CONF_DIR", "value": "conf"}]);
    let role = role(json!({"env": env, "volumeMounts": []}), mounted(), json!({}));
    assert_eq!((value(&role, "jobmanager.rpc.address"), role.void.len()), (None, 0));
}

#[test]
fn native_mode_reads_the_file_and_no_arguments() {
    let args = json!(["bash", "-c", "kubernetes-jobmanager.sh kubernetes-session -D b=1"]);
    let fields = json!({"command": ["/docker-entrypoint.sh"], "args": args});
    let native = role(fields, mounted(), json!({"config.yaml": "a: 1\n"}));
    assert_eq!((value(&native, "a"), value(&native, "b"), &native.unknown), (Some("1"), None, &None));
}

#[test]
fn the_start_scripts_directory_is_the_one() {
    let data = json!({"flink-conf.yaml": "a: 1\n"});
    let args = json!(["taskmanager", "--configDir", "/etc/flink", "-Db=2"]);
    let beside = role(json!({"args": args}), mounted(), data.clone());
    assert_eq!((value(&beside, "a"), value(&beside, "b")), (Some("1"), Some("2")));
    let elsewhere = json!({"args": args, "volumeMounts": [{"name": "v", "mountPath": "/etc/flink"}]});
    let elsewhere = role(elsewhere, mounted(), data);
    assert_eq!((value(&elsewhere, "a"), value(&elsewhere, "b")), (None, Some("2")));
}

#[test]
fn a_variable_may_be_an_option() {
    let of = |variable: Value| {
        let env = json!([{"name": "X", "value": "-Da=1"}, variable]);
        let args = json!(["standalone-job", "$(X)", "$(ARGS)", "-Db=2"]);
        role(json!({"env": env, "args": args}), mounted(), json!({"flink-conf.yaml": "c: 3\n"}))
    };
    let seen = |role: &RawRole| ["a", "b"].map(|key| value(role, key).map(str::to_owned));
    let known = of(json!({"name": "ARGS", "value": "-Dd=4"}));
    assert_eq!((seen(&known), known.unknown), ([Some("1".into()), Some("2".into())], None));
    let open = of(json!({"name": "ARGS", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}));
    assert_eq!((seen(&open), open.unknown.is_some()), ([Some("1".into()), None], true));
    let of_pod = of(json!({"name": "ARGS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}));
    assert_eq!((seen(&of_pod), of_pod.unknown), ([Some("1".into()), None], None));
}

#[test]
fn what_cannot_be_seen_is_unknown() {
    for volume in [
        json!({"name": "v", "emptyDir": {}}),
        json!({"name": "v", "secret": {"secretName": "c"}}),
        json!({"name": "v", "configMap": {"name": "d"}}),
        json!({"name": "v", "csi": {}}),
    ] {
        assert!(role(json!({}), volume.clone(), json!({})).unknown.is_some(), "{volume}");
    }
    let empty = role(json!({}), mounted(), json!({}));
    assert!(empty.unknown.is_some(), "the directory hides the image's file");
}

#[test]
fn a_directory_without_a_slash_is_below_the_image_s_own() {
    let data = json!({"flink-conf.yaml": "a: 1\n"});
    for (directory, mount) in [("etc/", "/opt/flink/etc"), ("", "/opt/flink/conf"), ("/etc/flink", "/etc/flink")] {
        let fields = json!({"volumeMounts": [{"name": "v", "mountPath": mount}],
            "env": [{"name": "FLINK_CONF_DIR", "value": directory}]});
        assert_eq!(value(&role(fields, mounted(), data.clone()), "a"), Some("1"), "{directory}");
    }
}

#[test]
fn a_host_that_the_script_drops_hides_the_variable_too() {
    let address = |args: Value| {
        let fields = json!({"args": args, "env": [{"name": "HOST", "value": "h"}]});
        value(&role(fields, mounted(), json!({"flink-conf.yaml": ""})), "jobmanager.rpc.address").map(str::to_owned)
    };
    assert_eq!(address(json!(["jobmanager"])).as_deref(), Some("h"));
    assert_eq!(address(json!(["jobmanager", "a"])).as_deref(), Some("a"));
    assert_eq!(address(json!(["jobmanager", "a b"])), None);
}
