//! Roles and pod templates of a FlinkDeployment, whole and odd.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// A role's block.
pub(super) fn role() -> impl Strategy<Value = Value> {
    (option::of(template()), select(vec![Value::Null, json!(1), json!(2)])).prop_map(|(template, replicas)| {
        let mut block = json!({"resource": {"memory": "2048m", "cpu": 1}});
        if let Some(template) = template {
            block["podTemplate"] = template;
        }
        if !replicas.is_null() {
            block["replicas"] = replicas;
        }
        block
    })
}

/// Volume, path, and which form it has.
type Mount = (&'static str, &'static str, usize);

/// A pod template, its containers in any order.
pub(super) fn template() -> impl Strategy<Value = Value> {
    let containers = subsequence(vec!["flink-main-container", "log-shipper", "proxy"], 0..=3).prop_shuffle();
    let mounts = vec(
        (
            select(vec!["flink-data", "scratch", "gone"]),
            select(vec!["/flink-data", "/flink-data/", "/flink-data/tmp", "/scratch"]),
            0..3_usize,
        ),
        0..3,
    );
    let sources = select(vec![
        json!({}),
        json!({"emptyDir": {}}),
        json!({"hostPath": {"path": "/mnt"}}),
        json!({"persistentVolumeClaim": {"claimName": "own"}}),
        json!({"persistentVolumeClaim": {"claimName": "flink-data"}}),
        json!({"configMap": {"name": "files"}}),
        json!({"ephemeral": {"volumeClaimTemplate": {}}}),
        json!({"csi": {"driver": "files.example.net"}}),
        json!({"nfs": {"server": "nfs", "path": "/"}}),
    ]);
    let volumes = (subsequence(vec!["flink-data", "scratch", "logs"], 0..=3).prop_shuffle(), vec(sources, 3));
    let context = select(vec![
        Value::Null,
        Value::Null,
        json!({"fsGroup": 1000}),
        json!({"runAsUser": 9999}),
        json!({"runAsNonRoot": true}),
    ]);
    let environment = select(vec![
        Value::Null,
        Value::Null,
        json!([{"name": "REGION", "value": "north"}]),
        json!([{"name": "ZONE", "value": "b"}, {"name": "REGION", "value": "south"}]),
        json!([{"name": "ENABLE_BUILT_IN_PLUGINS", "value": "flink-s3-fs-presto-1.20.1.jar"}]),
    ]);
    let affinity = select(vec![
        Value::Null,
        Value::Null,
        json!({"nodeAffinity": {}}),
        json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}),
        json!("near"),
    ]);
    let parts = (containers, vec((mounts, environment), 3), volumes, (context, affinity));
    parts.prop_map(|(containers, mounts, (volumes, sources), (context, affinity))| {
        let mut spec = json!({});
        let of_container = |(name, (mounts, environment)): (&str, (Vec<Mount>, Value))| {
            let mut container = json!({"name": name});
            if !environment.is_null() {
                container["env"] = environment;
            }
            if name != "flink-main-container" {
                container["image"] = json!("example.net/side:1");
            }
            let mut seen = std::collections::BTreeSet::new();
            let mounts: Vec<Value> = mounts
                .into_iter()
                .filter(|(_, path, _)| seen.insert(path.trim_end_matches('/').to_owned()))
                .map(|(name, path, extra)| match extra {
                    0 => json!({"name": name, "mountPath": path, "subPath": "a"}),
                    1 => json!({"name": name, "mountPath": path, "readOnly": true}),
                    _ => json!({"name": name, "mountPath": path}),
                })
                .collect();
            if !mounts.is_empty() {
                container["volumeMounts"] = json!(mounts);
            }
            container
        };
        if !containers.is_empty() {
            spec["containers"] = containers.into_iter().zip(mounts).map(of_container).collect();
        }
        let of_volume = |(name, mut source): (&str, Value)| {
            source["name"] = json!(name);
            source
        };
        if !volumes.is_empty() {
            spec["volumes"] = volumes.into_iter().zip(sources).map(of_volume).collect();
        }
        for (field, value) in [("securityContext", context), ("affinity", affinity)] {
            if !value.is_null() {
                spec[field] = value;
            }
        }
        json!({"spec": spec})
    })
}
