//! One role of a standalone cluster, resolved from its pod template and the ConfigMap that it mounts.
//!
//! Layers, lowest first: the configuration file, `FLINK_PROPERTIES` where the directory can be written, `-D` arguments,
//! the host argument. What something outside of the object decides is unknown, and says why.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::{Answer, FactKey, Facts};
use crate::flink::arguments::{self, Misread};
use crate::flink::config_file::{self, Entry, LEGACY, STANDARD};
use crate::flink::configuration::EffectiveConfig;
use crate::flink::deployment::VERSION_ANNOTATION;
use crate::flink::image::Image;
use crate::flink::location::{is_below, normalise};
use crate::flink::pod::{Backing, Pod, Source};
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, annotation, at, list, name, named, text};
use crate::workload::{Entry as Way, Raw};

/// Where the pod template stands in a Deployment, StatefulSet or Job.
pub const TEMPLATE: [&str; 2] = ["spec", "template"];

/// Why the options of a role are unknown that a shell's text starts.
pub const SHELL: &str = "the command is a shell's text, which may bring options";

const CONF_DIR: &str = "/opt/flink/conf";

/// A role as it takes effect.
#[derive(Debug, Clone)]
pub struct RawRole {
    /// The Flink version; `None` where nothing says it.
    pub version: Option<FlinkVersion>,
    /// The options, as far as they are known.
    pub config: EffectiveConfig,
    /// Why there may be options that are not known.
    pub unknown: Option<Unknown>,
    /// The pod.
    pub pod: Pod,
    /// The image.
    pub image: Option<String>,
    /// Words of its command line that do not do what they say, with their paths.
    pub misread: Vec<(Misread, FieldPath)>,
}

/// Why options of a role are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// The cluster, or the input that stands for it, did not answer.
    LookUp(String),
    /// Something outside of what can be looked up brings them.
    Elsewhere(String),
}

/// The ConfigMaps behind the configuration directory of the Flink container of `raw`.
#[must_use]
pub fn config_maps(object: &Value, raw: &Raw) -> Vec<String> {
    let pod = pod(object, raw);
    let directory = match pod.container().and_then(|container| variable(container, "FLINK_CONF_DIR")) {
        Some(Ok(directory)) => normalise(directory),
        Some(Err(())) => return Vec::new(),
        None => CONF_DIR.to_owned(),
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
    let version = version(object, image.as_deref());
    let is_stock = image.as_deref().is_some_and(|image| Image::parse(image).is_stock(mirrors));
    let mut role =
        RawRole { version, config: EffectiveConfig::default(), unknown: None, pod, image, misread: Vec::new() };
    if matches!(raw.launch.entry, Way::Mode | Way::Native) {
        role.is_unknown("the image reads its configuration in a way of its own");
        return role;
    }
    let writable = role.read_file(&container, namespace, facts, is_stock);
    if writable {
        role.read_properties(&container, raw);
    }
    role.read_arguments(&container, raw);
    role.config.note_overridden_names(version);
    role
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
    Pod { template, main: Some(raw.container), extra: Vec::new() }
}

/// From the image's tag, else the annotation on the object or its pod template.
fn version(object: &Value, image: Option<&str>) -> Option<FlinkVersion> {
    image.and_then(|image| Image::parse(image).version()).or_else(|| {
        let template = at(object, &TEMPLATE)?;
        let stated = annotation(object, VERSION_ANNOTATION).or_else(|| annotation(template, VERSION_ANNOTATION))?;
        FlinkVersion::from_dotted(stated)
    })
}

/// The value of the variable `wanted`; `Err` where it comes from elsewhere.
fn variable<'a>(container: &'a Value, wanted: &str) -> Option<Result<&'a str, ()>> {
    let (_, variable) = named(list(container, &["env"]), wanted)?;
    Some(text(variable, &["value"]).ok_or(()))
}

impl RawRole {
    /// Reads the configuration file; whether `FLINK_PROPERTIES` can be written over it.
    fn read_file(&mut self, container: &Value, namespace: &str, facts: &Facts, is_stock: bool) -> bool {
        let directory = match variable(container, "FLINK_CONF_DIR") {
            Some(Ok(directory)) => normalise(directory),
            Some(Err(())) => return self.is_unknown("`FLINK_CONF_DIR` comes from elsewhere"),
            None => CONF_DIR.to_owned(),
        };
        let backing = [LEGACY, STANDARD].map(|file| (file, self.pod.backing(&format!("{directory}/{file}"))));
        let mounted: Vec<_> = backing.into_iter().filter(|(_, backing)| *backing != Backing::Container).collect();
        if mounted.is_empty() {
            if !is_stock {
                self.is_unknown("no configuration is mounted, and the image may carry one");
            }
            return true;
        }
        let mut files: Vec<(&'static str, String, String)> = Vec::new();
        let mut whole = false;
        for (file, backing) in mounted {
            let Backing::Volume(volume) = backing else {
                return self.is_unknown("it cannot be known what is mounted at the configuration");
            };
            if volume.source == Source::ReadOnly("secret".to_owned()) {
                return self.is_unknown("the configuration is in a Secret");
            }
            whole |= is_below(&directory, &volume.mount_path);
            if !volume.read_only
                && matches!(volume.source, Source::EmptyDir { .. } | Source::Missing | Source::Claim(_))
            {
                self.is_unknown("the configuration is written by another container");
                return true;
            }
            let Some(body) = self.pod.volume(&volume.name).cloned() else { continue };
            let path = if volume.sub_path.is_empty() {
                volume.place_of(&format!("{directory}/{file}")).trim_start_matches('/').to_owned()
            } else {
                volume.sub_path.clone()
            };
            match content(&body, &path, namespace, facts) {
                Ok(Some((origin, text))) => files.push((file, origin, text)),
                Ok(None) => {}
                Err(why) => {
                    self.unknown.get_or_insert(why);
                    return false;
                }
            }
        }
        match config_file::chosen(self.version, |name| files.iter().any(|(file, ..)| *file == name)) {
            Some(name) => {
                if let Some((_, origin, text)) = files.iter().find(|(file, ..)| *file == name) {
                    self.read_text(name, origin, text);
                }
            }
            None if whole => {
                self.is_unknown("the mounted configuration has no file that this version is known to read");
            }
            None if !is_stock => {
                self.is_unknown("no configuration is mounted, and the image may carry one");
            }
            None => {}
        }
        !whole && files.is_empty()
    }

    fn read_text(&mut self, file: &str, origin: &str, text: &str) {
        let entries = if file == LEGACY { Ok(config_file::legacy(text)) } else { config_file::standard(text) };
        match entries {
            Ok(entries) => self.set_all(entries, origin, &FieldPath::of(&["spec", "template"])),
            Err(why) => {
                self.is_unknown(&format!("{origin} is refused by Flink: {why}"));
            }
        }
    }

    fn set_all(&mut self, entries: Vec<Entry>, origin: &str, path: &FieldPath) {
        for Entry { key, value, line } in entries {
            let origin = if line == 0 { origin.to_owned() } else { format!("{origin}, line {line}") };
            let path = path.key(&key);
            self.config.set(key, value, origin, path);
        }
    }

    fn read_properties(&mut self, container: &Value, raw: &Raw) {
        match variable(container, "FLINK_PROPERTIES") {
            None => {
                let from_elsewhere = !list(container, &["envFrom"]).is_empty();
                if from_elsewhere {
                    self.is_unknown("`envFrom` may bring `FLINK_PROPERTIES`");
                }
            }
            Some(Err(())) => {
                self.is_unknown("`FLINK_PROPERTIES` comes from elsewhere");
            }
            Some(Ok(text)) => {
                let path = container_path(raw).key("env").key("FLINK_PROPERTIES");
                self.set_all(
                    config_file::properties(text, self.version),
                    "environment variable FLINK_PROPERTIES",
                    &path,
                );
            }
        }
    }

    fn read_arguments(&mut self, container: &Value, raw: &Raw) {
        if raw.launch.entry == Way::Shell {
            self.is_unknown(SHELL);
            return;
        }
        let words = words(container);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let read = arguments::read(&words, &raw.launch, self.version);
        let command = list(container, &["command"]).len();
        let word_path = |position: usize| match position.checked_sub(command) {
            Some(index) => container_path(raw).key("args").index(index),
            None => container_path(raw).key("command").index(position),
        };
        self.misread = read.misread.into_iter().map(|word| (word.clone(), word_path(word.position))).collect();
        for (key, value, position) in read.options {
            self.config.set(key, value, format!("argument {}", position + 1), word_path(position));
        }
        if let Some((host, position)) = read.host {
            self.config.set(
                "jobmanager.rpc.address".to_owned(),
                host,
                format!("argument {}", position + 1),
                word_path(position),
            );
        }
    }

    /// Notes why the configuration may hold more; `false`, so that a caller can end with it.
    fn is_unknown(&mut self, why: &str) -> bool {
        self.unknown.get_or_insert_with(|| Unknown::Elsewhere(why.to_owned()));
        false
    }
}

/// The text of the file `path` in `volume`, with its origin; `None` where the volume does not hold it.
fn content(volume: &Value, path: &str, namespace: &str, facts: &Facts) -> Result<Option<(String, String)>, Unknown> {
    if at(volume, &["configMap"]).is_some() {
        return in_config_map(at(volume, &["configMap"]).unwrap_or(&Value::Null), path, namespace, facts);
    }
    let sources = list(volume, &["projected", "sources"]);
    if sources.is_empty() {
        return Err(Unknown::Elsewhere("the configuration comes from a volume that cannot be seen into".to_owned()));
    }
    let mut found = None;
    for source in sources {
        if let Some(config_map) = at(source, &["configMap"]) {
            found = in_config_map(config_map, path, namespace, facts)?.or(found);
        } else if at(source, &["secret"]).is_some() {
            return Err(Unknown::Elsewhere("the configuration may come from a Secret".to_owned()));
        }
    }
    Ok(found)
}

fn in_config_map(
    source: &Value,
    path: &str,
    namespace: &str,
    facts: &Facts,
) -> Result<Option<(String, String)>, Unknown> {
    let Some(name) = text(source, &["name"]) else { return Ok(None) };
    let items = list(source, &["items"]);
    let key = if items.is_empty() {
        path
    } else {
        let Some(key) =
            items.iter().find(|item| text(item, &["path"]) == Some(path)).and_then(|item| text(item, &["key"]))
        else {
            return Ok(None);
        };
        key
    };
    let question = FactKey::ConfigMap { namespace: namespace.to_owned(), name: name.to_owned() };
    match facts.answer(&question) {
        Answer::Known(config_map) => {
            Ok(text(&config_map, &["data", key]).map(|text| (format!("ConfigMap {name}, key {key}"), text.to_owned())))
        }
        Answer::Absent => Err(Unknown::LookUp(format!("ConfigMap `{name}` does not exist yet"))),
        Answer::Unknown(why) => Err(Unknown::LookUp(format!("ConfigMap `{name}` could not be read: {why}"))),
    }
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
