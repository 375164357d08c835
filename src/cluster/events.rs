//! Events about the installation, in its own namespace: what its owner must hear without reading logs.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::installation::{FIELD_MANAGER, Installation};

/// The API server refuses notes that are longer.
const NOTE: usize = 1024;

/// Writes Events about the Service.
pub(super) struct Events {
    recorder: Recorder,
    service: ObjectReference,
}

impl Events {
    /// Those of the replica `identity`.
    #[must_use]
    pub(super) fn new(client: Client, installation: &Installation, identity: &str) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(identity.to_owned()) };
        let service = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Service".to_owned()),
            name: Some(installation.service.clone()),
            namespace: Some(installation.namespace.clone()),
            ..ObjectReference::default()
        };
        Self { recorder: Recorder::new(client, reporter), service }
    }

    /// Tells of something that is as it should be.
    pub(super) async fn tell(&self, reason: &str, note: &str) {
        self.publish(EventType::Normal, reason, note).await;
    }

    /// Tells of something that is not.
    pub(super) async fn warn(&self, reason: &str, note: &str) {
        self.publish(EventType::Warning, reason, note).await;
    }

    async fn publish(&self, type_: EventType, reason: &str, note: &str) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note.chars().take(NOTE).collect()),
            action: "Keep".to_owned(),
            secondary: None,
        };
        // What is told stands in the log too.
        if let Err(error) = self.recorder.publish(&event, &self.service).await {
            tracing::debug!(%error, reason, "an Event was not written");
        }
    }
}
