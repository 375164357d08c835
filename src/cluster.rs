//! What the webhook asks of its cluster and keeps in it: look-ups, the authority's Secret, its webhook configurations.
//!
//! ```no_run
//! # async fn serve(certificate: std::sync::Arc<flink_admission::tls::ServingCertificate>) -> Result<(), Box<dyn std::error::Error>> {
//! use flink_admission::cluster::{self, Installation, LookUps};
//!
//! let client = cluster::connect().await?;
//! let installation = Installation::of_service("flink-admission", "flink-system");
//! let keeper = cluster::start(client.clone(), installation, certificate).await?;
//! tokio::spawn(keeper.run(std::time::Duration::from_mins(1)));
//! let look_up = LookUps::new(client);
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
pub use client::{ConnectError, client_of, connect, explain};
pub use keeper::{Installation, Keeper, StartError, start};
pub use look_up::LookUps;
pub use webhook_configurations::{BundleError, Configuration, Injected, inject_bundle};
