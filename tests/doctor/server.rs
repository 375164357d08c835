//! A webhook that serves a given certificate, refuses probes and fills in high availability, in place of a replica.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Pair;
use crate::installed::base64;

/// Serves until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Whether probes are refused, as they should be.
    pub(crate) refuses: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Server {
    pub(crate) fn start(host: IpAddr, pair: &Pair) -> Self {
        let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let refuses = Arc::new(AtomicBool::new(true));
        let switch = Arc::clone(&refuses);
        let router = Router::new()
            .route("/probe", post(move |review: Bytes| async move { answer(&review, switch.load(Ordering::SeqCst)) }))
            .route("/mutate", post(|review: Bytes| async move { fill(&review) }))
            // What is complete passes.
            .route("/validate", post(|review: Bytes| async move { fill(&review) }));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind((host, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = TowerToHyperService::new(router);
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, refuses, _runtime: runtime }
    }
}

/// A refusal that repeats the nonce.
fn answer(review: &Bytes, refuses: bool) -> String {
    let review: Value = serde_json::from_slice(review).unwrap();
    let request = &review["request"];
    let nonce = request["object"]["metadata"]["annotations"]["flink-admission.io/nonce"].as_str().unwrap_or_default();
    let mut response = json!({"uid": request["uid"], "allowed": !refuses});
    if refuses {
        response["status"] = json!({"code": 403, "message": format!("the probe {nonce} came through")});
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}

/// The annotation of an object that is to be completed.
pub(crate) const FILL: &str = "flink-admission.test/fill";

/// Completes a FlinkDeployment that asks for it and has no high availability, and records that as we do.
fn fill(review: &Bytes) -> String {
    let review: Value = serde_json::from_slice(review).unwrap();
    let (request, object) = (&review["request"], &review["request"]["object"]);
    let mut response = json!({"uid": request["uid"], "allowed": true});
    let key = "high-availability.type";
    if object["metadata"]["annotations"][FILL] == "yes" && object["spec"]["flinkConfiguration"][key].is_null() {
        let values = json!([{"what": "option", "option": key, "key": key, "value": "kubernetes"}]);
        let record = json!({"namespace": request["namespace"], "name": object["metadata"]["name"], "values": values});
        let patch = json!([
            {"op": "add", "path": "/metadata/annotations/flink-admission.io~1injected", "value": record.to_string()},
            {"op": "add", "path": format!("/spec/flinkConfiguration/{key}"), "value": "kubernetes"}]);
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(base64(&patch.to_string()));
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}
