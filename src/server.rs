//! The webhook's server: an own listener in front of axum routes.
//!
//! The client is an API server, and three of its habits shape this module (Kubernetes 1.34). It keeps idle connections
//! for 90 seconds and repeats no POST that failed on one, so nothing here closes an idle connection earlier and no
//! header timer runs while it is idle. It does repeat what was answered 429 with `Retry-After`, so overload is said that
//! way. And it learns of a replica's end late, so draining goes on serving for a while, with `Connection: close`.
//!
//! ```text
//! SIGTERM ─ /readyz says 503, replies close their connection ─ grace over: no new connections, idle ones closed,
//!           requests in flight answered ─ all closed, or `finish` over
//! ```

mod body;
mod connection;
mod deadline;
mod listener;
mod look_up;
mod probe;
mod review;
mod routes;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio_rustls::TlsAcceptor;

pub use deadline::parse_duration;
pub use look_up::{Answering, LookUp, NoCluster};

use crate::policy::Policies;
use crate::telemetry::Metrics;
use crate::tls::{self, Clients, ServingCertificate};

/// Where to listen and how much to take on.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the TLS listener: everything is served here.
    pub listen: SocketAddr,
    /// Address of the plain listener: `/healthz`, `/readyz` and `/metrics` alone.
    pub observe: SocketAddr,
    /// Bounds on what clients may take.
    pub limits: Limits,
    /// How long requests in flight may take to finish once nothing new is accepted.
    pub finish: Duration,
    /// Who may connect to the TLS listener.
    pub clients: Clients,
}

/// Bounds on size, number and time.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one request body. A review of an UPDATE holds an object of up to 3 MiB twice.
    pub body: usize,
    /// Bytes of all request bodies held at one time.
    pub bodies: usize,
    /// Reviews answered at one time.
    pub reviews: usize,
    /// Connections open at one time; a few more are told to come back later.
    pub connections: usize,
    /// From accepting a connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its header.
    pub header: Duration,
    /// From the end of the header to the end of the body.
    pub body_time: Duration,
    /// Between two requests of one connection; more than the 90 s of the API server.
    pub idle: Duration,
    /// `timeoutSeconds` of the webhook configurations.
    pub webhook_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 8 << 20,
            bodies: 64 << 20,
            reviews: 256,
            connections: 1024,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            idle: Duration::from_mins(3),
            webhook_timeout: Duration::from_secs(10),
        }
    }
}

/// What reviews are judged by, served with and counted in; shared with whoever keeps it up to date.
#[derive(Clone)]
pub struct Parts {
    /// The policies in force.
    pub policies: Arc<ArcSwap<Policies>>,
    /// Who answers questions about the cluster.
    pub look_up: Arc<dyn LookUp>,
    /// The certificate in use.
    pub certificate: Arc<ServingCertificate>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// A server that has its ports and serves nothing yet.
#[derive(Debug)]
pub struct Server {
    config: Config,
    reviews: TcpListener,
    observe: TcpListener,
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`")]
pub struct Unavailable {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system says.
    pub source: std::io::Error,
}

/// How far the process is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    /// Serving.
    Serving,
    /// Serving, while clients are told to go elsewhere.
    Draining,
    /// Finishing what is in flight.
    Closing,
}

/// What every request handler sees.
struct Shared {
    parts: Parts,
    limits: Limits,
    life: watch::Receiver<Life>,
    /// One permit for each byte of a request body.
    bodies: Arc<Semaphore>,
    reviews: Semaphore,
}

impl Shared {
    fn life(&self) -> Life {
        *self.life.borrow()
    }

    /// The right to answer one more request now; that there is none is counted.
    fn permit(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.reviews.try_acquire().ok();
        if permit.is_none() {
            self.parts.metrics.overloads.inc();
        }
        permit
    }
}

impl Server {
    /// Takes both ports; port 0 takes a free one.
    ///
    /// # Errors
    /// [`Unavailable`] with the address that is taken or not this machine's.
    pub async fn bind(config: Config) -> Result<Self, Unavailable> {
        let bind = async |address| TcpListener::bind(address).await.map_err(|source| Unavailable { address, source });
        Ok(Self { reviews: bind(config.listen).await?, observe: bind(config.observe).await?, config })
    }

    /// The address of the TLS listener, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.reviews.local_addr().unwrap_or(self.config.listen)
    }

    /// The address of the plain listener, with its real port.
    pub fn observe_address(&self) -> SocketAddr {
        self.observe.local_addr().unwrap_or(self.config.observe)
    }

    /// Serves until `stop` yields, then until what it yielded is over, then finishes what is in flight.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub async fn run(
        self,
        parts: Parts,
        stop: impl Future<Output = impl Future<Output = ()>>,
    ) -> Result<(), tls::Error> {
        self.serve(parts, stop, routes::all).await
    }

    /// The same with `reviews` in the place of our own routes: what the listener alone costs is measured with it.
    ///
    /// # Errors
    /// Like [`Self::run`].
    #[doc(hidden)]
    pub async fn run_with(
        self,
        parts: Parts,
        stop: impl Future<Output = impl Future<Output = ()>>,
        reviews: Router,
    ) -> Result<(), tls::Error> {
        self.serve(parts, stop, |_| reviews).await
    }

    async fn serve(
        self,
        parts: Parts,
        stop: impl Future<Output = impl Future<Output = ()>>,
        reviews: impl FnOnce(&Arc<Shared>) -> Router,
    ) -> Result<(), tls::Error> {
        let acceptor = TlsAcceptor::from(tls::server_config(Arc::clone(&parts.certificate), &self.config.clients)?);
        let (life, watched) = watch::channel(Life::Serving);
        let limits = self.config.limits;
        let shared = Arc::new(Shared {
            bodies: Arc::new(Semaphore::new(limits.bodies)),
            reviews: Semaphore::new(limits.reviews),
            parts,
            limits,
            life: watched,
        });
        let reviews = listener::Listener::new(self.reviews, Some(acceptor), reviews(&shared), Arc::clone(&shared));
        let observe = listener::Listener::new(self.observe, None, routes::observe(&shared), shared);
        let finish = self.config.finish;
        let way_out = async {
            let grace = stop.await;
            tracing::info!("draining: not ready, still serving");
            life.send_replace(Life::Draining);
            grace.await;
            tracing::info!("closing: finishing requests in flight");
            life.send_replace(Life::Closing);
        };
        tokio::join!(way_out, reviews.run(finish), observe.run(finish));
        tracing::info!("stopped");
        Ok(())
    }
}
