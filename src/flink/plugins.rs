//! File-system plugins: which scheme needs which, what their jars are called, and what a cluster needs. What the container
//! of a role enables is in [`environment`].
//!
//! The official image holds their jars in `/opt/flink/opt` and loads none of them. Its entry point links those that
//! `ENABLE_BUILT_IN_PLUGINS` names, and ends where it names one that the image has not.
//! Sources: `FileSystem.DIRECTLY_SUPPORTED_FILESYSTEM` of Flink 1.13 to 2.3, flink-docker `docker-entrypoint.sh`.

mod environment;

pub use environment::{Choice, choice, choice_in_template, hindrance, in_template, may_have_hadoop};

use serde_json::Value;

use crate::flink::cluster::{Cluster, Directory, HighAvailability, RoleView};
use crate::flink::configuration::Setting;
use crate::flink::location::{Location, has_placeholder};
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, list, name};

/// The variable that names the jars to load, with `;` between them.
pub const VARIABLE: &str = "ENABLE_BUILT_IN_PLUGINS";

/// A file-system plugin of the official image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plugin {
    /// S3 by Hadoop.
    S3Hadoop,
    /// S3 by Presto.
    S3Presto,
    /// Alibaba's object store.
    Oss,
    /// Azure's.
    Azure,
    /// Google's.
    Gs,
}

impl Plugin {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::S3Hadoop, Self::S3Presto, Self::Oss, Self::Azure, Self::Gs];

    /// Its jar's name without the version.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S3Hadoop => "flink-s3-fs-hadoop",
            Self::S3Presto => "flink-s3-fs-presto",
            Self::Oss => "flink-oss-fs-hadoop",
            Self::Azure => "flink-azure-fs-hadoop",
            Self::Gs => "flink-gs-fs-hadoop",
        }
    }

    /// Its jar in the image of `version`: `flink-s3-fs-hadoop-1.20.1.jar`.
    #[must_use]
    pub fn jar(self, version: FlinkVersion) -> String {
        format!("{}-{version}.jar", self.name())
    }

    /// Whether it serves `scheme`; schemes are case-sensitive in Flink.
    #[must_use]
    pub fn serves(self, scheme: &str) -> bool {
        match self {
            Self::S3Hadoop => matches!(scheme, "s3" | "s3a"),
            Self::S3Presto => matches!(scheme, "s3" | "s3p"),
            Self::Oss => scheme == "oss",
            Self::Azure => matches!(scheme, "wasb" | "wasbs" | "abfs" | "abfss"),
            Self::Gs => scheme == "gs",
        }
    }

    /// Whether the image of `version` has it for `scheme`; where the version is not known, whether the newest has.
    #[must_use]
    pub fn is_in(self, version: Option<FlinkVersion>, scheme: &str) -> bool {
        let from = match (self, scheme) {
            (Self::Gs, _) => (1, 15),
            (Self::Azure, "abfs" | "abfss") => (1, 14),
            _ => (0, 0),
        };
        version.is_none_or(|version| version.at_least(from.0, from.1))
    }
}

/// The plugins that serve `scheme` in `version`; none where it needs no plugin, or Hadoop instead.
pub fn serving(scheme: &str, version: Option<FlinkVersion>) -> impl Iterator<Item = Plugin> {
    Plugin::ALL.into_iter().filter(move |plugin| plugin.serves(scheme) && plugin.is_in(version, scheme))
}

/// A jar's name in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jar<'a> {
    /// The whole word.
    pub word: &'a str,
    /// What stands before the version: `flink-s3-fs-hadoop`.
    pub name: &'a str,
    /// The version as written; `None` where there is none, or where the word does not end in `.jar`.
    pub version: Option<&'a str>,
}

impl<'a> Jar<'a> {
    /// Splits `word`; any text gives an answer.
    #[must_use]
    pub fn parse(word: &'a str) -> Self {
        let stem = word.strip_suffix(".jar").unwrap_or(word);
        let dash = stem.char_indices().find(|(at, c)| {
            *c == '-' && stem.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        let (name, version) = dash.and_then(|(at, _)| Some((stem.get(..at)?, stem.get(at + 1..)?))).unzip();
        Self { word, name: name.unwrap_or(stem), version: version.filter(|_| word.len() > stem.len()) }
    }

    /// The plugin that it is.
    #[must_use]
    pub fn plugin(&self) -> Option<Plugin> {
        Plugin::ALL.into_iter().find(|plugin| plugin.name() == self.name)
    }

    /// Whether it is meant for the object store behind `scheme`, whether or not it serves the scheme or exists.
    #[must_use]
    pub fn is_of_store(&self, scheme: &str) -> bool {
        let store = match scheme {
            "s3" | "s3a" | "s3p" => "s3",
            "wasb" | "wasbs" | "abfs" | "abfss" => "azure",
            other => other,
        };
        self.word.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == store)
    }

    /// Whether it is meant for `scheme`: a plugin that serves it, or one of the same store that we do not know.
    #[must_use]
    pub fn may_serve(&self, scheme: &str) -> bool {
        let is_s3 = || scheme.starts_with("s3") && self.name.starts_with("flink-s3-fs-");
        self.plugin().map_or_else(is_s3, |plugin| plugin.serves(scheme))
    }
}

/// The jars that a value of [`VARIABLE`] names: split at `;` and blanks, as the entry point does.
pub fn jars(value: &str) -> impl Iterator<Item = Jar<'_>> {
    value.split(|c: char| c == ';' || c.is_ascii_whitespace()).filter(|word| !word.is_empty()).map(Jar::parse)
}

/// A directory on a file system that is not the pod's.
#[derive(Debug, Clone)]
pub struct RemoteDirectory<'a> {
    /// Which directory.
    pub directory: Directory,
    /// Its setting.
    pub setting: &'a Setting,
    /// The scheme.
    pub scheme: String,
}

/// The remote directories that both roles of `cluster` open: the HA directory only under HA that Flink itself brings. On a
/// session cluster, those of schemes that a job brings.
///
/// Source: Flink `BlobUtils.createBlobStoreFromConfig`, which TaskManagers call too.
#[must_use]
pub fn remote_directories(cluster: &Cluster) -> Vec<RemoteDirectory<'_>> {
    let has_ha = matches!(cluster.high_availability().0, HighAvailability::Kubernetes | HighAvailability::ZooKeeper);
    let remote = |directory: Directory| {
        let (_, setting) = cluster.directory(directory)?;
        match cluster.location(directory)? {
            Location::Remote { scheme, .. } => Some(RemoteDirectory { directory, setting, scheme }),
            _ => None,
        }
    };
    // Of what a session cluster opens without the job the cluster itself is told.
    let theirs = cluster.target().map(remote_directories).unwrap_or_default();
    Directory::ALL
        .into_iter()
        .filter(|directory| has_ha || *directory != Directory::HighAvailability)
        .filter_map(remote)
        .filter(|remote| theirs.iter().all(|known| known.scheme != remote.scheme))
        .collect()
}

/// Whether `fs.allowed-fallback-filesystems` leaves `scheme` to Hadoop.
#[must_use]
pub fn is_left_to_hadoop(view: &RoleView, scheme: &str) -> bool {
    view.config.exact("fs.allowed-fallback-filesystems").is_some_and(|setting| {
        setting.value.split([';', ',']).any(|one| one.trim() == scheme) || has_placeholder(&setting.value)
    })
}

/// The plugins that `view` needs for the remote directories of `cluster`: one a scheme, and no more than necessary.
///
/// `s3` is served by what `s3a` or `s3p` beside it needs, else by Presto where its options are set, else by Hadoop.
#[must_use]
pub fn needed(cluster: &Cluster, view: &RoleView) -> Vec<Plugin> {
    let mut schemes: Vec<String> = remote_directories(cluster).into_iter().map(|remote| remote.scheme).collect();
    schemes.retain(|scheme| !is_left_to_hadoop(view, scheme));
    // What leaves a choice comes last.
    schemes.sort_by_key(|scheme| serving(scheme, cluster.version).count());
    let prefers_presto = view.config.iter().any(|(key, _)| key.starts_with("presto.s3."));
    let mut plugins: Vec<Plugin> = Vec::new();
    for scheme in schemes {
        if plugins.iter().any(|plugin| plugin.serves(&scheme)) {
            continue;
        }
        let is_wanted = |plugin: &Plugin| (*plugin == Plugin::S3Presto) == prefers_presto;
        let served = serving(&scheme, cluster.version);
        let several: Vec<Plugin> = served.collect();
        plugins.extend(several.iter().copied().find(is_wanted).or_else(|| several.first().copied()));
    }
    plugins.sort_unstable();
    plugins
}

/// The jars of `plugins` in the image of `release`, as a value of [`VARIABLE`].
#[must_use]
pub fn value_of(plugins: &[Plugin], release: FlinkVersion) -> String {
    plugins.iter().map(|plugin| plugin.jar(release)).collect::<Vec<_>>().join(";")
}

/// The plugins that `value` names, where it is a value such as [`value_of`] makes: known jars of one release.
#[must_use]
pub fn written_by(value: &str) -> Option<Vec<Plugin>> {
    let first = Jar::parse(value.split(';').next()?);
    let release = FlinkVersion::from_dotted(first.version?).filter(|version| version.patch.is_some())?;
    let named: Vec<Plugin> = Plugin::ALL.into_iter().filter(|plugin| value.contains(plugin.name())).collect();
    (value_of(&named, release) == value).then_some(named)
}

/// Whether `value` is one that [`value_of`] makes, so that nothing else is ever written for the sake of a record.
#[must_use]
pub fn may_be_ours(value: &str) -> bool {
    written_by(value).is_some()
}

/// Where the last [`VARIABLE`] of the container called `container` stands in the pod template at `template`.
#[must_use]
pub fn path_in(object: &Value, template: &FieldPath, is_main: impl Fn(usize, &Value) -> bool) -> Option<FieldPath> {
    let containers = template.keys(&["spec", "containers"]);
    let elements = object.pointer(&containers.pointer())?.as_array()?;
    let (index, container) = elements.iter().enumerate().find(|(index, container)| is_main(*index, container))?;
    let variable = list(container, &["env"]).iter().rposition(|variable| name(variable) == Some(VARIABLE))?;
    Some(containers.index(index).key("env").index(variable).key("value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_is_split_at_its_version() {
        let parts = |word| {
            let jar = Jar::parse(word);
            (jar.name, jar.version, jar.plugin())
        };
        assert_eq!(
            parts("flink-s3-fs-hadoop-1.20.1.jar"),
            ("flink-s3-fs-hadoop", Some("1.20.1"), Some(Plugin::S3Hadoop))
        );
        assert_eq!(parts("flink-gs-fs-hadoop-1.15-SNAPSHOT.jar").1, Some("1.15-SNAPSHOT"));
        assert_eq!(parts("flink-s3-fs-presto-1.20.1"), ("flink-s3-fs-presto", None, Some(Plugin::S3Presto)));
        assert_eq!(parts("flink-fs-azure-hadoop-1.20.1.jar").2, None);
        for odd in ["", "-", "é-1.jar", ".jar", "-1"] {
            assert_eq!(Jar::parse(odd).word, odd);
        }
        assert_eq!(jars(" a.jar;;b.jar\nc.jar ").map(|jar| jar.word).collect::<Vec<_>>(), ["a.jar", "b.jar", "c.jar"]);
    }

    #[test]
    fn only_known_jars_of_one_release_are_ours() {
        let both = value_of(&[Plugin::S3Hadoop, Plugin::Gs], FlinkVersion { major: 1, minor: 20, patch: Some(1) });
        assert_eq!(both, "flink-s3-fs-hadoop-1.20.1.jar;flink-gs-fs-hadoop-1.20.1.jar");
        assert_eq!(written_by(&both), Some(vec![Plugin::S3Hadoop, Plugin::Gs]));
        for other in [
            "",
            ";",
            "flink-s3-fs-hadoop-1.20.jar",
            "flink-s3-fs-hadoop-1.20.1.jar ",
            "flink-s3-fs-hadoop-1.20.1.jar;x.jar",
            "flink-s3-fs-hadoop-1.20.1.jar;flink-gs-fs-hadoop-1.20.2.jar",
            "../flink-s3-fs-hadoop-1.20.1.jar",
        ] {
            assert!(!may_be_ours(other), "{other}");
        }
    }

    #[test]
    fn every_scheme_has_its_plugins() {
        let of = |scheme: &str, version| serving(scheme, version).map(Plugin::name).collect::<Vec<_>>();
        assert_eq!(of("s3", None), ["flink-s3-fs-hadoop", "flink-s3-fs-presto"]);
        assert_eq!(of("s3p", None), ["flink-s3-fs-presto"]);
        assert_eq!(of("gs", Some(FlinkVersion::new(1, 14))), [""; 0]);
        assert_eq!(of("abfss", Some(FlinkVersion::new(1, 14))), ["flink-azure-fs-hadoop"]);
        assert_eq!(of("abfss", Some(FlinkVersion::new(1, 13))), [""; 0]);
        assert_eq!(of("wasbs", Some(FlinkVersion::new(1, 13))), ["flink-azure-fs-hadoop"]);
        for none in ["hdfs", "file", "S3", "s3n", ""] {
            assert_eq!(of(none, None), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_jar_that_is_not_known_may_serve_its_own_store() {
        for (jar, scheme, expected) in [
            ("flink-s3-fs-native-2.3.0.jar", "s3", true),
            ("flink-s3-fs-native-2.3.0.jar", "gs", false),
            ("our-connector-1.0.jar", "s3", false),
        ] {
            assert_eq!(Jar::parse(jar).may_serve(scheme), expected, "{jar} {scheme}");
        }
    }
}
