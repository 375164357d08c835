//! What the webhook asks of its cluster and keeps in it: look-ups, the authority's Secret, its webhook configurations.
//!
//! `serve` makes one call, spawns one task, and looks things up while reviews run:
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use flink_admission::cluster::{self, Installation, LookUps};
//!
//! let client = cluster::connect().await?;
//! let installation = Installation::of_release("flink-admission", "flink-system");
//! let (leaf, keeper) = cluster::start(client.clone(), installation).await?;
//! tokio::spawn(keeper.run());
//! let answered_with = std::sync::Arc::clone(&leaf.borrow().certified_key); // what `ResolvesServerCert` gives
//! let look_ups = LookUps::new(client);
//! # Ok(())
//! # }
//! ```

mod authority;
mod authority_secret;
mod client;
mod keeper;
mod look_up;
mod webhook_configurations;

pub use authority::{Authority, Leaf, Unusable};
pub use authority_secret::{AuthoritySecret, SecretError};
pub use client::{ConnectError, connect, explain};
pub use keeper::{Installation, Keeper, StartError, start};
pub use look_up::LookUps;
pub use webhook_configurations::{BundleError, Configuration, Injected, inject_bundle};
