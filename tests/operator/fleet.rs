//! Clusters of every kind in one namespace, deployed by the operator: what several tests look at and none changes.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::clusters::{PLATFORM, application, session, session_job, standalone, with_templates};
use super::world::Stage;

/// The clusters, each as the operator has deployed it.
pub struct Fleet {
    pub stage: Stage,
    /// The FlinkDeployments as users wrote them.
    pub clusters: Vec<Value>,
}

impl Fleet {
    /// The one of all tests; `None` like [`Stage::open`].
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Option<Fleet>, ()>> = OnceLock::new();
        // What has failed once is not tried again by each test.
        let shared = SHARED.get_or_init(|| std::panic::catch_unwind(Self::deploy).map_err(drop));
        shared.as_ref().expect("clusters that were deployed; what failed first says why").as_ref()
    }

    #[track_caller]
    fn deploy() -> Option<Self> {
        let stage = Stage::open("fleet", &format!("{PLATFORM}  optOut: true\n"))?;
        let clusters = clusters();
        // A ConfigMap that a template mounts.
        stage.kubectl(&["create", "configmap", "models"]).succeeded();
        for object in &clusters {
            let outcome = stage.apply(object);
            assert_eq!(outcome.stderr, "");
            outcome.succeeded();
        }
        stage.apply(&session_job("job", "session-1-18")).succeeded();
        for object in &clusters {
            stage.wait_until_deployed(name(object), 1);
        }
        stage.eventually("the job's finalizer", || {
            stage.stored("flinksessionjob/job")["metadata"]["finalizers"].as_array().map(|_| ())
        });
        Some(Self { stage, clusters })
    }

    /// The clusters that have HA now.
    pub fn completed(&self) -> impl Iterator<Item = &Value> {
        self.clusters.iter().filter(|object| !["without-ha", "opted-out"].contains(&name(object)))
    }
}

/// Every version that the operator knows, both modes, applications and sessions.
fn clusters() -> Vec<Value> {
    let mut without_ha = application("without-ha", "v1_18");
    without_ha["spec"]["flinkConfiguration"]["high-availability.type"] = json!("NONE");
    // The operator up to some version after 1.7 refuses `last-state` without HA.
    without_ha["spec"]["job"]["upgradeMode"] = json!("stateless");
    // What the operator makes of it could be completed, if it were a user's.
    let mut opted_out = standalone(session("opted-out", "v1_18"));
    opted_out["metadata"]["annotations"] = json!({"flink-admission.io/inject": "false"});
    opted_out["spec"]["serviceAccount"] = json!("flink");
    vec![
        application("native-1-15", "v1_15"),
        application("native-1-16", "v1_16"),
        application("native-1-17", "v1_17"),
        application("native-1-18", "v1_18"),
        with_templates(application("native-1-19", "v1_19")),
        session("session-1-18", "v1_18"),
        standalone(with_templates(application("standalone-1-19", "v1_19"))),
        standalone(session("standalone-session-1-17", "v1_17")),
        without_ha,
        opted_out,
    ]
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("a name")
}
