//! The webhook configurations: what the chart wants to stand in them, what stands in them, and the way from one to the other.
//!
//! The chart hands them over as a file, complete but for `caBundle` and with the `failurePolicy` that is wanted. Until a
//! request is known to come through, `Ignore` stands there instead. Who writes them is [`By`]: the program whole, by
//! server-side apply, or the chart, and the program only what it alone can know.

use std::collections::BTreeSet;
use std::fmt;

use json_patch::merge;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::client::explain;
use super::installation::{FIELD_MANAGER, INSTALLATION_LABEL, Installation, PROBE_ENTRY, PROVED_ANNOTATION};
use crate::object::{annotation, list, named, text};
use crate::yaml;

/// Each try loses against another writer, mostly another replica that writes the same.
const TRIES: usize = 5;
/// Other installations that are looked for; there should be none.
const OTHERS: u32 = 20;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The last word of its path: `mutate`, `validate`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mutating => "mutate",
            Self::Validating => "validate",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Mutating => "MutatingWebhookConfiguration",
            Self::Validating => "ValidatingWebhookConfiguration",
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

/// The configurations as the chart wants them.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    mutating: Value,
    validating: Value,
}

/// Why a file holds no configurations.
#[derive(Debug, thiserror::Error)]
pub enum NotWanted {
    /// It is no YAML.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// One of them is missing or there twice.
    #[error("it must hold one {0}, and holds {1}")]
    Number(Kind, usize),
    /// It has no entries.
    #[error("the {0} has no entry under `webhooks`")]
    Empty(Kind),
}

/// What is to stand in the cluster at this moment.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Whom the API server trusts; `None` where others write that.
    pub bundle: Option<&'a Bundle>,
    /// Since when requests come through, as RFC 3339; `None` while that is not known.
    pub proved: Option<&'a str>,
    /// With whom the configuration goes.
    pub owner: Option<&'a OwnerReference>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was as it should be.
    Unchanged,
    /// It is now.
    Written,
    /// There is no such configuration, and making it is the chart's.
    Absent,
}

impl Wanted {
    /// The configurations in `file`, YAML documents.
    ///
    /// # Errors
    /// It is no YAML, or one of the two is missing.
    pub fn read(file: &str) -> Result<Self, NotWanted> {
        let documents = yaml::documents(file).map_err(|error| NotWanted::Unreadable(error.to_string()))?;
        let one = |kind: Kind| {
            let of_kind = |value: &&Value| text(value, &["kind"]) == Some(kind.name());
            let mut found = documents.iter().map(|document| &document.value).filter(of_kind);
            match (found.next(), found.count()) {
                (Some(value), 0) if list(value, &["webhooks"]).is_empty() => Err(NotWanted::Empty(kind)),
                (Some(value), 0) => Ok(value.clone()),
                (first, more) => Err(NotWanted::Number(kind, usize::from(first.is_some()) + more)),
            }
        };
        Ok(Self { mutating: one(Kind::Mutating)?, validating: one(Kind::Validating)? })
    }

    const fn of(&self, kind: Kind) -> &Value {
        match kind {
            Kind::Mutating => &self.mutating,
            Kind::Validating => &self.validating,
        }
    }

    /// The whole configuration, for server-side apply.
    fn whole(&self, kind: Kind, installation: &Installation, standing: &Standing<'_>) -> Value {
        let mut whole = self.of(kind).clone();
        let ours = json!({"metadata": {
            "name": installation.configurations,
            "labels": {INSTALLATION_LABEL: installation.label()},
            "annotations": {PROVED_ANNOTATION: standing.proved.unwrap_or_default()},
            "ownerReferences": standing.owner.map(|owner| [owner]),
        }});
        merge(&mut whole, &ours);
        for entry in whole.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
            let policy = failure_policy(entry, standing.proved.is_some()).to_owned();
            merge(entry, &json!({"failurePolicy": policy}));
            if let Some(bundle) = standing.bundle {
                merge(entry, &json!({"clientConfig": {"caBundle": ByteString(bundle.pem().into_bytes())}}));
            }
        }
        whole
    }
}

/// What happens to an object when the call for `entry` fails. The probe's own entry harms nobody, and under `Fail` the API
/// server says why a call fails.
fn failure_policy(entry: &Value, is_proved: bool) -> &str {
    let is_probe = text(entry, &["name"]).is_some_and(|name| name.starts_with(PROBE_ENTRY));
    match text(entry, &["failurePolicy"]) {
        _ if is_probe => "Fail",
        Some(wanted) if is_proved => wanted,
        _ => "Ignore",
    }
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
        found
            .map(|object| serde_json::to_value(object).map_err(|error| self.because(kind, error.to_string())))
            .transpose()
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
            let namespace = label.split_once('.').map_or(label.as_str(), |(namespace, _)| namespace);
            let namespaces = Api::<Namespace>::all(self.client.clone());
            if !matches!(namespaces.get_opt(namespace).await, Ok(None)) {
                return Ok(Some(label));
            }
        }
        Ok(None)
    }

    /// Makes the configuration of `kind` what it should be; `whole` also where the program makes them and its rules may have
    /// changed.
    ///
    /// # Errors
    /// It can be neither read nor written.
    pub async fn keep(&self, kind: Kind, standing: &Standing<'_>, whole: bool) -> Result<Kept, ConfigurationError> {
        for _ in 0..TRIES {
            let live = self.live(kind).await?;
            let written = match (&live, &self.wanted) {
                (live, Some(wanted)) if self.by == By::Program && (whole || live.is_none()) => {
                    let whole = wanted.whole(kind, &self.installation, standing);
                    if live.as_ref().is_some_and(|live| is_within(&whole, live)) {
                        return Ok(Kept::Unchanged);
                    }
                    let params = PatchParams::apply(FIELD_MANAGER).force();
                    self.patch(kind, &params, &Patch::Apply(whole)).await
                }
                (None, _) => return Ok(Kept::Absent),
                (Some(live), wanted) => {
                    let wanted = wanted.as_ref().map(|wanted| wanted.of(kind));
                    let Some(own) = fields_of_ours(live, wanted, standing) else { return Ok(Kept::Unchanged) };
                    let params =
                        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
                    self.patch(kind, &params, &Patch::Strategic(own)).await
                }
            };
            match written {
                Ok(()) => return Ok(Kept::Written),
                // Somebody was faster: look again.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => return Err(self.failed(kind, &error, "patch")),
            }
        }
        Err(self.because(kind, "others changed it at every attempt to write it; see who writes it".to_owned()))
    }

    async fn patch(&self, kind: Kind, params: &PatchParams, patch: &Patch<Value>) -> Result<(), kube::Error> {
        self.api(kind).patch(&self.installation.configurations, params, patch).await.map(|_| ())
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

/// Whom the API server trusts for every entry of the configuration `live`: the certificates that all of them have.
#[must_use]
pub fn trusted(live: &Value) -> Bundle {
    let mut bundles = list(live, &["webhooks"]).iter().map(bundle_of);
    let first = bundles.next().unwrap_or_default();
    bundles.fold(first, |all, bundle| Bundle::default().with(&all, |fingerprint| bundle.holds(fingerprint)))
}

/// Since when requests are known to come through by the configuration `live`; `None` while that is not known.
#[must_use]
pub fn proved(live: &Value) -> Option<&str> {
    annotation(live, PROVED_ANNOTATION).filter(|since| !since.is_empty())
}

fn bundle_of(entry: &Value) -> Bundle {
    let bytes = entry.pointer("/clientConfig/caBundle").and_then(|text| ByteString::deserialize(text).ok());
    Bundle::read(&bytes.unwrap_or_default().0)
}

/// The strategic merge patch (entries merge by their name) for what is ours and stands otherwise in `live`, under the
/// resource version that was read; `None` where nothing does.
fn fields_of_ours(live: &Value, wanted: Option<&Value>, standing: &Standing<'_>) -> Option<Value> {
    let of_ours = |entry: &Value| {
        let name = text(entry, &["name"])?;
        let mut own = json!({"name": name});
        if let Some(bundle) = standing.bundle.filter(|bundle| **bundle != bundle_of(entry)) {
            merge(&mut own, &json!({"clientConfig": {"caBundle": ByteString(bundle.pem().into_bytes())}}));
        }
        // An entry that the file does not know is of another version, which knows what it wants.
        if let Some((_, wanted)) = wanted.and_then(|wanted| named(list(wanted, &["webhooks"]), name)) {
            let policy = failure_policy(wanted, standing.proved.is_some());
            if text(entry, &["failurePolicy"]) != Some(policy) {
                merge(&mut own, &json!({"failurePolicy": policy}));
            }
        }
        own.as_object().is_some_and(|own| own.len() > 1).then_some(own)
    };
    let entries: Vec<Value> = list(live, &["webhooks"]).iter().filter_map(of_ours).collect();
    let says_otherwise = wanted.is_some() && proved(live) != standing.proved;
    if entries.is_empty() && !says_otherwise {
        return None;
    }
    let mut patch = json!({"metadata": {"resourceVersion": text(live, &["metadata", "resourceVersion"])}});
    if says_otherwise {
        merge(
            &mut patch,
            &json!({"metadata": {"annotations": {PROVED_ANNOTATION: standing.proved.unwrap_or_default()}}}),
        );
    }
    if !entries.is_empty() {
        merge(&mut patch, &json!({"webhooks": entries}));
    }
    Some(patch)
}

/// Whether everything that `ours` says stands in `live`, which may say more: defaults, and expressions that a platform adds
/// to each namespace selector.
fn is_within(ours: &Value, live: &Value) -> bool {
    match (ours, live) {
        (Value::Object(ours), Value::Object(live)) => ours.iter().all(|(key, ours)| match (live.get(key), ours) {
            (Some(Value::Array(live)), Value::Array(ours)) if key == "matchExpressions" => {
                ours.iter().all(|own| live.iter().any(|live| is_within(own, live)))
            }
            (Some(Value::Array(live)), Value::Array(ours)) if key == "webhooks" => ours.iter().all(|own| {
                let same = text(own, &["name"]).and_then(|name| named(live, name));
                same.is_some_and(|(_, live)| is_within(own, live))
            }),
            (Some(live), ours) => is_within(ours, live),
            (None, ours) => ours.is_null() || ours.as_object().is_some_and(serde_json::Map::is_empty),
        }),
        (Value::Array(ours), Value::Array(live)) => {
            ours.len() == live.len() && ours.iter().zip(live).all(|(ours, live)| is_within(ours, live))
        }
        _ => ours == live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    use crate::tls::Authority;

    const SINCE: &str = "2026-01-01T00:00:00Z";

    fn bundle() -> Bundle {
        let authority = Authority::generate(SystemTime::now(), Duration::from_hours(1)).unwrap();
        Bundle::read(authority.certificate_pem().as_bytes())
    }

    fn wanted() -> Wanted {
        let entry = |name: &str, policy: &str| {
            json!({"name": name, "failurePolicy": policy, "clientConfig": {"service": {"name": "x", "namespace": "y"}},
                "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}})
        };
        let of = |kind: Kind| {
            json!({"kind": kind.name(), "metadata": {"name": "x"},
                "webhooks": [entry("clusters.flink-admission.io", "Fail"), entry("probe.flink-admission.io", "Ignore")]})
        };
        let text = KINDS.map(|kind| of(kind).to_string()).join("\n---\n");
        Wanted::read(&text).unwrap()
    }

    fn whole(bundle: &Bundle, proved: Option<&str>) -> Value {
        let installation = Installation::of_service("webhook", "flink");
        wanted().whole(Kind::Mutating, &installation, &Standing { bundle: Some(bundle), proved, owner: None })
    }

    fn policies(configuration: &Value) -> Vec<&str> {
        list(configuration, &["webhooks"]).iter().filter_map(|entry| text(entry, &["failurePolicy"])).collect()
    }

    #[test]
    fn nothing_is_refused_for_our_sake_before_it_is_proved() {
        let bundle = bundle();
        assert_eq!(policies(&whole(&bundle, None)), ["Ignore", "Fail"]);
        assert_eq!(policies(&whole(&bundle, Some(SINCE))), ["Fail", "Fail"]);
        assert_eq!(trusted(&whole(&bundle, None)), bundle);
    }

    #[test]
    fn what_a_platform_adds_to_a_selector_is_left_there() {
        let (bundle, other) = (bundle(), bundle());
        let ours = whole(&bundle, None);
        let mut live = ours.clone();
        live["webhooks"][0]["timeoutSeconds"] = json!(10);
        let expressions = live["webhooks"][0]["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
        expressions.insert(0, json!({"key": "control-plane", "operator": "DoesNotExist"}));
        live["webhooks"].as_array_mut().unwrap().insert(0, json!({"name": "somebody-elses"}));
        assert!(is_within(&ours, &live));
        assert!(!is_within(&whole(&other, None), &live), "another bundle");
        assert!(!is_within(&whole(&bundle, Some(SINCE)), &live), "another policy");
        live["webhooks"][1]["namespaceSelector"]["matchExpressions"] = json!([]);
        assert!(!is_within(&ours, &live), "the selector is gone");
    }

    #[test]
    fn only_what_is_ours_and_differs_is_written() {
        let (bundle, other) = (bundle(), bundle());
        let mut live = whole(&bundle, None);
        live["metadata"]["resourceVersion"] = json!("7");
        let wanted = wanted();
        let of = |standing: Standing<'_>| fields_of_ours(&live, Some(&wanted.mutating), &standing);
        assert_eq!(of(Standing { bundle: Some(&bundle), proved: None, owner: None }), None);
        assert_eq!(of(Standing { bundle: None, proved: None, owner: None }), None);
        let patch = of(Standing { bundle: None, proved: Some(SINCE), owner: None }).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"resourceVersion": "7", "annotations": {PROVED_ANNOTATION: SINCE}},
                "webhooks": [{"failurePolicy": "Fail", "name": "clusters.flink-admission.io"}]})
        );
        let patch = of(Standing { bundle: Some(&other), proved: None, owner: None }).unwrap();
        assert_eq!(list(&patch, &["webhooks"]).len(), 2);
    }

    #[test]
    fn a_file_without_both_is_refused() {
        let mutating = wanted().mutating.to_string();
        let refused = |file: &str| Wanted::read(file).unwrap_err().to_string();
        assert_eq!(refused(&mutating), "it must hold one ValidatingWebhookConfiguration, and holds 0");
        assert_eq!(
            refused(&format!("{mutating}\n---\n{mutating}")),
            "it must hold one MutatingWebhookConfiguration, and holds 2"
        );
        assert!(refused("a: [").starts_with("it cannot be read"));
        let empty = "kind: MutatingWebhookConfiguration";
        assert_eq!(refused(empty), "the MutatingWebhookConfiguration has no entry under `webhooks`");
    }
}
