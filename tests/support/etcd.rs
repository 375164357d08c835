//! Maintenance of etcd, over the JSON gateway of its client port.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::control_plane::ControlPlane;

impl ControlPlane {
    /// Forgets all revisions but the current one, and gives the space back: what watches from an older revision must list
    /// anew, and while it defragments etcd answers nobody. Gives the revision.
    #[track_caller]
    pub fn compact_etcd(&self) -> String {
        let status = self.ask_etcd("/v3/maintenance/status", &json!({}));
        let revision = status["header"]["revision"].as_str().expect("a revision").to_owned();
        self.ask_etcd("/v3/kv/compaction", &json!({"revision": revision, "physical": true}));
        self.ask_etcd("/v3/maintenance/defragment", &json!({}));
        revision
    }

    #[track_caller]
    fn ask_etcd(&self, path: &str, question: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.etcd_port())).expect("etcd takes connections");
        let body = question.to_string();
        // HTTP/1.0: the answer ends with the connection, and comes in one piece.
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all([head, body].concat().as_bytes()).expect("a question is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a header");
        assert!(head.contains(" 200 "), "{path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }
}
