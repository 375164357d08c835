//! Strangers in the pod network: whoever reaches the port may waste a replica's time, and must not cost others a call.
//!
//! Each kind of stranger is there while the client sends; its p99 is printed beside that without strangers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::client::TlsStream;

use super::outside;
use super::pod::Template;
use super::stage::{SOON, Stage, times, values};
use crate::support::{is_ci, wait_until};

/// Slow clients, and others, at one time.
const MANY: usize = 50;
/// Begins like a TLS record with a ClientHello of 512 bytes, and ends there.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// All of them, one kind after the other.
#[track_caller]
pub fn come(stage: &mut Stage) {
    stage.lossless("nobody else", |stage| rest(stage));
    stage.lossless(&format!("{MANY} slow clients"), |stage| {
        let _slow = Slow::start(stage);
        rest(stage);
    });
    stage.lossless(&format!("{MANY} half-open connections"), |stage| {
        let address = stage.fleet.replicas[0].reviews;
        let open: Vec<TcpStream> = (0..MANY).map(|number| half_open(address, number)).collect();
        rest(stage);
        drop(open);
    });
    // A replica takes 1024.
    let many = times(1000, 200);
    stage.lossless(&format!("{many} idle connections"), |stage| {
        let address = stage.fleet.replicas[0].reviews;
        let host = host(stage);
        let idle = stage.runtime.block_on(async {
            let mut idle = Vec::new();
            while idle.len() < many {
                idle.push(connect(address, &host).await);
            }
            idle
        });
        let count = metric(stage.fleet.replicas[0].observe, "flink_admission_connections");
        assert!(count >= many, "only {count} connections are open");
        rest(stage);
        drop(idle);
    });
    stage.lossless("TLS garbage", |stage| {
        let _noise = Noise::start(stage);
        rest(stage);
    });
    stage.lossless("renegotiation", renegotiate);
}

/// 429 with Retry-After is sent again by the API server, so that those who send do not notice.
#[test]
#[ignore = "part of `make test-rollout`"]
fn overload_costs_time_and_no_request() {
    let few_at_a_time = |template: &mut Template| template.set("max-reviews", "4");
    let Some(mut stage) = Stage::open(&values(), 2, few_at_a_time) else { return };
    let turned_away = |stage: &Stage| -> usize {
        stage.fleet.replicas.iter().map(|replica| metric(replica.observe, "flink_admission_overloads_total")).sum()
    };
    stage.lossless("four reviews at a time", |stage| {
        let seen = wait_until(SOON, || {
            stage.load.burst();
            stage.load.settle();
            (turned_away(stage) > 0).then_some(())
        });
        assert!(seen.is_some(), "no review was turned away");
        rest(stage);
    });
    println!("turned away and sent again: {}", turned_away(&stage));
}

/// The client sends for some seconds.
fn rest(stage: &Stage) {
    for _ in 0..times(5, 1) {
        stage.load.settle();
    }
}

/// Clients that send one byte of a request's header after the other, or of its body.
struct Slow {
    is_over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Slow {
    fn start(stage: &Stage) -> Self {
        let (is_over, host) = (Arc::new(AtomicBool::new(false)), host(stage));
        let address = stage.fleet.replicas[0].reviews;
        let thread = {
            let is_over = Arc::clone(&is_over);
            let runtime = stage.runtime;
            std::thread::spawn(move || runtime.block_on(drip(address, &host, &is_over)))
        };
        Self { is_over, threads: vec![thread] }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Half of them never end their header, half of them never end their body; who is cut begins anew.
async fn drip(address: SocketAddr, host: &str, is_over: &AtomicBool) {
    let mut clients: Vec<Option<TlsStream<tokio::net::TcpStream>>> = (0..MANY).map(|_| None).collect();
    while !is_over.load(Ordering::SeqCst) {
        for (number, client) in clients.iter_mut().enumerate() {
            let Some(open) = client else {
                let mut open = connect(address, host).await;
                let begin: &[u8] = if number % 2 == 0 {
                    b"POST /mutate HTTP/1.1\r\nX: "
                } else {
                    b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"
                };
                if open.write_all(begin).await.is_ok() {
                    *client = Some(open);
                }
                continue;
            };
            let sent = async { open.write_all(b" ").await.and(open.flush().await) }.await;
            if sent.is_err() {
                *client = None;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Connections that say something no TLS server understands, or nothing to the point, one after the other.
struct Noise {
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Noise {
    fn start(stage: &Stage) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let addresses: Vec<SocketAddr> = stage.fleet.replicas.iter().map(|replica| replica.reviews).collect();
        let thread = {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || {
                let mut number = 0_usize;
                while !is_over.load(Ordering::SeqCst) {
                    garbage(addresses[number % addresses.len()], number);
                    number += 1;
                    // Some hundred a second are enough of it.
                    std::thread::sleep(Duration::from_millis(5));
                }
            })
        };
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One of them: plain HTTP, a record without end, a record of another version, an alert, bytes without sense, a connection
/// that is reset at once.
fn garbage(address: SocketAddr, number: usize) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let mut sense = vec![0_u8; 4096];
    let mut state = u32::try_from(number).unwrap_or_default() | 1;
    for byte in &mut sense {
        // xorshift: the same bytes in each run.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        *byte = state.to_le_bytes()[0];
    }
    let said: &[u8] = match number % 6 {
        0 => b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        1 => &[&b"\x16\x03\x01\xff\xff"[..], &sense[..]].concat(),
        2 => b"\x16\x02\x00\x00\x05hello",
        3 => b"\x15\x03\x03\x00\x02\x02\x28",
        4 => &sense,
        _ => b"",
    };
    let _ = stream.write_all(said);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let _ = stream.read(&mut [0; 64]);
}

/// A connection whose other end will never be heard of again: half of a ClientHello, and then nothing, or the end of it.
fn half_open(address: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(HALF_A_HELLO).expect("half of a ClientHello");
    if number.is_multiple_of(2) {
        stream.shutdown(Shutdown::Write).expect("a half-closed connection");
    }
    stream
}

/// TLS 1.2 clients that ask to renegotiate in the middle of a connection. The server takes no part.
fn renegotiate(stage: &mut Stage) {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(!is_ci(), "`openssl` does not run; install it");
        let _ =
            writeln!(std::io::stderr(), "\nSKIPPED, no renegotiation was tried: `openssl` does not run; install it");
        return;
    }
    let address = stage.fleet.replicas[0].reviews.to_string();
    for _ in 0..times(20, 3) {
        let mut client = Command::new("openssl")
            .args(["s_client", "-tls1_2", "-connect", &address, "-servername", &host(stage)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl starts");
        // `R` alone on a line asks for it (s_client's "connected commands").
        let asked = client.stdin.as_mut().expect("a pipe").write_all(b"R\nR\n");
        let done = client.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert!(asked.is_ok() && said.contains("TLSv1.2"), "no connection: {said}");
        assert!(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "{said}");
    }
    rest(stage);
}

async fn connect(address: SocketAddr, host: &str) -> TlsStream<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    outside::connector().connect(name, stream).await.expect("a handshake")
}

fn host(stage: &Stage) -> String {
    format!("{}.{}.svc", stage.release.name, stage.release.namespace)
}

fn metric(observe: SocketAddr, name: &str) -> usize {
    let mut stream = TcpStream::connect(observe).expect("the plain port answers");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("metrics");
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {answer}")).parse().expect("a number")
}
