//! How a configuration file comes into a container: which one is read there, and whether the entry point can write it.

use serde_json::Value;

use crate::facts::{Answer, FactKey, Facts};
use crate::flink::config_file::{self, LEGACY, STANDARD};
use crate::flink::location::is_below;
use crate::flink::pod::{Backing, MountedVolume, Pod, Source};
use crate::flink::raw::{TEMPLATE, Unknown};
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, at, list, named, text};

/// A configuration file that is mounted.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Its name: `flink-conf.yaml` or `config.yaml`.
    pub(super) name: &'static str,
    /// Where its text comes from: `ConfigMap flink-config, key config.yaml`.
    pub(super) origin: String,
    /// Its text; empty where it is not known, of a file that this version does not read.
    pub(super) text: String,
    /// The volume's source in the object.
    pub(super) path: FieldPath,
}

/// What the configuration directory of a container holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivery {
    /// The file that this version reads, where it is mounted.
    pub(super) read: Option<File>,
    /// Mounted files that it does not read.
    pub(super) unread: Vec<File>,
    /// Whether the directory as a whole is mounted, so that the image's own file is hidden.
    pub(super) whole: bool,
    /// Whether the file that is read can be written.
    pub(super) writable: bool,
    /// Why it is not known what is read.
    pub(super) unknown: Option<Unknown>,
}

impl Delivery {
    /// What `pod` mounts in `directory`, of which `version` reads what it reads.
    pub(super) fn of(
        pod: &Pod,
        directory: &str,
        version: Option<FlinkVersion>,
        namespace: &str,
        facts: &Facts,
    ) -> Self {
        let mut delivery = Self::default();
        let mut files = Vec::new();
        for name in [LEGACY, STANDARD] {
            let path = format!("{directory}/{name}");
            let volume = match pod.backing(&path) {
                Backing::Container => continue,
                Backing::Volume(volume) => volume,
                Backing::Unknown(_) => return Self::unknown("it cannot be known what is mounted at the configuration"),
            };
            delivery.whole |= is_below(directory, &volume.mount_path);
            if !volume.read_only
                && matches!(volume.source, Source::EmptyDir { .. } | Source::Missing | Source::Claim(_))
            {
                let why = "the configuration is written by another container";
                return Self { writable: true, ..Self::unknown(why) };
            }
            match text_of(pod, &volume, &path, namespace, facts) {
                Ok(Some((origin, text))) => {
                    files.push(File { name, origin, text, path: source_path(pod, &volume.name) });
                }
                Ok(None) => {}
                // Whatever stands there, it is not read.
                Err(Unknown::LookUp(_)) if config_file::chosen(version, |one| one == name).is_none() => {
                    let (origin, path) = (format!("volume {}", volume.name), source_path(pod, &volume.name));
                    files.push(File { name, origin, text: String::new(), path });
                }
                Err(why) => return Self { unknown: Some(why), ..Self::default() },
            }
        }
        let chosen = config_file::chosen(version, |name| files.iter().any(|file| file.name == name));
        let read = chosen.and_then(|name| files.iter().position(|file| file.name == name));
        delivery.read = read.map(|position| files.remove(position));
        delivery.writable = !delivery.whole && delivery.read.is_none();
        if delivery.read.is_none() && (delivery.whole || (version.is_none() && !files.is_empty())) {
            delivery.note_unknown("the mounted configuration has no file that this version is known to read");
        }
        if version.is_some() {
            delivery.unread = files;
        }
        delivery
    }

    fn unknown(why: &str) -> Self {
        Self { unknown: Some(Unknown::Elsewhere(why.to_owned())), ..Self::default() }
    }

    fn note_unknown(&mut self, why: &str) {
        self.unknown = Some(Unknown::Elsewhere(why.to_owned()));
    }
}

/// The text that stands at `path` in `volume`, with its origin; `None` where the volume holds none there.
fn text_of(
    pod: &Pod,
    volume: &MountedVolume,
    path: &str,
    namespace: &str,
    facts: &Facts,
) -> Result<Option<(String, String)>, Unknown> {
    let Some(body) = pod.volume(&volume.name) else { return Ok(None) };
    let place = volume.place_of(path);
    let place = place.trim_start_matches('/');
    if let Some(config_map) = at(body, &["configMap"]) {
        return in_config_map(config_map, place, namespace, facts);
    }
    if at(body, &["secret"]).is_some() {
        return Err(Unknown::Elsewhere("the configuration is in a Secret".to_owned()));
    }
    let sources = list(body, &["projected", "sources"]);
    if sources.is_empty() {
        return Err(Unknown::Elsewhere("the configuration comes from a volume that cannot be seen into".to_owned()));
    }
    let mut found = None;
    for source in sources {
        if let Some(config_map) = at(source, &["configMap"]) {
            found = in_config_map(config_map, place, namespace, facts)?.or(found);
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
        let item = items.iter().find(|item| text(item, &["path"]) == Some(path));
        let Some(key) = item.and_then(|item| text(item, &["key"])) else { return Ok(None) };
        key
    };
    let question = FactKey::ConfigMap { namespace: namespace.to_owned(), name: name.to_owned() };
    match facts.answer(&question) {
        Answer::Known(config_map) if at(config_map, &["binaryData", key]).is_some() => {
            Err(Unknown::Elsewhere(format!("ConfigMap `{name}` holds the configuration as binary data")))
        }
        Answer::Known(config_map) => {
            Ok(text(config_map, &["data", key]).map(|text| (format!("ConfigMap {name}, key {key}"), text.to_owned())))
        }
        Answer::Absent if at(source, &["optional"]) == Some(&Value::Bool(true)) => Ok(None),
        Answer::Unknown(why) => Err(Unknown::LookUp(format!("ConfigMap `{name}` could not be read: {why}"))),
        _ => Err(Unknown::LookUp(format!("ConfigMap `{name}` does not exist yet"))),
    }
}

/// Path of the source of the volume `name`: `spec.template.spec.volumes[0].configMap`.
fn source_path(pod: &Pod, name: &str) -> FieldPath {
    let volumes = FieldPath::of(&TEMPLATE).keys(&["spec", "volumes"]);
    match named(list(&pod.template, &["spec", "volumes"]), name) {
        Some((index, volume)) => {
            let source = if at(volume, &["projected"]).is_some() { "projected" } else { "configMap" };
            volumes.index(index).key(source)
        }
        None => volumes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What `source`, mounted as the configuration directory, delivers to `version` where the cluster answers `answer`.
    fn delivered(source: Value, mount: &Value, answer: Answer, version: Option<FlinkVersion>) -> Delivery {
        let mut volume = json!({"name": "config"});
        volume.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        let template = json!({"spec": {
            "containers": [{"name": "flink-main-container", "volumeMounts": [mount]}], "volumes": [volume],
        }});
        let mut facts = Facts::default();
        facts.insert(FactKey::ConfigMap { namespace: "shop".to_owned(), name: "flink".to_owned() }, answer);
        Delivery::of(&Pod::with_main_container(template), "/opt/flink/conf", version, "shop", &facts)
    }

    fn whole() -> Value {
        json!({"name": "config", "mountPath": "/opt/flink/conf"})
    }

    fn legacy() -> Answer {
        Answer::Known(json!({"data": {"flink-conf.yaml": "a: 1"}}))
    }

    #[test]
    fn what_a_config_map_holds_is_known_where_it_can_be_read() {
        let of = |source, answer| delivered(source, &whole(), answer, Some(FlinkVersion::new(1, 18)));
        let required = json!({"configMap": {"name": "flink"}});
        let optional = json!({"configMap": {"name": "flink", "optional": true}});
        assert_eq!(of(required.clone(), legacy()).read.map(|file| file.text).as_deref(), Some("a: 1"));
        let binary = of(required.clone(), Answer::Known(json!({"binaryData": {"flink-conf.yaml": "YTogMQ=="}})));
        assert!(matches!(binary.unknown, Some(Unknown::Elsewhere(why)) if why.contains("binary")));
        let silent = of(required.clone(), Answer::Unknown("a timeout".to_owned()));
        assert!(matches!(silent.unknown, Some(Unknown::LookUp(why)) if why.contains("a timeout")));
        let gone = of(required, Answer::Absent);
        assert!(matches!(gone.unknown, Some(Unknown::LookUp(why)) if why.contains("does not exist yet")));
        let none = of(optional, Answer::Absent);
        assert!(matches!(none.unknown, Some(Unknown::Elsewhere(why)) if why.contains("no file")));
    }

    #[test]
    fn only_what_is_not_mounted_can_be_written() {
        let of = |mount: &Value, source| delivered(source, mount, legacy(), Some(FlinkVersion::new(1, 18)));
        let map = || json!({"configMap": {"name": "flink"}});
        let file = |name: &str| json!({"name": "config", "mountPath": format!("/opt/flink/conf/{name}"), "subPath": "flink-conf.yaml"});
        assert!(!of(&whole(), map()).writable && !of(&file("flink-conf.yaml"), map()).writable);
        let beside = of(&file("config.yaml"), map());
        assert!(beside.writable && beside.unread.len() == 1 && beside.unknown.is_none());
        assert!(of(&json!({"name": "config", "mountPath": "/etc"}), map()).writable);
        // An emptyDir that another container fills; read-only nobody else does.
        let filled = of(&whole(), json!({"emptyDir": {}}));
        assert!(filled.writable && filled.unknown.is_some());
        let mut kept = whole();
        kept["readOnly"] = json!(true);
        assert!(!of(&kept, json!({"emptyDir": {}})).writable);
    }

    #[test]
    fn without_a_version_a_file_of_either_name_may_be_the_one() {
        let map = json!({"configMap": {"name": "flink"}});
        let of_none = delivered(map, &whole(), Answer::Known(json!({"data": {}})), None);
        assert!(of_none.unknown.is_some() && of_none.unread.is_empty());
    }
}
