//! What the program writes into the cluster of the file that the chart hands it.

use flink_admission::cluster::{Bundle, By, Configurations, Installation, KINDS, Kept, Standing, Wanted, client_of};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::installed::Installed;

const MUTATING: &str = "mutatingwebhookconfiguration";

/// Writes both configurations as the leader does after a probe came back, or before.
fn write(installed: &Installed, proved: Option<&str>) {
    let name = installed.name.as_str();
    let file = installed.plane.object(name, "configmap", &format!("{name}-webhooks")).unwrap();
    let wanted = Wanted::read(file["data"]["webhooks.yaml"].as_str().unwrap()).unwrap();
    let anchor = installed.plane.object("", "clusterrole", &format!("{name}-installation")).unwrap();
    let owner = OwnerReference {
        api_version: "rbac.authorization.k8s.io/v1".to_owned(),
        kind: "ClusterRole".to_owned(),
        name: format!("{name}-installation"),
        uid: anchor["metadata"]["uid"].as_str().unwrap().to_owned(),
        ..OwnerReference::default()
    };
    let bundle = Bundle::read(installed.authority.pem.as_bytes());
    let standing = Standing { bundle: Some(&bundle), proved, owner: Some(&owner) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = Kubeconfig::read_from(installed.plane.kubeconfig()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = client_of(config).unwrap();
        let installation = Installation::of_service(name, name);
        let configurations = Configurations::new(client, installation, By::Program, Some(wanted));
        for kind in KINDS {
            let kept = configurations.keep(kind, None, &standing, true).await.unwrap();
            assert!(matches!(kept, Kept::Written(_)), "{kind}");
        }
    });
}

#[test]
fn what_the_program_writes_of_the_charts_file_is_healthy() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    installed.apply(&installed.of_chart("webhooks.yaml"));
    // Made anew, else conditions of the test's own would stay.
    for kind in [MUTATING, "validatingwebhookconfiguration"] {
        installed.delete(kind, &name);
    }
    write(&installed, Some("2026-02-02T00:00:00Z"));
    let live = installed.plane.object("", MUTATING, &name).unwrap();
    let probe = live["webhooks"].as_array().unwrap().iter().find(|entry| entry["name"] == crate::objects::ENTRIES[3]);
    assert_eq!(probe.unwrap()["failurePolicy"], "Fail", "the case that this is about");
    let told = installed.doctor_as(installed.plane.kubeconfig(), &["--strict", "--output=json"]);
    assert_eq!(told.status, 0, "{told}");
    told.expect("failure-policy", "ok", "proved since 2026-02-02T00:00:00Z");
    told.expect("probe", "ok", "went through the API server");

    // Not proved yet: the annotation is there, and says nothing.
    write(&installed, None);
    let live = installed.plane.object("", MUTATING, &name).unwrap();
    assert_eq!(live["metadata"]["annotations"]["flink-admission.io/proved"], "", "the case that this is about");
    let told = installed.doctor();
    told.expect("failure-policy", "warning", "since no probe came back yet");
    assert_eq!(told.status, 0, "a warning is no error: {told}");
}
