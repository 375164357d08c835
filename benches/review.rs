//! What one review costs by itself: from its bytes to the bytes of its answer, without a socket; and what `check` costs for a
//! hundred real manifests, where they lie beside the checkout.
//!
//! `cargo bench --bench review`, or `make bench`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark ends by panicking, and criterion's macros make functions without a word on them"
)]

use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flink_admission::admission::{Review, decode, encode};
use flink_admission::cli::Streams;
use flink_admission::cli::review::{self, Selection, Stored};
use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::policy::Policies;
use flink_admission::verdict::{self, Decision, Subject};
use flink_admission::workload::recognise;
use serde_json::Value;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const OTHER: &[u8] = include_bytes!("review/other.json");
const FLINK_DEPLOYMENT: &[u8] = include_bytes!("review/flink-deployment.json");
const JOB_MANAGER: &[u8] = include_bytes!("review/job-manager.json");
const JOB_MANAGER_CONFIG: &[u8] = include_bytes!("review/job-manager-config.json");
const POLICY: &str = include_str!("review/policy.yaml");

/// What is asked of the core.
type Ask = fn(&Subject<'_>, &Policies, &Facts) -> Decision;

/// A review from its bytes to its answer, as the server does it.
fn answer(body: &[u8], ask: Ask, policies: &Policies, facts: &Facts) -> Vec<u8> {
    let review = decode(body).unwrap();
    let decision = decided(&review, |subject| {
        black_box(verdict::needs(subject, policies));
        ask(subject, policies, facts)
    });
    encode(&review.uid, &decision)
}

fn decided(review: &Review, ask: impl FnOnce(&Subject<'_>) -> Decision) -> Decision {
    let Some(object) = &review.object else { return Decision::allow() };
    let Some(workload) = &recognise(object) else { return Decision::allow() };
    ask(&Subject {
        object,
        old: None,
        operation: review.operation,
        namespace: review.namespace.as_deref().unwrap(),
        name: review.name.as_deref(),
        workload,
    })
}

/// The body of the second review: the object as the first one has completed it.
fn completed(body: &[u8], policies: &Policies, facts: &Facts) -> Vec<u8> {
    let review = decode(body).unwrap();
    let decision = decided(&review, |subject| verdict::mutate(subject, policies, facts));
    assert!(!decision.patch.0.is_empty(), "the policy completes what is measured here");
    let mut body: Value = serde_json::from_slice(body).unwrap();
    json_patch::patch(body.pointer_mut("/request/object").unwrap(), &decision.patch).unwrap();
    serde_json::to_vec(&body).unwrap()
}

/// What a cluster answers on the JobManager: its ConfigMap, its namespace, and its account.
fn facts() -> Facts {
    let namespace = "shop".to_owned();
    let mut facts = Facts::default();
    let named = |kind: &str| serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "shop"}});
    facts.insert(FactKey::Namespace(namespace.clone()), Answer::Known(named("Namespace")));
    facts.insert(
        FactKey::ServiceAccount { namespace: namespace.clone(), name: "flink".to_owned() },
        Answer::Known(named("ServiceAccount")),
    );
    facts.insert(
        FactKey::ConfigMap { namespace, name: "orders-flink-config".to_owned() },
        Answer::Known(serde_json::from_slice(JOB_MANAGER_CONFIG).unwrap()),
    );
    facts
}

fn reviews(criterion: &mut Criterion) {
    let policies = &Policies::from_text(POLICY).unwrap();
    let facts = &facts();
    for (name, body) in [("other", OTHER), ("flink-deployment", FLINK_DEPLOYMENT), ("job-manager", JOB_MANAGER)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(body.len().try_into().unwrap()));
        group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(body)).unwrap()));
        group.bench_function("mutate", |bencher| {
            bencher.iter(|| answer(black_box(body), verdict::mutate, policies, facts));
        });
        if name != "other" {
            let body = &completed(body, policies, facts);
            group.bench_function("validate", |bencher| {
                bencher.iter(|| answer(black_box(body), verdict::validate, policies, facts));
            });
        }
        group.finish();
    }
}

/// What `check` takes for the real manifests beside the checkout, from their files to the findings; aim: below 100 ms.
fn corpus(criterion: &mut Criterion) {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let corpus = std::env::var_os("FLINK_ADMISSION_SHARED").map_or(beside, PathBuf::from).join("corpus");
    if !corpus.is_dir() {
        return;
    }
    let selection = Selection { paths: vec![corpus], policy: None, namespace: None, assume: None };
    criterion.bench_function("corpus", |bencher| {
        bencher.iter(|| {
            let (input, output, errors) = (&mut io::empty(), &mut io::sink(), &mut io::sink());
            review::review(&selection, Stored::AsItIs, &mut Streams { input, output, errors }).unwrap()
        });
    });
}

criterion_group!(benches, reviews, corpus);
criterion_main!(benches);
