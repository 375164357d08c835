//! What a Pod of the chart's Deployment is started with, where a process stands for it.
//!
//! Arguments and environment are the container's. Its volumes are directories that look as the kubelet makes them: each
//! file is a link through `..data` to the generation that is current, and an update swaps that one link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::ControlPlane;

/// The one container of a Deployment's Pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    arguments: Vec<String>,
    environment: Vec<Value>,
    mounts: Vec<(String, Source)>,
    /// Checksums of what is read at the start alone: another one rolls the Pods.
    annotations: Value,
}

/// Where a volume's files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    ConfigMap(String),
    Secret(String),
    Projected(Vec<Source>),
    Empty,
}

/// The volumes of one Pod, below a directory.
pub struct Volumes {
    mounts: Vec<(String, Source, PathBuf)>,
}

impl Template {
    /// The template of a Deployment as it is stored.
    #[track_caller]
    pub fn read(deployment: &Value) -> Self {
        let spec = &deployment["spec"]["template"]["spec"];
        let [container] = list(&spec["containers"]) else { panic!("one container: {spec}") };
        let place = |mount: &Value| {
            let volume = list(&spec["volumes"]).iter().find(|volume| volume["name"] == mount["name"]);
            let volume = volume.unwrap_or_else(|| panic!("no volume of {mount}"));
            (text(&mount["mountPath"]).to_owned(), source(volume))
        };
        Self {
            arguments: list(&container["args"]).iter().map(|word| text(word).to_owned()).collect(),
            environment: list(&container["env"]).to_vec(),
            mounts: list(&container["volumeMounts"]).iter().map(place).collect(),
            annotations: deployment["spec"]["template"]["metadata"]["annotations"].clone(),
        }
    }

    /// Puts `--name=value` in the place of an argument of that name, or behind all.
    pub fn set(&mut self, name: &str, value: &str) {
        let begin = format!("--{name}=");
        self.arguments.retain(|word| !word.starts_with(&begin));
        self.arguments.push(begin + value);
    }

    /// Makes the volumes of a Pod below `directory`.
    pub fn make_volumes(&self, plane: &ControlPlane, namespace: &str, directory: &Path) -> Volumes {
        let make = |(number, (path, source)): (usize, &(String, Source))| {
            let own = directory.join(number.to_string());
            fs::create_dir(&own).expect("a directory");
            (path.clone(), source.clone(), own)
        };
        let volumes = Volumes { mounts: self.mounts.iter().enumerate().map(make).collect() };
        volumes.refresh(plane, namespace);
        volumes
    }

    /// The arguments for a process that has these volumes and free ports of loopback.
    pub fn arguments_in(&self, volumes: &Volumes) -> Vec<String> {
        let mut own = self.clone();
        own.set("listen", "127.0.0.1:0");
        own.set("observe", "127.0.0.1:0");
        own.arguments.iter().map(|word| volumes.translate(word)).collect()
    }

    /// The environment of a Pod of this name.
    #[track_caller]
    pub fn environment_of(&self, pod: &str, namespace: &str) -> Vec<(String, String)> {
        let mut environment = vec![("HOSTNAME".to_owned(), pod.to_owned())];
        for variable in &self.environment {
            let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                None => variable["value"].as_str().unwrap_or_default(),
                Some("metadata.name") => pod,
                Some("metadata.namespace") => namespace,
                Some("status.podIP") => "127.0.0.1",
                Some(other) => panic!("the test does not know `{other}` of a Pod"),
            };
            environment.push((text(&variable["name"]).to_owned(), value.to_owned()));
        }
        environment
    }
}

impl Volumes {
    /// Brings what ConfigMaps and Secrets hold now, as the kubelet does within a minute.
    pub fn refresh(&self, plane: &ControlPlane, namespace: &str) {
        for (_, source, place) in &self.mounts {
            if *source != Source::Empty {
                publish(place, &source.files(plane, namespace));
            }
        }
    }

    fn translate(&self, word: &str) -> String {
        let Some((name, path)) = word.split_once('=') else { return word.to_owned() };
        let below = self.mounts.iter().find_map(|(mount, _, place)| {
            let rest = path.strip_prefix(mount.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", place.display()))
        });
        below.map_or_else(|| word.to_owned(), |path| format!("{name}={path}"))
    }
}

/// Writes `files` below `place` as the kubelet's AtomicWriter does: a new generation, then one rename.
pub fn publish(place: &Path, files: &[(String, Vec<u8>)]) {
    static GENERATION: AtomicUsize = AtomicUsize::new(0);
    let name = format!("..generation_{}", GENERATION.fetch_add(1, Ordering::Relaxed));
    let (data, next) = (place.join("..data"), place.join("..data_tmp"));
    let before = fs::read_link(&data).ok();
    fs::create_dir(place.join(&name)).expect("a directory");
    for (file, content) in files {
        fs::write(place.join(&name).join(file), content).expect("a file");
    }
    symlink(&name, &next).expect("a link");
    fs::rename(&next, &data).expect("a rename");
    for (file, _) in files {
        // It is there from the second time on.
        let _ = symlink(Path::new("..data").join(file), place.join(file));
    }
    if let Some(before) = before {
        fs::remove_dir_all(place.join(before)).expect("the last generation goes");
    }
}

/// The files of a ConfigMap or Secret.
#[track_caller]
fn content(plane: &ControlPlane, namespace: &str, kind: &str, name: &str) -> Vec<(String, Vec<u8>)> {
    use base64::Engine as _;
    let object = plane.object(namespace, kind, name).unwrap_or_else(|| panic!("no {kind} {name} in {namespace}"));
    let files = object["data"].as_object().cloned().unwrap_or_default();
    let decode = |value: &Value| match kind {
        "secret" => base64::engine::general_purpose::STANDARD.decode(text(value)).expect("base64"),
        _ => text(value).as_bytes().to_vec(),
    };
    files.iter().map(|(file, value)| (file.clone(), decode(value))).collect()
}

impl Source {
    fn files(&self, plane: &ControlPlane, namespace: &str) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::ConfigMap(name) => content(plane, namespace, "configmap", name),
            Self::Secret(name) => content(plane, namespace, "secret", name),
            Self::Projected(sources) => sources.iter().flat_map(|source| source.files(plane, namespace)).collect(),
            Self::Empty => Vec::new(),
        }
    }
}

/// Of a volume, or of one source of a projected one. A Secret's name is in another field in each.
fn source(volume: &Value) -> Source {
    let secret = &volume["secret"];
    let secret = secret["secretName"].as_str().or_else(|| secret["name"].as_str());
    match (volume["configMap"]["name"].as_str(), secret) {
        (Some(name), _) => Source::ConfigMap(name.to_owned()),
        (_, Some(name)) => Source::Secret(name.to_owned()),
        _ if volume["projected"].is_object() => {
            Source::Projected(list(&volume["projected"]["sources"]).iter().map(source).collect())
        }
        _ if volume["emptyDir"].is_object() => Source::Empty,
        _ => panic!("the test does not know this volume: {volume}"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
