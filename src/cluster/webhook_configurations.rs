//! Puts the authority's certificate into the `caBundle` of the webhook configurations, so that the API server trusts us.
//!
//! The chart writes the configurations without it. Only `caBundle` is written, to each entry by name, under the resource
//! version that was read: what somebody else changes in between is neither lost nor brought back.

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::explain;

/// Each try loses against another writer, mostly another replica that writes the same.
const TRIES: usize = 5;
const FIELD_MANAGER: &str = "flink-admission";

/// What became of one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injected {
    /// It held the bundle already.
    Unchanged,
    /// It holds it now.
    Written,
    /// There is no such configuration, so the API server does not call us.
    Absent,
}

/// Why a configuration does not hold the bundle.
#[derive(Debug, thiserror::Error)]
#[error("{kind} `{name}` was not given the certificate to trust, so the API server may not call this webhook: {why}")]
pub struct BundleError {
    /// `MutatingWebhookConfiguration` or `ValidatingWebhookConfiguration`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What went wrong.
    pub why: String,
}

/// A webhook configuration, of either kind.
pub trait Configuration: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned {
    /// For messages.
    const KIND: &'static str;
    /// Its plural, for messages on rights.
    const PLURAL: &'static str;
    /// Name and client configuration of each entry.
    fn entries(&self) -> Vec<(&str, &WebhookClientConfig)>;
}

impl Configuration for MutatingWebhookConfiguration {
    const KIND: &'static str = "MutatingWebhookConfiguration";
    const PLURAL: &'static str = "mutatingwebhookconfigurations";

    fn entries(&self) -> Vec<(&str, &WebhookClientConfig)> {
        self.webhooks.iter().flatten().map(|entry| (entry.name.as_str(), &entry.client_config)).collect()
    }
}

impl Configuration for ValidatingWebhookConfiguration {
    const KIND: &'static str = "ValidatingWebhookConfiguration";
    const PLURAL: &'static str = "validatingwebhookconfigurations";

    fn entries(&self) -> Vec<(&str, &WebhookClientConfig)> {
        self.webhooks.iter().flatten().map(|entry| (entry.name.as_str(), &entry.client_config)).collect()
    }
}

/// Makes the API server trust `bundle` (PEM) for every entry of the configuration `name`.
///
/// # Errors
/// It can be neither read nor written.
pub async fn inject_bundle<K: Configuration>(
    client: &Client,
    name: &str,
    bundle: &str,
) -> Result<Injected, BundleError> {
    let failed = |why: String| BundleError { kind: K::KIND, name: name.to_owned(), why };
    let api = Api::<K>::all(client.clone());
    for _ in 0..TRIES {
        let found = api.get_opt(name).await.map_err(|error| failed(explain(&error, "get", K::PLURAL)))?;
        let Some(configuration) = found else { return Ok(Injected::Absent) };
        let Some(patch) = patch(&configuration, bundle) else { return Ok(Injected::Unchanged) };
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        match api.patch(name, &params, &Patch::Strategic(patch)).await {
            Ok(_) => return Ok(Injected::Written),
            // Somebody was faster: look again. Vanished: the next look says so.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => return Err(failed(explain(&error, "patch", K::PLURAL))),
        }
    }
    Err(failed("others changed it at every attempt to write it; see who writes it".to_owned()))
}

/// The strategic merge patch (entries merge by their name) for the entries that trust something else; `None` when there
/// are none.
fn patch<K: Configuration>(configuration: &K, bundle: &str) -> Option<Value> {
    let wanted = ByteString(bundle.as_bytes().to_vec());
    let entries: Vec<Value> = configuration
        .entries()
        .into_iter()
        .filter(|(_, client)| client.ca_bundle.as_ref() != Some(&wanted))
        .map(|(name, _)| json!({"name": name, "clientConfig": {"caBundle": wanted}}))
        .collect();
    (!entries.is_empty())
        .then(|| json!({"metadata": {"resourceVersion": configuration.resource_version()}, "webhooks": entries}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(bundles: [Option<&str>; 2]) -> MutatingWebhookConfiguration {
        let webhooks: Vec<Value> = ["one.example", "two.example"]
            .iter()
            .zip(bundles)
            .map(|(name, bundle)| {
                let bundle = bundle.map(|text| ByteString(text.as_bytes().to_vec()));
                json!({"name": name, "clientConfig": {"caBundle": bundle}, "sideEffects": "None", "admissionReviewVersions": ["v1"]})
            })
            .collect();
        serde_json::from_value(json!({"metadata": {"name": "x", "resourceVersion": "7"}, "webhooks": webhooks}))
            .unwrap()
    }

    #[test]
    fn only_entries_that_differ_are_written() {
        let patch = patch(&configuration([Some("new"), None]), "new").unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"resourceVersion": "7"},
                "webhooks": [{"name": "two.example", "clientConfig": {"caBundle": "bmV3"}}]})
        );
    }

    #[test]
    fn nothing_is_written_twice() {
        assert_eq!(patch(&configuration([Some("new"), Some("new")]), "new"), None);
    }
}
