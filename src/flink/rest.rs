//! The REST API of a JobManager: on which port it is, and whom it lets in.

use crate::flink::cluster::RoleView;
use crate::flink::defaults;
use crate::flink::version::FlinkVersion;

/// The port that the REST API of `view` is bound to; `None` where it is one of a range.
///
/// Source: Flink `RestServerEndpointConfiguration`: `rest.bind-port`, else `rest.port`, else 8081.
#[must_use]
pub fn port(view: &RoleView, version: Option<FlinkVersion>) -> Option<i64> {
    let value = |option: &str| view.config.value(option, version);
    value("rest.bind-port").or_else(|| value("rest.port")).map_or(Some(defaults::REST_PORT), |port| port.parse().ok())
}

/// Whether the REST API of `view` asks every caller for a certificate.
///
/// Source: Flink `SecurityOptions.isRestSSLAuthenticationEnabled`.
#[must_use]
pub fn asks_for_certificates(view: &RoleView, version: Option<FlinkVersion>) -> bool {
    let is_on =
        |option: &str| view.config.value(option, version).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    is_on("security.ssl.rest.enabled") && is_on("security.ssl.rest.authentication-enabled")
}
