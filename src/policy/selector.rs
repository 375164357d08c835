//! Label selectors of namespaces, over labels that may not be known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A Kubernetes label selector.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    /// Labels that must have these values.
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements; all must hold.
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a label selector.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must hold of it.
    pub operator: Operator,
    /// The values for `In` and `NotIn`.
    #[serde(default)]
    pub values: Vec<String>,
}

/// The operators of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// The label is one of the values.
    In,
    /// The label is missing or none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// Whether a selector matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The labels that decide are not known.
    Unknown,
}

/// The label that every namespace carries, with its own name as value.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

impl LabelSelector {
    /// Whether it matches everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether it matches the namespace called `name` with `labels`, which are all of its labels only if `complete`.
    #[must_use]
    pub fn matches(&self, name: &str, labels: &Map<String, Value>, complete: bool) -> Match {
        let look_up = |key: &str| match (labels.get(key).and_then(Value::as_str), key) {
            (Some(value), _) => Label::Is(value.to_owned()),
            (None, NAME_LABEL) => Label::Is(name.to_owned()),
            (None, _) if complete => Label::Missing,
            (None, _) => Label::Unknown,
        };
        let of_labels = self.match_labels.iter().map(|(key, wanted)| look_up(key).is_in(std::slice::from_ref(wanted)));
        let of_expressions = self.match_expressions.iter().map(|requirement| {
            let label = look_up(&requirement.key);
            match requirement.operator {
                Operator::In => label.is_in(&requirement.values),
                Operator::NotIn => label.is_in(&requirement.values).not(),
                Operator::Exists => label.exists(),
                Operator::DoesNotExist => label.exists().not(),
            }
        });
        of_labels.chain(of_expressions).fold(Match::Yes, Match::and)
    }
}

enum Label {
    Is(String),
    Missing,
    Unknown,
}

impl Label {
    fn is_in(&self, values: &[String]) -> Match {
        match self {
            Self::Is(value) if values.contains(value) => Match::Yes,
            Self::Is(_) | Self::Missing => Match::No,
            Self::Unknown => Match::Unknown,
        }
    }

    const fn exists(&self) -> Match {
        match self {
            Self::Is(_) => Match::Yes,
            Self::Missing => Match::No,
            Self::Unknown => Match::Unknown,
        }
    }
}

impl Match {
    const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(selector: Value, labels: Value, complete: bool) -> Match {
        let selector: LabelSelector = serde_json::from_value(selector).unwrap();
        selector.matches("prod", labels.as_object().unwrap(), complete)
    }

    #[test]
    fn what_is_not_known_is_neither_yes_nor_no() {
        let team = json!({"matchLabels": {"team": "a"}});
        assert_eq!(matches(team.clone(), json!({"team": "a"}), true), Match::Yes);
        assert_eq!(matches(team.clone(), json!({}), true), Match::No);
        assert_eq!(matches(team, json!({}), false), Match::Unknown);
    }

    #[test]
    fn what_asks_for_nothing_is_empty() {
        let is_empty = |selector: Value| serde_json::from_value::<LabelSelector>(selector).unwrap().is_empty();
        assert!(is_empty(json!({})));
        assert!(!is_empty(json!({"matchLabels": {"team": "a"}})));
        assert!(!is_empty(json!({"matchExpressions": [{"key": "team", "operator": "Exists"}]})));
    }

    #[test]
    fn the_name_is_always_known() {
        let own = json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["prod"]}]});
        assert_eq!(matches(own, json!({}), false), Match::No);
        let both = json!({"matchLabels": {"kubernetes.io/metadata.name": "test", "team": "a"}});
        assert_eq!(matches(both, json!({}), false), Match::No);
    }

    #[test]
    fn operators_follow_kubernetes() {
        let one = |operator: &str| json!({"matchExpressions": [{"key": "k", "operator": operator, "values": ["v"]}]});
        for (operator, with, without) in [
            ("In", Match::Yes, Match::No),
            ("NotIn", Match::No, Match::Yes),
            ("Exists", Match::Yes, Match::No),
            ("DoesNotExist", Match::No, Match::Yes),
        ] {
            assert_eq!(matches(one(operator), json!({"k": "v"}), true), with, "{operator}");
            assert_eq!(matches(one(operator), json!({}), true), without, "{operator}");
        }
    }
}
