//! Both configurations as they are, and what follows from them.

use serde_json::Value;

use super::leaf::Trust;
use crate::cluster::bundle::Bundle;
use crate::cluster::configurations::{bundles, proved};

/// Both configurations as they are.
pub(super) struct Live {
    /// In the order of [`KINDS`]; `None` where there is none, and where it could not be read.
    pub(super) found: [Option<Value>; 2],
    /// Whether each could be read, or is known not to be there.
    pub(super) is_known: bool,
}

impl Live {
    /// Whom the API server trusts, whichever entry it calls by. One that trusts nobody fails whatever is served.
    pub(super) fn trust(&self) -> Trust {
        if !self.is_known {
            return Trust::Unknown;
        }
        if self.found.iter().all(Option::is_none) {
            return Trust::Nobody;
        }
        let trusting = self.bundles().filter(|bundle| !bundle.is_empty());
        let common = trusting.reduce(|all, other| Bundle::default().with(&all, |one| other.holds(one)));
        Trust::Bundle(common.unwrap_or_default())
    }

    /// Everybody whom at least one entry trusts.
    pub(super) fn all(&self) -> Bundle {
        self.bundles().fold(Bundle::default(), |all, bundle| all.with(&bundle, |_| true))
    }

    /// Whether either says that requests come through.
    pub(super) fn is_proved(&self) -> bool {
        self.found.iter().flatten().any(|live| proved(live).is_some())
    }

    /// Since when requests come through by what another leader found out, as RFC 3339, if it still holds: whom the API server
    /// trusts is not what it was then where `bundle` is not in every entry.
    pub(super) fn proved(&self, bundle: Option<&Bundle>) -> Option<String> {
        let is_changed = bundle.is_some_and(|bundle| self.bundles().any(|live| !live.holds_all(bundle)));
        if is_changed {
            return None;
        }
        self.found.iter().map(|live| live.as_ref().and_then(proved)).min().flatten().map(str::to_owned)
    }

    fn bundles(&self) -> impl Iterator<Item = Bundle> {
        self.found.iter().flatten().flat_map(bundles)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;
    use crate::cluster::installation::PROVED_ANNOTATION;
    use crate::tls::Authority;

    const SINCE: &str = "2026-01-01T00:00:00Z";

    fn bundle() -> Bundle {
        let authority = Authority::generate(SystemTime::now(), Duration::from_hours(1)).unwrap();
        Bundle::read(authority.certificate_pem().as_bytes())
    }

    fn both(one: &Bundle, other: &Bundle) -> Bundle {
        one.clone().with(other, |_| true)
    }

    /// Two configurations with these entries, the one that is somebody else's among them.
    fn live(entries: &[&Bundle]) -> Live {
        let entry = |name: &str, bundle: &Bundle| json!({"name": name, "clientConfig": {"caBundle": ByteString(bundle.pem().into_bytes())}});
        let mut webhooks: Vec<Value> = entries
            .iter()
            .zip(1..)
            .map(|(bundle, number)| entry(&format!("e{number}.flink-admission.io"), bundle))
            .collect();
        webhooks.push(json!({"name": "guard.example.org", "clientConfig": {}}));
        webhooks.push(entry("other.example.org", &bundle()));
        let configuration = json!({"metadata": {"annotations": {PROVED_ANNOTATION: SINCE}}, "webhooks": webhooks});
        Live { found: [Some(configuration.clone()), Some(configuration)], is_known: true }
    }

    #[test]
    fn only_entries_of_ours_say_whom_the_api_server_trusts() {
        let (old, new) = (bundle(), bundle());
        let rotating = live(&[&both(&new, &old), &both(&new, &old)]);
        assert_eq!(rotating.trust(), Trust::Bundle(both(&new, &old)));
        assert_eq!(rotating.all(), both(&new, &old));
        assert_eq!(rotating.proved(Some(&both(&new, &old))).as_deref(), Some(SINCE));
    }

    #[test]
    fn an_entry_that_lost_its_bundle_takes_nobody_out_of_the_others() {
        let (old, new) = (bundle(), bundle());
        let stripped = live(&[&both(&new, &old), &Bundle::default()]);
        assert_eq!(stripped.all(), both(&new, &old), "a replica may serve a leaf of the old one still");
        assert_eq!(stripped.trust(), Trust::Bundle(both(&new, &old)));
        assert_eq!(stripped.proved(Some(&new)), None, "by that entry nothing comes through");
        assert_eq!(live(&[&both(&new, &old), &old]).trust(), Trust::Bundle(old));
        assert_eq!(live(&[&Bundle::default()]).trust(), Trust::Bundle(Bundle::default()));
    }

    #[test]
    fn what_is_not_there_trusts_nobody_and_what_is_not_read_is_unknown() {
        assert_eq!(Live { found: [None, None], is_known: true }.trust(), Trust::Nobody);
        assert_eq!(Live { found: [None, None], is_known: false }.trust(), Trust::Unknown);
        let mut one = live(&[&bundle()]);
        one.found[1] = None;
        assert_eq!((one.proved(None), one.is_proved()), (None, true));
    }
}
