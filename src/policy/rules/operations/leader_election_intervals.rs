//! `leader-election-intervals`: a leader that loses its lease by its own settings, or for ever.

use crate::flink::cluster::HighAvailability;
use crate::flink::configuration::Setting;
use crate::flink::defaults;
use crate::flink::duration::nanoseconds;
use crate::flink::image::Image;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "leader-election-intervals",
    failure: "D10",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "With Kubernetes HA, the renew deadline of the leader election is longer than the lease, or the retry period is not shorter than the renew deadline; or the cluster runs Flink 1.18.0 or 1.18.1.",
        why: "A leader whose lease has run out while it still tries to renew it is one of two. A leader that tries again later than its deadline gives up its office at every renewal, and the jobs restart. In 1.18.0 and 1.18.1 a JobManager that lost its office is never elected again (FLINK-34007; of 1.18.1 it is a remark: the repair came two weeks after it).",
        limits: "Flink's defaults (15 s, 15 s, 5 s) are no contradiction. Short intervals are not judged: whether the API server answers in time is not known. Where the configuration may hold more than can be seen, only options that it sets are compared. The release is known by the tag of the image, or by the annotation `flink-admission.io/flink-version`.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    high-availability.kubernetes.leader-election.lease-duration: 20 s\n    high-availability.kubernetes.leader-election.renew-deadline: 45 s",
        fix: "Set the intervals so that retry period < renew deadline ≤ lease duration. Use Flink 1.19 or later in place of 1.18.0 and 1.18.1.",
    },
    check,
};

const LEASE: &str = "high-availability.kubernetes.leader-election.lease-duration";
const DEADLINE: &str = "high-availability.kubernetes.leader-election.renew-deadline";
const RETRY: &str = "high-availability.kubernetes.leader-election.retry-period";

/// An interval: where it is set, how long it is in nanoseconds, and in words.
struct Interval<'a> {
    setting: Option<&'a Setting>,
    length: u128,
    said: String,
}

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.high_availability().0 != HighAvailability::Kubernetes {
        return Vec::new();
    }
    contradictions(case).into_iter().chain(endless(case)).collect()
}

fn contradictions(case: &Case<'_>) -> Vec<Violation> {
    let interval = |option, default| interval(case, option, default);
    let (lease, deadline, retry) = (
        interval(LEASE, defaults::LEASE_DURATION),
        interval(DEADLINE, defaults::RENEW_DEADLINE),
        interval(RETRY, defaults::RETRY_PERIOD),
    );
    let too_long = lease.as_ref().zip(deadline.as_ref()).filter(|(lease, deadline)| deadline.length > lease.length);
    let too_late = retry.as_ref().zip(deadline.as_ref()).filter(|(retry, deadline)| retry.length >= deadline.length);
    let too_long = too_long.and_then(|(lease, deadline)| {
        let message = format!(
            "the renew deadline, {}, is longer than the lease, {}, so the leader still takes itself for one when another may have the lease",
            deadline.said, lease.said
        );
        let fix = format!("set `{DEADLINE}` to `{LEASE}` or less");
        Some(Violation::at_setting(deadline.setting.or(lease.setting)?, message, fix))
    });
    let too_late = too_late.and_then(|(retry, deadline)| {
        let message = format!(
            "the retry period, {}, is not shorter than the renew deadline, {}, so the leader gives up its office at every renewal and the jobs restart",
            retry.said, deadline.said
        );
        let fix = format!("set `{RETRY}` to a third of `{DEADLINE}` or less");
        Some(Violation::at_setting(retry.setting.or(deadline.setting)?, message, fix))
    });
    too_long.into_iter().chain(too_late).map(|violation| violation.of_role(Role::JobManager)).collect()
}

/// The interval that `option` sets, else its default where nothing else can set it.
fn interval<'a>(case: &Case<'a>, option: &str, default: &str) -> Option<Interval<'a>> {
    let view = case.cluster.role(Role::JobManager)?;
    let setting = view.config.option(option, case.cluster.version).map(|(_, setting)| setting);
    match setting {
        Some(setting) => {
            let said = format!("`{}`", setting.trimmed());
            Some(Interval { setting: Some(setting), length: nanoseconds(&setting.value, case.cluster.version)?, said })
        }
        None if view.unknown.is_none() => {
            let said = format!("{default} by default");
            Some(Interval { setting: None, length: nanoseconds(default, None)?, said })
        }
        None => None,
    }
}

/// Source: FLINK-34007, FLINK-34333: the repair for 1.18 was made after 1.18.1 was released.
fn endless(case: &Case<'_>) -> Option<Violation> {
    let view = case.cluster.role(Role::JobManager)?;
    let (reference, path) = view.image.as_ref()?;
    let version = Image::parse(reference).version().or(case.cluster.version)?;
    if !matches!((version.major, version.minor, version.patch), (1, 18, Some(0 | 1))) {
        return None;
    }
    let message = format!(
        "this is Flink {version}, where a JobManager that lost its office in Kubernetes HA is never elected again (FLINK-34007), so one slow answer of the API server stops the cluster for good"
    );
    let fix = "use an image of Flink 1.19 or later".to_owned();
    let violation = Violation::at_field(path.clone(), Some(reference.clone()), message, fix).of_role(view.role);
    // Of 1.18.1 it is known by the dates of the repair and one run, of 1.18.0 by many reports.
    let at_most = if version.patch == Some(1) { Level::Audit } else { violation.at_most };
    Some(Violation { at_most, ..violation })
}
