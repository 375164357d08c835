//! The configuration that a Flink process works with, each value with its origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::flink::config_file::{java_double, trim};
use crate::flink::options;
use crate::flink::version::FlinkVersion;
use crate::object::FieldPath;

/// Every option in force, by its full dotted key as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectiveConfig {
    /// Shared until it is changed: the roles of one resource have one configuration.
    settings: Arc<BTreeMap<String, Setting>>,
}

/// Flink's longest option has fewer than 128 characters; what is longer is none.
const LONGEST_KEY: usize = 256;
/// No cluster sets so many; what comes behind them is not read, and nothing is judged by its absence.
const MOST_SETTINGS: usize = 10_000;

/// A key that is set again and again has had its say.
const MOST_OVERRIDDEN: usize = 8;

/// One option in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value as text, as Flink reads it.
    pub value: String,
    /// Where it stands: `spec.flinkConfiguration`, `ConfigMap flink-config, key config.yaml, line 12`, `argument 3`.
    pub origin: Arc<str>,
    /// Field path of the value, or of what brings it: `spec.flinkConfiguration["high-availability.type"]`,
    /// `spec.template.spec.volumes[0].configMap["high-availability.type"]`.
    pub path: FieldPath,
    /// The layer it stands in.
    pub layer: Layer,
    /// What it took precedence over, nearest first.
    pub overrode: Vec<Overridden>,
}

impl Setting {
    /// The value without the blanks around it, as Java trims them.
    #[must_use]
    pub fn trimmed(&self) -> &str {
        trim(&self.value)
    }

    /// Whether it stands in the object that is looked at, and not in another one that the object names.
    #[must_use]
    pub fn is_of_object(&self) -> bool {
        self.path != FieldPath::default()
    }
}

/// The layers of a configuration, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The configuration file, or `spec.flinkConfiguration`, from which the operator writes it.
    File,
    /// The environment of the container, which the image's entry point writes into the file.
    Environment,
    /// Arguments of the process.
    Argument,
}

/// A value that another one took precedence over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// The key as written there.
    pub key: String,
    /// The value that has no effect.
    pub value: String,
    /// Where it stands.
    pub origin: Arc<str>,
}

impl EffectiveConfig {
    /// All settings, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// Whether there may be more settings than were read.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.settings.len() >= MOST_SETTINGS
    }

    /// The setting of exactly `key`, whether or not a version reads it.
    #[must_use]
    pub fn exact(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// The setting that `version` reads for `option` (the option's newest name), with the key it stands under.
    ///
    /// Flink looks the current name up first, in all layers, and only then the older ones
    /// (`Configuration.getRawValueFromOption`).
    #[must_use]
    pub fn option(&self, option: &str, version: Option<FlinkVersion>) -> Option<(&str, &Setting)> {
        options::names(option, version)
            .iter()
            .find_map(|name| self.settings.get_key_value(*name))
            .map(|(key, setting)| (key.as_str(), setting))
    }

    /// The value of `option` where it is set and not blank.
    #[must_use]
    pub fn value(&self, option: &str, version: Option<FlinkVersion>) -> Option<&str> {
        self.option(option, version).map(|(_, setting)| setting.trimmed()).filter(|value| !value.is_empty())
    }

    /// Sets `key`; a former value of the same key is kept as overridden.
    pub fn set(&mut self, layer: Layer, key: String, value: String, origin: impl Into<Arc<str>>, path: FieldPath) {
        if key.len() > LONGEST_KEY || (self.is_full() && !self.settings.contains_key(&key)) {
            return;
        }
        let settings = Arc::make_mut(&mut self.settings);
        let mut overrode = Vec::new();
        if let Some(former) = settings.remove(&key) {
            overrode.push(Overridden { key: key.clone(), value: former.value, origin: former.origin });
            overrode.extend(former.overrode);
            overrode.truncate(MOST_OVERRIDDEN);
        }
        settings.insert(key, Setting { value, origin: origin.into(), path, layer, overrode });
    }

    /// Without the settings that `keep` says no to.
    #[must_use]
    pub fn retained(mut self, keep: impl Fn(&str, &Setting) -> bool) -> Self {
        Arc::make_mut(&mut self.settings).retain(|key, setting| keep(key, setting));
        self
    }

    /// The same as settings of another object, called `title`: they have no place in the one that is looked at.
    #[must_use]
    pub fn of_another(&self, title: &str) -> Self {
        let mut config = self.clone();
        let mut origins: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let mut named = |origin: &Arc<str>| {
            let named = || format!("{title}, {origin}").into();
            Arc::clone(origins.entry(Arc::clone(origin)).or_insert_with(named))
        };
        for setting in Arc::make_mut(&mut config.settings).values_mut() {
            setting.path = FieldPath::default();
            setting.origin = named(&setting.origin);
            for overridden in &mut setting.overrode {
                overridden.origin = named(&overridden.origin);
            }
        }
        config
    }

    /// With the settings of `upper` in force over these.
    #[must_use]
    pub fn overlaid(mut self, upper: &Self) -> Self {
        for (key, setting) in upper.iter() {
            let Setting { value, origin, path, layer, .. } = setting.clone();
            self.set(layer, key.to_owned(), value, origin, path);
        }
        self
    }

    /// Forgets what does not stand in the arguments of the process.
    pub fn keep_arguments(&mut self) {
        Arc::make_mut(&mut self.settings).retain(|_, setting| setting.layer == Layer::Argument);
    }

    /// Notes for every option that is set under several names which one took precedence in `version`.
    pub fn note_overridden_names(&mut self, version: Option<FlinkVersion>) {
        let others = |key: &String| {
            let set = options::names(key, version).iter().filter_map(|name| self.settings.get_key_value(*name));
            let losers = set.filter(|(name, _)| *name != key).map(|(name, loser)| Overridden {
                key: name.clone(),
                value: loser.value.clone(),
                origin: Arc::clone(&loser.origin),
            });
            Some((key.clone(), losers.collect::<Vec<_>>())).filter(|(_, losers)| !losers.is_empty())
        };
        let overridden: Vec<_> = self.settings.keys().filter_map(others).collect();
        for (key, losers) in overridden {
            if let Some(winner) = Arc::make_mut(&mut self.settings).get_mut(&key) {
                let known = |loser: &Overridden| winner.overrode.contains(loser);
                let new: Vec<_> = losers.into_iter().filter(|loser| !known(loser)).collect();
                winner.overrode.extend(new);
            }
        }
    }
}

/// Flattens `configuration` of a FlinkDeployment as the operator does, in the order of the fields.
///
/// Maps are joined with dots, lists become text joined with `;`, scalars text, null the text `null`; of two fields with
/// one dotted key the later one wins. An empty list says nothing, and what is no scalar in a list is empty.
/// Source: operator 1.15, `ConfigObjectNode.asFlatMap`, executed.
#[must_use]
pub fn flatten(configuration: &Value, path: &FieldPath, origin: &str) -> EffectiveConfig {
    let mut config = EffectiveConfig::default();
    flatten_into(&mut config, configuration, "", path, &origin.into());
    config
}

fn flatten_into(config: &mut EffectiveConfig, value: &Value, prefix: &str, path: &FieldPath, origin: &Arc<str>) {
    if value.as_array().is_some_and(Vec::is_empty) {
        return;
    }
    let Value::Object(map) = value else {
        config.set(Layer::File, prefix.to_owned(), scalar_text(value), Arc::clone(origin), path.clone());
        return;
    };
    for (key, value) in map {
        if prefix.len() + key.len() > LONGEST_KEY {
            continue;
        }
        let full = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        flatten_into(config, value, &full, &path.key(key), origin);
    }
}

/// A scalar as the text that Flink reads.
#[must_use]
pub fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "null".to_owned(),
        Value::Array(items) => items.iter().map(element_text).collect::<Vec<_>>().join(";"),
        Value::Number(number) if number.is_f64() => number.as_f64().map(java_double).unwrap_or_default(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// An element of a list as text: Jackson has none for what is no scalar.
fn element_text(value: &Value) -> String {
    if value.is_array() || value.is_object() { String::new() } else { scalar_text(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_flat_and_mixed_forms_are_one_configuration() {
        let value = json!({
            "high-availability": {"type": "kubernetes", "storageDir": "s3://b/ha"},
            "taskmanager.numberOfTaskSlots": 2,
            "pipeline.jars": ["a", "b"],
            "high-availability.type": "NONE",
        });
        let config = flatten(&value, &FieldPath::of(&["spec", "flinkConfiguration"]), "spec.flinkConfiguration");
        let flat: Vec<_> = config.iter().map(|(key, setting)| (key, setting.value.as_str())).collect();
        assert_eq!(
            flat,
            [
                ("high-availability.storageDir", "s3://b/ha"),
                ("high-availability.type", "NONE"),
                ("pipeline.jars", "a;b"),
                ("taskmanager.numberOfTaskSlots", "2"),
            ]
        );
        let mode = config.exact("high-availability.type").unwrap();
        assert_eq!(mode.overrode.first().map(|o| o.value.as_str()), Some("kubernetes"));
        assert_eq!(mode.path.to_string(), r#"spec.flinkConfiguration["high-availability.type"]"#);
    }

    #[test]
    fn lists_hold_scalars_or_nothing() {
        let value = json!({"a": [], "b": [[1], {"c": 2}, 3], "d": {}, "e": {"f": []}});
        let config = flatten(&value, &FieldPath::default(), "");
        let flat: Vec<_> = config.iter().map(|(key, setting)| (key, setting.value.as_str())).collect();
        assert_eq!(flat, [("b", ";;3")]);
        assert_eq!(
            [json!(1e7), json!(0.5), json!(10_000_000)].map(|value| scalar_text(&value)),
            ["1.0E7", "0.5", "10000000"]
        );
    }

    #[test]
    fn the_current_name_beats_an_older_one() {
        let value = json!({"high-availability": "zookeeper", "high-availability.type": "kubernetes"});
        let mut config = flatten(&value, &FieldPath::default(), "file");
        assert_eq!(config.value(options::HA_TYPE, Some(FlinkVersion::new(1, 18))), Some("kubernetes"));
        assert_eq!(config.value(options::HA_TYPE, Some(FlinkVersion::new(1, 16))), Some("zookeeper"));
        config.note_overridden_names(Some(FlinkVersion::new(1, 18)));
        assert_eq!(config.exact("high-availability.type").unwrap().overrode.len(), 1);
    }

    #[test]
    fn a_full_configuration_takes_no_new_keys_and_none_a_key_too_long() {
        let longest = "k".repeat(LONGEST_KEY);
        let key = |index: usize| format!("key{index}");
        let filler = (0..MOST_SETTINGS).map(|index| (key(index), json!("first")));
        let behind = [("new".to_owned(), json!("late")), (key(0), json!("second"))];
        let full = Value::Object(filler.clone().skip(1).chain([(key(0), json!("second"))]).collect());
        let mut config = flatten(&full, &FieldPath::default(), "");
        for (key, value) in behind {
            config.set(Layer::Argument, key, scalar_text(&value), "", FieldPath::default());
        }
        assert!(config.is_full() && config.exact("new").is_none());
        assert_eq!(config.exact("key0").map(|setting| setting.overrode.len()), Some(1));
        let mut few = flatten(&json!({longest.clone(): 1, format!("{longest}k"): 1}), &FieldPath::default(), "");
        few.set(Layer::File, format!("{longest}kk"), String::new(), "", FieldPath::default());
        assert_eq!(few.iter().map(|(key, _)| key.len()).collect::<Vec<_>>(), [LONGEST_KEY]);
        assert!(!few.is_full());
    }
}
