//! What our server costs, against one on the same listener that answers "allowed" without a look at the object.
//!
//! ```text
//! cargo bench --bench load [-- --rounds 7 --seconds 3]
//! ```
//! How it measures and what came of it stands in `tests/bench/README.md`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark ends by panicking, and its figures go to standard output"
)]

#[path = "load/client.rs"]
mod client;
#[path = "load/machine.rs"]
mod machine;
#[path = "load/null_server.rs"]
mod null_server;
#[path = "load/process.rs"]
mod process;
#[path = "load/scenario.rs"]
mod scenario;

use base64::Engine as _;
use client::post;
use process::Server;
use scenario::{Load, Scenario};
use serde_json::Value;

/// The allocator of the program, for the null server too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const OTHER: &[u8] = include_bytes!("../../benches/review/other.json");
const FLINK_DEPLOYMENT: &[u8] = include_bytes!("../../benches/review/flink-deployment.json");
const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/review/policy.yaml");
/// Requests a second of the open loop.
const RATE: u32 = 500;
/// Starts of which the median counts.
const STARTS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == null_server::WORD) {
        return null_server::run();
    }
    let number = |flag: &str, default| {
        let value = arguments.iter().skip_while(|word| *word != flag).nth(1);
        value.map_or(default, |value| value.parse().expect("a number"))
    };
    let (rounds, seconds) = (number("--rounds", 7), number("--seconds", 3));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(rounds, seconds));
}

async fn measure(rounds: u32, seconds: u32) {
    println!("{}", machine::described());
    println!("{rounds} rounds of {seconds} s for each server; CPU time is that of the server's process\n");
    let (ours, built_in) = (Server::ours(&["--policy", POLICY]).await, Server::ours(&[]).await);
    let null = Server::null().await;
    let idle = ours.resident();
    let pair = pair(&ours).await;
    let built_in_pair = self::pair(&built_in).await;
    let other = [post("/mutate", OTHER), post("/validate", OTHER)];
    let closed = Load::Closed;
    let open = Load::Open { rate: RATE };
    let scenarios = [
        Scenario {
            name: "mutate + validate, closed loop",
            server: &ours,
            requests: &pair,
            load: closed,
            aim: Some(3.0),
        },
        Scenario {
            name: "the same, 500 requests a second",
            server: &ours,
            requests: &pair,
            load: open,
            aim: Some(1.5),
        },
        Scenario { name: "not Flink, closed loop", server: &ours, requests: &other, load: closed, aim: Some(1.2) },
        Scenario {
            name: "mutate + validate, built-in policy",
            server: &built_in,
            requests: &built_in_pair,
            load: closed,
            aim: None,
        },
        Scenario { name: "not Flink, 500 requests a second", server: &ours, requests: &other, load: open, aim: None },
    ];
    println!(
        "{:36} {:>10} {:>10} {:>7} {:>15} {:>7} {:>9} {:>9} {:>9}",
        "CPU time a request, µs", "ours", "null", "ratio", "lowest-highest", "aim", "ours/s", "p50 µs", "p99 µs"
    );
    for scenario in scenarios {
        println!("{}", scenario.run(&null, rounds, seconds).await);
    }
    let (now, most) = ours.resident();
    println!("\nresident memory: {:.1} MB before, {now:.1} MB under load, {most:.1} MB at most (aim: < 25)", idle.0);
    println!("resident memory of the null server: {:.1} MB", null.resident().0);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::first_refusal().await.as_secs_f64() * 1e3);
    }
    starts.sort_by(f64::total_cmp);
    println!(
        "from exec to the first correct refusal: {:.0} ms ({:.0} to {:.0}; aim: ≤ 100)",
        starts[STARTS / 2],
        starts[0],
        starts[STARTS - 1]
    );
}

/// The two requests that an API server makes of one object: what comes back of the first is what the second shows.
async fn pair(server: &Server) -> [Vec<u8>; 2] {
    let mut connection = server.connect().await;
    let answer = connection.request(&post("/mutate", FLINK_DEPLOYMENT)).await.json();
    let mut review: Value = serde_json::from_slice(FLINK_DEPLOYMENT).unwrap();
    if let Some(patch) = answer["response"]["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(review.pointer_mut("/request/object").unwrap(), &patch).unwrap();
    }
    let validate = post("/validate", &serde_json::to_vec(&review).unwrap());
    let answer = connection.request(&validate).await.json();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    [post("/mutate", FLINK_DEPLOYMENT), validate]
}
