//! Flink's own start scripts, run for real with a stub in the place of the JVM, against what we believe of them.
//!
//! Each case is a container: its command line, its environment, and a ConfigMap that it may mount. The scripts of a release
//! run it; the words that reach the JVM go to Flink's own entry points, which say what options and arguments they make of
//! them. [`raw::resolve`](flink_admission::flink::raw::resolve) must say the same. Real are the scripts and the classes; a
//! re-enactment of ours stands for the image's entry point (`scripts/docker-entrypoint.sh`) and for what the kubelet puts
//! into a container (`scripts/kubelet.rs`).
//!
//! Without `FLINK_ADMISSION_FIDELITY` three releases are asked the cases that matter most. `FLINK_ADMISSION_FIDELITY=all`
//! asks each release a share that `FIDELITY_SEED` picks, such that each case is asked of two releases at least;
//! `FLINK_ADMISSION_FIDELITY=1.20.5,2.3.0` asks those all cases.
//!
//! Wanted: root, util-linux, overlayfs, envsubst, a JDK, and what `tests/flink/build` brings.
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

mod scripts {
    mod belief;
    mod container;
    mod entry_points;
    mod environments;
    mod excuses;
    mod forms;
    mod kubelet;
    mod questions;
    mod release;
    mod run;
    mod share;
}
