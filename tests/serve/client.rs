//! The program under test, and a client that decides byte by byte what it sends.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::Credentials;

/// A running `serve --self-signed` on free ports.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) observe: SocketAddr,
    /// What it printed when it started.
    pub(crate) welcome: String,
    pub(crate) log: Lines<BufReader<ChildStderr>>,
    connector: TlsConnector,
    _directory: tempfile::TempDir,
}

impl Program {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.crt");
        let mut child = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
            .args(["serve", "--self-signed", "--listen", "127.0.0.1:0", "--observe", "127.0.0.1:0", "--ca-out"])
            .arg(&ca)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut welcome = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            welcome = welcome + &line + "\n";
            if line.contains("curl") {
                break;
            }
        }
        let after = |scheme: &str| {
            let (_, rest) = welcome.split_once(scheme).unwrap_or_else(|| panic!("no {scheme} in {welcome}"));
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let (address, observe) = (after("https://"), after("http://"));
        Self { child, address, observe, connector: connector(&ca, &[b"http/1.1"]), log, welcome, _directory: directory }
    }

    pub(crate) async fn connect(&self) -> Connection<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Connection(self.connector.connect(name, stream).await.unwrap())
    }

    pub(crate) async fn observe(&self) -> Connection<TcpStream> {
        Connection(TcpStream::connect(self.observe).await.unwrap())
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn post(&self, path: &str, body: &[u8]) -> Reply {
        self.connect().await.request(&post(path, body)).await
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.observe().await.request(&get("/metrics")).await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    }
}

/// A TLS client that trusts `ca` and offers `protocols`.
pub(crate) fn connector(ca: &Path, protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// A TLS client that trusts `ca` and shows a certificate of its own, if it has one.
pub(crate) fn connector_as(ca: &Path, own: Option<&Credentials>) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// One connection over TLS or not.
pub(crate) struct Connection<S>(pub(crate) S);

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Connection<S> {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(crate) async fn request(&mut self, bytes: &[u8]) -> Reply {
        self.send(bytes).await;
        self.reply().await
    }

    /// The next answer; panics where the connection ends without one.
    pub(crate) async fn reply(&mut self) -> Reply {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        Reply { status, head, body }
    }

    /// Waits until the server has closed, whatever way it did; panics where it answers instead.
    pub(crate) async fn closed(&mut self) {
        let read = self.0.read_u8().await;
        assert!(read.is_err(), "the server sent {read:?} instead of closing");
    }
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn closes(&self) -> bool {
        self.head.contains("connection: close")
    }
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    [head(path, body.len()).as_slice(), body].concat()
}

/// The header of a POST of `length` bytes.
pub(crate) fn head(path: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {path}?timeout=10s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}
