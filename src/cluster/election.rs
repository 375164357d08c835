//! Which replica leads: makes and replaces the authority, writes the configurations, sends probes.
//!
//! Everything that a leader writes is written under the version that it read, so two of them for a moment do no harm; that
//! there is one is for the sake of the API server.

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;

use super::installation::Installation;

/// How long the others wait for a leader that does not renew its Lease, in seconds.
const DURATION: u64 = 10;
/// How long before its end a Lease is renewed, in seconds.
const GRACE: u64 = 4;

/// Stands for election as `identity` for as long as the receiver lives; it says whether this replica leads.
///
/// # Errors
/// The Lease can be neither read nor made.
pub(super) async fn stand(
    client: Client,
    installation: &Installation,
    identity: &str,
) -> Result<watch::Receiver<bool>, LeaseManagerError> {
    let manager = LeaseManagerBuilder::new(client, &installation.leader)
        .with_namespace(&installation.namespace)
        .with_identity(identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .build()
        .await?;
    let (leads, _) = manager.watch().await;
    Ok(leads)
}
