//! Our answer beside Flink's.

use std::collections::{BTreeMap, BTreeSet};

use flink_admission::flink::location::Location;
use serde_json::Value;

use super::case::Case;
use super::fields;
use super::ours::Ours;

/// What comparing a case came to.
#[derive(Debug, Default)]
pub struct Comparison {
    /// What is not the same.
    pub differences: Vec<String>,
    /// What we say that we do not know.
    pub unknown: BTreeSet<&'static str>,
    /// Whether Flink does not start with it.
    pub refused: bool,
    /// Whether nothing of the case could be compared.
    pub is_unknown: bool,
    /// What came of each field.
    pub fields: Vec<(&'static str, Outcome)>,
}

/// Whether we leave the value out of a word that a script takes for the host: it may be a secret.
fn is_hidden(ours: Option<&str>, theirs: Option<&str>) -> bool {
    let key = ours.and_then(|ours| ours.strip_suffix('…')).filter(|key| key.ends_with('='));
    key.is_some_and(|key| theirs.is_some_and(|theirs| theirs.starts_with(key)))
}

/// What comparing a field came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Flink has a value.
    Value,
    /// Flink has none.
    Nothing,
    /// Flink throws.
    Refused,
    /// We say nothing.
    Unknown,
}

/// What one side says of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is this; `None`: it is nothing.
    Is(Option<String>),
    /// It is this directory.
    At(Location),
    /// Flink throws.
    Refused,
    /// We cannot know, or do not say, for this reason.
    Unknown(&'static str),
}

impl Comparison {
    pub fn of(case: &Case, ours: &Ours, flink: &Value) -> Self {
        let mut comparison = Self { refused: flink.get("refused").is_some(), ..Self::default() };
        if comparison.start(case, ours, flink) {
            comparison.map(ours, flink);
            comparison.words(case, ours, flink);
            let said = fields::of(ours);
            comparison.same_fields(&said, &flink["effective"]);
            for (field, said) in said {
                comparison.field(field, ours, said, &flink["effective"][field]);
            }
        }
        comparison
    }

    /// Whether the role starts, by both; whether there is more to compare.
    fn start(&mut self, case: &Case, ours: &Ours, flink: &Value) -> bool {
        let view = ours.view();
        let error = flink.get("error").and_then(Value::as_str).unwrap_or_default();
        match flink.get("refused").and_then(Value::as_str) {
            Some("arguments") => {
                if ours.arguments.refused.is_none() {
                    self.differ(format!("Flink refuses the command line, we do not: {error}"));
                }
                return false;
            }
            _ if ours.arguments.refused.is_some() => {
                self.differ(format!("we refuse the command line, Flink does not: {:?}", ours.arguments.refused));
                return false;
            }
            Some(_) if view.refused.as_ref().is_some_and(|refused| !refused.refusal.certain) => {
                self.unknown.insert(fields::NOT_CERTAIN);
                return false;
            }
            Some(_) if view.refused.is_some() => return false,
            Some(_) if error.contains("does not exist") && view.unknown.is_some() => {
                return self.nothing(fields::NO_FILE);
            }
            Some(step) => {
                self.differ(format!("Flink refuses the {step}, we do not: {error}"));
                return false;
            }
            None => {}
        }
        if let Some(refused) = &view.refused {
            if refused.refusal.certain {
                self.differ(format!("we refuse the file, Flink does not: {:?}", refused.refusal));
                return false;
            }
            return self.nothing(fields::ANOTHER_PARSER);
        }
        if let Some(unknown) = &view.unknown {
            self.differ(format!("we do not know what Flink reads: {}; {:?}", unknown.in_words(), case.files.keys()));
            return false;
        }
        true
    }

    /// The options by their names.
    fn map(&mut self, ours: &Ours, flink: &Value) {
        let theirs: BTreeMap<&str, &str> = flink["map"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
            .collect();
        let ours: BTreeMap<&str, &str> =
            ours.view().config.iter().map(|(key, setting)| (key, setting.value.as_str())).collect();
        let keys: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
        for key in keys {
            if ours.get(key) != theirs.get(key) && !is_hidden(ours.get(key).copied(), theirs.get(key).copied()) {
                self.differ(format!("option {key:?}: ours {:?}, Flink's {:?}", ours.get(key), theirs.get(key)));
            }
        }
    }

    /// What became the program's own arguments.
    fn words(&mut self, case: &Case, ours: &Ours, flink: &Value) {
        // The subcommand is the first of our words, and no word of the case.
        let program = ours.arguments.end.map_or(&[][..], |end| case.words.get(end - 1..).unwrap_or_default());
        let added = &case.launched(ours.version)[1];
        let theirs: Vec<String> = flink["programArgs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        // What the script puts behind all words is behind the program's too.
        let theirs = if theirs.ends_with(added) { &theirs[..theirs.len() - added.len()] } else { &theirs[..] };
        if program != theirs {
            self.differ(format!("program arguments: ours {program:?}, Flink's {theirs:?}"));
        }
        let ours = ours.cluster.job_id.as_ref().map(|(id, _)| id.clone());
        let theirs = flink.get("jobId").and_then(Value::as_str).map(str::to_owned);
        if ours != theirs {
            self.differ(format!("job id: ours {ours:?}, Flink's {theirs:?}"));
        }
    }

    /// Else a field that one side has no name for would never be compared.
    fn same_fields(&mut self, said: &[(&'static str, Said)], flink: &Value) {
        let ours: BTreeSet<&str> = said.iter().map(|(field, _)| *field).collect();
        let theirs: BTreeSet<&str> = flink.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
        if ours != theirs {
            let alone: Vec<_> = ours.symmetric_difference(&theirs).collect();
            self.differ(format!("fields that one side does not have: {alone:?}"));
        }
    }

    fn field(&mut self, field: &'static str, of: &Ours, ours: Said, flink: &Value) {
        let (theirs, outcome, error) = match flink {
            Value::Null => (Said::Is(None), Outcome::Nothing, ""),
            Value::String(text) => (Said::Is(Some(text.clone())), Outcome::Value, ""),
            other => (Said::Refused, Outcome::Refused, other["error"].as_str().unwrap_or_default()),
        };
        let outcome = if let Said::Unknown(why) = ours {
            self.unknown.insert(why);
            Outcome::Unknown
        } else {
            outcome
        };
        self.fields.push((field, outcome));
        let is_same = match (&ours, &theirs) {
            (Said::Unknown(_), _) => true,
            (Said::At(ours), Said::Is(Some(theirs))) => *ours == Location::parse(theirs, of.cluster.default_scheme()),
            (Said::Is(ours), Said::Is(theirs)) => ours == theirs || is_hidden(ours.as_deref(), theirs.as_deref()),
            _ => ours == theirs,
        };
        if !is_same {
            self.differ(format!("{field}: ours {ours:?}, Flink's {theirs:?} {error}"));
        }
    }

    fn differ(&mut self, words: String) {
        self.differences.push(words);
    }

    /// Notes why nothing is compared.
    fn nothing(&mut self, why: &'static str) -> bool {
        self.unknown.insert(why);
        self.is_unknown = true;
        false
    }
}
