//! The whole path on a real API server: kubectl → kube-apiserver → TLS → our process, registered by the chart's own rules →
//! etcd.
//!
//! Each test has a namespace, a policy and a process of its own; all share one control plane.
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

mod support;

mod e2e {
    mod answers;
    mod examples;
    mod filling_in;
    mod gitops;
    mod keeping;
    mod page;
    mod refusing;
    mod restoring;
    mod stage;
    mod terminating;
}
