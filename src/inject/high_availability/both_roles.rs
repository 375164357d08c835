//! HA for both roles or for none, as far as the other one is known.

use super::{Missing, is_set};
use crate::flink::cluster::HighAvailability;
use crate::flink::options::HA_CLUSTER_ID;
use crate::inject::{Injection, Shortfall, Target, Work, complete};
use crate::object::{self, text};
use crate::siblings::Sibling;
use crate::workload::{Kind, Workload};

/// Whether the other role has or gets HA: without it the two look for each other in different places.
pub(super) fn check_siblings(work: &Work<'_>) -> Result<(), Missing> {
    for sibling in work.target.siblings {
        let Some(missing) = lacks(work, sibling) else { continue };
        let role = sibling.raw.role;
        return Err(Missing::new(
            format!("its {role}, {}, gets none: {missing}", sibling.title()),
            format!("mend the {role} first; HA is for both roles or for none"),
        ));
    }
    Ok(())
}

/// Why `sibling` has no HA and gets none.
fn lacks(work: &Work<'_>, sibling: &Sibling) -> Option<String> {
    if is_stored(sibling) {
        let is_off = sibling.cluster.high_availability() == (HighAvailability::Off, None);
        return is_off.then(|| "it was stored without, and an update adds none".to_owned());
    }
    let missing = |target: &Target<'_>, injection: Injection<'_>| {
        let cluster = target.cluster_in(injection.edits.document());
        let said = injection.shortfalls.into_iter().find_map(|shortfall| match shortfall {
            Shortfall::HighAvailability { missing, .. } => Some(missing),
            Shortfall::Volume { .. } => None,
        });
        said.or_else(|| match cluster.high_availability().0 {
            HighAvailability::Off => Some("its own options say so".to_owned()),
            HighAvailability::Unknown => Some("whether it has HA is not known".to_owned()),
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
