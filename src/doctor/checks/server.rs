//! The API server: its version and its clock.

use super::{Context, in_words};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::seen::Seen;
use crate::tls::certificate;

/// In it `matchConditions` became generally available.
const OLDEST: (u32, u32) = (1, 30);
/// The `Date` of an answer has whole seconds, and the answer took its time.
const NOTICED: i64 = 30;

pub(super) fn version(context: &Context<'_>) -> Vec<Finding> {
    let finding = match &context.cluster.version {
        Seen::Known((major, minor, whole)) if (*major, *minor) < OLDEST => Check::ApiServer.error(
            format!("Kubernetes {whole} answers, which is older than 1.30"),
            "it does not know `matchConditions` for certain, so every Deployment of the cluster may wait for the webhook",
            "upgrade the cluster to Kubernetes 1.30 or newer",
        ),
        Seen::Known((.., whole)) => Check::ApiServer.ok(format!("Kubernetes {whole} answers")),
        Seen::Absent => Check::ApiServer.unknown("it answers, but not with its version", "kubectl version"),
        Seen::Unknown(why) => {
            Check::ApiServer.unknown(format!("it answers, but not with its version: {why}"), "kubectl version")
        }
    };
    vec![finding]
}

pub(super) fn clock(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let Some(date) = cluster.date else {
        return vec![Check::Clock.unknown("the API server does not tell its time", "date -u, on both machines")];
    };
    let ahead = date.as_second() - cluster.now.as_second();
    let leaves = cluster.dialled.iter().filter_map(|dialled| dialled.chain.as_ref().ok()?.first());
    let begins = leaves.filter_map(certificate::contents).map(|contents| contents.not_before).max();
    if let Some(begins) = begins.filter(|begins| *begins > date.as_second()) {
        let late = in_words(begins - date.as_second());
        return vec![Check::Clock.error(
            format!("by the API server's clock the served certificate begins in {late}"),
            "the API server refuses the certificate until then and calls nobody",
            "set the clocks by NTP on the control plane and on the nodes; compare `date -u` on both",
        )];
    }
    let finding = if ahead.abs() <= NOTICED {
        Check::Clock.ok("the API server's clock and ours agree")
    } else {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        Check::Clock.warning(
            format!("the API server's clock is {} {side} ours", in_words(ahead.abs())),
            "certificates and Leases are judged by clocks: one that is off ends them early or begins them late",
            "set both clocks by NTP; compare `date -u` on this machine and on the control plane",
        )
    };
    vec![finding]
}
