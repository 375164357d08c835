//! The addresses behind the Service.

use serde_json::Value;

use super::gather::items;
use super::seen::{Cluster, Seen};
use crate::object::{at, integer, list, text};

/// An address at which a certificate is looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// `host:port`.
    pub(super) address: String,
    /// The name to ask for.
    pub(super) name: String,
    /// Whether a URL of the configuration says so.
    pub(super) is_url: bool,
}

/// Where the API server calls `entry` of a webhook configuration.
pub(super) fn targets(entry: &Value, cluster: &Cluster) -> Vec<Target> {
    let client = at(entry, &["clientConfig"]).unwrap_or(&Value::Null);
    if let Some(url) = text(client, &["url"]) {
        return of_url(url).into_iter().collect();
    }
    let names = &cluster.names;
    let is_ours = text(client, &["service", "name"]) == Some(&names.service)
        && text(client, &["service", "namespace"]) == Some(&names.namespace);
    if !is_ours {
        return Vec::new();
    }
    of_service(cluster, integer(client, &["service", "port"]).unwrap_or(443))
}

/// The ready endpoints of the Service's `port`; in the cluster the Service itself, where they are not known.
pub(super) fn of_service(cluster: &Cluster, port: i64) -> Vec<Target> {
    let name = cluster.names.server();
    let target = |(host, port): (String, i64)| {
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Target { address, name: name.clone(), is_url: false }
    };
    let known: Vec<Target> = ready(cluster, port).into_iter().map(target).collect();
    if known.is_empty() && cluster.is_inside {
        // The cluster's DNS leads there too, without any right.
        return vec![Target { address: format!("{name}:{port}"), name, is_url: false }];
    }
    known
}

/// Address and port of each ready endpoint of the Service's `port`; none where that is not known.
pub(super) fn ready(cluster: &Cluster, port: i64) -> Vec<(String, i64)> {
    let Seen::Known(service) = &cluster.service else { return Vec::new() };
    let ports = list(service, &["spec", "ports"]);
    let Some(port) = ports.iter().find(|one| integer(one, &["port"]) == Some(port)) else { return Vec::new() };
    let wanted = text(port, &["name"]).unwrap_or_default();
    let mut found = Vec::new();
    for slice in items(&cluster.slices) {
        let number = list(slice, &["ports"])
            .iter()
            .find(|one| text(one, &["name"]).unwrap_or_default() == wanted)
            .and_then(|one| integer(one, &["port"]));
        let Some(number) = number else { continue };
        let endpoints = list(slice, &["endpoints"]).iter();
        // An unset condition counts as true (discovery.k8s.io/v1, EndpointConditions).
        let endpoints = endpoints
            .filter(|endpoint| at(endpoint, &["conditions", "ready"]).is_none_or(|ready| ready != &Value::Bool(false)));
        let addresses = endpoints.filter_map(|endpoint| list(endpoint, &["addresses"]).first()?.as_str());
        found.extend(addresses.map(|address| (address.to_owned(), number)));
    }
    found.sort();
    found.dedup();
    found
}

/// Host and port of an `https` URL.
fn of_url(url: &str) -> Option<Target> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let host = uri.host()?;
    let port = uri.port_u16().unwrap_or(443);
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(Target { address: format!("{host}:{port}"), name, is_url: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_and_port() {
        let target = |url: &str| of_url(url).map(|target| (target.address, target.name));
        let pair = |address: &str, name: &str| Some((address.to_owned(), name.to_owned()));
        assert_eq!(target("https://hooks.example/validate"), pair("hooks.example:443", "hooks.example"));
        assert_eq!(target("https://10.0.0.1:8443/mutate"), pair("10.0.0.1:8443", "10.0.0.1"));
        assert_eq!(target("https://[::1]:8443/mutate"), pair("[::1]:8443", "::1"));
        assert_eq!(target("no url"), None);
    }
}
