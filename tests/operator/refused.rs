//! What is denied, the operator never sees.

use serde_json::json;

use super::clusters::{PLATFORM, application};
use super::world::Stage;

#[test]
fn a_denied_cluster_never_reaches_the_operator() {
    let Some(stage) = Stage::open("refused", PLATFORM) else { return };
    let mut denied = application("denied", "v1_18");
    denied["spec"]["flinkConfiguration"]["high-availability.type"] = json!("zookeeper");
    let said = stage.apply(&denied).refused();
    assert!(said.contains("[zookeeper-quorum-missing]"), "{said}");

    // What was sent later is deployed, so the other would have been seen too.
    let mut file = application("accepted", "v1_18");
    stage.apply(&file).succeeded();
    stage.wait_until_deployed("accepted", 1);
    let before = stage.stored("flinkdeployment/accepted");
    let acts = stage.acts().len();
    file["spec"]["flinkConfiguration"]["high-availability.type"] = json!("zookeeper");
    assert!(stage.apply(&file).refused().contains("[zookeeper-quorum-missing]"));

    // Whatever the operator does in two more rounds of its own, it is not about this.
    let rounds = || stage.said().matches("Resource fully reconciled, nothing to do").count();
    let begin = rounds();
    stage.eventually("looking again", || (rounds() >= begin + 2).then_some(()));
    let after = stage.stored("flinkdeployment/accepted");
    assert_eq!(
        (&after["spec"], &after["metadata"]["generation"]),
        (&before["spec"], &before["metadata"]["generation"])
    );
    let acts = stage.acts().split_off(acts);
    assert!(acts.iter().all(|act| act.title().ends_with("/status")), "{acts:#?}");
    assert!(!stage.world.operator.log().contains("/denied]"), "{}", stage.said());
    assert!(stage.find("flinkdeployment/denied").is_none());
}
