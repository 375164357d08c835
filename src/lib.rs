//! `flink-admission` keeps Apache Flink clusters on Kubernetes alive and their state safe.
//!
//! The crate has two halves. The core recognises, resolves, judges and completes objects; it knows no clock, no
//! environment, no file system and no runtime. The feature `webhook` adds what serves the core to an API server.
//!
//! One review takes this way, online and offline alike:
//! `decode` → `recognise` → `needs` → `look_up` → `mutate` or `validate` → `encode`.

pub mod admission;
pub mod cli;
#[cfg(feature = "webhook")]
pub mod cluster;
#[cfg(feature = "webhook")]
pub mod doctor;
pub mod facts;
pub mod flink;
pub mod inject;
pub mod neighbours;
pub mod object;
pub mod patch;
pub mod policy;
pub mod report;
#[cfg(feature = "webhook")]
pub mod server;
pub mod siblings;
#[cfg(feature = "webhook")]
pub mod telemetry;
#[cfg(feature = "webhook")]
pub mod tls;
pub mod verdict;
pub mod workload;
pub mod yaml;
