//! What keeps an installation called: the authority and its replacement, the webhook configurations, and the way from `Ignore`
//! to the failure policies that are wanted; real replicas and a real API server, which calls them through a Service.
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

mod keeper {
    mod authority;
    mod configurations;
    mod installed;
    mod proof;
}
