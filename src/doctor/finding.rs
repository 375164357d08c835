//! What a check found, for people and for programs.

/// What is checked; the order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// It answers, and is new enough.
    ApiServer,
    /// Its clock and ours.
    Clock,
    /// Anything of it at all.
    Installation,
    /// The ClusterRole that owns the configurations.
    Anchor,
    /// The Service that the API server calls.
    Service,
    /// What answers behind it.
    Replicas,
    /// Who rotates and probes.
    Leader,
    /// What the replicas tell of themselves.
    Members,
    /// What the ServiceAccount may do.
    Rights,
    /// Both are there and ours.
    WebhookConfigurations,
    /// They say what is wanted.
    Drift,
    /// Fail or Ignore, wanted and live.
    FailurePolicy,
    /// Others that call themselves ours.
    SecondInstallation,
    /// The Secret of the authority.
    Authority,
    /// What the API server trusts.
    Bundle,
    /// What is served, by what the API server trusts.
    Certificate,
    /// A request through the API server to a replica and back.
    Probe,
    /// The versions of Flink's custom resources.
    FlinkResources,
    /// Which namespaces are not seen.
    Namespaces,
    /// Clusters that keep HA only as long as the webhook is there.
    Injected,
}

/// How good or bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// It could not be learned; no fault by itself.
    Unknown,
    /// It works, but not for ever or not for all.
    Warning,
    /// It does not work.
    Error,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// By which check.
    pub check: Check,
    /// How it is.
    pub state: State,
    /// The object that it is about, as `Kind/name` or `Kind/namespace/name`; empty where it is about none.
    pub subject: String,
    /// What is.
    pub what: String,
    /// Why it hurts; empty where it does not.
    pub why: String,
    /// What to do, as a command where there is one; empty where nothing is to be done.
    pub fix: String,
}

impl Check {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 20] = [
        Self::ApiServer,
        Self::Clock,
        Self::Installation,
        Self::Anchor,
        Self::Service,
        Self::Replicas,
        Self::Leader,
        Self::Members,
        Self::Rights,
        Self::WebhookConfigurations,
        Self::Drift,
        Self::FailurePolicy,
        Self::SecondInstallation,
        Self::Authority,
        Self::Bundle,
        Self::Certificate,
        Self::Probe,
        Self::FlinkResources,
        Self::Namespaces,
        Self::Injected,
    ];

    /// Its name, which never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApiServer => "api-server",
            Self::Clock => "clock",
            Self::Installation => "installation",
            Self::Anchor => "anchor",
            Self::Service => "service",
            Self::Replicas => "replicas",
            Self::Leader => "leader",
            Self::Members => "members",
            Self::Rights => "rights",
            Self::WebhookConfigurations => "webhook-configurations",
            Self::Drift => "drift",
            Self::FailurePolicy => "failure-policy",
            Self::SecondInstallation => "second-installation",
            Self::Authority => "authority",
            Self::Bundle => "bundle",
            Self::Certificate => "certificate",
            Self::Probe => "probe",
            Self::FlinkResources => "flink-resources",
            Self::Namespaces => "namespaces",
            Self::Injected => "injected",
        }
    }

    /// The heading that it stands under.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::ApiServer | Self::Clock => "API server",
            Self::Installation
            | Self::Anchor
            | Self::Service
            | Self::Replicas
            | Self::Leader
            | Self::Members
            | Self::Rights => "Installation",
            Self::WebhookConfigurations | Self::Drift | Self::FailurePolicy | Self::SecondInstallation => {
                "Webhook configurations"
            }
            Self::Authority | Self::Bundle | Self::Certificate | Self::Probe => "Calls of the API server",
            Self::FlinkResources | Self::Namespaces | Self::Injected => "Flink",
        }
    }

    /// All is well, for a reason.
    pub(super) fn ok(self, what: impl Into<String>) -> Finding {
        self.found(State::Ok, what, "", "")
    }

    /// It could not be learned; `fix` says how it can be.
    pub(super) fn unknown(self, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.found(State::Unknown, what, "", fix)
    }

    /// It works, but.
    pub(super) fn warning(self, what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.found(State::Warning, what, why, fix)
    }

    /// It does not work.
    pub(super) fn error(self, what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.found(State::Error, what, why, fix)
    }

    fn found(self, state: State, what: impl Into<String>, why: impl Into<String>, fix: impl Into<String>) -> Finding {
        let (what, why, fix) = (what.into(), why.into(), fix.into());
        Finding { check: self, state, subject: String::new(), what, why, fix }
    }
}

impl State {
    /// For people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    /// The same, about an object.
    #[must_use]
    pub(super) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }
}
