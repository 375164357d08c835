//! `doctor` and `uninstall` on a real API server: each check in its good form and in its bad ones.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "doctor/api_server.rs"]
mod api_server;
#[path = "doctor/bare.rs"]
mod bare;
#[path = "doctor/calls.rs"]
mod calls;
#[path = "doctor/certificates.rs"]
mod certificates;
#[path = "doctor/chart.rs"]
mod chart;
#[path = "doctor/configurations.rs"]
mod configurations;
#[path = "doctor/fake.rs"]
mod fake;
#[path = "doctor/faults.rs"]
mod faults;
#[path = "doctor/installed.rs"]
mod installed;
#[path = "doctor/objects.rs"]
mod objects;
#[path = "doctor/pages.rs"]
mod pages;
#[path = "doctor/removal.rs"]
mod removal;
#[path = "doctor/server.rs"]
mod server;
mod support;

use installed::Installed;

fn compare(name: &str, text: &str) {
    insta::with_settings!({snapshot_path => "doctor/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_healthy_installation_is_healthy() {
    let Some(installed) = Installed::healthy() else { return };
    let text = installed.doctor_as(installed.plane.kubeconfig(), &["--strict"]);
    compare("healthy", &installed.general(&text.to_string()));
    let json = installed.doctor();
    compare("healthy-json", &installed.general(&json.to_string()));
}
