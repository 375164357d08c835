//! The metrics of `/metrics`, all named `flink_admission_…`.

use std::time::{Duration, SystemTime};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Family<Reviewed, Counter>,
    findings: Family<FindingLabels, Counter>,
    unanswered: Counter,
    duration: Family<PathLabel, Histogram, fn() -> Histogram>,
    /// Connections that are open.
    pub connections: Gauge,
    body_bytes: Gauge,
    /// Handshakes that failed or took too long.
    pub handshake_failures: Counter,
    /// Requests and connections that were turned away because there were too many.
    pub overloads: Counter,
    /// Reviews that the program panicked over; each was allowed.
    pub panics: Counter,
    not_after: Gauge,
    kept: Kept,
}

/// What becomes of the certificates and the webhook configurations.
#[derive(Debug, Clone, Default)]
struct Kept {
    leads: Gauge,
    proved: Gauge,
    authority_ends: Gauge,
    files_broken: Gauge,
    troubles: Family<AboutLabel, Counter>,
    writes: Counter,
    probes: Family<AnsweredLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AboutLabel {
    about: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnsweredLabel {
    answered: &'static str,
}

impl Kept {
    fn register(&self, registry: &mut Registry) {
        registry.register("leader", "1 where this replica leads", self.leads.clone());
        let help = "1 while requests are known to come through the API server, as the leader sees it";
        registry.register("failure_policy_proved", help, self.proved.clone());
        let help = "End of the certificate authority, seconds since 1970; 0 where there is none of ours";
        registry.register("authority_not_after_timestamp", help, self.authority_ends.clone());
        let help = "1 while the certificate files changed and do not serve, so that the old pair is served";
        registry.register("certificate_files_broken", help, self.files_broken.clone());
        let help = "Troubles with certificates and webhook configurations, by what they are about";
        registry.register("keeper_errors", help, self.troubles.clone());
        let help = "Times that a webhook configuration was made what it should be";
        registry.register("configuration_writes", help, self.writes.clone());
        registry.register(
            "probes",
            "Requests sent through the API server, by whether a replica answered",
            self.probes.clone(),
        );
    }
}

/// How one review went.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reviewed {
    /// `mutate` or `validate`.
    pub path: &'static str,
    /// Kind of the object, `other` outside the kinds that we judge.
    pub kind: &'static str,
    /// `allowed`, `changed`, `denied`, `skipped`, `malformed`, `panicked`.
    pub verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    rule: &'static str,
    level: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabel {
    path: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("flink_admission");
        let reviews = Family::default();
        registry.register("reviews", "Reviews answered, by path, kind and verdict", reviews.clone());
        let findings = Family::default();
        registry.register("findings", "Findings, by rule and the level in force", findings.clone());
        let unanswered = Counter::default();
        registry.register("look_ups_unanswered", "Questions to the cluster that stayed open", unanswered.clone());
        let duration = Family::<PathLabel, Histogram, fn() -> Histogram>::new_with_constructor(buckets);
        let help = "Time from the last byte of a review to its answer";
        registry.register_with_unit("review_duration", help, Unit::Seconds, duration.clone());
        let connections = Gauge::default();
        registry.register("connections", "Open connections", connections.clone());
        let body_bytes = Gauge::default();
        registry.register("body_bytes", "Bytes of request bodies held at this moment", body_bytes.clone());
        let handshake_failures = Counter::default();
        registry.register("tls_handshake_failures", "TLS handshakes that failed", handshake_failures.clone());
        let overloads = Counter::default();
        registry.register("overloads", "Requests and connections turned away", overloads.clone());
        let panics = Counter::default();
        registry.register("panics", "Reviews allowed because judging them panicked", panics.clone());
        let not_after = Gauge::default();
        let help = "End of the serving certificate, seconds since 1970; 0 while there is none";
        registry.register("certificate_not_after_timestamp", help, not_after.clone());
        let kept = Kept::default();
        kept.register(&mut registry);
        let build = Info::new(BuildLabels { version: env!("CARGO_PKG_VERSION") });
        registry.register("build", "The program", build);
        Self {
            registry,
            reviews,
            findings,
            unanswered,
            duration,
            connections,
            body_bytes,
            handshake_failures,
            overloads,
            panics,
            not_after,
            kept,
        }
    }
}

impl Metrics {
    /// Counts one answered review.
    pub fn reviewed(&self, reviewed: &Reviewed, took: Duration) {
        self.reviews.get_or_create(reviewed).inc();
        self.duration.get_or_create(&PathLabel { path: reviewed.path }).observe(took.as_secs_f64());
    }

    /// Counts findings, each a rule with the level in force.
    pub fn found(&self, rules: &[(&'static str, &'static str)]) {
        for &(rule, level) in rules {
            self.findings.get_or_create(&FindingLabels { rule, level }).inc();
        }
    }

    /// Counts questions that the cluster did not answer.
    pub fn left_unanswered(&self, questions: usize) {
        self.unanswered.inc_by(questions as u64);
    }

    /// Says whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.kept.leads.set(leads.into());
        if !leads {
            // It is the leader's to know.
            self.kept.proved.set(0);
        }
    }

    /// Says whether requests are known to come through the API server.
    pub fn proved(&self, is_proved: bool) {
        self.kept.proved.set(is_proved.into());
    }

    /// Says when the certificate authority ends.
    pub fn authority_ends(&self, end: SystemTime) {
        let seconds = end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.kept.authority_ends.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// Says whether the certificate files hold something new that does not serve.
    pub fn certificate_files_broken(&self, are_broken: bool) {
        self.kept.files_broken.set(are_broken.into());
    }

    /// Counts a trouble with certificates or webhook configurations.
    pub fn keeper_error(&self, about: &'static str) {
        self.kept.troubles.get_or_create(&AboutLabel { about }).inc();
    }

    /// Counts a webhook configuration that was written.
    pub fn wrote_configuration(&self) {
        self.kept.writes.inc();
    }

    /// Counts a request that was sent through the API server: `answered` is `yes`, `no` or `unknown`.
    pub fn probed(&self, answered: &'static str) {
        self.kept.probes.get_or_create(&AnsweredLabel { answered }).inc();
    }

    /// The text of `/metrics` in the OpenMetrics 1.0 format.
    ///
    /// `not_after` is the end of the serving certificate in seconds since 1970, `body_bytes` what request bodies hold.
    pub fn text(&self, not_after: Option<i64>, body_bytes: usize) -> String {
        self.not_after.set(not_after.unwrap_or(0));
        self.body_bytes.set(i64::try_from(body_bytes).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn buckets() -> Histogram {
    Histogram::new([0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_what_was_counted() {
        let metrics = Metrics::default();
        let reviewed = Reviewed { path: "validate", kind: "FlinkDeployment", verdict: "denied" };
        metrics.reviewed(&reviewed, Duration::from_millis(2));
        metrics.found(&[("ha-required", "deny")]);
        let text = metrics.text(Some(1_900_000_000), 7);
        for line in [
            r#"flink_admission_reviews_total{path="validate",kind="FlinkDeployment",verdict="denied"} 1"#,
            r#"flink_admission_findings_total{rule="ha-required",level="deny"} 1"#,
            r#"flink_admission_review_duration_seconds_bucket{le="0.005",path="validate"} 1"#,
            "flink_admission_certificate_not_after_timestamp 1900000000",
            "flink_admission_body_bytes 7",
            "flink_admission_build_info{version=",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
