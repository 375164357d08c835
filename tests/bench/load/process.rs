//! The servers, each a process of its own so that its CPU time is its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;

use crate::client::{self, Connection, post};
use crate::{machine, null_server};

/// A server with its address and what it takes to trust it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    connector: TlsConnector,
    _directory: TempDir,
}

/// What `serve --self-signed` suggests to try; it keeps HA metadata on an emptyDir.
const REFUSED: &[u8] = include_bytes!("../../../src/cli/serve/sample-review.json");

impl Server {
    /// The program with `arguments`.
    pub(crate) async fn ours(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flink-admission"));
        command.args(["serve", "--self-signed", "--listen", "127.0.0.1:0", "--observe", "127.0.0.1:0"]);
        command.args(arguments).arg("--ca-out");
        Self::start(command).await
    }

    /// The server that does nothing.
    pub(crate) async fn null() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(null_server::WORD);
        Self::start(command).await
    }

    /// Starts `command`, whose last argument is to be the file for the CA certificate.
    async fn start(mut command: Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ca: PathBuf = directory.path().join("ca.crt");
        let mut child =
            command.arg(&ca).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("the server says where it listens");
            if let Some((_, rest)) = line.split_once("https://") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        // Somebody reads the log, as a container's runtime does, and standard output stays open.
        drain(lines.into_inner());
        drain(child.stderr.take().unwrap());
        Self { child, address, connector: client::connector(&ca), _directory: directory }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection::new(self.connector.connect("localhost".try_into().unwrap(), stream).await.unwrap())
    }

    pub(crate) fn cpu_time(&self) -> Duration {
        machine::cpu_time(self.child.id().expect("the server runs"))
    }

    pub(crate) fn resident(&self) -> (f64, f64) {
        machine::resident(self.child.id().expect("the server runs"))
    }

    /// From the start of the program, without a cluster, to its first refusal.
    pub(crate) async fn first_refusal() -> Duration {
        let started = Instant::now();
        let server = Self::ours(&[]).await;
        let answer = server.connect().await.request(&post("/validate", REFUSED)).await;
        let took = started.elapsed();
        let answer = answer.json();
        let said = answer["response"]["status"]["message"].as_str().unwrap_or_default();
        assert!(said.contains("[storage-on-empty-dir]"), "{answer}");
        took
    }
}

fn drain(mut pipe: impl AsyncRead + Send + Unpin + 'static) {
    tokio::spawn(async move { tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await });
}
