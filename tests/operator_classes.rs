//! What we believe of Flink's Kubernetes operator, beside what its own classes answer.
//!
//! FlinkDeployments are generated, with policies, and each is given to the operator's classes in a JVM
//! (`tests/flink/Operator.java`): how it flattens the configuration, merges pod templates, makes the configuration of the
//! cluster, and what its validator says. We must make the same of it; and what the validator rejects once we have filled it
//! in, it must have rejected before.
//!
//! The operator is 1.7.0, or the one that `FLINK_ADMISSION_OPERATOR` names. 1.7.0 knows Flink up to 1.19, and a
//! configuration that is a map of texts: newer versions are asked as its newest, and what is nested is asked as we flatten
//! it, so that the flattening itself is tested by a newer operator only.
//!
//! `FIDELITY_CASES` says how many cases are asked, 500 where it does not; `FIDELITY_SEED` makes other ones.
//!
//! Wanted: a JDK, and what `tests/flink/operator/build` brings.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

#[path = "properties/generated.rs"]
#[allow(dead_code, reason = "the properties use all of it")]
mod generated;
mod manifests;
mod support;

mod operator_classes {
    mod beliefs;
    mod classes;
    mod compared;
    mod deployments;
    mod flattening;
    mod run;
}
