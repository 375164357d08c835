//! What is served where.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::review::{self, Path};
use super::{Life, Shared, body, deadline};

/// Content type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the leader finds out whether it is called.
const PROBE: &str = "/probe";

/// Everything, for the TLS listener.
pub(super) fn all(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route(Path::Mutate.route(), post(mutate))
        .route(Path::Validate.route(), post(validate))
        .route(PROBE, post(probe))
        .with_state(Arc::clone(shared))
        .merge(observe(shared))
}

/// Health and metrics, for the plain listener as well.
pub(super) fn observe(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(shared))
}

/// Whether `path` takes reviews.
pub(super) fn is_review(path: &str) -> bool {
    path == Path::Mutate.route() || path == Path::Validate.route() || path == PROBE
}

/// "Come back in a second", which is how long the API server then waits.
pub(super) fn overloaded() -> Response {
    let said = "too much is under review at this moment; try again\n";
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], said).into_response()
}

async fn mutate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    take(&shared, Path::Mutate, request).await
}

async fn validate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    take(&shared, Path::Validate, request).await
}

async fn probe(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let body = match body::read(request.into_body(), &shared).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Some(_permit) = shared.permit() else { return overloaded() };
    super::probe::answer(&body.bytes)
}

async fn take(shared: &Shared, path: Path, request: Request) -> Response {
    let within = deadline::for_look_ups(request.uri().query(), shared.limits.webhook_timeout);
    let body = match body::read(request.into_body(), shared).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Some(_permit) = shared.permit() else { return overloaded() };
    review::answer(&shared.parts, path, within, &body.bytes).await
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let not_ready = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response();
    if shared.life() != Life::Serving {
        return not_ready("draining".to_owned());
    }
    if shared.parts.certificate.not_after().is_none() {
        return not_ready("there is no serving certificate yet".to_owned());
    }
    match shared.parts.look_up.ready() {
        Ok(()) => "ok\n".into_response(),
        Err(why) => not_ready(why),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let held = shared.limits.bodies.saturating_sub(shared.bodies.available_permits());
    let text = shared.parts.metrics.text(shared.parts.certificate.not_after(), held);
    ([(header::CONTENT_TYPE, OPEN_METRICS)], text)
}

#[cfg(test)]
mod tests {
    use arc_swap::ArcSwap;
    use axum::body::Body;
    use tokio::sync::{Semaphore, watch};
    use tower::ServiceExt as _;

    use super::*;
    use crate::policy::Policies;
    use crate::server::{Limits, NoCluster, Parts};
    use crate::telemetry::Metrics;
    use crate::tls::ServingCertificate;

    fn shared(reviews: usize) -> Arc<Shared> {
        let parts = Parts {
            policies: Arc::new(ArcSwap::from_pointee(Policies::built_in())),
            look_up: Arc::new(NoCluster),
            certificate: Arc::new(ServingCertificate::default()),
            metrics: Arc::new(Metrics::default()),
        };
        let limits = Limits::default();
        let life = watch::Sender::new(Life::Serving).subscribe();
        let bodies = Arc::new(Semaphore::new(limits.bodies));
        Arc::new(Shared { parts, limits, life, bodies, reviews: Semaphore::new(reviews) })
    }

    #[tokio::test]
    async fn a_review_beyond_the_bound_is_told_to_come_again() {
        let (busy, bad) = (StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_REQUEST);
        for (reviews, path, status) in [(0, "/mutate", busy), (1, "/mutate", bad), (0, PROBE, busy)] {
            let shared = shared(reviews);
            let request = Request::post(path).body(Body::from("not JSON")).unwrap();
            let response = all(&shared).oneshot(request).await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), reviews == 0);
        }
    }

    #[tokio::test]
    async fn without_a_certificate_it_is_not_ready() {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let response = observe(&shared(1)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
