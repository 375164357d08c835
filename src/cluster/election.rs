//! Which replica leads: makes and replaces the authority, writes the configurations, sends probes.
//!
//! Everything that a leader writes is written under the version that it read, so two of them for a moment do no harm; that
//! there is one is for the sake of the API server.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PartialObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
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

/// Makes the Lease where there is none, or where there is one that would outlive the installation lets it go with `owner`;
/// whether there was one. Its manager neither gives it an owner nor makes it again.
///
/// # Errors
/// It can be neither read nor written.
pub(super) async fn keep_lease(
    client: &Client,
    installation: &Installation,
    owner: &OwnerReference,
) -> Result<bool, kube::Error> {
    let leases = Api::<Lease>::namespaced(client.clone(), &installation.namespace);
    let metadata = ObjectMeta { owner_references: Some(vec![owner.clone()]), ..ObjectMeta::default() };
    match leases.get_metadata_opt(&installation.leader).await? {
        None => {
            let name = Some(installation.leader.clone());
            let lease = Lease { metadata: ObjectMeta { name, ..metadata }, ..Lease::default() };
            match leases.create(&PostParams::default(), &lease).await {
                // Another replica was faster.
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
                made => made.map(|_| false),
            }
        }
        Some(lease) if lease.owner_references().is_empty() => {
            let patch = Patch::Merge(PartialObjectMeta::<Lease> { metadata, ..PartialObjectMeta::default() });
            leases.patch_metadata(&installation.leader, &PatchParams::default(), &patch).await.map(|_| true)
        }
        Some(_) => Ok(true),
    }
}
