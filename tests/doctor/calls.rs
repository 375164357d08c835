//! Certificates that the API server refuses, and calls that do not arrive.

use std::net::TcpListener;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::certificates::{CURRENT, Signer, YEAR};
use crate::installed::Installed;
use crate::objects::lease;
use crate::server::Server;

/// Another server than the one that was installed.
fn route_to(installed: &Installed, authority: &Signer, name: &str) -> Server {
    let server = Server::start(installed.server.address.ip(), &authority.sign(name, CURRENT));
    installed.route_to(server.address.port());
    server
}

fn server_name(installed: &Installed) -> String {
    format!("{0}.{0}.svc", installed.name)
}

#[test]
fn a_certificate_that_the_api_server_refuses_is_told() {
    let Some(installed) = Installed::healthy() else { return };
    let stranger = Signer::new(YEAR);
    let server = route_to(&installed, &stranger, &server_name(&installed));
    let told = installed.doctor();
    told.expect("certificate", "error", "is of an authority that the caBundle does not hold");
    told.expect("probe", "error", "x509: ");
    assert!(told.fix_of("probe").starts_with("see the checks `bundle` and `certificate`"), "{told}");
    assert_eq!(told.status, 1);
    // Open, the API server does not say so.
    let open = json!([{"op": "replace", "path": "/webhooks/3/failurePolicy", "value": "Ignore"}]);
    installed.patch("validatingwebhookconfiguration", &installed.name, open);
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor();
        told.of("probe").iter().any(|finding| finding.contains("let through")).then_some(told)
    });
    let told = told.expect("the API server has seen the change");
    told.expect("probe", "error", "though the API server reaches the Service");
    drop(server);

    // From a laptop, one who shows another name may be anybody; in the cluster it is a fault.
    let server = route_to(&installed, &installed.authority, "router.example");
    let told = installed.doctor();
    told.expect("certificate", "ok", "judged by the members' Leases");
    installed.doctor_inside().expect("certificate", "error", "is for another name");
    drop(server);

    for kind in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
        let empty =
            (0..4).map(|entry| json!({"op": "remove", "path": format!("/webhooks/{entry}/clientConfig/caBundle")}));
        installed.patch(kind, &installed.name, empty.collect());
    }
    installed.doctor().expect("bundle", "error", "holds no certificate");
}

#[test]
fn an_end_that_is_near_is_told() {
    let Some(installed) = Installed::serving(YEAR, (-7, 1)) else { return };
    installed.doctor().expect("certificate", "warning", "and should have been renewed by now");
    drop(installed);
    let installed = Installed::serving(YEAR, (-8, -1)).unwrap();
    installed.doctor().expect("certificate", "error", "has expired");
    drop(installed);
    let installed = Installed::serving(YEAR, (1, 8)).unwrap();
    let told = installed.doctor();
    told.expect("clock", "error", "by the API server's clock the served certificate begins in");
    told.expect("certificate", "error", "is not valid yet");
}

#[test]
fn where_nobody_can_be_dialled_the_leases_tell() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    // A port at which nobody listens.
    let port = TcpListener::bind((installed.server.address.ip(), 0)).unwrap().local_addr().unwrap().port();
    installed.route_to(port);
    let told = installed.doctor();
    told.expect("certificate", "ok", "all serve an authority that the live caBundle holds");
    told.expect("probe", "error", "connection refused");
    // Somebody answered there, so it is no firewall.
    let fix = told.fix_of("probe");
    assert!(fix.contains("kubectl logs") && !fix.contains("firewall"), "{fix}");

    let stranger = json!({"flink-admission.io/version": "0.1.0", "flink-admission.io/authority": "ab".repeat(32)});
    installed.apply(&[lease(&name, "member-b", &crate::installed::now(), stranger)]);
    installed.doctor().expect("certificate", "error", "some serve an authority that the live caBundle does not hold");
    for member in ["member-a", "member-b"] {
        installed.delete("lease", &format!("{name}-{member}"));
    }
    installed.doctor().expect("certificate", "unknown", "no Lease tells what is served");

    // Open, the API server says only by its proxy what is in the way.
    let open = json!([{"op": "replace", "path": "/webhooks/3/failurePolicy", "value": "Ignore"}]);
    installed.patch("validatingwebhookconfiguration", &name, open);
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor();
        told.of("probe").iter().any(|finding| finding.contains("let through")).then_some(told)
    });
    let told = told.expect("the API server has seen the change");
    told.expect("probe", "error", "the API server does not reach the webhook");
}

#[test]
fn a_network_that_swallows_calls_is_told_with_the_ways_out() {
    let Some(installed) = Installed::healthy() else { return };
    // It takes connections and says nothing.
    let silent = TcpListener::bind((installed.server.address.ip(), 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    installed.route_to(port);
    let told = installed.doctor();
    told.expect("probe", "error", "could not call the webhook: Internal error occurred: failed calling webhook");
    let fix = told.fix_of("probe");
    assert!(fix.contains(&format!("tcp:{port}")) && fix.contains("hostNetwork"), "{fix}");
}

#[test]
fn a_probe_that_passes_or_is_not_allowed_is_told() {
    let Some(installed) = Installed::healthy() else { return };
    installed.server.refuses.store(false, Ordering::SeqCst);
    installed.doctor().expect("probe", "error", "though `probe.flink-admission.io` is Fail");
    let nobody = installed.plane.user("nobody", None).unwrap();
    let told = installed.doctor_as(nobody.kubeconfig(), &["--output", "json"]);
    told.expect("probe", "unknown", "cannot create resource");
    let none = json!([{"op": "remove", "path": "/webhooks/3"}]);
    installed.patch("mutatingwebhookconfiguration", &installed.name, none);
    installed.doctor().expect("probe", "error", "there is no entry `probe.flink-admission.io`");
}

#[test]
fn a_probe_finds_nobody_where_no_replica_is_ready() {
    let Some(installed) = Installed::healthy() else { return };
    installed.delete("endpointslice", "replica");
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor();
        // The API server sees it a moment later.
        told.of("probe").iter().all(|finding| finding.contains("no replica is ready")).then_some(told)
    });
    told.expect("nobody is called").expect("probe", "error", "could not call the webhook: no replica is ready");
}

#[test]
fn a_url_is_dialled_as_it_is() {
    let Some(installed) = Installed::healthy() else { return };
    let host = installed.server.address.ip().to_string();
    let by_address = Server::start(installed.server.address.ip(), &installed.authority.sign(&host, CURRENT));
    let url = |entry: usize, path: &str, address: &std::net::SocketAddr| {
        let client = format!("/webhooks/{entry}/clientConfig");
        json!([{"op": "remove", "path": format!("{client}/service")},
            {"op": "add", "path": format!("{client}/url"), "value": format!("https://{address}{path}")}])
    };
    let kind = "mutatingwebhookconfiguration";
    installed.patch(kind, &installed.name, url(3, "/probe", &by_address.address));
    let told = installed.doctor();
    told.expect("certificate", "ok", &by_address.address.to_string());
    told.expect("probe", "ok", "MutatingWebhookConfiguration");
    // The one of the Service is for another name.
    installed.patch(kind, &installed.name, url(0, "/mutate", &installed.server.address));
    installed.doctor().expect("certificate", "error", &format!("served for {host} is for another name"));
}
