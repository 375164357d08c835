//! The API server itself: old, late, silent, away; and one that tells nothing.

use std::net::TcpListener;
use std::path::Path;

use axum::http::StatusCode;

use crate::compare;
use crate::fake::Fake;
use crate::installed::{Run, run};

fn doctor(fake: &Fake, arguments: &[&str]) -> Run {
    run(&fake.kubeconfig(), &[&["doctor", "--output=json"][..], arguments].concat())
}

#[test]
fn what_cannot_be_learned_is_no_error() {
    let fake = Fake::start("34", 0, StatusCode::FORBIDDEN);
    let told = run(&fake.kubeconfig(), &["doctor", "--strict"]);
    compare("unknown", &told.to_string());
    assert_eq!(told.status, 0);
    // Whether clusters would lose something is not known either, so nothing is removed.
    let removed = run(&fake.kubeconfig(), &["uninstall"]);
    assert_eq!(removed.status, 1, "{removed}");
    assert!(removed.errors.contains("nothing was removed"), "{removed}");
}

#[test]
fn an_api_server_that_is_old_or_late_is_told() {
    let told = doctor(&Fake::start("29", 3600, StatusCode::FORBIDDEN), &[]);
    told.expect("api-server", "error", "older than 1.30");
    told.expect("clock", "warning", "ahead of ours");
    assert_eq!(told.status, 1);
    let told = doctor(&Fake::start("30+", -7200, StatusCode::FORBIDDEN), &[]);
    told.expect("api-server", "ok", "v1.30+.0 answers");
    told.expect("clock", "warning", "2 hours behind ours");
    assert_eq!(told.status, 0);
    let strict = doctor(&Fake::start("30", -7200, StatusCode::FORBIDDEN), &["--strict"]);
    assert_eq!(strict.status, 1);
}

#[test]
fn nothing_hangs_where_nobody_answers() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let fake = Fake::at(&silent.local_addr().unwrap().to_string());
    let told = doctor(&fake, &["--timeout=200ms"]);
    told.expect("api-server", "error", "did not answer within 200ms");
    assert_eq!((told.status, told.of("service").len()), (2, 0));
    let removed = run(&fake.kubeconfig(), &["uninstall", "--timeout=200ms", "--yes"]);
    assert!(removed.status == 2 && removed.errors.contains("nothing was removed: the API server"), "{removed}");

    let address = silent.local_addr().unwrap().to_string();
    drop(silent);
    let told = doctor(&Fake::at(&address), &[]);
    told.expect("api-server", "error", "refused");
    assert_eq!(told.status, 2);

    let told = doctor(&Fake::start("34", 0, StatusCode::UNAUTHORIZED), &[]);
    told.expect("api-server", "error", "does not accept these credentials");
    assert_eq!(told.status, 2);
}

#[test]
fn usage_and_configuration_are_told_before_anything_is_asked() {
    let told = run(Path::new("/nowhere/kubeconfig"), &["doctor"]);
    assert!(told.status == 2 && told.errors.contains("KUBECONFIG"), "{told}");
    let told = run(Path::new("/nowhere/kubeconfig"), &["doctor", "--namespace=../kube-system"]);
    assert!(told.status == 2 && told.errors.contains("has up to 63 lower-case letters"), "{told}");
}
