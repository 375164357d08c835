//! A session cluster of plain Deployments, as it is copied from tutorials and as it is mended.

use super::open;
use crate::e2e::page::Example;
use crate::e2e::stage::{stored, versions};

const NAMESPACE: &str = "session-cluster";

#[test]
fn session_cluster() {
    let example = Example::of(NAMESPACE);
    let Some((plane, _registration)) = open(&example, NAMESPACE, "policy.yaml") else { return };
    example.run(plane);

    let kubectl = |verb: &str, file: &str| {
        plane.kubectl(&[verb, "-n", NAMESPACE, "-f", &example.file(file).display().to_string()])
    };
    let written = || {
        ["deployment/flink-jobmanager", "deployment/flink-taskmanager"]
            .map(|deployment| versions(&stored(plane, NAMESPACE, deployment)))
    };
    kubectl("delete", "mended.yaml").succeeded();
    for (file, warnings) in [("copied.yaml", 1), ("mended.yaml", 0)] {
        kubectl("apply", file).succeeded();
        let before = written();
        let again = kubectl("apply", file);
        assert_eq!(again.stderr.matches("Warning: ").count(), warnings, "{file}: {}", again.stderr);
        again.succeeded();
        assert_eq!(written(), before, "{file} was applied again and something was written");
    }
}
