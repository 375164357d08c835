//! Options that are not read: those that cannot be seen, and those that stand where they have no effect.

use crate::flink::configuration::EffectiveConfig;
use crate::object::FieldPath;

/// Why options of a role are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// The cluster, or the input that stands for it, did not answer.
    LookUp(String),
    /// Something outside of what can be looked up brings them.
    Elsewhere(String),
    /// The maker of the object brings them, and they are judged where it takes them from.
    Maker,
}

impl Unknown {
    /// Why, in words.
    #[must_use]
    pub fn in_words(&self) -> &str {
        match self {
            Self::LookUp(why) | Self::Elsewhere(why) => why,
            Self::Maker => "the maker of the object brings it",
        }
    }
}

/// Options that have no effect where they stand.
#[derive(Debug, Clone)]
pub struct Void {
    /// Why.
    pub reason: VoidReason,
    /// The options.
    pub config: EffectiveConfig,
    /// Where they stand: `ConfigMap flink-config, key flink-conf.yaml`.
    pub origin: String,
    /// Field path of what brings them.
    pub path: FieldPath,
}

/// Why options have no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoidReason {
    /// `FLINK_PROPERTIES`: the entry point cannot write them into the file, and why.
    Properties(String),
    /// They are in a file that this version does not read.
    File {
        /// Its name.
        name: &'static str,
        /// The file that is read in its place; `None` where none that is mounted is.
        read: Option<&'static str>,
        /// Whether the directory is mounted as a whole, so that the image's own file is hidden.
        hides: bool,
        /// Whether the directory is certain to be the one that is read, as it is mounted.
        certain: bool,
    },
}
