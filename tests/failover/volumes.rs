//! The volumes of a Pod as files of this machine.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the volumes of a Pod lie.
pub struct Volumes<'a> {
    /// Holds a directory for each claim of the namespace.
    pub claims: &'a Path,
    /// Holds a directory for each other volume of the Pod.
    pub own: &'a Path,
}

impl Volumes<'_> {
    /// A line for each mount of `container` as `pod.sh` reads them, with its source made. `None` where a ConfigMap is not there
    /// yet; `config_map` gives one by its name.
    pub fn mounts(&self, pod: &Value, container: &Value, config_map: impl Fn(&str) -> Option<Value>) -> Option<String> {
        let mut lines = String::new();
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            let volume = volumes.into_iter().find(|volume| volume["name"] == mount["name"])?;
            let (source, is_read_only) = self.source(volume, &config_map)?;
            let source = mount["subPath"].as_str().map_or(source.clone(), |path| source.join(path));
            if !source.exists() {
                fs::create_dir_all(&source).expect("a directory");
            }
            let mode = if is_read_only || mount["readOnly"] == true { "ro" } else { "rw" };
            let path = mount["mountPath"].as_str().expect("a path").trim_end_matches('/');
            let _ = writeln!(lines, "{mode}\t{}\t{path}", source.display());
        }
        Some(lines)
    }

    fn source(&self, volume: &Value, config_map: impl Fn(&str) -> Option<Value>) -> Option<(PathBuf, bool)> {
        let own = self.own.join(volume["name"].as_str().expect("a name"));
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            return Some((made(self.claims.join(claim)), false));
        }
        if let Some(name) = volume["configMap"]["name"].as_str() {
            write(&made(own.clone()), &config_map(name)?["data"], volume["configMap"]["items"].as_array());
            return Some((own, true));
        }
        if let Some(path) = volume["hostPath"]["path"].as_str() {
            return Some((path.into(), false));
        }
        assert!(volume["emptyDir"].is_object(), "the runner does not know the kind of {volume}");
        Some((made(own), false))
    }
}

/// Writes the keys of a ConfigMap, all of them or its `items`, into `directory`.
fn write(directory: &Path, data: &Value, items: Option<&Vec<Value>>) {
    let items: Vec<(&str, &str)> = match items {
        Some(items) => items.iter().filter_map(|item| Some((item["key"].as_str()?, item["path"].as_str()?))).collect(),
        None => data.as_object().into_iter().flatten().map(|(key, _)| (key.as_str(), key.as_str())).collect(),
    };
    for (key, path) in items {
        fs::write(directory.join(path), data[key].as_str().unwrap_or_default()).expect("a file");
    }
}

fn made(directory: PathBuf) -> PathBuf {
    fs::create_dir_all(&directory).expect("a directory");
    directory
}
