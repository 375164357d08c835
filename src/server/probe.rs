//! The answer to the leader's probe: a refusal that repeats what stands in the object, so that nobody else's is taken for it.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::admission::encode;
use crate::verdict::Decision;

/// Characters that are repeated; a nonce of ours has sixteen.
const NONCE: usize = 64;

/// What is read of a review; the rest is passed over, whatever its size.
#[derive(Deserialize)]
struct Review {
    request: Request,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    uid: String,
    object: Object,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    annotations: Annotations,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Annotations {
    #[serde(rename = "flink-admission.io/nonce")]
    nonce: String,
}

/// Refuses the object in `body`, a review of a ConfigMap that is never to be stored.
pub(super) fn answer(body: &[u8]) -> Response {
    let Request { uid, object } = serde_json::from_slice(body).map(|review: Review| review.request).unwrap_or_default();
    let nonce = object.metadata.annotations.nonce.chars().take(NONCE).collect::<String>();
    let message = format!("probe {nonce} answered: flink-admission is called; this object is never stored");
    let reply = encode(&uid, &Decision { allowed: false, message, ..Decision::allow() });
    ([(header::CONTENT_TYPE, "application/json")], reply).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::NONCE_ANNOTATION;

    async fn answered(review: &Value) -> Value {
        let body = to_bytes(answer(&serde_json::to_vec(review).unwrap()).into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn the_nonce_comes_back_in_a_refusal() {
        let metadata = json!({"name": "probe", "annotations": {"a": "b", NONCE_ANNOTATION: "7f"}});
        let request = json!({"uid": "u1", "object": {"kind": "ConfigMap", "data": {"a": [1]}, "metadata": metadata}});
        let reply = answered(&json!({"kind": "AdmissionReview", "request": request})).await;
        assert_eq!(reply["response"]["uid"], "u1");
        assert_eq!(reply["response"]["allowed"], false);
        assert!(reply["response"]["status"]["message"].as_str().unwrap().starts_with("probe 7f answered"), "{reply}");
        assert_eq!(answered(&json!([])).await["response"]["allowed"], false);
    }
}
