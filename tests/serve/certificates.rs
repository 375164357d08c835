//! Certificates from files, and clients that must show one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::SAMPLE;
use crate::client::{Connection, connector, connector_as, post};
use crate::support::Authority;

/// `serve` with the pair `chain` and `key`, and the first line that it writes.
async fn serve(chain: &Path, key: &Path, more: &[&Path]) -> (String, Child) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
        .args(["serve", "--listen=127.0.0.1:0", "--observe=127.0.0.1:0"])
        .args([Path::new("--tls-cert"), chain, Path::new("--tls-key"), key])
        .args(more)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    (lines.next_line().await.unwrap().unwrap(), child)
}

/// A connection to where `line` says that it listens.
async fn dial(line: &str) -> TcpStream {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    TcpStream::connect(line["listen"].as_str().unwrap()).await.unwrap()
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

#[tokio::test]
async fn a_pair_is_served_and_one_that_does_not_fit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let made = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let ((one, one_key), (_, two_key)) = (made(), made());
    let chain = file("tls.crt", &one);
    let (line, child) = serve(&chain, &file("tls.key", &one_key), &[]).await;
    let connected = connector(&chain, &[]).connect(localhost(), dial(&line).await).await;
    assert_eq!(Connection(connected.unwrap()).request(&post("/validate", SAMPLE)).await.status, 200);
    drop(child);
    let (line, mut child) = serve(&chain, &file("other.key", &two_key), &[]).await;
    assert!(line.contains("the private key does not serve"), "{line}");
    assert_eq!(child.wait().await.unwrap().code(), Some(2));
}

#[tokio::test]
async fn only_clients_of_the_named_authority_may_connect() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let made = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
        .args(["certificates", "--name", "localhost", "--out"])
        .arg(directory.path())
        .output();
    let made = made.await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rights = std::fs::metadata(path("tls.key")).unwrap().permissions();
    assert_eq!(rights.mode() & 0o077, 0, "others may read the key");

    let client_ca = Authority::generate("clients").unwrap();
    let clients = path("clients.crt");
    std::fs::write(&clients, client_ca.pem()).unwrap();
    let (line, _child) = serve(&path("tls.crt"), &path("tls.key"), &[Path::new("--client-ca"), &clients]).await;

    let stranger = Authority::generate("strangers").unwrap();
    for (authority, comes_in) in [(Some(&client_ca), true), (Some(&stranger), false), (None, false)] {
        let credentials = authority.map(|authority| authority.client("kube-apiserver", None).unwrap());
        let tls = connector_as(&path("ca.crt"), credentials.as_ref());
        let mut stream = tls.connect(localhost(), dial(&line).await).await.unwrap();
        // With TLS 1.3 the client hears of a refusal when it reads.
        let mut answer = Vec::new();
        let sent = stream.write_all(&post("/validate", SAMPLE)).await;
        let came = sent.is_ok() && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0);
        assert_eq!(came && answer.starts_with(b"HTTP/1.1 200"), comes_in, "{}", String::from_utf8_lossy(&answer));
    }
}
