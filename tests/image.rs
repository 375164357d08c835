//! The image as its recipe without a container engine makes it, unpacked by other means than those that packed it: its program
//! runs with nothing but the image's files, as the image's user.
//!
//! A chroot stands for the container, so root is needed. It is stricter in that there is no `/proc` and no `/dev`; that the
//! root is read-only there shows in owners and modes.
#![cfg(feature = "webhook")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

#[path = "image/unpacked.rs"]
mod unpacked;

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use serde_json::{Value, json};
use support::{ControlPlane, wait_until};
use unpacked::Image;

const LOSES_STATE: &str = "
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: orders, namespace: default}
spec:
  image: flink:1.20
  flinkVersion: v1_20
  serviceAccount: flink
  flinkConfiguration:
    high-availability.type: kubernetes
    high-availability.storageDir: file:///ha
  podTemplate:
    spec:
      containers:
      - {name: flink-main-container, volumeMounts: [{name: ha, mountPath: /ha}]}
      volumes: [{name: ha, emptyDir: {}}]
  jobManager: {resource: {memory: 2048m, cpu: 1}}
  taskManager: {resource: {memory: 2048m, cpu: 1}}
";

/// How long the program may take for what it does in seconds.
const DEADLINE: Duration = Duration::from_mins(1);

#[test]
fn holds_the_program_and_what_it_loads_and_no_shell() {
    let Some(image) = Image::unpacked() else { return };
    let found = image.files();
    let expected = [
        "etc/group",
        "etc/nsswitch.conf",
        "etc/os-release",
        "etc/passwd",
        "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib/x86_64-linux-gnu/libgcc_s.so.1",
        "lib/x86_64-linux-gnu/libm.so.6",
        "lib64/ld-linux-x86-64.so.2",
        "usr/lib/os-release",
        "usr/local/bin/flink-admission",
        "usr/share/doc/base-files/copyright",
        "usr/share/doc/flink-admission/LICENSE",
        "usr/share/doc/gcc-12-base/copyright",
        "usr/share/doc/libc6/copyright",
        "usr/share/doc/libgcc-s1",
        "var/lib/dpkg/status.d/base-files",
        "var/lib/dpkg/status.d/gcc-12-base",
        "var/lib/dpkg/status.d/libc6",
        "var/lib/dpkg/status.d/libgcc-s1",
    ];
    assert_eq!(found, expected);
}

#[test]
fn is_roots_and_closed_to_the_user_that_it_runs_as() {
    let Some(image) = Image::unpacked() else { return };
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/flink-admission"]));
    assert!(config["Cmd"].is_null(), "{config}");
    let users = fs::read_to_string(image.root.join("etc/passwd")).unwrap();
    assert!(users.lines().any(|line| line.starts_with("nonroot:x:65532:65532:")), "{users}");

    for path in image.entries() {
        let found = fs::symlink_metadata(image.root.join(&path)).unwrap();
        assert_eq!((found.uid(), found.gid(), found.mtime()), (0, 0, 0), "{path}");
        let mode = found.permissions().mode() & 0o7777;
        match path.as_str() {
            "tmp" => assert_eq!(mode, 0o1777),
            _ if found.is_symlink() => {}
            // Neither writable for others nor setuid.
            _ => assert_eq!(mode & !0o755, 0, "{path}: {mode:o}"),
        }
    }
}

#[test]
fn the_same_files_make_the_same_image() {
    let Some(image) = Image::unpacked() else { return };
    let again = Image::assemble("again").unwrap();
    assert_eq!(image.digest, again.digest);
    let archive = |image: &Image| fs::read(format!("{}.tar", image.layout.display())).unwrap();
    assert!(archive(image) == archive(&again), "the archives for `docker load` differ");
}

#[test]
fn says_its_version_and_judges_a_manifest() {
    let Some(image) = Image::unpacked() else { return };
    let (status, said) = image.run(&["--version"], "");
    assert_eq!((status, said.trim()), (0, concat!("flink-admission ", env!("CARGO_PKG_VERSION"))));
    let (status, said) = image.run(&["check", "-"], LOSES_STATE);
    assert!(status == 1 && said.contains("emptyDir") && said.contains("orders"), "{status}: {said}");
}

#[test]
fn serves_and_is_ready() {
    let Some(image) = Image::unpacked() else { return };
    let serve = ["serve", "--self-signed", "--listen", "127.0.0.1:0", "--observe", "127.0.0.1:0"];
    let webhook = image.start(&serve, &[], "observe:");
    let line = webhook.wait_for("observe:");
    let address = line.split_once("http://").unwrap().1.split_whitespace().next().unwrap();
    let ready = wait_until(DEADLINE, || answer(address, "/readyz").filter(|head| head.starts_with("HTTP/1.1 200")));
    assert!(ready.is_some(), "{}", webhook.log());
}

/// As in a pod: the token and the authority of a ServiceAccount, and an API server that is found by its name, for which
/// glibc reads `/etc/nsswitch.conf` and the kubelet's `/etc/hosts`. No other certificates are in the image.
#[test]
fn finds_the_api_server_of_its_pod() {
    let Some(image) = Image::unpacked() else { return };
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("image");
    plane.kubectl(&["create", "serviceaccount", "webhook", "-n", &namespace]).succeeded();
    let account = format!("{namespace}:webhook");
    let binding =
        ["create", "clusterrolebinding", &namespace, "--clusterrole=cluster-admin", "--serviceaccount", &account];
    plane.kubectl(&binding).succeeded();
    let token = plane.kubectl(&["create", "token", "webhook", "-n", &namespace]).succeeded();

    let pod = Image::assemble("pod").unwrap();
    let mounted = pod.root.join("var/run/secrets/kubernetes.io/serviceaccount");
    fs::create_dir_all(&mounted).unwrap();
    for (name, content) in [("token", token.trim()), ("ca.crt", &plane.ca_pem()), ("namespace", &namespace)] {
        fs::write(mounted.join(name), content).unwrap();
    }
    let (host, port) = plane.address();
    fs::write(pod.root.join("etc/hosts"), format!("{host} localhost\n")).unwrap();
    let environment = [("KUBERNETES_SERVICE_HOST", "localhost"), ("KUBERNETES_SERVICE_PORT", &port.to_string())];
    let addresses = ["--listen", "127.0.0.1:0", "--observe", "127.0.0.1:0"];
    let service = ["serve", "--cluster", "--service", "image", "--namespace", &namespace];
    let webhook = pod.start(&[&service[..], &addresses].concat(), &environment, "serving");
    let kept = wait_until(DEADLINE, || plane.object(&namespace, "secret", "image-authority"));
    assert!(kept.is_some(), "{}", webhook.log());
    assert!(image.digest == pod.digest);
}

#[test]
fn the_list_of_its_parts_has_debians_packages_too() {
    if Image::unpacked().is_none() {
        return;
    }
    let crates = json!({"bomFormat": "CycloneDX", "components": [{"name": "anyhow"}]});
    let complete: Value = serde_json::from_str(&unpacked::complete_sbom(&crates).unwrap()).unwrap();
    let found = complete["components"].as_array().unwrap();
    assert_eq!(found[0], crates["components"][0]);
    let urls: Vec<&str> = found[1..].iter().map(|part| part["purl"].as_str().unwrap()).collect();
    assert!(urls.iter().all(|url| url.starts_with("pkg:deb/debian/") && !url.contains('+')), "{urls:?}");
    for name in ["base-files", "gcc-12-base", "libc6", "libgcc-s1"] {
        assert!(urls.iter().any(|url| url.contains(&format!("/{name}@"))), "{name} is not in {urls:?}");
    }
    let said = unpacked::complete_sbom(&json!({"spdxVersion": "SPDX-2.3"})).unwrap_err();
    assert!(said.contains("not CycloneDX"), "{said}");
}

/// The head and body of what a GET is answered with.
fn answer(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}
