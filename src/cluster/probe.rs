//! Whether requests come through the API server to a replica and back, found out by sending one.
//!
//! The leader creates a ConfigMap that is never stored: a dry run, which an entry of ours refuses with the nonce that stands
//! in it. Who sees that refusal knows that the API server finds the Service, trusts the certificate, and hears the answer.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use super::client::explain;
use super::configurations::Kind;
use super::installation::{FIELD_MANAGER, Installation, NONCE_ANNOTATION, PROBE_ENTRY, PROBE_LABEL};

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// A replica answered.
    Answered,
    /// None did, and why.
    Unanswered(String),
    /// The request did not get as far as that, and why: nothing is known.
    Unknown(String),
}

impl Probed {
    /// `yes`, `no`, `unknown`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Answered => "yes",
            Self::Unanswered(_) => "no",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Sends one request that the configuration of `kind` must refuse.
pub async fn probe(client: &Client, installation: &Installation, kind: Kind) -> Probed {
    let nonce = format!("{:016x}", RandomState::new().hash_one(Instant::now()));
    let api = Api::<ConfigMap>::namespaced(client.clone(), &installation.namespace);
    let params = PostParams { dry_run: true, field_manager: Some(FIELD_MANAGER.to_owned()) };
    judge(api.create(&params, &request(installation, kind, &nonce)).await.map(|_| ()), &nonce)
}

fn request(installation: &Installation, kind: Kind, nonce: &str) -> ConfigMap {
    let one = |key: &str, value: &str| Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(format!("{}-probe", installation.service)),
            labels: one(PROBE_LABEL, kind.word()),
            annotations: one(NONCE_ANNOTATION, nonce),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

/// What the API server's answer says.
fn judge(answer: Result<(), kube::Error>, nonce: &str) -> Probed {
    match answer {
        Ok(()) => Probed::Unanswered("the API server did not call: it may not know the configuration yet".to_owned()),
        Err(kube::Error::Api(status)) if status.message.contains(nonce) => Probed::Answered,
        // Another webhook that fails says nothing of ours.
        Err(kube::Error::Api(status))
            if status.message.contains(&format!("failed calling webhook \"{PROBE_ENTRY}\"")) =>
        {
            Probed::Unanswered(status.message)
        }
        Err(error) => Probed::Unknown(explain(&error, "create", "configmaps")),
    }
}

/// Between failures for so long, calls are taken to have stopped for good.
const A_WHILE: Duration = Duration::from_secs(30);
/// And after so many.
const FAILURES: u32 = 3;

/// What is believed after some probes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Belief {
    /// Since when requests come through, as RFC 3339; `None` while that is not known.
    since: Option<String>,
    failures: Option<(u32, Instant)>,
}

/// How a belief changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It did not.
    None,
    /// Requests come through now.
    Proved,
    /// They have stopped for a while.
    Lost,
}

impl Belief {
    /// What another leader left in the configurations.
    #[must_use]
    pub(super) const fn of(since: Option<String>) -> Self {
        Self { since, failures: None }
    }

    /// Since when requests come through, as RFC 3339.
    #[must_use]
    pub(super) fn since(&self) -> Option<&str> {
        self.since.as_deref()
    }

    /// Whether requests came through and the last one did not.
    #[must_use]
    pub(super) const fn is_shaken(&self) -> bool {
        self.since.is_some() && self.failures.is_some()
    }

    /// Learns from a probe at `now`, which is `time` as RFC 3339.
    pub(super) fn learn(&mut self, probed: &Probed, now: Instant, time: &str) -> Change {
        match probed {
            Probed::Unknown(_) => Change::None,
            Probed::Answered => {
                self.failures = None;
                if self.since.is_some() {
                    return Change::None;
                }
                self.since = Some(time.to_owned());
                Change::Proved
            }
            Probed::Unanswered(_) => {
                let (number, first) = self.failures.unwrap_or((0, now));
                self.failures = Some((number.saturating_add(1), first));
                let is_lost = number + 1 >= FAILURES && now.duration_since(first) >= A_WHILE;
                if is_lost && self.since.take().is_some() { Change::Lost } else { Change::None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(message: &str) -> Result<(), kube::Error> {
        let status = json!({"code": 403, "reason": "Forbidden", "message": message});
        Err(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
    }

    #[test]
    fn only_our_own_refusal_proves_anything() {
        let by_us = "admission webhook \"probe.flink-admission.io\" denied the request: probe 7f answered";
        assert_eq!(judge(refused(by_us), "7f"), Probed::Answered);
        assert!(matches!(judge(refused(by_us), "80"), Probed::Unknown(_)));
        assert!(matches!(judge(refused("configmaps is forbidden"), "7f"), Probed::Unknown(_)));
        let unreachable = "failed calling webhook \"probe.flink-admission.io\": connection refused";
        assert_eq!(judge(refused(unreachable), "7f"), Probed::Unanswered(unreachable.to_owned()));
        let of_another = "failed calling webhook \"mutate.example.org\": connection refused";
        assert!(matches!(judge(refused(of_another), "7f"), Probed::Unknown(_)));
        assert!(matches!(judge(Ok(()), "7f"), Probed::Unanswered(_)));
    }

    #[test]
    fn one_failure_takes_nothing_back_and_a_while_of_them_does() {
        let start = Instant::now();
        let failed = Probed::Unanswered("no".to_owned());
        let mut belief = Belief::default();
        assert_eq!(belief.learn(&failed, start, "t0"), Change::None);
        assert_eq!(belief.learn(&Probed::Answered, start, "t1"), Change::Proved);
        assert_eq!(belief.learn(&Probed::Answered, start, "t2"), Change::None);
        assert_eq!(belief.since(), Some("t1"));
        assert!(!belief.is_shaken());
        for seconds in [0, 1, 2, 29] {
            assert_eq!(belief.learn(&failed, start + Duration::from_secs(seconds), "t3"), Change::None);
            assert!(belief.is_shaken(), "the next look is due soon");
        }
        assert_eq!(belief.learn(&Probed::Unknown("no".to_owned()), start + A_WHILE, "t4"), Change::None);
        assert_eq!(belief.learn(&failed, start + A_WHILE, "t5"), Change::Lost);
        assert_eq!(belief.learn(&failed, start + A_WHILE * 2, "t6"), Change::None);
        assert!(!belief.is_shaken());
        assert_eq!(belief.learn(&Probed::Answered, start + A_WHILE * 3, "t7"), Change::Proved);
    }

    #[test]
    fn failures_that_lie_apart_are_not_added_up() {
        let start = Instant::now();
        let failed = Probed::Unanswered("no".to_owned());
        let mut belief = Belief::of(Some("t0".to_owned()));
        for minute in 0..10 {
            let now = start + Duration::from_mins(minute);
            assert_eq!(belief.learn(&failed, now, "t"), Change::None);
            assert_eq!(belief.learn(&Probed::Answered, now, "t"), Change::None);
        }
    }
}
