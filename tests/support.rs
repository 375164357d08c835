//! What the integration tests share: a real API server, and our own program as a process.
//!
//! ```ignore
//! mod support;
//! use support::ControlPlane;
//!
//! #[test]
//! fn something_on_a_real_api_server() {
//!     let Some(plane) = ControlPlane::shared() else { return };
//!     let namespace = plane.create_namespace("something");
//!     plane.kubectl(&["get", "flinkdeployments", "-n", &namespace]).succeeded();
//! }
//! ```
//!
//! Nothing started here outlives the test's process, however that ends (see [`process`]).
#![allow(dead_code, unused_imports, unreachable_pub, reason = "a module of each test binary, which uses a part of it")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test ends by panicking")]

pub mod asked;
mod client;
mod control_plane;
mod etcd;
mod expand;
pub mod installation;
mod keys;
pub mod operator;
mod process;
mod programs;
#[cfg(feature = "webhook")]
mod registration;
mod webhook;
mod zookeeper;

pub use client::{Client, Outcome};
pub use control_plane::ControlPlane;
pub use expand::expand;
pub use keys::{Authority, Credentials};
pub use process::{Supervised, wait_until};
pub use programs::{is_ci, skip, skip_part};
#[cfg(feature = "webhook")]
pub use registration::Registration;
pub use webhook::RunningWebhook;
pub use zookeeper::ZooKeeper;
