//! A text as `config.yaml`, by itself and in a cluster that reads it, and as manifests.
#![no_main]

use std::sync::LazyLock;

use flink_admission::flink::config_file::standard;
use flink_admission::object::FieldPath;
use flink_admission::policy::Policies;
use flink_admission::yaml::{self, Located};
use flink_admission_fuzz::holds::Asked;
use serde_json::{Value, json};

static POLICIES: LazyLock<Policies> =
    LazyLock::new(|| Policies::from_text(include_str!("../policy.yaml")).expect("a policy"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    let lines = text.lines().count().max(text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count()) + 1;
    match standard(text) {
        Ok(entries) => assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line)), "{entries:?}"),
        Err(refusal) => {
            assert!(
                refusal.line <= lines && !refusal.flaw.in_words().is_empty() && !refusal.flaw.remedy().is_empty(),
                "{refusal:?}"
            );
        }
    }
    manifests(text);

    let file = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flink-config", "namespace": "shop"},
        "data": {"config.yaml": text, "log4j-console.properties": ""}});
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager", "namespace": "shop"},
        "spec": {"replicas": 1, "template": {"spec": {"volumes": [{"name": "c", "configMap": {"name": "flink-config"}}],
            "containers": [{"name": "jobmanager", "image": "flink:2.0.0", "args": ["jobmanager"],
                "volumeMounts": [{"name": "c", "mountPath": "/opt/flink/conf"}]}]}}}});
    Asked { object: &object, old: None, others: std::slice::from_ref(&file), policies: &POLICIES }.answers();
});

fn manifests(text: &str) {
    let read = yaml::each_document(text);
    let _ = yaml::unrendered(text);
    let text = yaml::without_mark(text);
    for document in read {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                assert!(!error.reason.is_empty() && error.line >= 1, "{error:?}");
                continue;
            }
        };
        let own = text.get(document.range.clone()).expect("a document is a piece of the text");
        let written = yaml::to_text(&document.value);
        match yaml::documents(&written).as_deref() {
            Ok([again]) => assert_eq!(again.value, document.value, "{written:?}"),
            Ok([]) => assert!(document.value.is_null(), "{written:?}"),
            other => panic!("{other:?} of {written:?}"),
        }
        let Some(located) = Located::parse(own) else { continue };
        let mut paths = Vec::new();
        collect(&document.value, &FieldPath::default(), &mut paths);
        for path in paths {
            let found = located.find(path.segments());
            assert!(own.get(found.range(own)).is_some(), "{path} in {own:?}");
            if let Some(scalar) = found.value.scalar() {
                let inner = 0..scalar.text().len();
                if let Some(origin) = scalar.origin(own, &inner) {
                    assert!(own.get(origin).is_some(), "{path} in {own:?}");
                }
            }
        }
    }
}

fn collect(value: &Value, path: &FieldPath, paths: &mut Vec<FieldPath>) {
    if paths.len() > 100 {
        return;
    }
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(value, &path.key(key), paths)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| collect(value, &path.index(index), paths))
        }
        _ => paths.push(path.clone()),
    }
}
