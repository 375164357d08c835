//! Answers the questions of a review by asking the API server, all at once and under one deadline.
//!
//! What is not there is [`Answer::Absent`]; what could not be learned is [`Answer::Unknown`] and says why:
//! `the ServiceAccount of flink-admission may not get configmaps in namespace `flink`; give it that right`.
//!
//! A review may come from anyone who reaches the port, so what it can make us do is bounded: questions a review, requests
//! at a time over all reviews, and only names that an object can have are asked for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, ServiceAccount};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Resource};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::client::explain;
use crate::facts::{Answer, FactKey, Facts};
use crate::object::is_dns_subdomain;
use crate::server::{Answering, LookUp};
use crate::workload::GROUP;

/// A cluster names a Namespace, a ServiceAccount and a few ConfigMaps; more is a forged review or a mistake.
const QUESTIONS_A_REVIEW: usize = 32;
/// Requests to the API server at a time, over all reviews. It bounds what reviews can make of other people's API server.
const REQUESTS_AT_A_TIME: usize = 32;
/// What is left for handing the answers over when some of them are still missing.
const HANDING_OVER: Duration = Duration::from_millis(50);

/// Look-ups in a cluster. Clones share the bound on requests.
#[derive(Clone)]
pub struct LookUps {
    client: Client,
    permits: Arc<Semaphore>,
}

impl LookUps {
    /// Look-ups through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, permits: Arc::new(Semaphore::new(REQUESTS_AT_A_TIME)) }
    }

    /// The answers to all `keys` at `deadline` at the latest. Dropping the future ends the requests.
    async fn ask_all(&self, keys: &BTreeSet<FactKey>, deadline: Instant) -> Facts {
        let mut facts = Facts::unknown(keys, "the API server did not answer before the deadline of the review");
        let mut requests = JoinSet::new();
        for (index, key) in keys.iter().enumerate() {
            if index >= QUESTIONS_A_REVIEW {
                let why = format!("more than {QUESTIONS_A_REVIEW} objects would have to be looked up for one review");
                facts.insert(key.clone(), Answer::Unknown(why));
                continue;
            }
            let (this, key) = (self.clone(), key.clone());
            requests.spawn(async move {
                let answer = this.ask(&key).await;
                (key, answer)
            });
        }
        while let Ok(Some(finished)) = timeout_at(deadline, requests.join_next()).await {
            if let Ok((key, answer)) = finished {
                facts.insert(key, answer);
            }
        }
        facts
    }

    async fn ask(&self, key: &FactKey) -> Answer {
        let names = match key {
            FactKey::Namespace(name) => [name, name],
            FactKey::ServiceAccount { namespace, name }
            | FactKey::ConfigMap { namespace, name }
            | FactKey::Claim { namespace, name }
            | FactKey::FlinkDeployment { namespace, name } => [namespace, name],
            FactKey::List { .. } | FactKey::Access(_) => return not_asked(),
        };
        // It would go into the path of the request. No object can have such a name, so none is there.
        if !names.iter().all(|name| is_dns_subdomain(name)) {
            return Answer::Absent;
        }
        let Ok(_permit) = self.permits.acquire().await else {
            return Answer::Unknown("the program is ending".to_owned());
        };
        match key {
            FactKey::Namespace(name) => self.namespace(name).await,
            FactKey::ServiceAccount { namespace, name } => {
                self.object(built_in::<ServiceAccount>(), namespace, name).await
            }
            FactKey::ConfigMap { namespace, name } => self.object(built_in::<ConfigMap>(), namespace, name).await,
            FactKey::Claim { namespace, name } => {
                self.object(built_in::<PersistentVolumeClaim>(), namespace, name).await
            }
            FactKey::FlinkDeployment { namespace, name } => self.object(flink_deployments(), namespace, name).await,
            FactKey::List { .. } | FactKey::Access(_) => not_asked(),
        }
    }

    /// Labels and annotations are all that is asked of a Namespace.
    async fn namespace(&self, name: &str) -> Answer {
        match Api::<Namespace>::all(self.client.clone()).get_metadata_opt(name).await {
            Ok(Some(found)) => match serde_json::to_value(found.metadata) {
                Ok(metadata) => known(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})),
                Err(error) => Answer::Unknown(format!("get namespaces: {error}")),
            },
            Ok(None) => Answer::Absent,
            Err(error) => Answer::Unknown(explain(&error, "get", "namespaces")),
        }
    }

    async fn object(&self, resource: ApiResource, namespace: &str, name: &str) -> Answer {
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &resource);
        let failed = |error: &kube::Error| {
            Answer::Unknown(explain(error, "get", &format!("{} in namespace `{namespace}`", resource.plural)))
        };
        match api.get(name).await {
            Ok(found) => match serde_json::to_value(found) {
                Ok(object) => known(object),
                Err(error) => failed(&kube::Error::SerdeError(error)),
            },
            Err(kube::Error::Api(status)) if status.code == 404 => Answer::Absent,
            Err(error) => failed(&error),
        }
    }
}

impl LookUp for LookUps {
    fn look_up(&self, keys: BTreeSet<FactKey>, within: Duration) -> Answering<'_> {
        // The server drops all answers with this future at `within`; those that came in time are to be kept.
        let deadline = Instant::now() + within.saturating_sub(HANDING_OVER);
        Box::pin(async move { self.ask_all(&keys, deadline).await })
    }
}

fn built_in<K: Resource<DynamicType = ()>>() -> ApiResource {
    ApiResource::erase::<K>(&())
}

fn flink_deployments() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1beta1", "FlinkDeployment"), "flinkdeployments")
}

fn not_asked() -> Answer {
    Answer::Unknown("other objects of the namespace, and rights, are not looked up".to_owned())
}

/// `managedFields` can be longer than the object and no rule reads it.
fn known(mut object: Value) -> Answer {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    Answer::Known(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_are_not_kept() {
        let object = json!({"metadata": {"name": "x", "managedFields": [{}]}, "data": {}});
        assert_eq!(known(object), Answer::Known(json!({"metadata": {"name": "x"}, "data": {}})));
    }
}
