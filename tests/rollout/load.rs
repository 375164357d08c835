//! A client of the API server that never rests: creates, updates and dry runs in several namespaces, each of which must come
//! back changed, or refused where it must be.
//!
//! What is not is a failure with its time and what was said. Requests are sent at their time whether or not those before are
//! answered, unless too many are open. A failure while the API server itself is away (see [`Load::apart`]) is counted apart, unless a webhook is named
//! in it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::objects;
use crate::support::{ControlPlane, wait_until};

/// Requests a second.
const RATE: u32 = 50;
/// Requests at a time. A machine that cannot do so many a second gets fewer, in place of a queue in which all time out; the
/// count says how many a second there were.
const AT_A_TIME: usize = 24;
/// For one answer. The API server itself gives a request a minute.
const ANSWER_DEADLINE: Duration = Duration::from_secs(65);
/// From the installation until all of a row of requests go as they should.
const IN_FORCE_DEADLINE: Duration = Duration::from_mins(2);

/// The running client; dropping it ends it.
pub struct Load {
    runtime: &'static Runtime,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    namespaces: Vec<Tenant>,
    begin: Instant,
    sent: AtomicU64,
    room: Arc<Semaphore>,
    is_apart: AtomicBool,
    heard: Mutex<Heard>,
}

/// A namespace, with a client of its own.
struct Tenant {
    namespace: String,
    client: Client,
    /// The last Deployment that was stored in it.
    stored: Mutex<Option<String>>,
}

#[derive(Default)]
struct Heard {
    /// Numbers of the requests that are not answered yet.
    open: BTreeSet<u64>,
    answered: u64,
    apart: u64,
    failures: Vec<Failure>,
    /// Of those that went well.
    times: Vec<Duration>,
}

/// One request that did not go as it should.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Since the client began.
    pub at: Duration,
    /// What was sent.
    pub what: &'static str,
    /// What came back.
    pub said: String,
}

impl Failure {
    /// Whether it was refused since a webhook was not there.
    pub fn is_refusal(&self) -> bool {
        self.said.contains("webhook")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "after {:.1?}: {}: {}", self.at, self.what, self.said)
    }
}

/// What was counted from one moment to another.
#[derive(Debug)]
pub struct Count {
    pub answered: u64,
    pub apart: u64,
    pub took: Duration,
    pub failures: Vec<Failure>,
    times: Vec<Duration>,
}

/// A moment from which on to count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    /// Since the client began.
    at: Duration,
    answered: u64,
    apart: u64,
    failures: usize,
    times: usize,
}

impl Load {
    /// Makes `count` namespaces, waits until all goes as it should, and begins.
    #[track_caller]
    pub fn start(runtime: &'static Runtime, plane: &ControlPlane, count: usize) -> Self {
        let tenants = (0..count).map(|_| {
            let namespace = plane.create_namespace("team");
            plane.kubectl(&["create", "serviceaccount", "flink", "-n", &namespace]).succeeded();
            let client = runtime.block_on(client(plane.kubeconfig()));
            Tenant { namespace, client, stored: Mutex::default() }
        });
        let namespaces: Vec<Tenant> = tenants.collect();
        let shared = Arc::new(Shared {
            namespaces,
            begin: Instant::now(),
            sent: AtomicU64::new(0),
            room: Arc::new(Semaphore::new(AT_A_TIME)),
            is_apart: AtomicBool::new(false),
            heard: Mutex::default(),
        });
        shared.wait_until_in_force(runtime);
        let task = runtime.spawn(send_all(Arc::clone(&shared)));
        Self { runtime, shared, task }
    }

    /// From here on.
    pub fn mark(&self) -> Mark {
        let heard = self.shared.heard();
        let Heard { answered, apart, failures, times, .. } = &*heard;
        Mark {
            at: self.shared.begin.elapsed(),
            answered: *answered,
            apart: *apart,
            failures: failures.len(),
            times: times.len(),
        }
    }

    /// What was counted since `mark`, after all that was sent until now is answered.
    #[track_caller]
    pub fn since(&self, mark: Mark) -> Count {
        self.settle();
        let heard = self.shared.heard();
        Count {
            took: self.shared.begin.elapsed().saturating_sub(mark.at),
            answered: heard.answered - mark.answered,
            apart: heard.apart - mark.apart,
            failures: heard.failures[mark.failures..].to_vec(),
            times: heard.times[mark.times..].to_vec(),
        }
    }

    /// Waits until all is answered that was sent while things changed, and what was sent in the second after.
    #[track_caller]
    pub fn settle(&self) {
        let last = self.shared.sent.load(Ordering::SeqCst) + u64::from(RATE);
        let is_settled = || {
            let is_sent = self.shared.sent.load(Ordering::SeqCst) > last;
            is_sent && self.shared.heard().open.first().is_none_or(|oldest| *oldest > last)
        };
        let settled = wait_until(ANSWER_DEADLINE + ANSWER_DEADLINE, || is_settled().then_some(()));
        assert!(settled.is_some(), "the client is not answered any more");
    }

    /// As many requests as may be open, at one moment.
    pub fn burst(&self) {
        for _ in 0..AT_A_TIME {
            self.runtime.spawn(self.shared.begin_one());
        }
    }

    /// Does what takes the API server away, and brings it back. What was sent or answered meanwhile and failed, unless by a
    /// webhook, is counted apart.
    pub fn apart<T>(&self, away: impl FnOnce() -> T) -> T {
        self.shared.is_apart.store(true, Ordering::SeqCst);
        let done = away();
        self.shared.is_apart.store(false, Ordering::SeqCst);
        done
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Count {
    /// One line: how many requests, how many of them failed, and how long the others took.
    pub fn line(&self, what: &str) -> String {
        let apart = match self.apart {
            0 => String::new(),
            count => format!(", {count} lost to the API server's own down-time"),
        };
        let [half, most, all] = [0.5, 0.99, 1.0].map(|share| quantile(&self.times, share).as_millis());
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let rate = self.answered as f64 / self.took.as_secs_f64();
        format!(
            "{what}: {} requests ({rate:.0}/s), {} failed or unmutated{apart}; p50 {half} ms, p99 {most} ms, longest {all} ms",
            self.answered,
            self.failures.len()
        )
    }

    /// All failures, a line each.
    pub fn told(&self) -> String {
        lines(self.failures.iter())
    }

    /// How many were refused since a webhook was not there. What passed unchanged was not.
    pub fn refusals(&self) -> usize {
        self.failures.iter().filter(|failure| failure.is_refusal()).count()
    }

    /// Those, a line each.
    pub fn told_of_webhook(&self) -> String {
        lines(self.failures.iter().filter(|failure| failure.is_refusal()))
    }

    /// Panics with all failures where there is one.
    #[track_caller]
    pub fn nothing_lost(&self, what: &str) {
        println!("{}", self.line(what));
        assert!(self.failures.is_empty(), "{}{}", self.line(what), self.told());
    }
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }

    /// The API server hears of webhook configurations and endpoints a moment after they were stored.
    #[track_caller]
    fn wait_until_in_force(&self, runtime: &Runtime) {
        let mut last = None;
        let row = 2 * KINDS.len();
        let in_force = wait_until(IN_FORCE_DEADLINE, || {
            (0..row)
                .all(|_| {
                    let number = self.sent.fetch_add(1, Ordering::SeqCst);
                    last = runtime.block_on(self.send(number)).err();
                    last.is_none()
                })
                .then_some(())
        });
        assert!(in_force.is_some(), "the webhook is not asked as it should be: {last:?}");
        self.sent.store(0, Ordering::SeqCst);
    }

    /// Sends the request of this number.
    async fn send(&self, number: u64) -> Result<(), (&'static str, String)> {
        let kinds = KINDS.len() as u64;
        let kind = KINDS[usize::try_from(number % kinds).expect("a number")];
        let tenant = &self.namespaces[usize::try_from(number / kinds).expect("a number") % self.namespaces.len()];
        let name = format!("orders-{number}-{}", self.begin.elapsed().as_micros());
        let sent = timeout(ANSWER_DEADLINE, tenant.send(kind, &name)).await;
        sent.unwrap_or_else(|_| Err("no answer".to_owned())).map_err(|said| (kind.name(), said))
    }
}

async fn send_all(shared: Arc<Shared>) {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Ok(permit) = Arc::clone(&shared.room).acquire_owned().await {
        ticks.tick().await;
        let sent = shared.begin_one();
        tokio::spawn(async move {
            sent.await;
            drop(permit);
        });
    }
}

impl Shared {
    /// Sends the next request and counts what becomes of it.
    fn begin_one(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<> {
        let number = {
            let mut heard = self.heard();
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            heard.open.insert(number);
            number
        };
        let shared = Arc::clone(self);
        async move {
            let begin = Instant::now();
            let was_apart = shared.is_apart.load(Ordering::SeqCst);
            let sent = shared.send(number).await;
            let is_apart = was_apart || shared.is_apart.load(Ordering::SeqCst);
            let mut heard = shared.heard();
            heard.open.remove(&number);
            heard.answered += 1;
            match sent {
                Ok(()) => heard.times.push(begin.elapsed()),
                Err((_, said)) if is_apart && !is_of_webhook(&said) => heard.apart += 1,
                Err((what, said)) => heard.failures.push(Failure { at: shared.begin.elapsed(), what, said }),
            }
        }
    }
}

fn lines<'a>(failures: impl Iterator<Item = &'a Failure>) -> String {
    let said: Vec<String> = failures.map(ToString::to_string).collect();
    format!("\n{}", said.join("\n"))
}

/// Whether what was said blames us, or would have to: an object that came back as it was sent.
fn is_of_webhook(said: &str) -> bool {
    said.contains("webhook") || said == UNCHANGED || said == ADMITTED
}

fn quantile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

const UNCHANGED: &str = "it came back unchanged";
const ADMITTED: &str = "it was admitted, and must be refused";

/// What is sent, in turn.
const KINDS: [Kind; 6] = [
    Kind::Cluster,
    Kind::ClusterDryRun,
    Kind::JobManager,
    Kind::JobManagerDryRun,
    Kind::Update,
    Kind::ForgetfulCluster,
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Cluster,
    ClusterDryRun,
    JobManager,
    JobManagerDryRun,
    /// A stored Deployment is sent anew as its author wrote it, by which it must lose nothing.
    Update,
    /// Must be refused.
    ForgetfulCluster,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cluster => "create a FlinkDeployment",
            Self::ClusterDryRun => "dry-run a FlinkDeployment",
            Self::JobManager => "create a Deployment",
            Self::JobManagerDryRun => "dry-run a Deployment",
            Self::Update => "update a Deployment",
            Self::ForgetfulCluster => "dry-run a FlinkDeployment that must be refused",
        }
    }
}

impl Tenant {
    async fn send(&self, kind: Kind, name: &str) -> Result<(), String> {
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        let stored = PostParams::default();
        let clusters = self.api("flink.apache.org", "v1beta1", "FlinkDeployment");
        let deployments = self.api("apps", "v1", "Deployment");
        let job_manager = format!("{name}-jobmanager");
        match kind {
            Kind::Cluster => changed(clusters.create(&stored, &parse(objects::cluster(name))).await),
            Kind::ClusterDryRun => changed(clusters.create(&dry_run, &parse(objects::cluster(name))).await),
            Kind::JobManagerDryRun => {
                changed(deployments.create(&dry_run, &parse(objects::job_manager(&job_manager))).await)
            }
            Kind::JobManager => {
                changed(deployments.create(&stored, &parse(objects::job_manager(&job_manager))).await)?;
                *lock(&self.stored) = Some(job_manager);
                Ok(())
            }
            Kind::Update => {
                let Some(name) = lock(&self.stored).clone() else { return Ok(()) };
                changed(deployments.replace(&name, &stored, &parse(objects::job_manager(&name))).await)
            }
            Kind::ForgetfulCluster => {
                let refused = clusters.create(&dry_run, &parse(objects::forgetful_cluster(name))).await;
                let said = refused.err().map(|error| told(&error));
                match said {
                    None => Err(ADMITTED.to_owned()),
                    Some(said) if said.contains("denied the request") => Ok(()),
                    Some(said) => Err(said),
                }
            }
        }
    }

    fn api(&self, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }
}

/// A client that waits as long as the API server may take.
async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.expect("a configuration");
    config.read_timeout = Some(ANSWER_DEADLINE);
    config.default_retry = false;
    Client::try_from(config).expect("a client")
}

fn changed(answer: kube::Result<DynamicObject>) -> Result<(), String> {
    let object = answer.map_err(|error| told(&error))?;
    let object = serde_json::to_value(object).map_err(|error| error.to_string())?;
    if objects::is_changed(&object) { Ok(()) } else { Err(UNCHANGED.to_owned()) }
}

fn told(error: &kube::Error) -> String {
    use std::error::Error as _;
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        said = format!("{said}: {deeper}");
        cause = deeper.source();
    }
    said
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse(object: Value) -> DynamicObject {
    serde_json::from_value(object).expect("an object")
}
