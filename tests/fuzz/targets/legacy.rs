//! A text as `flink-conf.yaml` and as `FLINK_PROPERTIES`, by itself and in a cluster that reads it.
#![no_main]

use std::sync::LazyLock;

use flink_admission::flink::config_file::{Entry, legacy, properties, trim};
use flink_admission::flink::version::FlinkVersion;
use flink_admission::policy::Policies;
use flink_admission_fuzz::holds::Asked;
use serde_json::json;

static POLICIES: LazyLock<Policies> =
    LazyLock::new(|| Policies::from_text(include_str!("../policy.yaml")).expect("a policy"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    let lines = text.matches('\n').count() + 1;
    let is_in_text = |entry: &Entry| (1..=lines).contains(&entry.line) && !entry.key.is_empty();
    for entry in legacy(text) {
        assert!(is_in_text(&entry), "{entry:?}");
        for word in [&entry.key, &entry.value] {
            assert!(!word.is_empty() && trim(word) == word && !word.contains(['#', '\n', '\r']), "{entry:?}");
        }
        assert!(!entry.key.contains(": "), "{entry:?}");
    }
    for version in [None, Some(FlinkVersion::new(1, 18)), Some(FlinkVersion::new(2, 0))] {
        assert!(properties(text, version).iter().all(is_in_text), "{version:?}");
    }

    let file = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flink-config", "namespace": "shop"},
        "data": {"flink-conf.yaml": text, "log4j-console.properties": ""}});
    let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager", "namespace": "shop"},
        "spec": {"replicas": 2, "template": {"spec": {"volumes": [{"name": "c", "configMap": {"name": "flink-config"}}],
            "containers": [{"name": "jobmanager", "image": "flink:1.18.1", "args": ["jobmanager"],
                "volumeMounts": [{"name": "c", "mountPath": "/opt/flink/conf"}]}]}}}});
    if data.len() % 2 == 1 {
        object["spec"]["template"]["spec"] = json!({"containers": [{"name": "jobmanager", "image": "flink:1.20.1",
            "args": ["jobmanager"], "env": [{"name": "FLINK_PROPERTIES", "value": text}]}]});
    }
    Asked { object: &object, old: None, others: std::slice::from_ref(&file), policies: &POLICIES }.answers();
});
