//! Flink itself: processes started by its own scripts with the arguments that we fill in.
//!
//! Wanted: Linux, whose every address in 127.0.0.0/8 is local, a JDK, and what `tests/flink/build` brings.
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

mod live {
    mod cluster;
    mod identity;
}
