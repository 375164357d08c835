//! When a replica serves another leaf.
//!
//! A leaf of an authority that the API server does not trust yet costs every call, so trust comes first, and a moment more
//! for API servers that hear of it later. What would end meanwhile is replaced in any case.

use std::time::{Duration, Instant, SystemTime};

use crate::cluster::bundle::Bundle;
use crate::tls::{Authority, Leaf};

/// How long the API servers may take to hear of a bundle that was written.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a replica that starts waits for a bundle that trusts its authority.
const PATIENCE: Duration = Duration::from_secs(30);
/// A clock that went back by more than this was wrong when the leaf was minted.
const BACK: Duration = Duration::from_hours(1);

/// Whom the API server trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// There are no configurations, so nobody is called.
    Nobody,
    /// They cannot be read.
    Unknown,
    /// The certificates that all entries have which trust anybody; empty where none does.
    Bundle(Bundle),
}

/// What to do about the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It serves on.
    Keep,
    /// Another one takes its place.
    Mint,
    /// There is none, and none that would be trusted.
    Wait,
}

/// Remembers since when an authority is trusted that this replica does not serve yet.
#[derive(Debug, Default)]
pub(super) struct Patience {
    trusted: Option<(String, Instant)>,
    waiting: Option<Instant>,
}

impl Patience {
    /// What to do about `leaf` when `authority` stands in the Secret, at the wall clock's `time` and at `now`.
    pub(super) fn step(
        &mut self,
        leaf: Option<&Leaf>,
        authority: &Authority,
        trust: &Trust,
        time: SystemTime,
        now: Instant,
    ) -> Step {
        let is_trusted = match trust {
            Trust::Nobody => true,
            Trust::Unknown => false,
            Trust::Bundle(bundle) => bundle.holds(authority.fingerprint()),
        };
        let Some(leaf) = leaf else {
            let since = *self.waiting.get_or_insert(now);
            // Where nobody is trusted yet, there is nothing that serving the new one could spoil.
            let is_open =
                matches!(trust, Trust::Unknown) || matches!(trust, Trust::Bundle(bundle) if bundle.is_empty());
            let may = is_trusted || is_open || now.duration_since(since) >= PATIENCE;
            return if may { Step::Mint } else { Step::Wait };
        };
        if leaf.fingerprint == authority.fingerprint() {
            self.trusted = None;
            return if is_due(leaf, time) { Step::Mint } else { Step::Keep };
        }
        if !is_trusted {
            self.trusted = None;
            return if has_ended(leaf, time) { Step::Mint } else { Step::Keep };
        }
        let since = match &self.trusted {
            Some((whom, since)) if whom == authority.fingerprint() => *since,
            _ => now,
        };
        self.trusted = Some((authority.fingerprint().to_owned(), since));
        let is_settled = *trust == Trust::Nobody || now.duration_since(since) >= SETTLE;
        if is_settled || has_ended(leaf, time) { Step::Mint } else { Step::Keep }
    }

    /// Whether another look is due soon: an authority is trusted and not served yet.
    pub(super) const fn is_pending(&self) -> bool {
        self.trusted.is_some()
    }
}

/// Whether a leaf should be minted anew, by its age or since the clock says that it was minted in the future.
pub(super) fn is_due(leaf: &Leaf, time: SystemTime) -> bool {
    time >= leaf.renew_at || time + BACK < leaf.minted_at
}

fn has_ended(leaf: &Leaf, time: SystemTime) -> bool {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds).is_ok_and(|seconds| seconds >= leaf.served.not_after())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn authority() -> Authority {
        Authority::generate(SystemTime::now(), 365 * DAY).unwrap()
    }

    fn leaf(authority: &Authority) -> Leaf {
        authority.mint(&["a.b.svc"], SystemTime::now(), 7 * DAY).unwrap()
    }

    fn trust(authorities: &[&Authority]) -> Trust {
        let pem: String = authorities.iter().map(|authority| authority.certificate_pem()).collect();
        Trust::Bundle(Bundle::read(pem.as_bytes()))
    }

    #[test]
    fn trust_comes_before_the_leaf() {
        let (old, new) = (authority(), authority());
        let (leaf, time, now) = (leaf(&old), SystemTime::now(), Instant::now());
        let mut patience = Patience::default();
        let mut at = |seconds: u64, trust: &Trust| {
            patience.step(Some(&leaf), &new, trust, time, now + Duration::from_secs(seconds))
        };
        assert_eq!(at(0, &trust(&[&old])), Step::Keep);
        assert_eq!(at(100, &Trust::Unknown), Step::Keep);
        assert_eq!(at(200, &trust(&[&new, &old])), Step::Keep, "some API server may not have heard of it");
        assert_eq!(at(204, &trust(&[&new, &old])), Step::Keep);
        assert_eq!(at(205, &trust(&[&new, &old])), Step::Mint);
        assert_eq!(at(206, &trust(&[&old])), Step::Keep, "the trust was taken back");
        assert_eq!(at(207, &trust(&[&new])), Step::Keep);
        assert_eq!(at(207, &Trust::Nobody), Step::Mint);
        assert_eq!(at(208, &trust(&[])), Step::Keep, "whom the entries will trust is not written yet");
        assert_eq!(at(300, &trust(&[])), Step::Keep);
    }

    #[test]
    fn what_has_ended_is_replaced_in_any_case() {
        let (old, new) = (authority(), authority());
        let (leaf, now) = (leaf(&old), Instant::now());
        let end = SystemTime::now() + 8 * DAY;
        for trust in [trust(&[&old]), Trust::Unknown, trust(&[&new])] {
            assert_eq!(Patience::default().step(Some(&leaf), &new, &trust, end, now), Step::Mint, "{trust:?}");
        }
    }

    #[test]
    fn a_leaf_is_renewed_by_its_age_and_after_a_jump_of_the_clock() {
        let authority = authority();
        let (leaf, now, time) = (leaf(&authority), Instant::now(), SystemTime::now());
        let trust = trust(&[&authority]);
        let at = |time: SystemTime| Patience::default().step(Some(&leaf), &authority, &trust, time, now);
        assert_eq!(at(time + 3 * DAY), Step::Keep);
        assert_eq!(at(time + 5 * DAY), Step::Mint);
        assert_eq!(at(time - DAY), Step::Mint);
    }

    #[test]
    fn a_replica_that_starts_waits_for_trust_but_not_for_ever() {
        let (old, new) = (authority(), authority());
        let (time, now) = (SystemTime::now(), Instant::now());
        let mut patience = Patience::default();
        let mut at =
            |seconds: u64, trust: &Trust| patience.step(None, &new, trust, time, now + Duration::from_secs(seconds));
        assert_eq!(at(0, &trust(&[&old])), Step::Wait);
        assert_eq!(at(29, &trust(&[&old])), Step::Wait);
        assert_eq!(at(30, &trust(&[&old])), Step::Mint);
        for trust in [trust(&[]), trust(&[&old, &new]), Trust::Nobody, Trust::Unknown] {
            assert_eq!(Patience::default().step(None, &new, &trust, time, now), Step::Mint, "{trust:?}");
        }
    }
}
