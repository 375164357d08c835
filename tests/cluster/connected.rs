//! The program's own client, by a kubeconfig.

use std::path::Path;

use flink_admission::cluster::client_of;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// A client of the user of this kubeconfig.
pub(crate) async fn to(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    client_of(config).unwrap()
}
