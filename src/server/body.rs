//! Reads a request body within bounds of size, time and what all bodies together may hold.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;

use super::{Shared, routes};

/// A whole body; its share of the memory is free again when it is dropped.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads `body`, or says why not: 413 too large, 408 too slow, 429 no memory for it now, 400 broken off.
pub(super) async fn read(body: Body, shared: &Shared) -> Result<Held, Response> {
    match tokio::time::timeout(shared.limits.body_time, collect(body, shared)).await {
        Ok(read) => read,
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n").into_response()),
    }
}

async fn collect(mut body: Body, shared: &Shared) -> Result<Held, Response> {
    let limit = shared.limits.body;
    let mut bytes = Vec::new();
    let mut share: Option<OwnedSemaphorePermit> = None;
    let mut arrived = 0_usize;
    let mut refused = None;
    // A client that is still sending may never see an answer on a connection that closes, so the body of a refused
    // request is read on and forgotten, within reason.
    while arrived <= limit.saturating_mul(2)
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "the body broke off\n").into_response())?;
        let Ok(data) = frame.into_data() else { continue };
        arrived = arrived.saturating_add(data.len());
        if refused.is_none() {
            refused = room_for(data.len(), arrived, &mut share, shared);
        }
        if refused.is_none() {
            bytes.extend_from_slice(&data);
        } else {
            (bytes, share) = (Vec::new(), None);
        }
    }
    match refused {
        None => Ok(Held { bytes, _share: share }),
        Some(refused) => Err(refused),
    }
}

/// Adds `more` bytes to the share of a body of which `arrived` bytes are there, or says why that is too much.
fn room_for(
    more: usize,
    arrived: usize,
    share: &mut Option<OwnedSemaphorePermit>,
    shared: &Shared,
) -> Option<Response> {
    let limit = shared.limits.body;
    if arrived > limit {
        let said = format!("the body is larger than {limit} bytes\n");
        return Some((StatusCode::PAYLOAD_TOO_LARGE, said).into_response());
    }
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    let Ok(more) = Arc::clone(&shared.bodies).try_acquire_many_owned(more) else {
        shared.parts.metrics.overloads.inc();
        return Some(routes::overloaded());
    };
    match share {
        Some(share) => share.merge(more),
        None => *share = Some(more),
    }
    None
}
