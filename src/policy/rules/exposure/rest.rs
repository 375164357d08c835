//! The ways that lead to the REST API of a cluster, which asks nobody who they are.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::Listed;
use crate::flink::cluster::{RoleView, Shape};
use crate::object::{integer, list, map, name, named, text};
use crate::policy::finding::Role;
use crate::policy::rules::Case;

/// The JobManager's REST API, as far as the object shows it.
pub(super) struct Rest<'a> {
    /// The JobManager.
    pub(super) view: &'a RoleView,
    /// The port in its pod.
    port: i64,
    /// Labels that its pods have for certain.
    labels: BTreeMap<String, String>,
}

/// The port of a Service that leads to a REST API.
pub(super) struct Way<'a> {
    /// The Service.
    pub(super) service: &'a Value,
    /// The Service's name.
    pub(super) name: &'a str,
    /// Its port.
    pub(super) port: &'a Value,
}

/// The REST API of the JobManager of `case`; `None` where it asks every caller for a certificate, or its port is a range.
pub(super) fn rest<'a>(case: &Case<'a>) -> Option<Rest<'a>> {
    let view = case.cluster.role(Role::JobManager)?;
    let value = |option: &str| view.config.value(option, case.cluster.version);
    let is_on = |option: &str| value(option).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_on("security.ssl.rest.enabled") && is_on("security.ssl.rest.authentication-enabled") {
        return None;
    }
    // Bound to the pod's own loop no Service leads there.
    if value("rest.bind-address").is_some_and(|address| matches!(address, "localhost" | "127.0.0.1" | "::1")) {
        return None;
    }
    let port = match value("rest.bind-port").or_else(|| value("rest.port")) {
        Some(port) => port.parse().ok()?,
        None => DEFAULT_PORT,
    };
    Some(Rest { view, port, labels: labels(case, view) })
}

/// The labels that the JobManager's pods have.
///
/// Source: Flink `KubernetesUtils.getJobManagerSelectors`, operator `StandaloneKubernetesUtils.getJobManagerSelectors`.
fn labels(case: &Case<'_>, view: &RoleView) -> BTreeMap<String, String> {
    let written = map(&view.pod.template, &["metadata", "labels"]).into_iter().flatten();
    let mut labels: BTreeMap<String, String> =
        written.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    if let Shape::FlinkDeployment { standalone } = case.cluster.shape {
        let kind = if standalone { "flink-standalone-kubernetes" } else { "flink-native-kubernetes" };
        let app = text(case.object, &["metadata", "name"]).unwrap_or_default();
        for (key, value) in [("app", app), ("component", "jobmanager"), ("type", kind)] {
            labels.insert(key.to_owned(), value.to_owned());
        }
    }
    labels
}

impl<'a> Rest<'a> {
    /// The Services of the namespace with a port that leads to it.
    pub(super) fn ways(&self, case: &Case<'a>) -> Vec<Way<'a>> {
        let services = case.facts.list(Listed::Services, case.namespace).iter();
        services
            .filter(|service| self.is_selected(service))
            .filter_map(|service| Some((service.get("metadata").and_then(name)?, &**service)))
            .filter_map(|(name, service)| {
                let port = list(service, &["spec", "ports"]).iter().find(|port| self.is_target(port))?;
                Some(Way { service, name, port })
            })
            .collect()
    }

    fn is_selected(&self, service: &Value) -> bool {
        let Some(selector) = map(service, &["spec", "selector"]).filter(|selector| !selector.is_empty()) else {
            return false;
        };
        selector.iter().all(|(key, value)| self.labels.get(key).map(String::as_str) == value.as_str())
    }

    /// Whether the port of a Service leads to the REST port of the container.
    fn is_target(&self, port: &Value) -> bool {
        let target = integer(port, &["targetPort"]);
        let by_name = text(port, &["targetPort"]).filter(|_| target.is_none());
        let number = match by_name {
            Some(name) => self.named(name),
            None => target.or_else(|| integer(port, &["port"])),
        };
        number == Some(self.port)
    }

    /// The number of the container's port `wanted`; native mode and the operator call that of the REST API `rest`.
    fn named(&self, wanted: &str) -> Option<i64> {
        let container = self.view.pod.container();
        let declared = container.and_then(|container| named(list(container, &["ports"]), wanted));
        let number = declared.and_then(|(_, port)| integer(port, &["containerPort"]));
        number.or_else(|| (wanted == "rest").then_some(self.port))
    }
}

/// What who reaches the REST API of `case` may do.
///
/// The endpoint of an application takes no jars, whatever `web.submit.enable` says: `MiniDispatcherRestEndpoint` has no
/// handlers for them, executed for 1.20.5 and 2.3.0.
pub(super) const fn harm(case: &Case<'_>) -> &'static str {
    if case.cluster.application {
        "may cancel its job, take savepoints and read its configuration"
    } else {
        "may run any code in this cluster"
    }
}

/// Whether an annotation says that only a private network gets there, or may say so: the words differ between platforms.
pub(super) fn may_be_internal(annotations: impl Iterator<Item = (String, String)>) -> bool {
    annotations.into_iter().any(|(key, value)| {
        let (key, value) = (key.to_ascii_lowercase(), value.to_ascii_lowercase());
        let is_yes = !matches!(value.as_str(), "" | "false");
        let is_internal = ["internal", "private", "intranet"].contains(&value.as_str());
        is_internal || (is_yes && (key.contains("internal") || key.contains("private")))
    })
}

/// The annotations of `object`.
pub(super) fn annotations(object: &Value, keys: &[&str]) -> Vec<(String, String)> {
    let written = map(object, keys).into_iter().flatten();
    written.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The default of `rest.port`.
const DEFAULT_PORT: i64 = 8081;
