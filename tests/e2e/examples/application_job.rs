//! An application whose JobManager is a Job, on object storage that the policy names.

use super::open;
use crate::e2e::page::Example;
use crate::e2e::stage::{give_account, stored, versions};

const NAMESPACE: &str = "application-job";

/// The claim with the job's jar, which the page takes for given.
const CLAIM: &str = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: orders-jar},
    spec: {accessModes: [ReadOnlyMany], resources: {requests: {storage: 1Gi}}}}";

#[test]
fn application_job() {
    let example = Example::of(NAMESPACE);
    let Some((plane, _registration)) = open(&example, NAMESPACE, "policy.yaml") else { return };
    give_account(plane, NAMESPACE);
    plane.admin().kubectl_with(&["create", "-n", NAMESPACE, "-f", "-"], CLAIM).succeeded();
    example.run(plane);

    let orders = example.file("orders.yaml").display().to_string();
    let kubectl = |verb: &str| plane.kubectl(&[verb, "-n", NAMESPACE, "-f", &orders]);
    let objects =
        || ["job/orders-jobmanager", "deployment/orders-taskmanager"].map(|name| stored(plane, NAMESPACE, name));
    kubectl("delete").succeeded();
    kubectl("apply").succeeded();
    let created = objects();
    for object in &created {
        let pod = &object["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], "flink", "{object}");
        let words = pod["containers"][0]["args"].to_string();
        for option in
            ["kubernetes.cluster-id=orders", "high-availability.storageDir=oss://flink-state/ha/application-job"]
        {
            assert!(words.contains(option), "{option} is not in {words}");
        }
    }
    let again = kubectl("apply");
    assert_eq!(again.stderr, "");
    again.succeeded();
    assert_eq!(objects().each_ref().map(versions), created.each_ref().map(versions), "something was written");
}
