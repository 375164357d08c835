//! HA for both roles or for none, as far as the other one is known.

use super::{Missing, is_set};
use crate::flink::cluster::HighAvailability;
use crate::flink::options::HA_CLUSTER_ID;
use crate::inject::{Injection, Shortfall, Target, Work, complete};
use crate::object::{self, text};
use crate::siblings::Sibling;
use crate::workload::{Kind, Workload};

/// Whether the other role has or gets HA: without it the two look for each other in different places.
///
/// What this role lacks itself comes first: where both lack the same, neither is sent to the other.
pub(super) fn check_siblings(work: &Work<'_>) -> Result<(), Missing> {
    for sibling in work.target.siblings {
        let Some(Missing { said, remedy, .. }) = lacks(work, sibling) else { continue };
        let alone = complete(&Target { siblings: &[], ..work.target });
        let role = sibling.raw.role;
        return Err(own(alone).unwrap_or_else(|| {
            Missing::new(
                format!("its {role}, {}, gets none: {said}", sibling.title()),
                format!("mend the {role} first{remedy}; HA is for both roles or for none"),
            )
        }));
    }
    Ok(())
}

/// Why the role that `injection` was tried on gets no HA, where it is said.
fn own(injection: Injection<'_>) -> Option<Missing> {
    injection.shortfalls.into_iter().find_map(|shortfall| match shortfall {
        Shortfall::HighAvailability { missing, remedy, field, .. } => Some(Missing { said: missing, remedy, field }),
        Shortfall::Volume { .. } => None,
    })
}

/// Why `sibling` has no HA and gets none, and what is to be done there.
fn lacks(work: &Work<'_>, sibling: &Sibling) -> Option<Missing> {
    let known_by_itself = |said: &str| Missing::new(said.to_owned(), String::new());
    if is_stored(sibling) {
        let is_off = sibling.cluster.high_availability() == (HighAvailability::Off, None);
        return is_off.then(|| known_by_itself("it was stored without, and an update adds none"));
    }
    let missing = |target: &Target<'_>, injection: Injection<'_>| {
        let cluster = target.cluster_in(injection.edits.document());
        let said = own(injection).map(|own| Missing { remedy: format!(": {}", own.remedy), ..own });
        said.or_else(|| match cluster.high_availability().0 {
            HighAvailability::Off => Some(known_by_itself("its own options say so")),
            HighAvailability::Unknown => Some(known_by_itself("whether it has HA is not known")),
            HighAvailability::Kubernetes | HighAvailability::ZooKeeper | HighAvailability::Class(_) => None,
        })
    };
    completed(work, sibling, missing)
}

/// Whether each workload of the other role, as far as they are known, has an id of its own in HA, or gets it.
pub(super) fn siblings_have_id(work: &Work<'_>) -> bool {
    let gets_it = |target: &Target<'_>, injection: Injection<'_>| {
        is_set(&target.cluster_in(injection.edits.document()), HA_CLUSTER_ID)
    };
    work.target.siblings.iter().all(|sibling| {
        is_set(&sibling.cluster, HA_CLUSTER_ID) || (!is_stored(sibling) && completed(work, sibling, gets_it))
    })
}

/// Whether a cluster has stored it already, which gives it an id.
fn is_stored(sibling: &Sibling) -> bool {
    text(&sibling.object, &["metadata", "uid"]).is_some()
}

/// What `read` says of what creation fills in for `sibling` alone.
fn completed<T>(work: &Work<'_>, sibling: &Sibling, read: impl FnOnce(&Target<'_>, Injection<'_>) -> T) -> T {
    let object = &*sibling.object;
    let workload = &Workload { kind: Kind::Raw(sibling.raw.clone()), made_by: None };
    let name = object.get("metadata").and_then(object::name);
    let Target { namespace, policy, facts, .. } = work.target;
    let target = &Target { object, workload, namespace, name, policy, facts, siblings: &[] };
    read(target, complete(target))
}
