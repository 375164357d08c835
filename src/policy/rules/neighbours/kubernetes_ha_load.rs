//! `kubernetes-ha-load`: more clusters that elect by ConfigMaps than the platform wants.

use crate::flink::options::HA_TYPE;
use crate::neighbours::{Election, Neighbour};
use crate::policy::finding::Level;
use crate::policy::rules::neighbours::{others, own};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "kubernetes-ha-load",
    failure: "P5",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A cluster with Kubernetes HA is created, and with it there are more such clusters than the policy's `highAvailability.adviseZooKeeperAbove`.",
        why: "The leader of each cluster writes its ConfigMap every five seconds (`high-availability.kubernetes.leader-election.retry-period`) and every pod watches it, which all comes down to one API server and its etcd. ZooKeeper keeps that load away from them.",
        limits: "0, the default, asks for nothing. Clusters with ZooKeeper HA and without HA are not counted, nor are those whose configuration is not known whole. The offline commands count what they are given; a review sees no other clusters yet.",
        example: "kind: FlinkPolicy\nspec:\n  highAvailability:\n    adviseZooKeeperAbove: 200",
        fix: "Give the cluster ZooKeeper HA: `high-availability.type: zookeeper` and `high-availability.zookeeper.quorum`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let most = case.policy.spec.high_availability.advise_zoo_keeper_above;
    let counts = |election: &Election| matches!(election, Election::Kubernetes { .. });
    if most == 0 || !case.is_new || !own(case).is_some_and(|own| own.elections.iter().any(counts)) {
        return Vec::new();
    }
    let number = 1 + others(case).filter(|other| Neighbour::has_kubernetes_ha(other)).count();
    if u32::try_from(number).is_ok_and(|number| number <= most) {
        return Vec::new();
    }
    let Some((_, setting)) = case.cluster.high_availability().1 else { return Vec::new() };
    let message = format!(
        "with this cluster {number} have Kubernetes HA, and the policy advises ZooKeeper above {most}: each leader writes its ConfigMap every few seconds, which the API server carries"
    );
    let fix = format!("set `{HA_TYPE}: zookeeper` and `high-availability.zookeeper.quorum`");
    vec![Violation::at_setting(setting, message, fix)]
}
