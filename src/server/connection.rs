//! One connection: HTTP/1.1 with timers that know what the connection is doing.
//!
//! hyper starts its own header timer when it begins to wait for a request (`h1/conn.rs`, `poll_read_head`, 1.12), which
//! would close an idle connection of the API server. So reads and requests note the [`Phase`] here, and each phase has
//! its own bound: idle the longest, a header a short one from its first byte, an answer the bounds of its handler.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tower::Service as _;

use super::idle::Idle;
use super::{Life, Limits, Shared, routes};

/// Bytes of a request's header, and of the pieces in which its body is read.
const BUFFER: usize = 64 << 10;

/// Whether reviews of a connection are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// They are.
    Enough,
    /// There are too many connections: one answer, which says so.
    None,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It waits for the first byte of a request.
    Idle,
    /// A request has begun.
    Header,
    /// The header is complete, the answer is not.
    Answer,
}

/// What a connection is doing, and since when.
struct Activity {
    phase: watch::Sender<(Phase, Instant)>,
    idle: Arc<Idle>,
    /// Its number among those that are idle.
    number: AtomicU64,
    displaced: Arc<Notify>,
}

impl Activity {
    fn new(idle: Arc<Idle>) -> Self {
        let displaced = Arc::default();
        let number = AtomicU64::new(idle.enter(&displaced));
        Self { phase: watch::Sender::new((Phase::Idle, Instant::now())), idle, number, displaced }
    }

    fn phase(&self) -> Phase {
        self.phase.borrow().0
    }

    fn enter(&self, phase: Phase) {
        self.idle.leave(self.number.load(Ordering::Relaxed));
        if phase == Phase::Idle {
            self.number.store(self.idle.enter(&self.displaced), Ordering::Relaxed);
        }
        self.phase.send_replace((phase, Instant::now()));
    }

    /// Waits until the connection is to make room for another one, while it does nothing.
    async fn is_displaced(&self) {
        loop {
            self.displaced.notified().await;
            if self.phase() == Phase::Idle {
                return;
            }
        }
    }

    /// Waits until the connection has been in one phase for longer than it may.
    async fn overstays(&self, limits: &Limits) -> Phase {
        let mut watched = self.phase.subscribe();
        loop {
            let (phase, since) = *watched.borrow_and_update();
            let over = async {
                match phase {
                    Phase::Idle => sleep_until(since + limits.idle).await,
                    Phase::Header => sleep_until(since + limits.header).await,
                    Phase::Answer => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = watched.changed() => {}
                () = over => return phase,
            }
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.idle.leave(*self.number.get_mut());
    }
}

/// Serves `io` until the client leaves, a bound is passed, it is displaced from `idle` or the server closes.
pub(super) async fn serve<IO>(io: IO, routes: Router, shared: &Arc<Shared>, room: Room, idle: Arc<Idle>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let activity = Arc::new(Activity::new(idle));
    let service = service_fn(|request| answer(request, routes.clone(), shared, room, Arc::clone(&activity)));
    let io = TokioIo::new(Watched { io, activity: Arc::clone(&activity) });
    let served = http1::Builder::new().header_read_timeout(None).max_buf_size(BUFFER).serve_connection(io, service);
    let mut served = pin!(served);
    let mut life = shared.life.clone();
    tokio::select! {
        biased;
        // Errors are the client's: it left, or it speaks no HTTP.
        _ = served.as_mut() => return,
        phase = activity.overstays(&shared.limits) => {
            tracing::debug!(?phase, "a connection was closed that took too long");
            return;
        }
        _ = life.wait_for(|&life| life == Life::Closing) => {}
        () = activity.is_displaced() => tracing::debug!("an idle connection makes room for another one"),
    }
    // A request that has begun is answered, with `Connection: close`; only a connection without one is closed here.
    if activity.phase() == Phase::Idle {
        served.as_mut().graceful_shutdown();
    }
    tokio::select! {
        biased;
        _ = served.as_mut() => {}
        _ = activity.overstays(&shared.limits) => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    mut routes: Router,
    shared: &Shared,
    room: Room,
    activity: Arc<Activity>,
) -> Result<Response, Infallible> {
    activity.enter(Phase::Answer);
    let mut response = if room == Room::None && routes::is_review(request.uri().path()) {
        routes::overloaded().into_response()
    } else {
        routes.call(request.map(Body::new)).await?
    };
    if room == Room::None || shared.life() != Life::Serving {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    activity.enter(Phase::Idle);
    Ok(response)
}

/// Notes the first byte of a request.
struct Watched<IO> {
    io: IO,
    activity: Arc<Activity>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.activity.phase() == Phase::Idle {
            self.activity.enter(Phase::Header);
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
