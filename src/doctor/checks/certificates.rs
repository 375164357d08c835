//! What is served, beside what the API server trusts.

use base64::Engine as _;
use rustls::pki_types::CertificateDer;
use serde_json::Value;

use super::members::{living, normal, trusted};
use super::{Context, entry_name, in_words};
use crate::cluster::{KINDS, Kind};
use crate::doctor::endpoints::targets;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::names::AUTHORITY;
use crate::doctor::seen::{Dialled, Seen};
use crate::object::{annotation, text};
use crate::tls::certificate::{self, Contents};
use crate::tls::fingerprint_of;

/// A leaf is renewed when a third of its life is left; with less than this part it was not.
const LEAF_REST: i64 = 5;
/// The same for an authority.
const AUTHORITY_REST: i64 = 10;
/// Seconds by which our own certificates begin before they are made, so that a clock that is behind takes them: no part of
/// their life.
const BACKDATED: i64 = 86_400;

pub(super) fn authority(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let subject = context.own("Secret", &names.secret());
    if !context.settings.owns_authority() {
        return vec![
            Check::Authority.ok("certificates come from files (`--tls-cert`): there is no authority of our own"),
        ];
    }
    let why = "the replicas share no authority, so none of them can renew its certificate";
    let rotate =
        format!("kubectl annotate secret {} -n {} flink-admission.io/rotate=now", names.secret(), names.namespace);
    let finding = match &context.cluster.secret {
        Seen::Absent if !context.settings.is_known() => Check::Authority.unknown(
            "it does not exist, and the Deployment does not tell whether there should be one",
            format!("kubectl get deployment {} -n {}", names.service, names.namespace),
        ),
        Seen::Absent => Check::Authority.error(
            "it does not exist",
            why,
            format!(
                "kubectl logs deployment/{} -n {}   # the leader makes it, or says why not",
                names.service, names.namespace
            ),
        ),
        Seen::Unknown(why) => Check::Authority
            .unknown(why.as_str(), format!("kubectl get secret {} -n {}", names.secret(), names.namespace)),
        Seen::Known(secret) => {
            let pem = text(secret, &["data", "tls.crt"]).and_then(decoded).unwrap_or_default();
            match certificate::read(&pem).first().and_then(certificate::contents) {
                None => Check::Authority.error(
                    "its `tls.crt` holds no certificate",
                    why,
                    format!("kubectl delete secret {} -n {}   # it is made anew", names.secret(), names.namespace),
                ),
                Some(contents) => {
                    of_dates(Check::Authority, &contents, BACKDATED, context.cluster.time(), AUTHORITY_REST, &rotate)
                }
            }
        }
    };
    vec![finding.about(subject)]
}

pub(super) fn bundle(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let secret = cluster.secret.known().and_then(|secret| text(secret, &["data", "tls.crt"])).and_then(decoded);
    let secret = secret.map(|pem| certificate::read(&pem)).unwrap_or_default();
    // One that was left behind says nothing.
    let is_in_use = context.settings.is_known() && context.settings.owns_authority();
    let authority = secret.first().filter(|_| is_in_use).map(fingerprint_of);
    let mut findings = Vec::new();
    let (mut trusting, mut empty, mut stale) = (0_usize, Vec::new(), Vec::new());
    for (kind, entry) in context.entries() {
        // Without a bundle the API server trusts what its host trusts, which is meant for a URL.
        if text(entry, &["clientConfig", "url"]).is_some() && text(entry, &["clientConfig", "caBundle"]).is_none() {
            continue;
        }
        let held = bundle_of(entry);
        if held.is_empty() {
            empty.push((kind, entry_name(entry)));
        } else if authority.as_ref().is_some_and(|wanted| !held.iter().any(|one| fingerprint_of(one) == *wanted)) {
            stale.push((kind, entry_name(entry)));
        } else {
            trusting += 1;
        }
    }
    let names = &cluster.names;
    let fix = if context.settings.writes_bundle() {
        format!(
            "kubectl logs deployment/{} -n {}   # the leader writes the bundle, or says why not",
            names.service, names.namespace
        )
    } else {
        "kubectl logs deployment/cert-manager-cainjector -n cert-manager   # or whoever writes the caBundle".to_owned()
    };
    for kind in KINDS {
        let of_kind = |found: &[(Kind, &str)]| {
            let found: Vec<String> =
                found.iter().filter(|(of, _)| *of == kind).map(|(_, name)| format!("`{name}`")).collect();
            found.join(", ")
        };
        let (nothing, other) = (of_kind(&empty), of_kind(&stale));
        if !nothing.is_empty() {
            let finding = Check::Bundle.error(
                format!("the caBundle of {nothing} holds no certificate"),
                "the API server trusts nobody there and calls nobody",
                fix.clone(),
            );
            findings.push(finding.about(context.subject(kind)));
        }
        if !other.is_empty() {
            let finding = Check::Bundle.error(
                format!("the caBundle of {other} does not hold the authority of Secret `{}`", names.secret()),
                "certificates of that authority are refused: calls fail as soon as the replicas serve them",
                fix.clone(),
            );
            findings.push(finding.about(context.subject(kind)));
        }
    }
    if findings.is_empty() {
        findings.push(match (trusting, &authority) {
            (0, _) => Check::Bundle.unknown("there is no live configuration to look at", ""),
            (_, Some(_)) => Check::Bundle.ok("every entry trusts the authority of the Secret"),
            (_, None) => Check::Bundle.ok("every entry trusts some authority"),
        });
    }
    findings
}

pub(super) fn served(context: &Context<'_>) -> Vec<Finding> {
    let cluster = context.cluster;
    let mut findings: Vec<Finding> = Vec::new();
    let mut judged = 0_usize;
    for dialled in &cluster.dialled {
        let Ok(chain) = &dialled.chain else { continue };
        let Some(contents) = chain.first().and_then(certificate::contents) else { continue };
        // From a laptop an address of the pod network may be anybody's.
        if !dialled.is_url && !cluster.is_inside && !contents.names.contains(&dialled.name) {
            continue;
        }
        judged += 1;
        findings.extend(refused(context, dialled, chain));
        if findings.iter().all(|finding| finding.subject != dialled.address) {
            let restart = restart(context);
            let backdated = if context.settings.owns_authority() { BACKDATED } else { 0 };
            let finding = of_dates(Check::Certificate, &contents, backdated, cluster.time(), LEAF_REST, &restart);
            findings
                .push(Finding { what: format!("it verifies; {}", finding.what), ..finding }.about(&dialled.address));
        }
    }
    if judged == 0 {
        findings.push(by_leases(context));
    }
    findings
}

/// Why the API server would refuse what is served there, once for each reason.
fn refused(context: &Context<'_>, dialled: &Dialled, chain: &[CertificateDer<'static>]) -> Vec<Finding> {
    let mut reasons: Vec<String> = Vec::new();
    for (_, entry) in context.entries() {
        let called = targets(entry, context.cluster);
        let bundle = bundle_of(entry);
        let is_called = called.iter().any(|target| target.address == dialled.address && target.name == dialled.name);
        // What has no bundle is judged by the roots of the API server's host.
        if !is_called || bundle.is_empty() {
            continue;
        }
        if let Err(why) = certificate::verify(chain, &bundle, &dialled.name, context.cluster.time()) {
            let why = format!("the certificate served for {} {why}", dialled.name);
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
    }
    let hurts = "the API server refuses it: every call fails, and becomes what failurePolicy says";
    let finding = |why: String| Check::Certificate.error(why, hurts, restart(context)).about(&dialled.address);
    reasons.into_iter().map(finding).collect()
}

/// What can be said where no endpoint can be dialled: whether those that serve name an authority that is trusted.
fn by_leases(context: &Context<'_>) -> Finding {
    let cluster = context.cluster;
    let trusted = trusted(context);
    let tries = cluster.dialled.iter().find_map(|dialled| {
        let why = dialled.chain.as_ref().err()?;
        Some(format!("{}: {why}", dialled.address))
    });
    let tries = tries.unwrap_or_else(|| "no endpoint is known".to_owned());
    let told: Vec<String> =
        living(cluster).into_iter().filter_map(|member| annotation(member, AUTHORITY)).map(normal).collect();
    let names = &cluster.names;
    if told.is_empty() || trusted.is_empty() {
        return Check::Certificate.unknown(
            format!("no endpoint could be looked at ({tries}), and no Lease tells what is served"),
            format!(
                "kubectl exec deployment/{0} -n {1} -- flink-admission doctor --namespace {1} --service {0}",
                names.service, names.namespace
            ),
        );
    }
    let judged = format!("not looked at from here ({tries}), but judged by the members' Leases");
    if told.iter().all(|authority| trusted.contains(authority)) {
        Check::Certificate.ok(format!("{judged}: all serve an authority that the live caBundle holds"))
    } else {
        Check::Certificate.error(
            format!("{judged}: some serve an authority that the live caBundle does not hold"),
            "the API server refuses their certificate: calls that reach them fail",
            restart(context),
        )
    }
}

fn restart(context: &Context<'_>) -> String {
    let names = &context.cluster.names;
    format!("kubectl rollout restart deployment/{} -n {}", names.service, names.namespace)
}

/// Whether the end is near, where a certificate should be renewed before the last `rest`th of its life. It was made
/// `backdated` seconds after it begins.
fn of_dates(check: Check, contents: &Contents, backdated: i64, now: i64, rest: i64, fix: &str) -> Finding {
    let left = contents.not_after - now;
    let life = contents.not_after - contents.not_before - backdated;
    if left <= 0 {
        return check.error(
            format!("it expired {} ago", in_words(-left)),
            "the API server refuses every certificate that depends on it",
            fix,
        );
    }
    if left < life / rest {
        return check.warning(
            format!("it ends in {}, and should have been renewed by now", in_words(left)),
            "at its end every call fails",
            fix,
        );
    }
    check.ok(format!("it ends in {}", in_words(left)))
}

/// The certificates that an entry trusts: all of them, as the API server reads them. [`crate::cluster::Bundle`] holds as many
/// as the program would write, and what somebody else writes may have more.
pub(super) fn bundle_of(entry: &Value) -> Vec<CertificateDer<'static>> {
    let pem = text(entry, &["clientConfig", "caBundle"]).and_then(decoded).unwrap_or_default();
    certificate::read(&pem)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::State;

    #[test]
    fn a_leaf_of_a_day_is_not_late_before_it_is() {
        let hour = 3600;
        let leaf = Contents { not_before: -24 * hour, not_after: 24 * hour, names: Vec::new() };
        let at = |now: i64| of_dates(Check::Certificate, &leaf, BACKDATED, now * hour, LEAF_REST, "").state;
        // Renewed when eight hours are left.
        assert_eq!(
            [at(0), at(16), at(19), at(20), at(24)],
            [State::Ok, State::Ok, State::Ok, State::Warning, State::Error]
        );
    }
}
