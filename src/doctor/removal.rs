//! Removes by hand what the program made in a cluster, also where half of it is gone.
//!
//! The anchor goes first: without it no replica writes a webhook configuration any more. Then the configurations, so that
//! nobody is called in vain, then what only replicas need. CustomResourceDefinitions, policies and claims are never
//! touched, nor is anything that is called the same and is not ours.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use kube::Client;
use serde_json::{Value, json};

use super::api::Api;
use super::gather::owner;
use super::injected::{Scan, scan};
use super::names::{ENTRIES, MEMBER, Names};
use super::seen::Seen;
use crate::cluster::KINDS;
use crate::object::{integer, list, name, text};

/// One object that is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where the API server has it.
    path: String,
    /// Of this object and no later one of its name.
    uid: String,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// Somebody else removed it meanwhile.
    GoneAlready,
    /// It is still there, and why.
    Failed(String),
}

/// What is to be removed.
#[derive(Debug, Clone)]
pub struct Removal {
    /// What is there, in the order in which it is removed.
    pub steps: Vec<Step>,
    /// What is gone already, as `Kind/name`.
    pub gone: Vec<String>,
    /// What is left alone, and why: what could not be looked at, and what is not ours.
    pub left: Vec<String>,
    /// The objects that the webhook completed.
    pub scan: Scan,
    /// Replicas that the Deployment still wants.
    pub replicas: i64,
    api: Api,
}

impl Removal {
    /// Looks at what there is of the installation `names`; changes nothing.
    ///
    /// # Errors
    /// The API server does not answer, in words.
    pub async fn plan(client: Client, names: &Names, patience: Duration) -> Result<Self, String> {
        let api = Api::new(client, patience);
        // Else nothing could be said of anything.
        let said = api.send(Method::GET, "/version", "application/json", &Value::Null).await?;
        if said.status == StatusCode::UNAUTHORIZED {
            return Err("the API server does not accept these credentials (401)".to_owned());
        }
        let scan = scan(&api).await;
        let mut removal =
            Self { steps: Vec::new(), gone: Vec::new(), left: Vec::new(), scan, replicas: 0, api: api.clone() };
        let anchor = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{}", names.anchor());
        removal.look("ClusterRole", &names.anchor(), anchor, is_anchor).await;
        for kind in KINDS {
            let path = format!("/apis/admissionregistration.k8s.io/v1/{}/{}", kind.plural(), names.service);
            removal.look(kind.name(), &names.service, path, |found| is_configuration(found, names)).await;
        }
        let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", names.namespace);
        removal.look("Lease", &names.leader(), format!("{leases}/{}", names.leader()), |_| Ok(())).await;
        let selector = format!("&labelSelector={}%3D{}", MEMBER.replace('/', "%2F"), names.service);
        match api.list(&leases, &selector, "application/json").await {
            Seen::Known(listed) => listed.items.iter().for_each(|lease| removal.add("Lease", &leases, lease)),
            Seen::Absent => {}
            Seen::Unknown(why) => removal.left.push(format!("Leases of members: {why}")),
        }
        let secret = format!("/api/v1/namespaces/{}/secrets/{}", names.namespace, names.secret());
        removal.look("Secret", &names.secret(), secret, |_| Ok(())).await;
        let deployment = format!("/apis/apps/v1/namespaces/{}/deployments/{}", names.namespace, names.service);
        if let Seen::Known(deployment) = api.get(&deployment).await {
            removal.replicas = integer(&deployment, &["spec", "replicas"]).unwrap_or(1);
        }
        Ok(removal)
    }

    async fn look(
        &mut self,
        kind: &'static str,
        name: &str,
        path: String,
        is_ours: impl Fn(&Value) -> Result<(), String>,
    ) {
        match self.api.get(&path).await {
            Seen::Absent => self.gone.push(format!("{kind}/{name}")),
            Seen::Unknown(why) => self.left.push(format!("{kind}/{name}: {why}")),
            Seen::Known(found) => match is_ours(&found) {
                Ok(()) => self.steps.push(Step { kind, name: name.to_owned(), path, uid: uid(&found) }),
                Err(why) => self.left.push(format!("{kind}/{name}: {why}")),
            },
        }
    }

    fn add(&mut self, kind: &'static str, path: &str, object: &Value) {
        let name = text(object, &["metadata", "name"]).unwrap_or_default().to_owned();
        self.steps.push(Step { kind, path: format!("{path}/{name}"), name, uid: uid(object) });
    }

    /// Removes one object.
    pub async fn remove(&self, step: &Step) -> Removed {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": step.uid},
            "propagationPolicy": "Background"});
        match self.api.send(Method::DELETE, &step.path, "application/json", &options).await {
            Ok(said) if said.status.is_success() => Removed::Done,
            Ok(said) if said.status == StatusCode::NOT_FOUND => Removed::GoneAlready,
            Ok(said) => {
                Removed::Failed(format!("the API server answered {}: {}", said.status.as_u16(), said.message()))
            }
            Err(why) => Removed::Failed(why),
        }
    }
}

/// The anchor carries no rights; a ClusterRole with some is somebody's.
fn is_anchor(role: &Value) -> Result<(), String> {
    if list(role, &["rules"]).is_empty() {
        return Ok(());
    }
    Err("it has rules, which the one of the chart never has, so it is somebody else's".to_owned())
}

fn is_configuration(configuration: &Value, names: &Names) -> Result<(), String> {
    if let Some(other) = owner(configuration).filter(|owner| *owner != names.label()) {
        return Err(format!("it belongs to the installation `{other}`; name that with `--namespace` and `--service`"));
    }
    let entries = list(configuration, &["webhooks"]);
    let is_ours = owner(configuration).is_some()
        || entries.iter().any(|entry| name(entry).is_some_and(|name| name.ends_with(ENTRIES)));
    if is_ours { Ok(()) } else { Err(format!("it has no entry `*{ENTRIES}`, so it is somebody else's")) }
}

fn uid(object: &Value) -> String {
    text(object, &["metadata", "uid"]).unwrap_or_default().to_owned()
}
