//! Whether a cluster takes jars over REST and runs them.

use crate::flink::cluster::{Cluster, RoleView};
use crate::flink::configuration::Setting;
use crate::flink::options::SUBMIT_ENABLE;
use crate::flink::rest;
use crate::flink::version::FlinkVersion;
use crate::policy::Role;

/// What opens the uploads of a cluster that has no use for them.
#[derive(Debug, Clone, Copy)]
pub enum Uploads<'a> {
    /// Nothing says no, in this role's configuration.
    ByDefault(&'a RoleView),
    /// The option under this key.
    BySetting(&'a str, &'a Setting),
}

impl<'a> Uploads<'a> {
    /// What leaves `cluster` open to uploads although it runs a job of its own; `None` where it is a session, which lives by
    /// them, where callers need a certificate, and where options may be set that cannot be seen.
    #[must_use]
    pub fn needless(cluster: &'a Cluster) -> Option<Self> {
        let view = cluster.role(Role::JobManager).filter(|_| cluster.application)?;
        if rest::asks_for_certificates(view, cluster.version) {
            return None;
        }
        match view.config.option(SUBMIT_ENABLE, cluster.version) {
            Some((key, setting)) => are_taken(view, cluster.version).then_some(Self::BySetting(key, setting)),
            None => view.unknown.is_none().then_some(Self::ByDefault(view)),
        }
    }
}

/// Whether `view` takes uploads as far as its options say, which is so where they say nothing.
#[must_use]
pub fn are_taken(view: &RoleView, version: Option<FlinkVersion>) -> bool {
    view.config.option(SUBMIT_ENABLE, version).is_none_or(|(_, setting)| setting.trimmed().eq_ignore_ascii_case("true"))
}
