//! An API server for what a real one does not do: be old, be late, refuse everything.

use std::net::TcpListener;
use std::path::PathBuf;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::runtime::Runtime;

pub(crate) struct Fake {
    directory: TempDir,
    _runtime: Option<Runtime>,
}

impl Fake {
    /// Tells its version and a time so many seconds ahead, and refuses everything else with `status`.
    pub(crate) fn start(minor: &'static str, ahead: i64, status: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = move |uri: Uri| async move {
            let format = format_description!(
                "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
            );
            let date = (OffsetDateTime::now_utc() + time::Duration::seconds(ahead)).format(format).unwrap();
            let (code, body) = if uri.path() == "/version" && status != StatusCode::UNAUTHORIZED {
                (StatusCode::OK, json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}.0")}))
            } else {
                (
                    status,
                    json!({"kind": "Status", "message": format!("{} is forbidden: User \"x\" cannot do this", uri.path())}),
                )
            };
            (code, [(header::DATE, date)], body.to_string()).into_response()
        };
        let router = Router::new().fallback(answer);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = runtime.block_on(async { tokio::net::TcpListener::from_std(listener).unwrap() });
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { _runtime: Some(runtime), ..Self::at(&address) }
    }

    /// Whatever is at `address`.
    pub(crate) fn at(address: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "test", "user": {}}]});
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig.to_string()).unwrap();
        Self { directory, _runtime: None }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }
}
