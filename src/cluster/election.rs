//! Which replica leads: makes and replaces the authority, writes the configurations, sends probes.
//!
//! Everything that a leader writes is written under the version that it read, so two of them for a moment do no harm; that
//! there is one is for the sake of the API server.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;

use super::installation::Installation;

/// How long the others wait for a leader that does not renew its Lease, in seconds.
const DURATION: u64 = 10;
/// How long before its end a Lease is renewed, in seconds.
const GRACE: u64 = 4;

/// Stands for election as `identity` for as long as the receiver lives; it says whether this replica leads. The Lease goes
/// with `owner`.
///
/// # Errors
/// The Lease can be neither read nor made.
pub(super) async fn stand(
    client: Client,
    installation: &Installation,
    identity: &str,
    owner: Option<&OwnerReference>,
) -> Result<watch::Receiver<bool>, LeaseManagerError> {
    if let Some(owner) = owner {
        make(&client, installation, owner).await?;
    }
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

/// Makes the Lease, which the manager would make without an owner.
async fn make(client: &Client, installation: &Installation, owner: &OwnerReference) -> Result<(), kube::Error> {
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(installation.leader.clone()),
            owner_references: Some(vec![owner.clone()]),
            ..ObjectMeta::default()
        },
        ..Lease::default()
    };
    let leases = Api::<Lease>::namespaced(client.clone(), &installation.namespace);
    match leases.create(&PostParams::default(), &lease).await {
        // It is there.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        made => made.map(|_| ()),
    }
}
