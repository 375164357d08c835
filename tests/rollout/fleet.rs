//! Replicas of our program as processes that stand for the Pods of the chart's Deployment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::balancer::Balancer;
use super::pod::{Template, Volumes};
use super::release::Release;
use crate::support::{RunningWebhook, wait_until};

/// From the start of a replica until it is ready, on a machine that does other things.
const READY_DEADLINE: Duration = Duration::from_mins(2);

/// The Deployment's Pods.
pub struct Fleet {
    pub release: Arc<Release>,
    pub balancer: Arc<Balancer>,
    pub replicas: Vec<Replica>,
    template: Template,
    /// What they are told in place of the chart's arguments.
    adjust: fn(&mut Template),
    kubeconfig: PathBuf,
    started: usize,
}

/// One process.
pub struct Replica {
    pub name: String,
    pub process: RunningWebhook,
    pub reviews: SocketAddr,
    pub observe: SocketAddr,
    pub volumes: Volumes,
    _directory: TempDir,
}

impl Fleet {
    /// Starts `count` replicas at the same time and waits until all are ready.
    #[track_caller]
    pub fn start(release: &Arc<Release>, balancer: &Arc<Balancer>, count: usize, adjust: fn(&mut Template)) -> Self {
        let (template, kubeconfig) = (read(release, adjust), release.kubeconfig());
        let (release, balancer) = (Arc::clone(release), Arc::clone(balancer));
        let mut fleet = Self { release, balancer, replicas: Vec::new(), template, adjust, kubeconfig, started: 0 };
        let names: Vec<String> = (0..count).map(|_| fleet.next_name()).collect();
        fleet.replicas = std::thread::scope(|scope| {
            let starting: Vec<_> = names.iter().map(|name| scope.spawn(|| fleet.start_pod(name))).collect();
            starting.into_iter().map(|started| started.join().expect("a replica")).collect()
        });
        for replica in &fleet.replicas {
            fleet.wait_until_ready(replica);
        }
        fleet
    }

    /// Replaces all replicas as a Deployment with `maxSurge: 1, maxUnavailable: 0` does: a new one is started, and when it is
    /// ready an old one is deleted; the next new one does not wait for its end, as a Pod that terminates is not counted.
    /// Returns when all old ones have ended by themselves, with status 0.
    #[track_caller]
    pub fn roll(&mut self) {
        let old = std::mem::take(&mut self.replicas);
        let mut leaving = Vec::new();
        for replica in old {
            let name = self.next_name();
            let new = self.start_pod(&name);
            self.wait_until_ready(&new);
            self.replicas.push(new);
            leaving.push(self.delete(replica));
        }
        for replica in leaving {
            self.wait_for_end(replica);
        }
    }

    /// What the Deployment controller does when the Deployment was changed: all replicas are replaced where the template is
    /// another one. Whether it is.
    #[track_caller]
    pub fn follow(&mut self) -> bool {
        let template = read(&self.release, self.adjust);
        let is_another = template != self.template;
        if is_another {
            self.template = template;
            self.roll();
        }
        is_another
    }

    /// The index of the replica of this name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.replicas.iter().position(|replica| replica.name == name)
    }

    /// Deletes the replica at `index`, waits for its end and starts another, as an eviction does.
    #[track_caller]
    pub fn evict(&mut self, index: usize) {
        let replica = self.replicas.remove(index);
        let leaving = self.delete(replica);
        let name = self.next_name();
        let new = self.start_pod(&name);
        self.wait_until_ready(&new);
        self.replicas.push(new);
        self.wait_for_end(leaving);
    }

    /// `kill -9` of the replica at `index`. Nobody is told; the probe finds out.
    #[track_caller]
    pub fn kill(&mut self, index: usize) -> Replica {
        let mut replica = self.replicas.remove(index);
        replica.process.signal("KILL");
        assert_eq!(replica.process.wait_for_exit(), 137, "{}", replica.process.log());
        replica
    }

    /// Starts one more and waits until it is ready.
    #[track_caller]
    pub fn add(&mut self) {
        let name = self.next_name();
        let new = self.start_pod(&name);
        self.wait_until_ready(&new);
        self.replicas.push(new);
    }

    /// Deletes all and waits for their ends, as the end of the release does.
    #[track_caller]
    pub fn stop(&mut self) {
        let old = std::mem::take(&mut self.replicas);
        let leaving: Vec<Replica> = old.into_iter().map(|replica| self.delete(replica)).collect();
        for replica in leaving {
            self.wait_for_end(replica);
        }
    }

    /// A Pod is deleted: the endpoint controller and the kubelet hear of it at the same time.
    #[track_caller]
    fn delete(&self, mut replica: Replica) -> Replica {
        self.balancer.leave(&replica.name);
        replica.process.signal("TERM");
        replica
    }

    #[track_caller]
    fn wait_for_end(&self, mut replica: Replica) {
        let status = replica.process.wait_for_exit();
        let log = replica.process.log();
        assert_eq!(status, 0, "{log}");
        assert!(!log.contains("connections were cut"), "{log}");
        self.balancer.remove(&replica.name);
    }

    fn next_name(&mut self) -> String {
        self.started += 1;
        format!("{}-7d4b9c-{}", self.release.name, self.started)
    }

    fn start_pod(&self, name: &str) -> Replica {
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
        let release = &self.release;
        let volumes = self.template.make_volumes(release.plane, &release.namespace, directory.path());
        let arguments = self.template.arguments_in(&volumes);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut environment = self.template.environment_of(name, &release.namespace);
        environment.push(("KUBECONFIG".to_owned(), self.kubeconfig.display().to_string()));
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let process = RunningWebhook::start_with(&arguments, &environment, "\"listen\"");
        let line: Value = serde_json::from_str(&process.wait_for("\"listen\"")).expect("a log line");
        let address = |name: &str| line[name].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let (reviews, observe) = (address("listen"), address("observe"));
        self.balancer.add(name, reviews, observe);
        Replica { name: name.to_owned(), process, reviews, observe, volumes, _directory: directory }
    }

    #[track_caller]
    fn wait_until_ready(&self, replica: &Replica) {
        let ready = wait_until(READY_DEADLINE, || self.balancer.is_ready(&replica.name).then_some(()));
        assert!(ready.is_some(), "{} is not ready:\n{}", replica.name, replica.process.log());
    }
}

fn read(release: &Release, adjust: fn(&mut Template)) -> Template {
    let mut template = release.template();
    // Not to wait half a minute for what a test breaks.
    template.set("check-every", "3s");
    adjust(&mut template);
    template
}
