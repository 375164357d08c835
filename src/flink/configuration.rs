//! The configuration that a Flink process works with, each value with its origin.

use std::collections::BTreeMap;

/// Every option in force, by its full dotted key as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectiveConfig {
    settings: BTreeMap<String, Setting>,
}

/// One option in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value as text, as Flink reads it.
    pub value: String,
    /// Where it stands: `spec.flinkConfiguration`.
    pub origin: String,
    /// Field path of the value: `spec.flinkConfiguration["high-availability.type"]`.
    pub path: String,
    /// What it took precedence over, nearest first.
    pub overrode: Vec<Overridden>,
}

/// A value that another one took precedence over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// The key as written there.
    pub key: String,
    /// The value that has no effect.
    pub value: String,
    /// Where it stands.
    pub origin: String,
}

impl EffectiveConfig {
    /// All settings, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// The setting of exactly `key`.
    pub fn exact(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }
}
