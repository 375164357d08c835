//! What stands for the Service.
//!
//! The test control plane has no kubelet, no endpoint controller and no kube-proxy. This does the part of all three that
//! a roll-out depends on, in user space:
//!
//! - the kubelet's readiness probe: `GET /readyz` of each replica, every [`PROBE_PERIOD`] (the chart: 2 s), unready after
//!   [`PROBE_FAILURES`] in a row;
//! - the endpoint controller: a Pod that is being deleted is no endpoint any more, whatever its probe says;
//! - kube-proxy: it hears of both [`LAG`] later, so until then a Pod that leaves gets new connections, as it does there. New
//!   connections go to the ready replicas in turn, open ones stay where they are, nothing is tried a second time.
//!
//! It looks into no connection. Whether one has a request in flight is told by who sent the last bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Between two probes of a replica; shorter than in the chart, so that a roll-out of the test is as well.
const PROBE_PERIOD: Duration = Duration::from_millis(250);
/// For one probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const PROBE_FAILURES: u32 = 2;
/// From a change of readiness to its effect. kube-proxy gathers changes for a second (`minSyncPeriod`).
const LAG: Duration = Duration::from_secs(1);

/// The Service; it ends with the runtime that it was started in.
pub struct Balancer {
    address: SocketAddr,
    state: Arc<State>,
}

/// What went wrong behind the Service's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Connections that a replica broke with a request in flight.
    pub cut: usize,
    /// Connections that went to a replica which did not take them.
    pub refused: usize,
    /// Connections for which there was no ready replica.
    pub nowhere: usize,
}

#[derive(Default)]
struct State {
    endpoints: Mutex<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
    cut: AtomicUsize,
    refused: AtomicUsize,
    nowhere: AtomicUsize,
}

struct Endpoint {
    name: String,
    reviews: SocketAddr,
    observe: SocketAddr,
    readiness: Mutex<Readiness>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

/// Whether new connections go to a replica, and whether they soon will.
struct Readiness {
    is_ready: bool,
    since: Instant,
    is_routed: bool,
    is_leaving: bool,
    failures: u32,
}

/// Whether the client has said something that is not answered.
#[derive(Default)]
struct Connection(AtomicBool);

impl Balancer {
    /// Listens on a free port of `host`.
    pub fn start(runtime: &Runtime, host: &str) -> Self {
        let listener = runtime.block_on(TcpListener::bind((host, 0))).expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        runtime.spawn(accept(listener, Arc::clone(&state)));
        runtime.spawn(probe_all(Arc::clone(&state)));
        Self { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A Pod is there; it gets connections once its probe has succeeded.
    pub fn add(&self, name: &str, reviews: SocketAddr, observe: SocketAddr) {
        let readiness =
            Readiness { is_ready: false, since: Instant::now(), is_routed: false, is_leaving: false, failures: 0 };
        let endpoint = Endpoint {
            name: name.to_owned(),
            reviews,
            observe,
            readiness: Mutex::new(readiness),
            connections: Mutex::default(),
        };
        lock(&self.state.endpoints).push(Arc::new(endpoint));
    }

    /// A Pod is being deleted.
    pub fn leave(&self, name: &str) {
        let endpoint = self.endpoint(name);
        let mut readiness = lock(&endpoint.readiness);
        readiness.is_leaving = true;
        readiness.become_ready(false);
    }

    /// A Pod is gone.
    pub fn remove(&self, name: &str) {
        lock(&self.state.endpoints).retain(|endpoint| endpoint.name != name);
    }

    /// Whether the last probes of a Pod say so.
    pub fn is_ready(&self, name: &str) -> bool {
        lock(&self.endpoint(name).readiness).is_ready
    }

    /// The addresses for reviews of the Pods that get new connections, or got them until now.
    pub fn routed(&self) -> Vec<(String, SocketAddr)> {
        let endpoints = self.state.endpoints();
        let routed = endpoints.iter().filter(|endpoint| lock(&endpoint.readiness).is_routed());
        routed.map(|endpoint| (endpoint.name.clone(), endpoint.reviews)).collect()
    }

    /// Connections to a Pod that have a request in flight, and all that are open.
    pub fn in_flight(&self, name: &str) -> (usize, usize) {
        let endpoint = self.endpoint(name);
        let connections = lock(&endpoint.connections);
        (connections.iter().filter(|connection| connection.is_asked()).count(), connections.len())
    }

    /// What was lost so far.
    pub fn losses(&self) -> Losses {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let State { cut, refused, nowhere, .. } = &*self.state;
        Losses { cut: count(cut), refused: count(refused), nowhere: count(nowhere) }
    }

    #[track_caller]
    fn endpoint(&self, name: &str) -> Arc<Endpoint> {
        let found = self.state.endpoints().into_iter().find(|endpoint| endpoint.name == name);
        found.unwrap_or_else(|| panic!("no Pod is called {name}"))
    }
}

impl State {
    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        lock(&self.endpoints).clone()
    }

    /// The next Pod in turn.
    fn choose(&self) -> Option<Arc<Endpoint>> {
        let mut routed = self.endpoints();
        routed.retain(|endpoint| lock(&endpoint.readiness).is_routed());
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        (!routed.is_empty()).then(|| routed.swap_remove(turn % routed.len()))
    }
}

impl Readiness {
    fn become_ready(&mut self, is_ready: bool) {
        if self.is_ready != is_ready {
            (self.is_ready, self.since) = (is_ready, Instant::now());
        }
    }

    fn is_routed(&mut self) -> bool {
        if self.since.elapsed() >= LAG {
            self.is_routed = self.is_ready;
        }
        self.is_routed
    }

    fn probed(&mut self, has_succeeded: bool) {
        self.failures = if has_succeeded { 0 } else { self.failures + 1 };
        if has_succeeded && !self.is_leaving {
            self.become_ready(true);
        } else if self.failures >= PROBE_FAILURES {
            self.become_ready(false);
        }
    }
}

impl Connection {
    fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn says(&self, who: Who) {
        self.0.store(who == Who::Client, Ordering::SeqCst);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Client,
    Replica,
}

/// Who of the two ends of one way is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Giver,
    Taker,
}

async fn probe_all(state: Arc<State>) {
    loop {
        for endpoint in state.endpoints() {
            tokio::spawn(async move {
                let probed = tokio::time::timeout(PROBE_TIMEOUT, probe(endpoint.observe)).await;
                lock(&endpoint.readiness).probed(probed.is_ok_and(|answer| answer.is_ok_and(|is_ready| is_ready)));
            });
        }
        tokio::time::sleep(PROBE_PERIOD).await;
    }
}

async fn probe(observe: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(observe).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        if let Ok((client, _)) = listener.accept().await {
            tokio::spawn(forward(client, Arc::clone(&state)));
        }
    }
}

/// Carries one connection until one of its ends is gone.
async fn forward(client: TcpStream, state: Arc<State>) {
    let Some(endpoint) = state.choose() else {
        state.nowhere.fetch_add(1, Ordering::SeqCst);
        return;
    };
    let Ok(replica) = TcpStream::connect(endpoint.reviews).await else {
        state.refused.fetch_add(1, Ordering::SeqCst);
        return;
    };
    // Else small records wait for each other's acknowledgements, which they do not on the way through a kernel.
    for stream in [&client, &replica] {
        let _ = stream.set_nodelay(true);
    }
    let connection = Arc::new(Connection::default());
    lock(&endpoint.connections).push(Arc::clone(&connection));
    let (client, replica) = (client.into_split(), replica.into_split());
    let is_broken = tokio::select! {
        end = carry(client.0, replica.1, || connection.says(Who::Client)) => end == End::Taker,
        end = carry(replica.0, client.1, || connection.says(Who::Replica)) => end == End::Giver,
    };
    if is_broken && connection.is_asked() {
        state.cut.fetch_add(1, Ordering::SeqCst);
    }
    lock(&endpoint.connections).retain(|other| !Arc::ptr_eq(other, &connection));
}

/// Carries bytes one way until there are no more of them, or nobody takes them.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut says: impl FnMut()) -> End {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        says();
        if to.write_all(&buffer[..read]).await.is_err() {
            return End::Taker;
        }
    }
    End::Giver
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
