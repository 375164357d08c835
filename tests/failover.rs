//! Clusters of Flink that lose their leader: raw manifests go through a real API server with our webhook in front, real
//! controllers make Pods of them, and a runner of our own runs these as real Flink processes, each in namespaces of its own.
//!
//! Wanted: Linux, root, iproute2, util-linux, overlayfs, a JDK, and what `tests/control-plane/build` and `tests/flink/build`
//! bring. One row of the table belongs to every run, all of it is `make fidelity-live`.
#![cfg(all(unix, feature = "webhook"))]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]
#![allow(dead_code, reason = "the installation of Flink is of two test binaries, and each uses a part of it")]

mod support;

mod failover {
    mod cluster;
    mod faults;
    mod manifest;
    mod namespaces;
    mod operated;
    mod pod;
    mod proofs;
    mod rest;
    mod rows;
    mod runner;
    mod stage;
    mod table;
    mod volumes;
}
