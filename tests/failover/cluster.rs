//! A cluster of Flink as its author writes it, applied to a place, and what becomes of its job when its leader is lost.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rest::Rest;
use super::runner::Seen;
use super::stage::{Place, documents};
use crate::support::installation::Installation;
use crate::support::wait_until;

/// How long a step may take; on an idle machine of two cores none takes a quarter of it.
pub const DEADLINE: Duration = Duration::from_mins(4);

/// What its author says of every cluster: little memory, many checkpoints, short leases.
const CONFIGURATION: &str = "
jobmanager.rpc.address: flink-jobmanager
blob.server.port: 6124
jobmanager.memory.process.size: 800m
taskmanager.memory.process.size: 800m
taskmanager.memory.managed.size: 32m
taskmanager.memory.network.min: 32m
taskmanager.memory.network.max: 32m
taskmanager.numberOfTaskSlots: 1
execution.checkpointing.interval: 1s
high-availability.kubernetes.leader-election.lease-duration: 10 s
high-availability.kubernetes.leader-election.renew-deadline: 8 s
high-availability.kubernetes.leader-election.retry-period: 2 s
high-availability.zookeeper.client.session-timeout: 10000
";
const LOGGING: &str = "
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
";

/// A cluster of one release.
pub struct Cluster<'a> {
    pub place: &'a Place,
    pub flink: &'a Installation,
    pub version: &'static str,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Session,
    Application,
}

/// A job that went on.
#[derive(Debug)]
pub struct Survival {
    pub take_over: Duration,
    /// What the TaskManager found in the state, by which the next record is the next number.
    pub state: u64,
}

impl fmt::Display for Survival {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (after, next) = (self.take_over.as_secs_f32(), self.state + 1);
        write!(formatter, "goes on after {after:4.1} s: state {}, next record {next}, same job id", self.state)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Session => "session",
            Self::Application => "application",
        })
    }
}

impl Cluster<'_> {
    /// Its objects as their author writes them: nothing of them says HA.
    pub fn manifest(&self) -> Vec<Value> {
        Self::objects(self.version, self.kind, &self.flink.library())
    }

    /// The same for a cluster of any place, after what the platform gives; the job's jar is in `library`.
    pub fn objects(version: &str, kind: Kind, library: &Path) -> Vec<Value> {
        let file = if is_before(version, "1.19") { "flink-conf.yaml" } else { "config.yaml" };
        let manifest = match kind {
            Kind::Session => "session.yaml",
            Kind::Application => "application.yaml",
        };
        let words = [
            ("VERSION", version),
            ("FILE", file),
            ("CONFIGURATION", &json!(CONFIGURATION.trim_start()).to_string()),
            ("LOGGING", &json!(LOGGING.trim_start()).to_string()),
            ("LIBRARY", &library.display().to_string()),
        ];
        let mut objects = documents("platform.yaml", &[]);
        objects.extend(documents(manifest, &words));
        objects
    }

    /// Waits until a JobManager of the cluster `app` leads and answers.
    pub fn ready(&self, app: &str) -> Seen {
        self.ready_after(app, "")
    }

    /// The same of another Pod than the one called `lost`.
    pub fn ready_after(&self, app: &str, lost: &str) -> Seen {
        self.wait("a leader", || {
            let leader = self.job_managers_of(app).into_iter().filter(|pod| pod.name != lost).rfind(leads)?;
            Rest(&leader.address).get("/overview")?;
            Some(leader)
        })
    }

    /// Waits until a JobManager leads and has its TaskManager, and gives its Pod.
    pub fn leader(&self) -> Seen {
        self.wait("a leader with a TaskManager", || {
            let leader = self.job_managers().into_iter().rfind(leads)?;
            let overview = Rest(&leader.address).get("/overview")?;
            (overview["taskmanagers"].as_u64()? > 0).then_some(leader)
        })
    }

    /// The id of its job, which in a session is submitted to `leader` now.
    pub fn job(&self, leader: &Seen) -> String {
        let rest = Rest(&leader.address);
        match self.kind {
            Kind::Session => self.wait("a job", || rest.submit(&self.flink.jar()).ok()),
            Kind::Application => self.wait("a job", || Some(rest.jobs()?.first()?.0.clone())),
        }
    }

    /// Waits until `job` has made its second checkpoint.
    pub fn wait_for_checkpoints(&self, leader: &Seen, job: &str) {
        self.wait("two checkpoints", || {
            let checkpoints = Rest(&leader.address).get(&format!("/jobs/{job}/checkpoints"))?;
            (checkpoints["counts"]["completed"].as_u64()? > 1).then_some(())
        });
    }

    /// The leader's node is lost, and the job goes on from its checkpoint under its id.
    pub fn survives(&self) -> Survival {
        let leader = self.leader();
        let job = self.job(&leader);
        self.wait_for_checkpoints(&leader, &job);
        let before = self.starts();
        assert_eq!(before, [(None, 1)], "the job begins with the first number");

        let begin = Instant::now();
        self.place.lose(&leader.name);
        let (state, record) =
            self.wait("a start of the job from its state", || self.starts().get(before.len()).copied());
        let take_over = begin.elapsed();
        let state = state.expect("the job has its state again");
        assert_eq!(record, state + 1, "no number is lost or counted twice");
        self.wait("the job under its id", || {
            let leader = self.job_managers().into_iter().filter(|pod| pod.name != leader.name).rfind(leads)?;
            Rest(&leader.address).jobs()?.into_iter().find(|found| *found == (job.clone(), "RUNNING".to_owned()))
        });
        Survival { take_over, state }
    }

    /// The leader's node is lost, and the next leader knows of no job: what it answers when it is asked for its jobs.
    pub fn forgets(&self) -> Value {
        let leader = self.leader();
        let job = self.job(&leader);
        self.wait_for_checkpoints(&leader, &job);
        self.place.lose(&leader.name);
        self.wait("the next leader's jobs", || {
            let next = self.job_managers().into_iter().filter(|pod| pod.name != leader.name).rfind(leads)?;
            // Until its TaskManager is there a job that it knows would be found as well: it is known before leadership is.
            let overview = Rest(&next.address).get("/overview")?;
            (overview["taskmanagers"].as_u64()? > 0).then(|| Rest(&next.address).get("/jobs"))?
        })
    }

    /// The Pods of its JobManagers, the oldest first.
    pub fn job_managers(&self) -> Vec<Seen> {
        self.job_managers_of("flink")
    }

    /// Those of the cluster `app`, where there are two in the place.
    pub fn job_managers_of(&self, app: &str) -> Vec<Seen> {
        self.all_job_managers().into_iter().filter(|pod| pod.labels["app"] == app).collect()
    }

    /// Those of all clusters in the place.
    pub fn all_job_managers(&self) -> Vec<Seen> {
        self.role("jobmanager")
    }

    pub fn role(&self, role: &str) -> Vec<Seen> {
        self.place.runner.pods().into_iter().filter(|pod| pod.labels["component"] == role).collect()
    }

    /// What the job found in its state and the record that came next, at each of its starts.
    pub fn starts(&self) -> Vec<(Option<u64>, u64)> {
        let said = self.role("taskmanager").iter().map(Seen::said).collect::<String>();
        said.lines().filter_map(start).collect()
    }

    #[track_caller]
    pub fn wait<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        wait_until(DEADLINE, condition).unwrap_or_else(|| {
            let logs = self
                .place
                .runner
                .pods()
                .into_iter()
                .map(|pod| format!("{}, ended with {:?}:\n{}", pod.name, pod.exits, tail(&pod.said())));
            panic!("not seen: {what}\n{}", logs.collect::<String>())
        })
    }
}

/// Whether a JobManager has said that it leads.
pub fn leads(pod: &Seen) -> bool {
    pod.said().lines().any(|line| line.contains("DispatcherRunner was granted leadership"))
}

fn start(line: &str) -> Option<(Option<u64>, u64)> {
    let (state, record) = line.strip_prefix("STARTED state=")?.split_once(" record=")?;
    Some((state.parse().ok(), record.trim().parse().ok()?))
}

fn is_before(version: &str, other: &str) -> bool {
    let number = |text: &str| -> Vec<u32> { text.split('.').filter_map(|part| part.parse().ok()).collect() };
    number(version) < number(other)
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n") + "\n"
}
