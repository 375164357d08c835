//! One review from its bytes to its answer.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::task::block_in_place;

use super::Parts;
use crate::admission::{Malformed, Operation, Review, decode, encode, encode_malformed};
use crate::facts::{FactKey, Facts};
use crate::inject;
use crate::policy::Policies;
use crate::telemetry::Reviewed;
use crate::verdict::{self, Decision, Subject};
use crate::workload::{self, Workload};

/// What the API server asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// A change that completes the object.
    Mutate,
    /// A judgement of the final object.
    Validate,
}

impl Path {
    pub(super) const fn route(self) -> &'static str {
        match self {
            Self::Mutate => "/mutate",
            Self::Validate => "/validate",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }

    fn decide(self, subject: &Subject<'_>, policies: &Policies, facts: &Facts) -> Decision {
        match self {
            Self::Mutate => verdict::mutate(subject, policies, facts),
            // A patch in the answer to a validating review would make the whole answer invalid.
            Self::Validate => {
                Decision { patch: json_patch::Patch::default(), ..verdict::validate(subject, policies, facts) }
            }
        }
    }
}

/// The kinds that metrics tell apart; anyone may send any other.
const KINDS: [&str; 8] = [
    "FlinkDeployment",
    "FlinkBlueGreenDeployment",
    "FlinkSessionJob",
    "Deployment",
    "StatefulSet",
    "Job",
    "ConfigMap",
    "Scale",
];

/// Bytes of a review that may keep others of its thread waiting; few objects of Flink's are as long.
const LONG: usize = 32 << 10;

/// A workload with what surrounds it, from which subjects are made before and after the look-ups.
struct Case {
    review: Review,
    object: Value,
    old: Option<Value>,
    workload: Workload,
}

impl Case {
    fn subject(&self) -> Subject<'_> {
        Subject {
            object: &self.object,
            old: self.old.as_ref(),
            operation: self.review.operation,
            namespace: self.review.namespace.as_deref().unwrap_or_default(),
            name: self.review.name.as_deref().or_else(|| self.object.pointer("/metadata/name")?.as_str()),
            workload: &self.workload,
        }
    }
}

/// How a review ended.
struct Ending {
    decision: Decision,
    verdict: &'static str,
}

impl Ending {
    fn skipped() -> Self {
        Self { decision: Decision::allow(), verdict: "skipped" }
    }

    fn of(decision: Decision) -> Self {
        let verdict = match &decision {
            Decision { allowed: false, .. } => "denied",
            Decision { patch, .. } if !patch.0.is_empty() => "changed",
            _ => "allowed",
        };
        Self { decision, verdict }
    }

    /// A defect of ours must never be the reason that something cannot be deployed.
    fn panicked(parts: &Parts, path: Path, uid: &str) -> Self {
        parts.metrics.panics.inc();
        tracing::error!(uid, path = path.word(), "judging an object panicked; it was allowed unjudged");
        let warning = "flink-admission failed on this object and let it pass unjudged; please report this".to_owned();
        Self { decision: Decision { warnings: vec![warning], ..Decision::allow() }, verdict: "panicked" }
    }
}

/// Answers the review in `body`; look-ups get `within`.
pub(super) async fn answer(parts: &Parts, path: Path, within: Duration, body: &[u8]) -> Response {
    let started = Instant::now();
    let mut review = match decode(body) {
        Ok(review) => review,
        Err(malformed) => return refuse(parts, path, &malformed, "other", started),
    };
    let kind = KINDS.into_iter().find(|&kind| kind == review.kind.kind).unwrap_or("other");
    let uid = std::mem::take(&mut review.uid);
    let about = About::of(&uid, path, &review);
    let ending = match judge(parts, path, within, &uid, review, body.len() > LONG).await {
        Ok(ending) => ending,
        Err(malformed) => return refuse(parts, path, &malformed, kind, started),
    };
    let took = started.elapsed();
    parts.metrics.reviewed(&Reviewed { path: path.word(), kind, verdict: ending.verdict }, took);
    parts.metrics.found(&ending.decision.rules);
    if matches!(ending.verdict, "denied" | "changed") {
        about.log(&ending, took);
    }
    ([(header::CONTENT_TYPE, "application/json")], encode(&uid, &ending.decision)).into_response()
}

async fn judge(
    parts: &Parts,
    path: Path,
    within: Duration,
    uid: &str,
    review: Review,
    is_long: bool,
) -> Result<Ending, Malformed> {
    let policies = parts.policies.load_full();
    let Some(prepared) = guarded(|| aside(is_long, || prepare(review, &policies))) else {
        return Ok(Ending::panicked(parts, path, uid));
    };
    let unread = |reason| Malformed { reason, uid: Some(uid.to_owned()), code: 422 };
    let Some((case, needs)) = prepared.map_err(unread)? else { return Ok(Ending::skipped()) };
    // What is looked up may be much longer than the review.
    let is_long =
        is_long || needs.iter().any(|key| matches!(key, FactKey::ConfigMap { .. } | FactKey::FlinkDeployment { .. }));
    let facts = look_up(parts, needs, within).await;
    parts.metrics.left_unanswered(facts.unanswered().count());
    let decided = guarded(|| aside(is_long, || path.decide(&case.subject(), &policies, &facts)));
    Ok(decided.map_or_else(|| Ending::panicked(parts, path, uid), Ending::of))
}

/// Does `work`, beside the runtime where it may be long: to hand this thread's other connections over and to take them
/// back costs more than a short review does.
fn aside<T>(is_long: bool, work: impl FnOnce() -> T) -> T {
    if is_long { block_in_place(work) } else { work() }
}

/// What `work` gives; `None` where it panicked.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What `work` borrows is dropped with the review, so nobody sees it half changed.
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// The case and its questions; `None` for what is not ours to judge.
fn prepare(mut review: Review, policies: &Policies) -> Result<Option<(Case, BTreeSet<FactKey>)>, String> {
    let Some(object) = review.object.take() else { return Ok(None) };
    let goes = object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    let judged = matches!(review.operation, Operation::Create | Operation::Update) && review.sub_resource.is_none();
    if goes || !judged {
        return Ok(None);
    }
    let known = workload::recognise(&object);
    let old = review.old_object.take().filter(|old| known.is_some() || inject::may_be_recorded(old.get()));
    let old = old.map(|raw| serde_json::from_str(raw.get())).transpose();
    let old: Option<Value> = old.map_err(|error| format!("request.oldObject: it cannot be read: {error}"))?;
    let former = || inject::former(&object, old.as_ref()?);
    let Some(workload) = known.or_else(former) else { return Ok(None) };
    let case = Case { review, object, old, workload };
    let needs = verdict::needs(&case.subject(), policies);
    Ok(Some((case, needs)))
}

async fn look_up(parts: &Parts, needs: BTreeSet<FactKey>, within: Duration) -> Facts {
    if needs.is_empty() {
        return Facts::default();
    }
    let mut asked = parts.look_up.look_up(needs.clone(), within);
    let unless_it_panics = poll_fn(|cx| {
        let panicked = || Poll::Ready(Facts::unknown(&needs, "the look-up panicked"));
        guarded(|| asked.as_mut().poll(cx)).unwrap_or_else(panicked)
    });
    match tokio::time::timeout(within, unless_it_panics).await {
        Ok(facts) => facts,
        Err(_) => Facts::unknown(&needs, &format!("the cluster did not answer within {within:?}")),
    }
}

/// A body that cannot be read: its status becomes the webhook's `failurePolicy`, its body tells what is wrong.
fn refuse(parts: &Parts, path: Path, malformed: &Malformed, kind: &'static str, started: Instant) -> Response {
    let took = started.elapsed();
    parts.metrics.reviewed(&Reviewed { path: path.word(), kind, verdict: "malformed" }, took);
    let reason = malformed.reason.as_str();
    tracing::warn!(uid = malformed.uid.as_deref(), path = path.word(), reason, "a review could not be read");
    let status = StatusCode::from_u16(malformed.code).unwrap_or(StatusCode::BAD_REQUEST);
    match &malformed.uid {
        Some(uid) => {
            (status, [(header::CONTENT_TYPE, "application/json")], encode_malformed(uid, malformed)).into_response()
        }
        None => (status, format!("{malformed}\n")).into_response(),
    }
}

/// What a log line says of a review, kept while the review itself is taken apart.
struct About {
    uid: String,
    path: &'static str,
    user: String,
    operation: &'static str,
    object: String,
    dry_run: bool,
}

impl About {
    fn of(uid: &str, path: Path, review: &Review) -> Self {
        let object = review.object.as_ref();
        let text = |pointer| object.and_then(|object| object.pointer(pointer)).and_then(Value::as_str);
        let name = review.name.as_deref().or_else(|| text("/metadata/name"));
        let name = name.or_else(|| text("/metadata/generateName")).unwrap_or_default();
        let namespace = review.namespace.as_deref().unwrap_or_default();
        Self {
            uid: uid.to_owned(),
            path: path.word(),
            user: review.user.clone(),
            operation: review.operation.word(),
            object: format!("{} {namespace}/{name}", review.kind.kind),
            dry_run: review.dry_run,
        }
    }

    fn log(&self, ending: &Ending, took: Duration) {
        let Ending { decision, verdict } = ending;
        let rules = decision.rules.iter().map(|(rule, level)| format!("{rule}={level}")).collect::<Vec<_>>().join(",");
        tracing::info!(
            verdict,
            uid = self.uid.as_str(),
            path = self.path,
            user = self.user.as_str(),
            operation = self.operation,
            object = self.object.as_str(),
            rules = rules.as_str(),
            changes = decision.changes.join("; ").as_str(),
            policy = decision.policy.as_str(),
            dry_run = self.dry_run,
            duration_ms = took.as_secs_f64() * 1e3,
            "reviewed"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arc_swap::ArcSwap;

    use super::*;
    use crate::server::{Answering, LookUp};
    use crate::telemetry::Metrics;
    use crate::tls::ServingCertificate;

    struct Panics;
    impl LookUp for Panics {
        fn look_up(&self, _: BTreeSet<FactKey>, _: Duration) -> Answering<'_> {
            Box::pin(async { panic!("a defect") })
        }
    }

    struct NeverAnswers;
    impl LookUp for NeverAnswers {
        fn look_up(&self, _: BTreeSet<FactKey>, _: Duration) -> Answering<'_> {
            Box::pin(std::future::pending())
        }
    }

    fn parts(look_up: impl LookUp) -> Parts {
        Parts {
            policies: Arc::new(ArcSwap::from_pointee(Policies::built_in())),
            look_up: Arc::new(look_up),
            certificate: Arc::new(ServingCertificate::default()),
            metrics: Arc::new(Metrics::default()),
        }
    }

    #[test]
    fn a_panic_lets_the_object_pass_with_a_warning_and_is_counted() {
        let parts = parts(NeverAnswers);
        assert!(guarded(|| panic!("a defect")).is_none());
        let ending = Ending::panicked(&parts, Path::Validate, "7");
        assert!(ending.decision.allowed);
        assert_eq!((ending.verdict, ending.decision.warnings.len()), ("panicked", 1));
        assert_eq!(parts.metrics.panics.get(), 1);
    }

    #[tokio::test]
    async fn look_ups_that_panic_or_never_end_leave_every_question_open() {
        let needs = BTreeSet::from([FactKey::Namespace("shop".to_owned())]);
        let panicked = look_up(&parts(Panics), needs.clone(), Duration::from_mins(1)).await;
        assert_eq!(panicked.unanswered().next().unwrap().1, "the look-up panicked");
        let late = look_up(&parts(NeverAnswers), needs, Duration::ZERO).await;
        assert_eq!(late.unanswered().next().unwrap().1, "the cluster did not answer within 0ns");
    }

    #[test]
    fn removals_subresources_and_what_is_going_away_are_not_judged() {
        let request = |extra: &str| {
            format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"7",{extra}}}}}"#
            )
        };
        for extra in [
            r#""operation":"DELETE","object":null,"oldObject":{"kind":"FlinkDeployment"}"#,
            r#""operation":"UPDATE","subResource":"status","object":{"kind":"FlinkDeployment"}"#,
            r#""operation":"UPDATE","object":{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}"#,
            r#""operation":"CONNECT","object":{"kind":"PodExecOptions"}"#,
        ] {
            let review = decode(request(extra).as_bytes()).unwrap();
            assert!(prepare(review, &Policies::built_in()).unwrap().is_none(), "{extra}");
        }
    }
}
