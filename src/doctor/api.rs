//! Questions to the API server, each with a deadline.

use std::fmt::{self, Write as _};
use std::time::Duration;

use axum::http::{HeaderMap, Method, Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::seen::{Listed, Seen};
use crate::cluster::explain;

/// Objects of one page; the API server's own clients take as many.
const PAGE: usize = 500;
/// Pages of one list: more than ten thousand objects of a kind are not read.
const PAGES: usize = 20;
/// Lists come without what is below `metadata`.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";

/// The way to the API server.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    patience: Duration,
}

/// What the API server said.
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Said {
    /// The message of a `Status`.
    pub(super) fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or("without a message")
    }

    fn in_words(&self) -> String {
        format!("the API server answered {}: {}", self.status.as_u16(), self.message())
    }
}

impl Api {
    /// Waits for each answer as long as `patience`.
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self { client, patience }
    }

    /// Sends `body` (null for none); the error says why there was no answer.
    pub(super) async fn send(&self, method: Method, path: &str, accept: &str, body: &Value) -> Result<Said, String> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", JSON)
            .body(Body::from(bytes))
            .map_err(|error| error.to_string())?;
        let answer = async {
            let (parts, body) = self.client.send(request).await?.into_parts();
            let body = body.collect_bytes().await?;
            Ok::<_, kube::Error>((parts, body))
        };
        let (parts, body) = timeout(self.patience, answer)
            .await
            .map_err(|_| format!("the API server did not answer within {:?}", self.patience))?
            .map_err(|error| explain(&error, "ask for", path))?;
        // What is no JSON (a proxy's page) has no message.
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Said { status: parts.status, headers: parts.headers, body })
    }

    /// The object at `path`.
    pub(super) async fn get(&self, path: &str) -> Seen<Value> {
        match self.send(Method::GET, path, JSON, &Value::Null).await {
            Ok(said) if said.status.is_success() => Seen::Known(said.body),
            Ok(said) if said.status == StatusCode::NOT_FOUND => Seen::Absent,
            Ok(said) => Seen::Unknown(said.in_words()),
            Err(why) => Seen::Unknown(why),
        }
    }

    /// What `path` lists, of `accept`'s form: up to ten thousand objects, and as many as come within three times the
    /// patience.
    pub(super) async fn list(&self, path: &str, selector: &str, accept: &str) -> Seen<Listed> {
        let end = Instant::now() + self.patience * 3;
        let mut listed = Listed::default();
        let mut next = String::new();
        for _ in 0..PAGES {
            let page = format!("{path}?limit={PAGE}{selector}{next}");
            let said = match self.send(Method::GET, &page, accept, &Value::Null).await {
                Ok(said) => said,
                Err(why) => return Seen::Unknown(why),
            };
            let mut body = match said.status {
                status if status.is_success() => said.body,
                StatusCode::NOT_FOUND => return Seen::Absent,
                // The list is too old to be continued: what was read is what there is to say.
                StatusCode::GONE => return Seen::Known(listed),
                _ => return Seen::Unknown(said.in_words()),
            };
            if let Some(Value::Array(items)) = body.get_mut("items").map(Value::take) {
                listed.items.extend(items);
            }
            let token = crate::object::text(&body, &["metadata", "continue"]).unwrap_or_default();
            listed.is_complete = token.is_empty();
            if listed.is_complete || Instant::now() > end {
                break;
            }
            next = format!("&continue={}", quoted(token));
        }
        Seen::Known(listed)
    }

    /// Sends a review (`SubjectAccessReview` and the like) and gives its answer.
    pub(super) async fn ask(&self, path: &str, review: &Value) -> Seen<Value> {
        match self.send(Method::POST, path, JSON, review).await {
            Ok(said) if said.status.is_success() => Seen::Known(said.body),
            Ok(said) => Seen::Unknown(said.in_words()),
            Err(why) => Seen::Unknown(why),
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Api").finish_non_exhaustive()
    }
}

/// `text` as the value of a query.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_change_the_query() {
        assert_eq!(quoted("aZ0-_.~"), "aZ0-_.~");
        assert_eq!(quoted("a=&b/+"), "a%3D%26b%2F%2B");
    }
}
