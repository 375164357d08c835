//! The webhook configurations: what the chart wants to stand in them, what stands in them, and the way from one to the other.
//!
//! The chart hands them over as a file, complete but for `caBundle` and with the `failurePolicy` that is wanted. Until a
//! request is known to come through, `Ignore` stands there instead. Who writes them is [`By`]: the program whole, by
//! server-side apply, or the chart, and the program only what it alone can know.

mod live;
mod wanted;

use std::collections::BTreeSet;
use std::fmt;

use json_patch::merge;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::client::explain;
use super::installation::{FIELD_MANAGER, INSTALLATION_LABEL, Installation};
use crate::object::text;
use live::{fields_of_ours, is_within};

pub use live::{bundles, proved};
pub use wanted::{NotWanted, Standing, Wanted};

/// Other installations that are looked for; there should be none.
const OTHERS: u32 = 20;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `MutatingWebhookConfiguration`
    Mutating,
    /// `ValidatingWebhookConfiguration`
    Validating,
}

/// Both, in the order in which the API server calls them.
pub const KINDS: [Kind; 2] = [Kind::Mutating, Kind::Validating];

impl Kind {
    /// Its resource in the API.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        match self {
            Self::Mutating => ApiResource::erase::<MutatingWebhookConfiguration>(&()),
            Self::Validating => ApiResource::erase::<ValidatingWebhookConfiguration>(&()),
        }
    }

    /// The last word of its path, and the label of the ConfigMap that its probe entry refuses: `mutate`, `validate`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mutating => "mutate",
            Self::Validating => "validate",
        }
    }

    /// How `kind` of an object names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "MutatingWebhookConfiguration",
            Self::Validating => "ValidatingWebhookConfiguration",
        }
    }

    /// How rights and paths name it.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Mutating => "mutatingwebhookconfigurations",
            Self::Validating => "validatingwebhookconfigurations",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// Who writes the configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum By {
    /// The program, whole: made, mended, and gone with the installation's anchor
    #[default]
    Program,
    /// The chart; `caBundle` and `failurePolicy` are the program's
    Chart,
}

/// Why a configuration is not as it should be.
#[derive(Debug, thiserror::Error)]
#[error("{kind} `{name}` could not be kept, so the API server may not call this webhook: {why}")]
pub struct ConfigurationError {
    /// Which of the two.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What went wrong.
    pub why: String,
}

/// What became of one configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// It was as it should be.
    Unchanged,
    /// It is now, and what stands there.
    Written(Value),
    /// Somebody changed, made or deleted it meanwhile.
    Outrun,
    /// There is no such configuration, and making it is the chart's.
    Absent,
}

/// Both configurations of one installation, in the cluster.
#[derive(Clone)]
pub struct Configurations {
    client: Client,
    installation: Installation,
    by: By,
    wanted: Option<Wanted>,
}

impl Configurations {
    /// Those of `installation`; without `wanted`, only `caBundle` is kept in what is there.
    #[must_use]
    pub const fn new(client: Client, installation: Installation, by: By, wanted: Option<Wanted>) -> Self {
        Self { client, installation, by, wanted }
    }

    /// Whether the program makes them.
    #[must_use]
    pub fn are_ours(&self) -> bool {
        self.by == By::Program && self.wanted.is_some()
    }

    /// The configuration of `kind` as it is; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn live(&self, kind: Kind) -> Result<Option<Value>, ConfigurationError> {
        let found = self.api(kind).get_opt(&self.installation.configurations).await;
        let found = found.map_err(|error| self.failed(kind, &error, "get"))?;
        found.map(|object| self.value(kind, &object)).transpose()
    }

    /// The installation that has older configurations in this cluster: its [`INSTALLATION_LABEL`]. Both would change the same
    /// objects. One whose namespace is gone answers nobody.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn older(&self) -> Result<Option<String>, ConfigurationError> {
        let params = ListParams::default().labels(INSTALLATION_LABEL).limit(OTHERS);
        let listed = self.api(Kind::Mutating).list(&params).await;
        let listed = listed.map_err(|error| self.failed(Kind::Mutating, &error, "list"))?;
        let found = listed.items.into_iter().filter_map(|found| {
            let label = found.metadata.labels?.remove(INSTALLATION_LABEL)?;
            Some((found.metadata.creation_timestamp, label))
        });
        let found: BTreeSet<_> = found.collect();
        let own = self.installation.label();
        // One that has none yet is younger than all.
        for (_, label) in found.into_iter().take_while(|(_, label)| *label != own) {
            // A shortened label does not say its namespace.
            let Some((namespace, _)) = label.split_once('.') else { return Ok(Some(label)) };
            let namespaces = Api::<Namespace>::all(self.client.clone());
            if !matches!(namespaces.get_opt(namespace).await, Ok(None)) {
                return Ok(Some(label));
            }
        }
        Ok(None)
    }

    /// Makes the configuration of `kind`, which was `live`, what it should be; `whole` also where the program makes them and its
    /// rules may have changed. What was not read is not written over.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn keep(
        &self,
        kind: Kind,
        live: Option<&Value>,
        standing: &Standing<'_>,
        whole: bool,
    ) -> Result<Kept, ConfigurationError> {
        let written = match (live, &self.wanted) {
            (live, Some(wanted)) if self.by == By::Program && (whole || live.is_none()) => {
                let mut whole = wanted.whole(kind, &self.installation, standing);
                if live.is_some_and(|live| is_within(&whole, live)) {
                    return Ok(Kept::Unchanged);
                }
                if let Some(version) = live.and_then(|live| text(live, &["metadata", "resourceVersion"])) {
                    merge(&mut whole, &json!({"metadata": {"resourceVersion": version}}));
                }
                let params = PatchParams::apply(FIELD_MANAGER).force();
                self.patch(kind, &params, &Patch::Apply(whole)).await
            }
            (None, _) => return Ok(Kept::Absent),
            (Some(live), wanted) => {
                let wanted = wanted.as_ref().map(|wanted| wanted.of(kind));
                let Some(own) = fields_of_ours(live, wanted, standing) else { return Ok(Kept::Unchanged) };
                let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
                self.patch(kind, &params, &Patch::Strategic(own)).await
            }
        };
        match written {
            Ok(now) => self.value(kind, &now).map(Kept::Written),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Kept::Outrun),
            Err(error) => Err(self.failed(kind, &error, "patch")),
        }
    }

    async fn patch(
        &self,
        kind: Kind,
        params: &PatchParams,
        patch: &Patch<Value>,
    ) -> Result<DynamicObject, kube::Error> {
        self.api(kind).patch(&self.installation.configurations, params, patch).await
    }

    fn value(&self, kind: Kind, object: &DynamicObject) -> Result<Value, ConfigurationError> {
        serde_json::to_value(object).map_err(|error| self.because(kind, error.to_string()))
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &kind.resource())
    }

    fn failed(&self, kind: Kind, error: &kube::Error, verb: &str) -> ConfigurationError {
        self.because(kind, explain(error, verb, &kind.resource().plural))
    }

    fn because(&self, kind: Kind, why: String) -> ConfigurationError {
        ConfigurationError { kind, name: self.installation.configurations.clone(), why }
    }
}
