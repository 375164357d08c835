//! All that was learned of a cluster, before any of it is judged.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use serde_json::Value;

use super::injected::Scan;
use super::names::Names;
use super::rights::Right;
use crate::cluster::Kind;

/// What is known of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is there.
    Known(T),
    /// It is not there.
    Absent,
    /// It could not be learned, and why.
    Unknown(String),
}

impl<T> Seen<T> {
    /// What is known, if it is.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// The same of something else.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(known) => Seen::Known(change(known)),
            Self::Absent => Seen::Absent,
            Self::Unknown(why) => Seen::Unknown(why),
        }
    }
}

/// Objects of one list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those that were read.
    pub items: Vec<Value>,
    /// Whether these are all.
    pub is_complete: bool,
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// Refused with our word: it went to a replica and back.
    Answered,
    /// Let through, so nobody of ours was asked.
    LetThrough,
    /// Refused because of a webhook that could not be called, and which words.
    NotCalled(String),
    /// Nothing was learned, and why.
    Unknown(String),
}

/// One address at which the certificate was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialled {
    /// `host:port`.
    pub address: String,
    /// The name that was asked for.
    pub name: String,
    /// Whether a `url` of the configuration names it, and not the Service.
    pub is_url: bool,
    /// The chain that was shown, leaf first, or why there was none.
    pub chain: Result<Vec<CertificateDer<'static>>, String>,
}

/// Whether the API server's own network reaches the Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Something answered.
    Reached,
    /// Nothing did, in the API server's words.
    Unreachable(String),
    /// It was not asked, or not answered.
    Unknown(String),
}

/// All that was learned.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Of which installation.
    pub names: Names,
    /// Whether this runs in a pod of the cluster.
    pub is_inside: bool,
    /// Major and minor version of the API server, and as it writes itself.
    pub version: Seen<(u32, u32, String)>,
    /// The time of the API server, by the `Date` of its answer.
    pub date: Option<Timestamp>,
    /// Our time then.
    pub now: Timestamp,
    /// ClusterRole `<service>-installation`.
    pub anchor: Seen<Value>,
    /// The Service.
    pub service: Seen<Value>,
    /// The Deployment.
    pub deployment: Seen<Value>,
    /// The EndpointSlices of the Service.
    pub slices: Seen<Listed>,
    /// The Secret of the authority.
    pub secret: Seen<Value>,
    /// The ConfigMap with the configurations that are wanted.
    pub file: Seen<Value>,
    /// The leader's Lease.
    pub leader: Seen<Value>,
    /// The members' Leases.
    pub members: Seen<Listed>,
    /// Our configurations, mutating and validating.
    pub configurations: [Seen<Value>; 2],
    /// All configurations of the cluster, each with its kind.
    pub others: Seen<Vec<(Kind, Value)>>,
    /// The namespaces of other installations that have configurations here, and are gone themselves.
    pub gone: BTreeSet<String>,
    /// All namespaces.
    pub namespaces: Seen<Listed>,
    /// The versions in which flink.apache.org is served.
    pub flink: Seen<Vec<String>>,
    /// The user that asked, for rights.
    pub rights: Vec<(Right, Seen<bool>)>,
    /// What the probes of both sides came to.
    pub probes: [Probed; 2],
    /// Whether the API server reaches the Service; asked where a probe was let through.
    pub reach: Reach,
    /// The certificates that were looked at.
    pub dialled: Vec<Dialled>,
    /// What was filled in, in the whole cluster.
    pub injected: Scan,
}

impl Cluster {
    /// Our configuration of `kind`.
    #[must_use]
    pub fn configuration(&self, kind: Kind) -> &Seen<Value> {
        let [mutating, validating] = &self.configurations;
        match kind {
            Kind::Mutating => mutating,
            Kind::Validating => validating,
        }
    }

    /// The time by which the API server judges certificates, in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> i64 {
        self.date.unwrap_or(self.now).as_second()
    }
}
