//! The replicas of an installation, as they tell of themselves: a Lease each.
//!
//! By them the leader knows which authorities are still served and whether all replicas are of one version. A Lease counts as
//! long as it changes: what its times say is another node's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};

use super::client::explain;
use super::installation::{AUTHORITY_ANNOTATION, FIELD_MANAGER, Installation, MEMBER_LABEL, VERSION_ANNOTATION};

/// A Lease that has not changed for so many times its duration is of a replica that ended without a word.
const GONE: u32 = 20;
/// More replicas than anyone runs.
const MOST: u32 = 200;

/// One replica among the others.
pub(super) struct Members {
    api: Api<Lease>,
    installation: Installation,
    identity: String,
    duration: Duration,
    /// Each Lease as it was last seen.
    seen: BTreeMap<String, Seen>,
}

/// A Lease as it was last seen.
struct Seen {
    renewed: Option<MicroTime>,
    authority: Option<String>,
    /// When it was seen to change, or to be gone.
    since: Instant,
    is_gone: bool,
}

/// The replicas that are there, as far as this one knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Others {
    /// How many besides this one told of themselves lately by this node's clock.
    pub(super) recent: usize,
    /// Fingerprints of the authorities whose leaves they serve.
    pub(super) authorities: BTreeSet<String>,
    /// Their versions.
    pub(super) versions: BTreeSet<String>,
}

/// Why replicas do not know of each other.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Leases by which replicas know of each other cannot be kept, so the change of an authority may cost calls: {0}"
)]
pub(super) struct MemberError(String);

impl Members {
    /// The replica `identity`, which tells of itself at least twice in `duration`.
    #[must_use]
    pub(super) fn new(client: Client, installation: Installation, identity: &str, duration: Duration) -> Self {
        let api = Api::namespaced(client, &installation.namespace);
        Self { api, installation, identity: identity.to_owned(), duration, seen: BTreeMap::new() }
    }

    /// Tells the others which authority's leaf this replica serves.
    ///
    /// # Errors
    /// The Lease cannot be written.
    pub(super) async fn tell(&self, authority: &str, owner: Option<&OwnerReference>) -> Result<(), MemberError> {
        let annotations = [(AUTHORITY_ANNOTATION, authority), (VERSION_ANNOTATION, env!("CARGO_PKG_VERSION"))];
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(self.name()),
                labels: Some(BTreeMap::from([(MEMBER_LABEL.to_owned(), self.installation.service.clone())])),
                annotations: Some(annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                owner_references: owner.map(|owner| vec![owner.clone()]),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..LeaseSpec::default()
            }),
        };
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let written = self.api.patch(&self.name(), &params, &Patch::Apply(lease)).await;
        written.map(|_| ()).map_err(|error| MemberError(explain(&error, "patch", "leases")))
    }

    /// Takes this replica off the list.
    ///
    /// # Errors
    /// The Lease is there and cannot be deleted.
    pub(super) async fn leave(&self) -> Result<(), MemberError> {
        self.delete(&self.name()).await
    }

    /// Who else is there. What has not changed for long is deleted.
    ///
    /// # Errors
    /// The Leases cannot be listed.
    pub(super) async fn others(&mut self) -> Result<Others, MemberError> {
        let label = format!("{MEMBER_LABEL}={}", self.installation.service);
        let params = ListParams::default().labels(&label).limit(MOST);
        let leases = self.api.list(&params).await.map_err(|error| MemberError(explain(&error, "list", "leases")))?;
        let now = Instant::now();
        let (mut others, mut gone) = (Others::default(), Vec::new());
        let (mut last, mut seen) = (std::mem::take(&mut self.seen), BTreeMap::new());
        for lease in leases.items {
            let name = lease.name_any();
            if name == self.name() {
                continue;
            }
            let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.clone());
            let since = last.remove(&name).filter(|last| last.renewed == renewed).map_or(now, |last| last.since);
            let unchanged = now.duration_since(since);
            if unchanged > self.duration * GONE {
                gone.push(name);
                continue;
            }
            seen.insert(name, Seen { renewed, authority: said(&lease, AUTHORITY_ANNOTATION), since, is_gone: false });
            if unchanged < self.duration {
                others.count(&lease, Timestamp::now(), self.duration);
            }
        }
        // One that said goodbye goes on serving for a while, until nobody calls it any more.
        for (name, last) in last {
            let since = if last.is_gone { last.since } else { now };
            if now.duration_since(since) < self.duration {
                others.authorities.extend(last.authority.clone());
                seen.insert(name, Seen { since, is_gone: true, ..last });
            }
        }
        self.seen = seen;
        for name in gone {
            self.delete(&name).await?;
        }
        Ok(others)
    }

    fn name(&self) -> String {
        self.installation.member(&self.identity)
    }

    async fn delete(&self, name: &str) -> Result<(), MemberError> {
        match self.api.delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(MemberError(explain(&error, "delete", "leases"))),
        }
    }
}

impl Others {
    fn count(&mut self, lease: &Lease, now: Timestamp, duration: Duration) {
        let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref());
        let age = renewed.and_then(|renewed| Duration::try_from(now.duration_since(renewed.0)).ok());
        self.recent += usize::from(age.is_none_or(|age| age < duration));
        self.authorities.extend(said(lease, AUTHORITY_ANNOTATION));
        self.versions.extend(said(lease, VERSION_ANNOTATION));
    }

    /// Whether all are of this program's version.
    #[must_use]
    pub(super) fn are_of_our_version(&self) -> bool {
        self.versions.iter().all(|version| version == env!("CARGO_PKG_VERSION"))
    }
}

fn said(lease: &Lease, key: &str) -> Option<String> {
    lease.metadata.annotations.as_ref()?.get(key).cloned()
}
