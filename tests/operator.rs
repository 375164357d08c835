//! The real operator beside our webhook: what it makes of the clusters that we completed, and what we do to what it makes.
//!
//! It runs as a process, with controllers that make Pods of its Deployments; nothing runs the Pods. Every request of its that
//! changes something is read from the API server's audit log.
//!
//! Wanted: a JDK, and what `tests/flink/operator/build` and `tests/control-plane/build kube-controller-manager` bring.
#![cfg(feature = "webhook")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

mod manifests;
mod support;

mod operator {
    mod audit;
    mod capture;
    mod clusters;
    mod deployed;
    mod fleet;
    mod made;
    mod refused;
    mod settled;
    mod upgraded;
    mod world;
}
