//! `configuration-not-found`: a ConfigMap that a Flink container mounts and that is not there.

use std::collections::BTreeSet;

use crate::facts::FactKey;
use crate::flink::deployment::walk;
use crate::flink::pod::config_maps_of;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, missing, volumes};
use crate::workload::recognise;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "configuration-not-found",
    failure: "C24",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A Flink container mounts a ConfigMap that does not exist in its namespace, or not yet.",
        why: "The kubelet cannot set the volume up, and the pod stays in `ContainerCreating`: `MountVolume.SetUp failed … configmap \"flink-config\" not found`. Mostly one of two names was changed and not the other.",
        limits: "It may be applied a moment later. Offline a ConfigMap is missing only where the input holds others. Optional ones, `kube-root-ca.crt`, `openshift-service-ca.crt` and those that Flink or its operator make are not asked for.",
        example: "volumes:\n- name: flink-config\n  configMap: {name: orders-flink-config}   # the ConfigMap is called orders-flink-conf",
        fix: "Create the ConfigMap in the namespace of the cluster, or mount the one that is meant.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    // Flink's client writes them after the Deployment, and the operator before its Deployments, but not before its resources.
    let is_of_author = recognise(case.object).is_some_and(|workload| workload.made_by.is_none());
    let is_made = |name: &str| !is_of_author && MADE_BY_FLINK.iter().any(|prefix| name.starts_with(prefix));
    let mounted: BTreeSet<&str> = case.cluster.roles.iter().flat_map(|view| view.pod.config_maps()).collect();
    let is_missing = |name: &&str| {
        let key = FactKey::ConfigMap { namespace: case.namespace.to_owned(), name: (*name).to_owned() };
        case.facts.is_absent(&key) && !is_made(name)
    };
    let violation = |name: &str| {
        let path =
            volumes::place(case, |volume| config_maps_of(volume).any(|of_volume| of_volume == name)).map(|path| {
                let of_volume = path.keys(&["configMap", "name"]);
                if walk(case.object, &of_volume).is_some() { of_volume } else { path }
            });
        let message = format!(
            "ConfigMap `{name}` does not exist (yet), and until it does the pods that mount it stay in `ContainerCreating`"
        );
        let fix = format!("create it in namespace `{}`, or mount the one that is meant", case.namespace);
        let fix = missing::or_made_elsewhere(case, fix);
        Violation::at_field(path.unwrap_or_else(|| case.spec()), Some(name.to_owned()), message, fix)
    };
    mounted.into_iter().filter(is_missing).map(violation).collect()
}

/// Flink 1.20 `Constants`, in `org.apache.flink.kubernetes.utils`: the cluster's id follows.
const MADE_BY_FLINK: [&str; 4] = ["flink-config-", "pod-template-", "hadoop-config-", "kerberos-krb5conf-"];
