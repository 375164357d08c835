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

/// The name of the release, its Service and its Deployment.
pub const RELEASE: &str = "flink-admission";
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

/// What the release is installed with: a call that is lost is a refusal that the client sees.
pub fn values() -> Value {
    json!({
        "policy": objects::policy(),
        "webhooks": {
            "failurePolicy": {"mutate": "Fail", "validate": "Fail", "recorded": "Fail"},
            // The machine that runs a test does other things as well.
            "timeoutSeconds": 10,
        },
        "drainSeconds": 4,
    })
}

/// `values` with what `more` has, as helm merges them.
pub fn with(mut values: Value, more: &Value) -> Value {
    json_patch::merge(&mut values, more);
    values
}

impl Stage {
    /// Installs the release with `values`, starts `replicas` of it with what `adjust` makes of their arguments, and the client
    /// and the watch when all is in force.
    #[track_caller]
    pub fn open(values: &Value, replicas: usize, adjust: fn(&mut Template)) -> Option<Self> {
        let (plane, turn) = plane()?;
        Some(Self::open_on(plane, turn, Release::install(plane, RELEASE, values), replicas, adjust))
    }

    /// The same with what is installed already.
    #[track_caller]
    pub fn open_on(
        plane: &'static ControlPlane,
        turn: MutexGuard<'static, ()>,
        release: Release,
        replicas: usize,
        adjust: fn(&mut Template),
    ) -> Self {
        let (runtime, release) = (runtime(), Arc::new(release));
        let host = host().expect("an address").to_string();
        let balancer = Arc::new(Balancer::start(runtime, &host));
        release.route_to(&balancer);
        let fleet = Fleet::start(&release, &balancer, replicas, adjust);
        let load = Load::start(runtime, plane, 4);
        let watch = Watch::start(runtime, &release, &balancer);
        Self { load, watch, fleet, release, plane, runtime, _turn: turn }
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
