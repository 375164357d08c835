//! One load on two servers in turn, and the ratio of what they take.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::client::Connection;
use crate::process::Server;

/// Connections of the load, kept alive, as an API server keeps them.
const CONNECTIONS: u32 = 8;

/// How requests follow each other.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// The next one when the answer is there.
    Closed,
    /// So many a second over all connections, whenever the answers come.
    Open {
        /// Requests a second.
        rate: u32,
    },
}

/// A load with what is wanted of it.
pub(crate) struct Scenario<'a> {
    pub(crate) name: &'static str,
    pub(crate) server: &'a Server,
    /// Sent in turn; both servers get the same bytes.
    pub(crate) requests: &'a [Vec<u8>; 2],
    pub(crate) load: Load,
    /// The ratio that is wanted at most.
    pub(crate) aim: Option<f64>,
}

/// What came of a scenario.
pub(crate) struct Outcome {
    name: &'static str,
    aim: Option<f64>,
    /// A round each.
    ours: Vec<Round>,
    null: Vec<Round>,
}

/// One server for a while.
struct Round {
    cpu: Duration,
    took: Duration,
    latencies: Vec<Duration>,
}

impl Scenario<'_> {
    /// Ours, null, ours, null …, after one round of each that does not count.
    pub(crate) async fn run(&self, null: &Server, rounds: u32, seconds: u32) -> Outcome {
        let time = Duration::from_secs(seconds.into());
        for server in [self.server, null] {
            self.round(server, Duration::from_secs(1)).await;
        }
        let mut outcome = Outcome { name: self.name, aim: self.aim, ours: Vec::new(), null: Vec::new() };
        for _ in 0..rounds {
            outcome.ours.push(self.round(self.server, time).await);
            outcome.null.push(self.round(null, time).await);
        }
        outcome
    }

    async fn round(&self, server: &Server, time: Duration) -> Round {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = server.connect().await;
            connection.request(&self.requests[0]).await;
            connections.push(connection);
        }
        let (before, started) = (server.cpu_time(), Instant::now());
        let mut clients = JoinSet::new();
        for (number, connection) in (0..).zip(connections) {
            clients.spawn(client(connection, self.requests.clone(), self.load, number, started + time));
        }
        let latencies = clients.join_all().await.concat();
        Round { cpu: server.cpu_time().saturating_sub(before), took: started.elapsed(), latencies }
    }
}

/// Sends pairs of requests until `end`; how long each answer took since it was due.
async fn client(
    mut connection: Connection,
    requests: [Vec<u8>; 2],
    load: Load,
    number: u32,
    end: Instant,
) -> Vec<Duration> {
    let mut ticks = match load {
        Load::Closed => None,
        Load::Open { rate } => {
            let between = Duration::from_secs(1) / rate;
            let mut ticks = interval_at((Instant::now() + between * number).into(), between * CONNECTIONS);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            Some(ticks)
        }
    };
    let mut latencies = Vec::new();
    while Instant::now() < end {
        for request in &requests {
            let due = match &mut ticks {
                Some(ticks) => ticks.tick().await.into_std(),
                None => Instant::now(),
            };
            connection.request(request).await;
            latencies.push(due.elapsed());
        }
    }
    latencies
}

impl Round {
    /// Microseconds of CPU time a request.
    fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count(&self.latencies)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratios = sorted(self.ours.iter().zip(&self.null).map(|(ours, null)| ours.cost() / null.cost()));
        let latencies =
            sorted(self.ours.iter().flat_map(|round| &round.latencies).map(|time| time.as_secs_f64() * 1e6));
        let per_second =
            median(&sorted(self.ours.iter().map(|round| count(&round.latencies) / round.took.as_secs_f64())));
        let aim = self.aim.map_or_else(|| "-".to_owned(), |aim| format!("≤ {aim}"));
        write!(
            f,
            "{:36} {:>10.1} {:>10.1} {:>7.2} {:>15} {aim:>7} {per_second:>9.0} {:>9.0} {:>9.0}",
            self.name,
            median(&sorted(self.ours.iter().map(Round::cost))),
            median(&sorted(self.null.iter().map(Round::cost))),
            median(&ratios),
            format!("{:.2}-{:.2}", ratios[0], ratios[ratios.len() - 1]),
            median(&latencies),
            latencies[latencies.len() * 99 / 100],
        )
    }
}

#[allow(clippy::cast_precision_loss, reason = "a number of requests")]
fn count(latencies: &[Duration]) -> f64 {
    latencies.len() as f64
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
