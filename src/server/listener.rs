//! Accepts connections, as many as there is room for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection::{self, Room};
use super::idle::Idle;
use super::{Life, Shared};

/// Connections beyond the bound that are still told to come back later; the ones after them are dropped unheard.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// How long an idle connection that makes room may take to go.
const MAKES_ROOM: Duration = Duration::from_secs(1);
/// How long accepting rests after the system refused a socket, as when no file descriptors are left.
const REST: Duration = Duration::from_millis(100);

/// One listening socket with what is served on it.
pub(super) struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
    doorway: Arc<Semaphore>,
    idle: Arc<Idle>,
}

impl Listener {
    pub(super) fn new(socket: TcpListener, tls: Option<TlsAcceptor>, routes: Router, shared: Arc<Shared>) -> Self {
        let room = Arc::new(Semaphore::new(shared.limits.connections));
        Self {
            socket,
            tls,
            routes,
            shared,
            room,
            doorway: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            idle: Arc::default(),
        }
    }

    /// Accepts until the server closes, then waits up to `finish` for the open connections.
    pub(super) async fn run(self, finish: Duration) {
        let mut life = self.shared.life.clone();
        let mut open = JoinSet::new();
        let closing = async move {
            // An error means that the server is gone, which is a reason to stop as well.
            let _ = life.wait_for(|&life| life == Life::Closing).await;
        };
        let mut closing = std::pin::pin!(closing);
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                Some(_) = open.join_next() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => self.take(stream, &mut open),
                    Err(error) => {
                        let error = error.to_string();
                        tracing::warn!(error, "a connection could not be accepted");
                        tokio::time::sleep(REST).await;
                    }
                },
            }
        }
        drop(self.socket);
        let all_closed = async { while open.join_next().await.is_some() {} };
        if timeout(finish, all_closed).await.is_err() {
            tracing::warn!(connections = open.len(), "connections were cut that did not finish in time");
        }
    }

    /// Serves one connection on a task of its own, or drops it where even turning away would be too much.
    fn take(&self, stream: TcpStream, open: &mut JoinSet<()>) {
        let inside = Arc::clone(&self.room).try_acquire_owned().ok();
        let at_door = if inside.is_none() { Arc::clone(&self.doorway).try_acquire_owned().ok() } else { None };
        if inside.is_none() && at_door.is_none() {
            self.shared.parts.metrics.overloads.inc();
            return;
        }
        let (room, idle) = (Arc::clone(&self.room), Arc::clone(&self.idle));
        let (tls, routes, shared) = (self.tls.clone(), self.routes.clone(), Arc::clone(&self.shared));
        open.spawn(async move {
            shared.parts.metrics.connections.inc();
            let inside = match inside {
                None if idle.displace() => timeout(MAKES_ROOM, room.acquire_owned()).await.ok().and_then(Result::ok),
                inside => inside,
            };
            let (room, idle) = if inside.is_some() {
                (Room::Enough, idle)
            } else {
                shared.parts.metrics.overloads.inc();
                (Room::None, Arc::default())
            };
            let permit = inside.or(at_door);
            // Small replies must not wait for more to send; a socket that refuses this still serves.
            let _ = stream.set_nodelay(true);
            match tls {
                None => connection::serve(stream, routes, &shared, room, idle).await,
                Some(tls) => match timeout(shared.limits.handshake, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection::serve(stream, routes, &shared, room, idle).await,
                    Ok(Err(error)) => failed(&shared, &error.to_string()),
                    Err(_) => failed(&shared, "it took too long"),
                },
            }
            shared.parts.metrics.connections.dec();
            drop(permit);
        });
    }
}

fn failed(shared: &Shared, error: &str) {
    shared.parts.metrics.handshake_failures.inc();
    // Port scanners and TCP probes do this all day.
    tracing::debug!(error, "a TLS handshake failed");
}
