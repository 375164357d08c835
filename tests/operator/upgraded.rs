//! What users change later is deployed, and what was filled in stays.

use serde_json::{Value, json};

use super::clusters::{PLATFORM, application, standalone, with_templates};
use super::deployed::{assert_untouched, main_container, options};
use super::world::Stage;

/// One change after the other, as `kubectl apply` sends them: the file as its author has it, without what was filled in.
#[test]
fn changes_are_deployed_and_nothing_else_changes() {
    let Some(stage) = Stage::open("upgraded", PLATFORM) else { return };
    let mut files = [
        ("orders", with_templates(application("orders", "v1_18"))),
        ("payments", standalone(application("payments", "v1_19"))),
    ];
    for (name, file) in &files {
        stage.apply(file).succeeded();
        stage.wait_until_deployed(name, 1);
    }
    // First the mode that asks for no state. In any other the operator wants a JobManager that has never started, which it tells
    // by a Deployment made and found unavailable within one second; nothing here runs Pods, so it would wait for ever otherwise.
    for (path, value) in [
        ("/spec/job/upgradeMode", json!("stateless")),
        ("/spec/job/parallelism", json!(4)),
        ("/spec/image", json!("registry.example.net/shop/word-count:1.4.3")),
        ("/spec/taskManager/resource/memory", json!("2048m")),
    ] {
        let before = files.each_ref().map(|(name, _)| stage.stored(&format!("flinkdeployment/{name}")));
        for (_, file) in &mut files {
            *file.pointer_mut(path).unwrap() = value.clone();
            stage.apply(file).succeeded();
        }
        for ((name, _), before) in files.iter().zip(before) {
            let mut expected = before.clone();
            *expected.pointer_mut(path).unwrap() = value.clone();
            let generation = before["metadata"]["generation"].as_u64().unwrap() + 1;
            stage.wait_until_deployed(name, generation);
            let after = stage.stored(&format!("flinkdeployment/{name}"));
            assert_eq!(after["spec"], expected["spec"], "{name}: {path}");
            assert_eq!(after["metadata"]["generation"], generation, "{name}: {path}");
            assert_eq!(after["metadata"]["finalizers"], before["metadata"]["finalizers"], "{name}: {path}");
        }
    }
    for (name, _) in &files {
        let options = options(&stage, name);
        assert_eq!(options["parallelism.default"], "4", "{name}");
        assert_eq!(options["high-availability.type"], "kubernetes", "{name}");
        let pods = stage.stored(&format!("deployment/{name}"))["spec"]["template"]["spec"].clone();
        assert_eq!(main_container(&pods)["image"], "registry.example.net/shop/word-count:1.4.3", "{name}");
    }
    assert_untouched(&stage.acts());
    end(&stage, &["orders", "payments"]);
}

/// The operator's finalizer goes, and everything with it.
fn end(stage: &Stage, names: &[&str]) {
    stage.kubectl(&["delete", "flinkdeployments", "--all", "--wait=false"]).succeeded();
    for name in names {
        let gone = |object: String| {
            stage.eventually(&format!("the end of {object}"), || stage.find(&object).is_none().then_some(()));
        };
        gone(format!("flinkdeployment/{name}"));
        gone(format!("deployment/{name}"));
        gone(format!("configmap/flink-config-{name}"));
    }
    let left: Vec<Value> = stage.pods("orders");
    assert!(left.is_empty(), "{left:#?}");
}
