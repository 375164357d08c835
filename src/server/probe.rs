//! The answer to the leader's probe: a refusal that repeats what stands in the object, so that nobody else's is taken for it.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use crate::admission::encode;
use crate::cluster::NONCE_ANNOTATION;
use crate::object::{annotation, text};
use crate::verdict::Decision;

/// Characters that are repeated; a nonce of ours has sixteen.
const NONCE: usize = 64;

/// Refuses the object in `body`, a review of a ConfigMap that is never to be stored.
pub(super) fn answer(body: &[u8]) -> Response {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let nonce = review.pointer("/request/object").and_then(|object| annotation(object, NONCE_ANNOTATION));
    let nonce: String = nonce.unwrap_or_default().chars().take(NONCE).collect();
    let message = format!("probe {nonce} answered: flink-admission is called; this object is never stored");
    let uid = text(&review, &["request", "uid"]).unwrap_or_default();
    let reply = encode(uid, &Decision { allowed: false, message, ..Decision::allow() });
    ([(header::CONTENT_TYPE, "application/json")], reply).into_response()
}
