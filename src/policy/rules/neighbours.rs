//! Rules on what a cluster shares with others that do not know of it.

pub(super) mod checkpoint_directory_shared;
pub(super) mod cluster_identity_taken;
pub(super) mod ha_directory_shared;
pub(super) mod ha_metadata_left_behind;
pub(super) mod kubernetes_ha_load;

use crate::flink::raw;
use crate::neighbours::{Footprint, Neighbour};
use crate::object::text;
use crate::policy::rules::Case;
use crate::workload::{Kind, recognise};

/// What the cluster itself leaves outside of its pods; `None` where it shows none of it.
fn own(case: &Case<'_>) -> Option<Footprint> {
    if case.facts.neighbours().is_empty() {
        return None;
    }
    Footprint::of(case.object, case.namespace, case.cluster)
}

/// The clusters that are known, without this one.
fn others<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Neighbour> {
    let (object, namespace) = (case.object, case.namespace);
    let is = |key: &[&str], word: &str| text(object, key) == Some(word);
    let config_maps = match recognise(object).map(|workload| workload.kind) {
        Some(Kind::Raw(raw)) => raw::config_maps(object, &raw),
        _ => Vec::new(),
    };
    case.facts.neighbours().iter().filter(move |other| {
        let is_here = other.namespace == namespace;
        let is_same = is_here && is(&["kind"], &other.kind) && is(&["metadata", "name"], &other.name);
        // JobManagers in several objects that read one configuration are one cluster, and mean to share it.
        let is_part = is_here && other.config_maps.iter().any(|map| config_maps.contains(map));
        !is_same && !is_part
    })
}

/// What `other` is called, as far as the sender of a review may learn it.
fn in_words(case: &Case<'_>, other: &Neighbour) -> String {
    let Neighbour { kind, namespace, name, .. } = other;
    match namespace == case.namespace {
        true => format!("{kind} `{name}`"),
        false if case.policy.spec.share_names || !case.facts.is_live() => {
            format!("{kind} `{name}` in namespace `{namespace}`")
        }
        false => "a cluster in another namespace".to_owned(),
    }
}
