//! A request through the API server to a replica and back.

use super::{Context, entries, entry_name};
use crate::cluster::{KINDS, Kind};
use crate::doctor::endpoints;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::names::PROBE_ENTRY;
use crate::doctor::seen::{Probed, Reach};
use crate::object::text;

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
        Probed::NotCalled(_) if context.ready() == Some(0) => Check::Probe.error(
            "the API server could not call the webhook: no replica is ready",
            HURTS,
            look_at_endpoints(context),
        ),
        Probed::NotCalled(why) => {
            Check::Probe.error(format!("the API server could not call the webhook: {why}"), HURTS, way(context, why))
        }
        Probed::LetThrough => let_through(context, kind),
    }
}

/// The entry is `Fail`, as the program writes it, and the API server would have said why it could not call. Where somebody
/// made it `Ignore`, it does not.
fn let_through(context: &Context<'_>, kind: Kind) -> Finding {
    let cluster = context.cluster;
    let Some(live) = cluster.configuration(kind).known() else {
        return Check::Probe.error("there is no configuration, so nobody is called", HURTS, context.who_changed(kind));
    };
    let Some(entry) = entries(live).iter().find(|entry| entry_name(entry) == PROBE_ENTRY) else {
        return Check::Probe.error(
            format!("there is no entry `{PROBE_ENTRY}`, so the probe reaches nobody"),
            "the way through the API server cannot be proved, and failurePolicy stays Ignore",
            context.who_changed(kind),
        );
    };
    if text(entry, &["failurePolicy"]) != Some("Ignore") {
        return Check::Probe.error(
            format!("the probe was let through, though `{PROBE_ENTRY}` is Fail"),
            "it was not sent, or not answered by a replica, and what becomes of Flink objects is not known",
            "try again in a few seconds, as the API server hears of a change later; then see the check `drift`",
        );
    }
    if context.ready() == Some(0) {
        let look = look_at_endpoints(context);
        return Check::Probe.error("the probe was let through: no replica is ready", HURTS, look);
    }
    match &cluster.reach {
        Reach::Unreachable(why) => Check::Probe.error(
            format!("the probe was let through: the API server does not reach the webhook: {why}"),
            HURTS,
            way(context, why),
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

/// What to do where a call failed with `why`, in the words of Go's net, crypto/tls and crypto/x509.
fn way(context: &Context<'_>, why: &str) -> String {
    let names = &context.cluster.names;
    if ["x509: ", "tls: "].iter().any(|begin| why.contains(begin)) {
        return "see the checks `bundle` and `certificate`: what is served is not what the API server trusts"
            .to_owned();
    }
    // A firewall lets a packet vanish; this is the answer of a host.
    if why.contains("connection refused") {
        return format!(
            "nothing listens where the Service leads: kubectl describe deployment {0} -n {1}; kubectl logs deployment/{0} \
             -n {1}; {2} -o yaml   # is it the port of the pods?",
            names.service,
            names.namespace,
            look_at_endpoints(context)
        );
    }
    network(context)
}

fn look_at_endpoints(context: &Context<'_>) -> String {
    let names = &context.cluster.names;
    format!("kubectl get endpointslices -n {} -l kubernetes.io/service-name={}", names.namespace, names.service)
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
