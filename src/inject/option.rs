//! Writing an option into `flinkConfiguration`, in the shape that it already has.

use serde_json::{Map, Value};

use crate::flink::cluster::Cluster;
use crate::flink::configuration::scalar_text;
use crate::flink::deployment::walk;
use crate::flink::options;
use crate::inject::{Injected, Place, Work, arguments};
use crate::object::FieldPath;

impl Work<'_> {
    /// Writes `option` (by its newest name) with `value` under the name of this cluster's version, and remembers it.
    ///
    /// # Errors
    /// The place, where the user has something else there: up to 1.16 `high-availability` is the mode, and a nested
    /// configuration may have a map there; from 2.0 no key may be the parent of another; a role's argument may be blank.
    pub(super) fn set_option(&mut self, option: &str, value: &str) -> Result<(), FieldPath> {
        let spec = match self.target.place() {
            Some(Place::Resource(spec)) => spec,
            Some(Place::Pods(raw)) => return arguments::set_option(self, raw, option, value),
            None => return Ok(()),
        };
        let cluster = self.cluster();
        let key = options::spelling(option, cluster.version);
        let root = spec.key("flinkConfiguration");
        // A blank value that stands there already may be the one in force: of two fields with one dotted key one wins.
        let present = cluster.leading().and_then(|view| view.config.exact(key)).map(|setting| setting.path.clone());
        let path = present.unwrap_or_else(|| place(walk(self.edits.document(), &root), &root, key));
        let is_free = walk(self.edits.document(), &path).is_none_or(|present| scalar_text(present).trim().is_empty());
        if !is_free || overlaps(&cluster, key) || !self.edits.set(&path, Value::String(value.to_owned())) {
            return Err(path);
        }
        self.note_option(option, key, value, Some(path));
        Ok(())
    }

    /// Remembers `option` as filled in with `value` under `key`.
    pub(super) fn note_option(&mut self, option: &str, key: &str, value: &str, path: Option<FieldPath>) {
        let (option, key, value) = (option.to_owned(), key.to_owned(), value.to_owned());
        self.added.push(Injected::Option { option, key, value, path });
    }
}

/// Whether `key` beside the options that are set is what Flink 2 does not take: a key with a value and children.
fn overlaps(cluster: &Cluster, key: &str) -> bool {
    let is_below = |key: &str, parent: &str| key.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'));
    cluster.version.is_some_and(|version| version.at_least(2, 0))
        && cluster
            .leading()
            .is_some_and(|view| view.config.iter().any(|(other, _)| is_below(key, other) || is_below(other, key)))
}

/// Where `key` goes below `root`: into the map that already holds its neighbours, as a map of its own where the whole
/// configuration is nested, else as one dotted key.
fn place(configuration: Option<&Value>, root: &FieldPath, key: &str) -> FieldPath {
    let Some(Value::Object(map)) = configuration else { return root.key(key) };
    let parent = map
        .iter()
        .filter(|(name, value)| {
            value.is_object() && key.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
        .max_by_key(|(name, _)| name.len());
    if let Some((name, value)) = parent {
        let rest = key.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        return place(Some(value), &root.key(name), rest);
    }
    match key.split_once('.') {
        Some((first, rest)) if is_nested(map) && !map.contains_key(first) => {
            rest.split('.').fold(root.key(first), |path, part| path.key(part))
        }
        _ => root.key(key),
    }
}

/// Whether a map is written in nested style: it holds maps, and no dotted keys.
fn is_nested(map: &Map<String, Value>) -> bool {
    map.values().any(Value::is_object) && !map.keys().any(|key| key.contains('.'))
}

/// Removes `key` from `flinkConfiguration` where it stands there with exactly `value`, and the maps that this empties.
pub(super) fn remove_exact(work: &mut Work<'_>, key: &str, value: &str) -> bool {
    let spec = match work.target.place() {
        Some(Place::Resource(spec)) => spec.clone(),
        Some(Place::Pods(raw)) => return arguments::remove_exact(work, raw, key, value),
        None => return false,
    };
    let path = work.cluster().leading().and_then(|view| view.config.exact(key)).map(|setting| setting.path.clone());
    let Some(path) =
        path.filter(|path| walk(work.edits.document(), path).is_some_and(|present| scalar_text(present) == value))
    else {
        return false;
    };
    work.edits.remove(&path);
    let root = spec.key("flinkConfiguration");
    let mut above = path;
    while let Some((parent, _)) = above.split_last().filter(|(parent, _)| *parent != root) {
        if walk(work.edits.document(), &parent).and_then(Value::as_object).is_none_or(|map| !map.is_empty()) {
            break;
        }
        work.edits.remove(&parent);
        above = parent;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_option_joins_its_neighbours() {
        let at = |configuration: Value, key: &str| place(Some(&configuration), &FieldPath::of(&["c"]), key).to_string();
        assert_eq!(at(json!({}), "high-availability.type"), r#"c["high-availability.type"]"#);
        assert_eq!(at(json!({"a.b": "1"}), "high-availability.type"), r#"c["high-availability.type"]"#);
        assert_eq!(
            at(json!({"high-availability": {"storageDir": "x"}, "a.b": "1"}), "high-availability.type"),
            "c.high-availability.type"
        );
        assert_eq!(at(json!({"taskmanager": {"slots": 1}}), "high-availability.type"), "c.high-availability.type");
        assert_eq!(
            at(json!({"execution": {"checkpointing.interval": "1"}}), "execution.checkpointing.dir"),
            r#"c.execution["checkpointing.dir"]"#
        );
        assert_eq!(
            at(json!({"execution.checkpointing": {"interval": "1"}}), "execution.checkpointing.dir"),
            r#"c["execution.checkpointing"].dir"#
        );
        assert_eq!(at(json!({"a": {}, "state": "x"}), "state.checkpoints.dir"), r#"c["state.checkpoints.dir"]"#);
    }
}
