//! One role of a standalone cluster, resolved from its pod template and the ConfigMap that it mounts.
//!
//! Layers, lowest first: the configuration file, what the image's entry point writes into it where it can (its own
//! variables, then `FLINK_PROPERTIES`), `-D` arguments, the host argument. What something outside of the object decides is
//! unknown, and says why.

mod delivery;
mod environment;
mod layers;
mod unread;

pub use environment::{Environment, Variable, references};
pub use unread::{Unknown, Void, VoidReason};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::Facts;
use crate::flink::arguments::{self, Misread};
use crate::flink::config_file::{LEGACY, Refusal, STANDARD};
use crate::flink::configuration::EffectiveConfig;
use crate::flink::deployment::VERSION_ANNOTATION;
use crate::flink::image::Image;
use crate::flink::location::normalise;
use crate::flink::pod::{Backing, Pod};
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, annotation, at, list, name, text};
use crate::workload::{Entry as Way, Raw};

/// Where the pod template stands in a Deployment, StatefulSet or Job.
pub const TEMPLATE: [&str; 2] = ["spec", "template"];

/// Why the options of a role are unknown that `entry` starts; `None` where its words tell them.
#[must_use]
pub const fn hidden_by(entry: Way) -> Option<&'static str> {
    match entry {
        Way::Shell => Some("the command is a shell's text, which may bring options"),
        Way::Changed => Some("`env` in the command changes variables that Flink reads, which may bring options"),
        Way::Unknown => Some("the command is not known to start Flink"),
        Way::Subcommand | Way::Script | Way::Native | Way::Mode => None,
    }
}

const HOME: &str = "/opt/flink";
const CONF_DIR: &str = "/opt/flink/conf";

/// A role as it takes effect.
#[derive(Debug, Clone)]
pub struct RawRole {
    /// The Flink version; `None` where nothing says it.
    pub version: Option<FlinkVersion>,
    /// The options, as far as they are known.
    pub config: EffectiveConfig,
    /// Options that stand where this role does not read them.
    pub void: Vec<Void>,
    /// Why there may be options that are not known.
    pub unknown: Option<Unknown>,
    /// The pod.
    pub pod: Pod,
    /// The image.
    pub image: Option<String>,
    /// The id that its job was given on the command line, with the path of the word.
    pub job_id: Option<(String, FieldPath)>,
    /// Words of its command line that do not do what they say, with their paths.
    pub misread: Vec<(Misread, FieldPath)>,
    /// The configuration file that is read, where Flink refuses it.
    pub refused: Option<Refused>,
    /// Why Flink refuses its command line, where the words are known.
    pub refused_arguments: Option<arguments::Refused>,
}

/// A configuration file that Flink refuses, so that the role does not start.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Where in it, and why; certain where also the file is certain to be the one that is read, as it is.
    pub refusal: Refusal,
    /// Where its text comes from: `ConfigMap flink-config, key config.yaml`.
    pub origin: String,
    /// The volume's source in the object.
    pub path: FieldPath,
}

/// The ConfigMaps behind the configuration directory of the Flink container of `raw`.
#[must_use]
pub fn config_maps(object: &Value, raw: &Raw) -> Vec<String> {
    let pod = pod(object, raw);
    let Some(directory) = directory(&Environment::of(pod.container().unwrap_or(&Value::Null))) else {
        return Vec::new();
    };
    let volumes: BTreeSet<String> = [LEGACY, STANDARD]
        .into_iter()
        .filter_map(|file| match pod.backing(&format!("{directory}/{file}")) {
            Backing::Volume(volume) => Some(volume.name),
            Backing::Container | Backing::Unknown(_) => None,
        })
        .collect();
    volumes
        .iter()
        .filter_map(|name| pod.volume(name))
        .flat_map(|volume| {
            let projected = list(volume, &["projected", "sources"])
                .iter()
                .filter_map(|source| text(source, &["configMap", "name"]));
            text(volume, &["configMap", "name"]).into_iter().chain(projected)
        })
        .map(str::to_owned)
        .collect()
}

/// Resolves `raw` in `object`; `mirrors` are the images that are the official one.
#[must_use]
pub fn resolve(object: &Value, raw: &Raw, namespace: &str, facts: &Facts, mirrors: &[String]) -> RawRole {
    let pod = pod(object, raw);
    let container = pod.container().cloned().unwrap_or(Value::Null);
    let image = text(&container, &["image"]).map(str::to_owned);
    let is_stock = image.as_deref().is_some_and(|image| Image::parse(image).is_stock(mirrors));
    let version = version(object, image.as_deref(), is_stock);
    let mut role = RawRole {
        version,
        config: EffectiveConfig::default(),
        void: Vec::new(),
        unknown: None,
        pod,
        image,
        job_id: None,
        misread: Vec::new(),
        refused: None,
        refused_arguments: None,
    };
    if raw.launch.entry == Way::Mode {
        role.note_unknown("the image reads its configuration in a way of its own");
        return role;
    }
    let names_directory = |word: &String| ["FLINK_CONF_DIR=", "FLINK_HOME="].iter().any(|name| word.starts_with(name));
    if raw.launch.entry == Way::Changed && words(&container).iter().any(names_directory) {
        role.note_unknown("`env` in the command names another configuration directory");
        return role;
    }
    let environment = Environment::of(&container);
    let container_path = container_path(raw);
    let unwritable =
        role.read_file(&environment, namespace, facts, is_stock).or_else(|| without_entry_point(&container, raw));
    if hidden_by(raw.launch.entry).is_some() {
        role.doubt_files();
    }
    if unwritable.is_none() {
        role.read_variables(&environment, &container_path);
    }
    role.read_properties(&container, &environment, &container_path, unwritable);
    role.read_arguments(&container, &environment, raw);
    role.config.note_overridden_names(version);
    role
}

/// The value of the variable `name` of the Flink container at `container`; of several with one name the last one counts.
fn variable_path(pod: &Pod, container: &FieldPath, wanted: &str) -> FieldPath {
    let variables = pod.container().map(|container| list(container, &["env"])).unwrap_or_default();
    let index = variables.iter().rposition(|variable| name(variable) == Some(wanted)).unwrap_or_default();
    container.key("env").index(index).key("value")
}

/// The configuration directory; `None` where it comes from elsewhere.
fn directory(environment: &Environment) -> Option<String> {
    match environment.variable("FLINK_CONF_DIR") {
        Variable::Known(directory) if directory.starts_with('/') => Some(normalise(directory)),
        // A command begins in the image's own directory.
        Variable::Known(directory) if !directory.is_empty() => Some(normalise(&format!("{HOME}/{directory}"))),
        Variable::Known(_) | Variable::Unset => Some(CONF_DIR.to_owned()),
        Variable::Elsewhere => None,
    }
}

/// Why the image's entry point, which writes the environment into the file, does not run; `None` where it does.
fn without_entry_point(container: &Value, raw: &Raw) -> Option<String> {
    let command = list(container, &["command"]);
    let runs = raw.launch.entry == Way::Subcommand
        || command.is_empty()
        || command.iter().filter_map(Value::as_str).any(|word| word.contains("docker-entrypoint.sh"));
    (!runs).then(|| "`command` starts Flink without the image's entry point, which alone reads the variable".to_owned())
}

fn pod(object: &Value, raw: &Raw) -> Pod {
    let mut template = at(object, &TEMPLATE).cloned().unwrap_or(Value::Null);
    let claims: BTreeSet<String> = list(object, &["spec", "volumeClaimTemplates"])
        .iter()
        .filter_map(|claim| text(claim, &["metadata", "name"]).map(str::to_owned))
        .collect();
    if let Some(Value::Object(spec)) = template.get_mut("spec").filter(|_| !claims.is_empty()) {
        let volumes = spec.entry("volumes").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(volumes) = volumes {
            volumes.retain(|volume| name(volume).is_none_or(|name| !claims.contains(name)));
            volumes.extend(claims.iter().map(|claim| serde_json::json!({"name": claim, "volumeClaimTemplate": claim})));
        }
    }
    Pod { template: template.into(), main: Some(raw.container), extra: Vec::new() }
}

/// From the image's tag and the annotation on the object or its pod template. The tag of the official image is right; that of
/// another may count something else, which its author can say.
fn version(object: &Value, image: Option<&str>, is_stock: bool) -> Option<FlinkVersion> {
    let tagged = image.and_then(|image| Image::parse(image).version());
    let stated = || {
        let template = at(object, &TEMPLATE)?;
        let stated = annotation(object, VERSION_ANNOTATION).or_else(|| annotation(template, VERSION_ANNOTATION))?;
        FlinkVersion::from_dotted(stated)
    };
    if is_stock { tagged.or_else(stated) } else { stated().or(tagged) }
}

/// The words of a container's command line: command and args taken together.
#[must_use]
pub fn words(container: &Value) -> Vec<String> {
    list(container, &["command"])
        .iter()
        .chain(list(container, &["args"]))
        .map(|word| word.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Path of the Flink container.
#[must_use]
pub fn container_path(raw: &Raw) -> FieldPath {
    FieldPath::of(&TEMPLATE).keys(&["spec", "containers"]).index(raw.container)
}

#[cfg(test)]
mod tests;
