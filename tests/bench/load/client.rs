//! A client that sends bytes made beforehand and reads the answer.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One connection, kept alive.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

/// The body of an answer with status 200.
pub(crate) struct Answer(Vec<u8>);

impl Connection {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, received: Vec::with_capacity(64 << 10) }
    }

    /// Sends `request` and reads the answer; panics unless its status is 200.
    pub(crate) async fn request(&mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).await.unwrap();
        self.stream.flush().await.unwrap();
        self.received.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.received).await.unwrap(), 0, "the server closed");
            let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.received[..end]).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.expect("a length").parse().unwrap();
            if self.received.len() >= end + 4 + length {
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                return Answer(self.received[end + 4..].to_vec());
            }
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.0).unwrap()
    }
}

/// A TLS client as the API server is one, which trusts `ca`.
pub(crate) fn connector(ca: &Path) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// The bytes of a review to `path`, with the header that an API server sends.
pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path}?timeout=10s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n\
         Content-Length: {}\r\nAccept: application/json\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
