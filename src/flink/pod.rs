//! One role's pod, and what stands behind a path in its Flink container.

use std::sync::Arc;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::flink::location::{is_below, normalise};
use crate::object::{self, list, text};

/// Name of the Flink container in pod templates of the operator and of native mode.
pub const MAIN_CONTAINER: &str = "flink-main-container";

/// A pod as it will run, with its Flink container.
#[derive(Debug, Clone)]
pub struct Pod {
    /// The pod template, merged: `metadata` and `spec`.
    pub template: Arc<Value>,
    /// Position of the Flink container in `spec.containers`; `None` where Flink adds it itself.
    pub main: Option<usize>,
    /// Claims that Flink itself mounts on every pod.
    pub extra: Vec<ExtraClaim>,
}

/// A claim that an option makes Flink mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraClaim {
    /// Name of the PersistentVolumeClaim.
    pub claim: String,
    /// Absolute path.
    pub mount_path: String,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// What stands behind a path of the Flink container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// Nothing is mounted there: the container's own file system.
    Container,
    /// A volume.
    Volume(MountedVolume),
    /// It cannot be known, and why.
    Unknown(String),
}

/// A volume where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedVolume {
    /// Name of the volume.
    pub name: String,
    /// What it is made of.
    pub source: Source,
    /// Absolute path of the mount, normalised.
    pub mount_path: String,
    /// `subPath` of the mount, empty where there is none.
    pub sub_path: String,
    /// Whether the mount or the volume is read-only.
    pub read_only: bool,
}

/// What a volume is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `emptyDir`: dies with the pod.
    EmptyDir {
        /// `medium: Memory`.
        memory: bool,
    },
    /// No source: Kubernetes makes it an `emptyDir`.
    Missing,
    /// `hostPath`: belongs to one node.
    HostPath(String),
    /// A PersistentVolumeClaim.
    Claim(String),
    /// A claim of a StatefulSet's `volumeClaimTemplates`: one for each replica.
    ClaimTemplate(String),
    /// A generic ephemeral volume: its claim dies with the pod.
    Ephemeral,
    /// `configMap`, `secret`, `projected`, `downwardAPI`, `image`: cannot be written.
    ReadOnly(String),
    /// A directory that an NFS server exports, named in the pod itself.
    Nfs {
        /// The server's name or address.
        server: String,
        /// The exported path.
        path: String,
    },
    /// Another network file system or disk named in the pod itself, by its kind.
    Network(String),
    /// Something that we cannot judge, in words.
    Unknown(String),
}

impl MountedVolume {
    /// Where the absolute `path` of the pod lies inside of the volume.
    #[must_use]
    pub fn place_of(&self, path: &str) -> String {
        let below = if self.mount_path == "/" { path } else { path.strip_prefix(&self.mount_path).unwrap_or(path) };
        normalise(&format!("{}/{below}", self.sub_path))
    }
}

impl Pod {
    /// The pod of `template` whose Flink container is called [`MAIN_CONTAINER`].
    #[must_use]
    pub fn with_main_container(template: impl Into<Arc<Value>>) -> Self {
        let template = template.into();
        let main = object::named(list(&template, &["spec", "containers"]), MAIN_CONTAINER).map(|(index, _)| index);
        Self { template, main, extra: Vec::new() }
    }

    /// The Flink container.
    #[must_use]
    pub fn container(&self) -> Option<&Value> {
        list(&self.template, &["spec", "containers"]).get(self.main?)
    }

    /// The volume called `name`.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Value> {
        object::named(list(&self.template, &["spec", "volumes"]), name).map(|(_, volume)| volume)
    }

    /// Names of the ConfigMaps without which the Flink container does not start: it mounts them, and they are not optional.
    pub fn config_maps(&self) -> impl Iterator<Item = &str> {
        let mounts = self.container().map(|container| list(container, &["volumeMounts"])).unwrap_or_default();
        let mounted: BTreeSet<&str> = mounts.iter().filter_map(object::name).collect();
        let volumes = list(&self.template, &["spec", "volumes"]).iter();
        volumes
            .filter(move |volume| object::name(volume).is_some_and(|name| mounted.contains(name)))
            .flat_map(config_maps_of)
    }

    /// What backs the absolute, normalised `path`: the mount with the longest matching `mountPath`.
    #[must_use]
    pub fn backing(&self, path: &str) -> Backing {
        let mounts = self.container().map(|container| list(container, &["volumeMounts"])).unwrap_or_default();
        let mounted = mounts.iter().filter_map(|mount| Some((normalise(text(mount, &["mountPath"])?), mount)));
        let best = mounted.filter(|(at, _)| is_below(path, at)).max_by_key(|(at, _)| at.len());
        let extra = self
            .extra
            .iter()
            .filter(|claim| is_below(path, &claim.mount_path))
            .max_by_key(|claim| claim.mount_path.len());
        match (best, extra) {
            (Some((at, mount)), extra) if extra.is_none_or(|extra| at.len() >= extra.mount_path.len()) => {
                self.mounted(at, mount)
            }
            (_, Some(extra)) => Backing::Volume(MountedVolume {
                name: format!("{}-pvc", extra.claim),
                source: Source::Claim(extra.claim.clone()),
                mount_path: extra.mount_path.clone(),
                sub_path: String::new(),
                read_only: extra.read_only,
            }),
            _ => Backing::Container,
        }
    }

    fn mounted(&self, mount_path: String, mount: &Value) -> Backing {
        if text(mount, &["subPathExpr"]).is_some() {
            return Backing::Unknown(format!("the mount at `{mount_path}` has a `subPathExpr`"));
        }
        let Some(name) = object::name(mount) else {
            return Backing::Unknown(format!("the mount at `{mount_path}` names no volume"));
        };
        let Some(volume) = self.volume(name) else {
            return Backing::Unknown(format!("the volume `{name}` is not in the pod template"));
        };
        let (source, volume_read_only) = source(volume);
        let read_only = volume_read_only || object::at(mount, &["readOnly"]).and_then(Value::as_bool).unwrap_or(false);
        let sub_path = text(mount, &["subPath"]).unwrap_or_default().trim_matches('/').to_owned();
        Backing::Volume(MountedVolume { name: name.to_owned(), source, mount_path, sub_path, read_only })
    }
}

/// Names of the claims that the pods of a template mount, whichever container uses them.
#[must_use]
pub fn claims(template: &Value) -> BTreeSet<&str> {
    list(template, &["spec", "volumes"])
        .iter()
        .filter_map(|volume| text(volume, &["persistentVolumeClaim", "claimName"]))
        .collect()
}

/// Names of the ConfigMaps that `volume` cannot be set up without; not those that a controller puts into every namespace.
pub fn config_maps_of(volume: &Value) -> impl Iterator<Item = &str> {
    let projected = list(volume, &["projected", "sources"]).iter();
    let sources = projected.chain([volume]).filter_map(|source| object::at(source, &["configMap"]));
    sources
        .filter(|source| object::at(source, &["optional"]) != Some(&Value::Bool(true)))
        .filter_map(object::name)
        .filter(|name| !OF_EVERY_NAMESPACE.contains(name))
}

/// Kubernetes' own certificates, and those of OpenShift's services.
const OF_EVERY_NAMESPACE: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// What `volume` is made of, and whether its source says that it is read-only.
fn source(volume: &Value) -> (Source, bool) {
    let present: Vec<(&String, &Value)> = volume
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| key.as_str() != "name" && !value.is_null())
        .collect();
    let (kind, body) = match present.as_slice() {
        [] => return (Source::Missing, false),
        [(kind, body)] => (kind.as_str(), *body),
        _ => return (Source::Unknown("it has several sources".to_owned()), false),
    };
    let read_only = object::at(body, &["readOnly"]).and_then(Value::as_bool).unwrap_or(false);
    let source = match kind {
        "emptyDir" => Source::EmptyDir { memory: text(body, &["medium"]) == Some("Memory") },
        "hostPath" => Source::HostPath(text(body, &["path"]).unwrap_or_default().to_owned()),
        "persistentVolumeClaim" => text(body, &["claimName"])
            .map_or_else(|| Source::Unknown("it names no claim".to_owned()), |claim| Source::Claim(claim.to_owned())),
        "ephemeral" => Source::Ephemeral,
        // Written by `raw` in place of a claim template, which is no volume of its own.
        "volumeClaimTemplate" => Source::ClaimTemplate(body.as_str().unwrap_or_default().to_owned()),
        "configMap" | "secret" | "projected" | "downwardAPI" | "image" => Source::ReadOnly(kind.to_owned()),
        "nfs" => Source::Nfs {
            server: text(body, &["server"]).unwrap_or_default().to_owned(),
            path: text(body, &["path"]).unwrap_or_default().to_owned(),
        },
        "cephfs"
        | "glusterfs"
        | "azureFile"
        | "azureDisk"
        | "awsElasticBlockStore"
        | "gcePersistentDisk"
        | "iscsi"
        | "fc"
        | "rbd"
        | "cinder"
        | "portworxVolume"
        | "quobyte"
        | "storageos"
        | "vsphereVolume"
        | "scaleIO" => Source::Network(kind.to_owned()),
        "csi" => Source::Unknown("an inline CSI volume may be ephemeral or not".to_owned()),
        other => Source::Unknown(format!("its source `{other}` is not known")),
    };
    (source, read_only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Pod {
        Pod::with_main_container(json!({"spec": {
            "containers": [{"name": "side"}, {"name": "flink-main-container", "volumeMounts": [
                {"name": "claim", "mountPath": "/data/", "subPath": "a/"},
                {"name": "scratch", "mountPath": "/data/tmp"},
                {"name": "config", "mountPath": "/conf"},
                {"name": "nothing", "mountPath": "/nothing", "readOnly": true},
                {"name": "gone", "mountPath": "/gone"},
            ]}],
            "volumes": [
                {"name": "claim", "persistentVolumeClaim": {"claimName": "c"}},
                {"name": "scratch", "emptyDir": {"medium": "Memory"}},
                {"name": "config", "configMap": {"name": "x"}},
                {"name": "nothing"},
            ],
        }}))
    }

    fn source_at(path: &str) -> Option<Source> {
        match pod().backing(path) {
            Backing::Volume(volume) => Some(volume.source),
            Backing::Container | Backing::Unknown(_) => None,
        }
    }

    #[test]
    fn the_longest_mount_wins() {
        assert_eq!(source_at("/data/ha"), Some(Source::Claim("c".to_owned())));
        assert_eq!(source_at("/data/tmp/x"), Some(Source::EmptyDir { memory: true }));
        assert_eq!(source_at("/conf"), Some(Source::ReadOnly("configMap".to_owned())));
        assert_eq!(source_at("/nothing/x"), Some(Source::Missing));
        assert_eq!(pod().backing("/database"), Backing::Container);
        assert!(matches!(pod().backing("/gone"), Backing::Unknown(_)));
    }

    #[test]
    fn a_claim_beside_the_template_counts_by_its_path() {
        let claim = |mount_path: &str| ExtraClaim {
            claim: "own".to_owned(),
            mount_path: mount_path.to_owned(),
            read_only: false,
        };
        let source = |extra: &str, path: &str| {
            let mut pod = pod();
            pod.extra.push(claim(extra));
            match pod.backing(path) {
                Backing::Volume(volume) => Some(volume.source),
                Backing::Container | Backing::Unknown(_) => None,
            }
        };
        let own = Some(Source::Claim("own".to_owned()));
        assert_eq!(source("/state", "/state/ha"), own);
        assert_eq!(source("/data/ha", "/data/ha"), own, "it is mounted below another one");
        assert_eq!(source("/", "/data/ha"), Some(Source::Claim("c".to_owned())), "another one is mounted below it");
    }

    #[test]
    fn mounts_carry_their_sub_path_and_mode() {
        let Backing::Volume(volume) = pod().backing("/data") else { panic!("a volume is mounted there") };
        assert_eq!((volume.sub_path.as_str(), volume.read_only), ("a", false));
        let Backing::Volume(volume) = pod().backing("/nothing") else { panic!("a volume is mounted there") };
        assert!(volume.read_only);
    }
}
