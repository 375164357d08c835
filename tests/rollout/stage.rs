//! A release that is served by some replicas, with the client and the watch from outside.

use std::io::Write as _;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::balancer::Balancer;
use super::fleet::Fleet;
use super::load::Load;
use super::objects;
use super::outside::Watch;
use super::pod::Template;
use super::release::Release;
use crate::support::{ControlPlane, is_ci};

/// From a change until it is seen.
pub const SOON: Duration = Duration::from_mins(2);

/// Everything of one test; the first two end first.
pub struct Stage {
    pub load: Load,
    pub watch: Watch,
    pub fleet: Fleet,
    pub release: Arc<Release>,
    pub plane: &'static ControlPlane,
    pub runtime: &'static Runtime,
    _turn: MutexGuard<'static, ()>,
}

/// The control plane of this test binary and the turn to use it; `None` where programs are missing.
///
/// Its API server calls a Service by its EndpointSlices (`--enable-aggregator-routing`), as there is no kube-proxy that would
/// carry the address of the Service to them.
pub fn plane() -> Option<(&'static ControlPlane, MutexGuard<'static, ()>)> {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    if !ControlPlane::is_available_with(&["helm", "kube-controller-manager"]) {
        return None;
    }
    if host().is_none() {
        assert!(!is_ci(), "this machine has no address but loopback, which no EndpointSlice takes");
        let _ = writeln!(std::io::stderr(), "\nSKIPPED, nothing was tested: this machine has no address but loopback");
        return None;
    }
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let plane = PLANE.get_or_init(|| {
        let plane = ControlPlane::start_with(&["--enable-aggregator-routing=true"]).expect("a control plane");
        plane.apply_crds().expect("the CRDs");
        plane
    });
    Some((plane, turn))
}

/// Where client, balancer and watch run.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a runtime")
    })
}

/// An address of this machine that is not loopback. Nothing is sent.
pub fn host() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Whether all is asked for (`make test-rollout`), or the shorter form (`make test`).
pub fn is_full() -> bool {
    std::env::var_os("FLINK_ADMISSION_ROLLOUT").is_some_and(|wanted| wanted == "full")
}

/// `many` in full, `few` in the shorter form.
pub fn times(many: usize, few: usize) -> usize {
    if is_full() { many } else { few }
}

/// What the release is installed with: refusals are what a missing webhook costs, so that the client sees each.
pub fn values() -> Value {
    json!({
        "policy": objects::policy(),
        "webhooks": {"failurePolicy": "Fail"},
        "drainSeconds": 4,
    })
}

impl Stage {
    /// Installs the release `name` with `values`, starts `replicas` of it with what `change` makes of their arguments, and the
    /// client and the watch when all is in force.
    #[track_caller]
    pub fn open(name: &str, values: &Value, replicas: usize, change: impl FnOnce(&Release, &mut Template)) -> Option<Self> {
        let (plane, turn) = plane()?;
        let runtime = runtime();
        let release = Arc::new(Release::install(plane, name, values));
        let host = host().expect("an address").to_string();
        let balancer = Arc::new(Balancer::start(runtime, &host));
        release.route_to(&balancer);
        let mut template = release.template();
        quicken(&mut template);
        change(&release, &mut template);
        let fleet = Fleet::start(&release, &balancer, template, replicas);
        let load = Load::start(runtime, plane, 4);
        let watch = Watch::start(runtime, &release, &balancer);
        Some(Self { load, watch, fleet, release, plane, runtime, _turn: turn })
    }

    /// Does `change` under load, prints its count and panics where something was lost.
    #[track_caller]
    pub fn lossless<T>(&mut self, what: &str, change: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.load.mark();
        let done = change(self);
        let count = self.load.since(mark);
        let (seen, losses) = (self.watch.seen(), self.fleet.balancer.losses());
        if !count.failures.is_empty() || !seen.refused.is_empty() {
            println!("{losses:?}");
            for replica in &self.fleet.replicas {
                println!("--- {}\n{}", replica.name, replica.process.log());
            }
        }
        count.nothing_lost(what);
        assert!(seen.refused.is_empty(), "served and not trusted: {:?}", seen.refused);
        done
    }
}

/// Not to wait a minute for what a test breaks.
pub fn quicken(template: &mut Template) {
    if template.arguments.iter().any(|word| word.starts_with("--service=")) {
        template.set("check-every", "1s");
    }
}
