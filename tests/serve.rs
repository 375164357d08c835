//! `serve` over real sockets and real TLS, as an API server, a person with curl and a rude client see it.
#![cfg(feature = "webhook")]
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and clippy takes only functions with #[test] for tests"
)]

#[path = "serve/certificates.rs"]
mod certificates;
#[path = "serve/client.rs"]
mod client;
#[path = "serve/start.rs"]
mod start;
mod support;

use std::path::Path;

use client::{Program, connector, get, head, post};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SAMPLE: &[u8] = include_bytes!("../src/cli/serve/sample-review.json");
const UID: &str = "5f3c1f9e-6a55-4b0e-9d5e-0d8f4c2f7a11";

/// The sample with the value at `pointer` replaced.
fn with(pointer: &str, value: Value) -> Vec<u8> {
    let mut review: Value = serde_json::from_slice(SAMPLE).unwrap();
    *review.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec(&review).unwrap()
}

#[tokio::test]
async fn answers_a_review_on_both_paths_with_its_uid() {
    let program = Program::start(&[]).await;
    let mut connection = program.connect().await;
    for path in ["/mutate", "/validate"] {
        let reply = connection.request(&post(path, SAMPLE)).await;
        assert_eq!(reply.status, 200);
        let review = reply.json();
        assert_eq!(
            (&review["apiVersion"], &review["kind"]),
            (&json!("admission.k8s.io/v1"), &json!("AdmissionReview"))
        );
        assert_eq!(review["response"]["uid"], UID);
    }
}

#[tokio::test]
async fn the_printed_curl_line_names_files_that_work() {
    let program = Program::start(&[]).await;
    let line = program.welcome.lines().last().unwrap();
    let word_after = |flag: &str| line.split_once(flag).unwrap().1.split_whitespace().next().unwrap().to_owned();
    let sample = std::fs::read(word_after("-d @")).unwrap();
    assert_eq!(sample, SAMPLE);
    let tls = connector(Path::new(&word_after("--cacert ")), &[]);
    let stream = TcpStream::connect(program.address).await.unwrap();
    let stream = tls.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap();
    let reply = client::Connection(stream).request(&post("/validate", &sample)).await;
    assert_eq!(reply.json()["response"]["uid"], UID);
    assert!(line.ends_with(&format!("https://{}/validate", program.address)), "{line}");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_the_next_request_is_answered() {
    let mut program = Program::start(&[]).await;
    let nested = format!("{{\"Flink\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let text = String::from_utf8(with("/request/object", json!("HERE"))).unwrap();
    let cases: Vec<(&str, Vec<u8>, u16, Option<&str>)> = vec![
        ("empty", vec![], 400, None),
        ("not JSON", b"apiVersion: v1".to_vec(), 400, None),
        ("invalid UTF-8", b"{\"kind\":\"\xff\"}".to_vec(), 400, None),
        ("truncated", SAMPLE[..900].to_vec(), 400, Some(UID)),
        ("wrong version", with("/apiVersion", json!("admission.k8s.io/v1beta1")), 422, Some(UID)),
        ("wrong kind", with("/kind", json!("Pod")), 422, Some(UID)),
        ("no uid", with("/request/uid", Value::Null), 422, None),
        ("no object", with("/request/object", Value::Null), 422, Some(UID)),
        ("deep nesting", text.replace("\"HERE\"", &nested).into_bytes(), 422, Some(UID)),
        ("huge number", text.replace("\"HERE\"", "{\"Flink\":1e999}").into_bytes(), 422, Some(UID)),
        ("duplicate uid", text.replace("\"name\":", "\"uid\":\"1\",\"name\":").into_bytes(), 422, Some(UID)),
        ("object of surprising shape", with("/request/object/spec", json!([{}, 1, null])), 200, Some(UID)),
        ("duplicate keys", text.replace("\"HERE\"", "{\"a\":1,\"a\":2}").into_bytes(), 200, Some(UID)),
    ];
    let mut connection = program.connect().await;
    for (name, body, status, uid) in cases {
        let reply = connection.request(&post("/validate", &body)).await;
        assert_eq!(reply.status, status, "{name}: {reply:?}");
        match uid {
            Some(uid) => assert_eq!(reply.json()["response"]["uid"], uid, "{name}"),
            None => assert!(reply.text().ends_with('\n') && reply.text().len() > 20, "{name}: {reply:?}"),
        }
    }
    assert_eq!(connection.request(&post("/validate", SAMPLE)).await.status, 200);
    assert!(program.child.try_wait().unwrap().is_none());
}

#[tokio::test]
async fn a_refusal_is_one_log_line_and_counted() {
    let mut program = Program::start(&[]).await;
    let body = with(
        "/request/object/spec/flinkConfiguration",
        json!({
            "high-availability.type": "kubernetes", "high-availability.storageDir": "file:///flink-data/ha",
            "s3.secret-key": "do-not-tell",
        }),
    );
    let reply = program.post("/validate", &body).await.json();
    assert_eq!(reply["response"]["allowed"], false);
    assert!(reply["response"]["status"]["message"].as_str().unwrap().contains("[storage-on-empty-dir]"), "{reply}");
    let line = loop {
        let line = program.log.next_line().await.unwrap().expect("a line about the refusal");
        assert!(!line.contains("do-not-tell"), "{line}");
        if line.contains(UID) {
            break line;
        }
    };
    let request: Value = serde_json::from_slice(SAMPLE).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["user"], request["request"]["userInfo"]["username"], "{line}");
    let name = request["request"]["name"].as_str().unwrap();
    assert!(line.contains(name) && line.contains("storage-on-empty-dir") && line.contains("built-in"), "{line}");
    let metrics = program.observe().await.request(&get("/metrics")).await.text();
    let counted = |words: &[&str]| {
        metrics.lines().any(|line| words.iter().all(|word| line.contains(word)) && line.ends_with(" 1"))
    };
    assert!(counted(&["reviews", "validate", "denied", "FlinkDeployment"]), "{metrics}");
    assert!(counted(&["findings", "storage-on-empty-dir", "deny"]), "{metrics}");
}

#[tokio::test]
async fn strings_of_strangers_never_break_a_log_line() {
    let mut program = Program::start(&[]).await;
    let uid = "7\n{\"level\":\"ERROR\"}\r\u{1b}[31m";
    let mut body = with("/request/uid", json!(uid));
    body.truncate(body.len() - 1);
    assert_eq!(program.post("/validate", &body).await.status, 400);
    loop {
        let line = program.log.next_line().await.unwrap().expect("a line about the broken review");
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        if line["level"] == "WARN" {
            assert_eq!(line["uid"], uid);
            break;
        }
    }
}

#[tokio::test]
async fn a_body_of_nine_mebibytes_is_too_large() {
    let program = Program::start(&[]).await;
    let reply = program.post("/validate", &vec![b' '; 9 << 20]).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_body_of_seven_mebibytes_is_read() {
    let program = Program::start(&[]).await;
    let text = "x".repeat(7 << 20);
    let reply = program.post("/validate", &with("/request/object/metadata/name", json!(text))).await;
    assert_eq!((reply.status, &reply.json()["response"]["uid"]), (200, &json!(UID)));
}

/// Three headers in a row are cut for taking too long while the first connection idles: it has then been idle for three
/// times what a header may take.
#[tokio::test]
async fn slow_headers_are_cut_and_idle_connections_are_not() {
    let program = Program::start(&["--header-timeout", "200ms"]).await;
    let mut idle = program.connect().await;
    assert_eq!(idle.request(&post("/validate", SAMPLE)).await.status, 200);
    let mut fresh = program.connect().await;
    for _ in 0..3 {
        let mut slow = program.connect().await;
        slow.send(b"POST /validate HT").await;
        slow.closed().await;
    }
    assert_eq!(idle.request(&post("/validate", SAMPLE)).await.status, 200);
    assert_eq!(fresh.request(&post("/validate", SAMPLE)).await.status, 200);
    idle.send(b"GET /healthz HTTP/1.1\r\n").await;
    idle.closed().await;
}

#[tokio::test]
async fn a_header_that_never_stops_coming_is_cut() {
    let program = Program::start(&["--header-timeout", "200ms"]).await;
    let (mut read, mut write) = tokio::io::split(program.connect().await.0);
    let drip = async {
        loop {
            if write.write_all(b"a").await.and(write.flush().await).is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = drip => {}
        read = read.read_u8() => assert!(read.is_err()),
    }
}

#[tokio::test]
async fn idle_connections_and_silent_handshakes_and_slow_bodies_end() {
    let bounds = ["--idle-timeout", "2s", "--handshake-timeout", "2s", "--body-timeout", "300ms"];
    let program = Program::start(&bounds).await;
    let mut idle = program.connect().await;
    let mut silent = client::Connection(TcpStream::connect(program.address).await.unwrap());
    let mut slow = program.connect().await;
    let reply = slow.request(&head("/validate", 100)).await;
    assert_eq!(reply.status, 408);
    slow.closed().await;
    idle.closed().await;
    silent.closed().await;
    assert_eq!(program.metric("flink_admission_tls_handshake_failures_total").await, 1);
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_told_to_come_again() {
    let program = Program::start(&["--max-bodies", "1"]).await;
    let body = with("/request/object/metadata/name", json!("x".repeat(900 << 10)));
    let (first, rest) = body.split_at(800 << 10);
    let mut one = program.connect().await;
    one.send(&head("/validate", body.len())).await;
    one.send(first).await;
    while program.metric("flink_admission_body_bytes").await < first.len() as u64 {
        tokio::task::yield_now().await;
    }
    let turned_away = program.post("/validate", &body).await;
    assert_eq!(turned_away.status, 429);
    assert!(turned_away.head.contains("retry-after: 1\r\n"), "{turned_away:?}");
    one.send(rest).await;
    assert_eq!(one.reply().await.status, 200);
    assert_eq!(program.metric("flink_admission_overloads_total").await, 1);
    assert_eq!(program.metric("flink_admission_body_bytes").await, 0);
    assert_eq!(program.post("/validate", &body).await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_bound_are_told_to_come_again() {
    let program = Program::start(&["--max-connections", "1"]).await;
    let mut first = program.connect().await;
    let (begun, rest) = SAMPLE.split_at(10);
    first.send(&head("/mutate", SAMPLE.len())).await;
    first.send(begun).await;
    while program.metric("flink_admission_body_bytes").await == 0 {
        tokio::task::yield_now().await;
    }
    let mut second = program.connect().await;
    let turned_away = second.request(&post("/mutate", SAMPLE)).await;
    assert_eq!(turned_away.status, 429);
    assert!(turned_away.closes() && turned_away.head.contains("retry-after: 1\r\n"), "{turned_away:?}");
    second.closed().await;
    let probe = program.connect().await.request(&get("/healthz")).await;
    assert_eq!((probe.status, probe.closes()), (200, true));
    first.send(rest).await;
    assert_eq!(first.reply().await.status, 200);
    assert_eq!(program.metric("flink_admission_overloads_total").await, 2);
}

#[tokio::test]
async fn connections_that_do_nothing_make_room_for_others() {
    let program = Program::start(&["--max-connections", "2"]).await;
    let (mut used, mut silent) = (program.connect().await, program.connect().await);
    assert_eq!(used.request(&post("/mutate", SAMPLE)).await.status, 200);
    let mut third = program.connect().await;
    assert_eq!(third.request(&post("/mutate", SAMPLE)).await.status, 200);
    silent.closed().await;
    assert_eq!(used.request(&post("/mutate", SAMPLE)).await.status, 200);
    assert_eq!(program.metric("flink_admission_overloads_total").await, 0);
}

#[tokio::test]
async fn the_plain_port_serves_health_and_metrics_alone() {
    let program = Program::start(&[]).await;
    let mut plain = program.observe().await;
    assert_eq!(plain.request(&get("/healthz")).await.text(), "ok\n");
    assert_eq!(plain.request(&get("/readyz")).await.text(), "ok\n");
    let metrics = plain.request(&get("/metrics")).await;
    assert!(metrics.head.contains("application/openmetrics-text"), "{metrics:?}");
    assert!(metrics.text().ends_with("# EOF\n"));
    for path in ["/mutate", "/validate"] {
        assert_eq!(program.observe().await.request(&post(path, SAMPLE)).await.status, 404);
    }
    let mut tls = program.connect().await;
    assert_eq!(tls.request(&get("/readyz")).await.status, 200);
    assert_eq!(tls.request(&get("/metrics")).await.status, 200);
    assert_eq!(tls.request(&get("/mutate")).await.status, 405);
}

#[tokio::test]
async fn http_1_1_is_the_only_protocol() {
    let program = Program::start(&[]).await;
    let ca = program.welcome.split_once("--cacert ").unwrap().1.split_whitespace().next().unwrap();
    let negotiated = async |protocols: &[&[u8]]| {
        let stream = TcpStream::connect(program.address).await.unwrap();
        let stream = connector(Path::new(ca), protocols).connect(ServerName::try_from("localhost").unwrap(), stream);
        stream.await.map(|stream| stream.get_ref().1.alpn_protocol().map(ToOwned::to_owned))
    };
    assert_eq!(negotiated(&[b"h2", b"http/1.1"]).await.unwrap().as_deref(), Some(b"http/1.1".as_slice()));
    assert!(negotiated(&[b"h2"]).await.is_err());
}

#[tokio::test]
async fn while_draining_it_serves_on_and_every_reply_closes() {
    let program = Program::start(&["--drain", "1h"]).await;
    let (mut kept, mut idle) = (program.connect().await, program.connect().await);
    assert!(!kept.request(&post("/validate", SAMPLE)).await.closes());
    assert_eq!(idle.request(&post("/validate", SAMPLE)).await.status, 200);
    program.terminate().await;
    while program.observe().await.request(&get("/readyz")).await.status != 503 {
        tokio::task::yield_now().await;
    }
    assert_eq!(program.observe().await.request(&get("/healthz")).await.status, 200);
    let reply = kept.request(&post("/validate", SAMPLE)).await;
    assert_eq!((reply.status, reply.closes()), (200, true));
    kept.closed().await;
    let fresh = program.post("/validate", SAMPLE).await;
    assert_eq!((fresh.status, fresh.closes()), (200, true));
    let reply = idle.request(&post("/validate", SAMPLE)).await;
    assert_eq!((reply.status, reply.closes()), (200, true));
}

#[tokio::test]
async fn when_closing_it_answers_what_is_in_flight_and_ends() {
    let mut program = Program::start(&["--drain", "0s", "--body-timeout", "1h", "--finish", "1h"]).await;
    let (start, rest) = SAMPLE.split_at(100);
    let (mut in_body, mut idle) = (program.connect().await, program.connect().await);
    in_body.send(&head("/validate", SAMPLE.len())).await;
    in_body.send(start).await;
    assert_eq!(idle.request(&post("/validate", SAMPLE)).await.status, 200);
    while program.metric("flink_admission_body_bytes").await < start.len() as u64 {
        tokio::task::yield_now().await;
    }
    program.terminate().await;
    idle.closed().await;
    while TcpStream::connect(program.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(program.child.try_wait().unwrap().is_none(), "it ended with a request in flight");
    in_body.send(rest).await;
    let reply = in_body.reply().await;
    assert_eq!((reply.status, reply.closes()), (200, true));
    assert!(program.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn requests_in_flight_do_not_hold_the_program_for_ever() {
    let mut program = Program::start(&["--drain", "0s", "--body-timeout", "1h", "--finish", "100ms"]).await;
    let mut stuck = program.connect().await;
    stuck.send(&head("/validate", SAMPLE.len())).await;
    stuck.send(b"{").await;
    while program.metric("flink_admission_body_bytes").await == 0 {
        tokio::task::yield_now().await;
    }
    program.terminate().await;
    assert!(program.child.wait().await.unwrap().success());
}

/// Also where no word is left in the new object by which Flink is known.
#[tokio::test]
async fn an_update_that_loses_what_was_filled_in_is_told() {
    let container = |args: Value| json!({"name": "main", "image": "flink:1.20.1", "args": args});
    let object = |container: Value, metadata: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"template": {"spec": {"containers": [container]}}}})
    };
    let record = json!({"namespace": "shop", "name": "orders", "values": [
        {"what": "option", "option": "high-availability.type", "key": "high-availability.type", "value": "kubernetes"},
    ]});
    let annotated = json!({"name": "orders", "annotations": {"flink-admission.io/injected": record.to_string()}});
    let old = object(container(json!(["taskmanager", "-Dhigh-availability.type=kubernetes"])), annotated);
    let new = object(container(json!(["/run.sh"])), json!({"name": "orders"}));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": UID, "operation": "UPDATE", "namespace": "shop", "name": "orders",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "object": new, "oldObject": old,
    }});
    let program = Program::start(&[]).await;
    let mut connection = program.connect().await;
    let body = serde_json::to_vec(&review).unwrap();
    let response = connection.request(&post("/validate", &body)).await.json()["response"].clone();
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    assert!(warnings.iter().any(|said| said.as_str().unwrap().contains("[injected-value-missing]")), "{response}");
    let response = connection.request(&post("/mutate", &body)).await.json()["response"].clone();
    assert_eq!((&response["allowed"], &response["patch"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_session_job_is_judged_and_never_changed() {
    let object = json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob", "metadata": {"name": "word-count"},
        "spec": {"deploymentName": "session", "flinkConfiguration": {"high-availability.type": "kubernetes"},
            "job": {"jarURI": "https://repo.example.net/job.jar"}},
    });
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": UID, "operation": "CREATE", "namespace": "shop", "name": "word-count",
        "kind": {"group": "flink.apache.org", "version": "v1beta1", "kind": "FlinkSessionJob"}, "object": object,
    }});
    let program = Program::start(&[]).await;
    let mut connection = program.connect().await;
    let body = serde_json::to_vec(&review).unwrap();
    let response = connection.request(&post("/mutate", &body)).await.json()["response"].clone();
    assert_eq!((&response["allowed"], &response["patch"]), (&json!(true), &Value::Null));
    let response = connection.request(&post("/validate", &body)).await.json()["response"].clone();
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    assert!(
        warnings.len() == 1 && warnings[0].as_str().unwrap().contains("[session-option-without-effect]"),
        "{response}"
    );
}
