//! Replicas come, go and change under load, and no create is lost: the chart, installed by helm on a real API server, our
//! processes as its Pods, a client that sends 50 requests a second and counts each that failed or came back unchanged.
//!
//! There is neither kubelet nor kube-proxy here. What stands for them is told where it is done: [`rollout::pod`] for a Pod's
//! arguments and volumes, [`rollout::fleet`] for the Deployment controller, [`rollout::balancer`] for probe, endpoints and
//! Service. The API server calls the Service by name and verifies by the bundle in the configurations, as it always does.
//!
//! `make test` runs each change once or twice, `make test-rollout` (`FLINK_ADMISSION_ROLLOUT=full`) as often as is promised.
#![cfg(all(feature = "webhook", unix))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

#[path = "cluster/connected.rs"]
mod connected;
mod support;

mod rollout {
    mod balancer;
    mod fleet;
    mod installed;
    mod killed;
    mod load;
    mod objects;
    mod outside;
    mod pod;
    mod release;
    mod stage;
    mod story;
    mod strangers;
    mod swapped;
}
