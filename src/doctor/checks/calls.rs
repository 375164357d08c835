//! A request through the API server to a replica and back.

use super::{Context, entries, entry_name};
use crate::cluster::{KINDS, Kind};
use crate::doctor::endpoints;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::names::PROBE_ENTRY;
use crate::doctor::seen::{Probed, Reach};

const HURTS: &str = "Flink objects pass unchanged and unjudged, or are refused where failurePolicy is Fail";

pub(super) fn probe(context: &Context<'_>) -> Vec<Finding> {
    let probes = KINDS.into_iter().zip(&context.cluster.probes);
    probes.map(|(kind, probed)| one(context, kind, probed).about(context.subject(kind))).collect()
}

fn one(context: &Context<'_>, kind: Kind, probed: &Probed) -> Finding {
    let names = &context.cluster.names;
    match probed {
        Probed::Answered => Check::Probe.ok("a dry-run request went through the API server to a replica and back"),
        Probed::Unknown(why) => Check::Probe.unknown(
            why.as_str(),
            format!("kubectl auth can-i create configmaps -n {}   # the probe is a dry-run create", names.namespace),
        ),
        Probed::NotCalled(why) => {
            Check::Probe.error(format!("the API server could not call the webhook: {why}"), HURTS, network(context))
        }
        Probed::LetThrough => let_through(context, kind),
    }
}

/// The entry is `Ignore`, so that the API server does not say why it called nobody.
fn let_through(context: &Context<'_>, kind: Kind) -> Finding {
    let cluster = context.cluster;
    let Some(live) = cluster.configuration(kind).known() else {
        return Check::Probe.error("there is no configuration, so nobody is called", HURTS, context.who_changed(kind));
    };
    let Some(_) = entries(live).iter().find(|entry| entry_name(entry) == PROBE_ENTRY) else {
        return Check::Probe.error(
            format!("there is no entry `{PROBE_ENTRY}`, so the probe reaches nobody"),
            "the way through the API server cannot be proved, and failurePolicy stays Ignore",
            context.who_changed(kind),
        );
    };
    if context.ready() == Some(0) {
        let look = format!(
            "kubectl get endpointslices -n {0} -l kubernetes.io/service-name={1}",
            cluster.names.namespace, cluster.names.service
        );
        return Check::Probe.error("the probe was let through: no replica is ready", HURTS, look);
    }
    match &cluster.reach {
        Reach::Unreachable(why) => Check::Probe.error(
            format!("the probe was let through: the API server does not reach the webhook: {why}"),
            HURTS,
            network(context),
        ),
        Reach::Reached => Check::Probe.error(
            "the probe was let through, though the API server reaches the Service",
            HURTS,
            "see the checks `bundle`, `certificate` and `drift`; a certificate that is refused lets it through too",
        ),
        Reach::Unknown(_) => {
            Check::Probe.error("the probe was let through: nobody of ours was asked", HURTS, network(context))
        }
    }
}

/// What stands between a managed control plane and a pod.
fn network(context: &Context<'_>) -> String {
    let port = endpoints::ready(context.cluster, 443).first().map_or(8443, |(_, port)| *port);
    format!(
        "let the control plane reach the pods at TCP {port}. GKE, private control plane: gcloud compute firewall-rules \
         create flink-admission --network NETWORK --source-ranges CONTROL_PLANE_CIDR --target-tags NODE_TAG --allow \
         tcp:{port}. EKS with an overlay CNI: helm value hostNetwork=true. Any: a NetworkPolicy in {}",
        context.cluster.names.namespace
    )
}
