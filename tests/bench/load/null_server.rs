//! A server that does nothing: our listener, TLS and HTTP, which reads a review and allows what is in it.
//!
//! It takes the uid as the first one of the body's text and parses nothing, so that it is a bound from below.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use flink_admission::policy::Policies;
use flink_admission::server::{Config, Limits, NoCluster, Parts, Server};
use flink_admission::telemetry::Metrics;
use flink_admission::tls::{Authority, Clients, ServingCertificate};

/// The argument that makes this executable the null server; the next one is the file for its CA certificate.
pub(crate) const WORD: &str = "null-server";

pub(crate) fn run() {
    let ca = std::env::args_os().nth(2).expect("a file for the CA certificate");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let free = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            listen: free,
            observe: free,
            limits: Limits::default(),
            finish: Duration::ZERO,
            clients: Clients::default(),
        };
        let server = Server::bind(config).await.unwrap();
        let (now, life) = (SystemTime::now(), Duration::from_hours(24));
        let authority = Authority::generate(now, life).unwrap();
        let certificate = Arc::new(ServingCertificate::default());
        certificate.replace(authority.mint(&["localhost"], now, life).unwrap().served);
        std::fs::write(ca, authority.certificate_pem()).unwrap();
        println!("listening: https://{}", server.address());
        let parts = Parts {
            policies: Arc::new(ArcSwap::from_pointee(Policies::built_in())),
            look_up: Arc::new(NoCluster),
            certificate,
            metrics: Arc::new(Metrics::default()),
        };
        let routes = Router::new().route("/mutate", post(allow)).route("/validate", post(allow));
        server.run_with(parts, std::future::pending::<std::future::Ready<()>>(), routes).await.unwrap();
    });
}

async fn allow(body: Bytes) -> Response {
    let Some(uid) = uid(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let review = format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true}}}}"#
    );
    ([(header::CONTENT_TYPE, "application/json")], review).into_response()
}

fn uid(body: &[u8]) -> Option<&str> {
    let (_, rest) = std::str::from_utf8(body).ok()?.split_once(r#""uid":""#)?;
    rest.split_once('"').map(|(uid, _)| uid)
}
