//! The layers of a role's configuration, each read over the ones below it.

use serde_json::Value;

use super::delivery::{Delivery, File};
use super::environment::{Environment, Variable};
use super::{
    CONF_DIR, RawRole, Refused, Unknown, Void, VoidReason, container_path, directory, hidden_by, variable_path, words,
};
use crate::facts::Facts;
use crate::flink::arguments;
use crate::flink::config_file::{self, Entry, LEGACY, Refusal};
use crate::flink::configuration::{EffectiveConfig, Layer};
use crate::flink::location::has_placeholder;
use crate::flink::options::{JOBMANAGER_ADDRESS, REST_PORT};
use crate::object::{FieldPath, at, list, named};
use crate::workload::{Entry as Way, Raw};

impl RawRole {
    /// Reads the configuration file; why the entry point cannot write it, where it cannot.
    pub(super) fn read_file(
        &mut self,
        environment: &Environment,
        namespace: &str,
        facts: &Facts,
        is_stock: bool,
    ) -> Option<String> {
        let Some(directory) = directory(environment) else {
            self.note_unknown("`FLINK_CONF_DIR` comes from elsewhere");
            return Some("`FLINK_CONF_DIR` comes from elsewhere".to_owned());
        };
        let delivery = Delivery::of(&self.pod, &directory, self.version, namespace, facts);
        let is_of_image = delivery.read.is_none() && !delivery.whole && delivery.unknown.is_none();
        if is_of_image && !is_stock {
            self.note_unknown("no configuration is mounted, and the image may carry one");
        }
        let read = delivery.read.as_ref().map(|file| file.name);
        for file in &delivery.unread {
            let reason = VoidReason::File { name: file.name, read, hides: delivery.whole, certain: true };
            let mut config = EffectiveConfig::default();
            set_all(&mut config, Layer::File, entries(file).unwrap_or_default(), &file.origin, &file.path);
            self.void.push(Void { reason, config, origin: file.origin.clone(), path: file.path.clone() });
        }
        if let Some(file) = &delivery.read {
            match entries(file) {
                Ok(entries) => set_all(&mut self.config, Layer::File, entries, &file.origin, &file.path),
                Err(mut refusal) => {
                    let (line, words) = (refusal.line, refusal.flaw.in_words());
                    self.note_unknown(&format!("{}, line {line} is refused by Flink: {words}", file.origin));
                    refusal.certain &= self.version.is_some() && (delivery.whole || is_stock);
                    self.refused = Some(Refused { refusal, origin: file.origin.clone(), path: file.path.clone() });
                }
            }
        }
        if let Some(why) = delivery.unknown {
            self.unknown.get_or_insert(why);
        }
        if !delivery.writable {
            return Some(format!("`{directory}` is mounted read-only"));
        }
        (directory != CONF_DIR)
            .then(|| format!("Flink reads `{directory}`, and the entry point writes to `{CONF_DIR}`"))
    }

    /// Makes what is said of the files uncertain: the command may change them, or name another directory.
    pub(super) fn doubt_files(&mut self) {
        if let Some(refused) = &mut self.refused {
            refused.refusal.certain = false;
        }
        for void in &mut self.void {
            if let VoidReason::File { certain, .. } = &mut void.reason {
                *certain = false;
            }
        }
    }

    /// What the entry point writes by itself. Source: flink-docker `docker-entrypoint.sh`, `prepare_configuration`.
    pub(super) fn read_variables(&mut self, environment: &Environment, container: &FieldPath) {
        for (option, variable) in [
            (JOBMANAGER_ADDRESS, "JOB_MANAGER_RPC_ADDRESS"),
            ("taskmanager.numberOfTaskSlots", "TASK_MANAGER_NUMBER_OF_TASK_SLOTS"),
        ] {
            let Variable::Known(value) = environment.variable(variable) else { continue };
            // As if it were not set.
            if value.is_empty() {
                continue;
            }
            let origin = format!("environment variable {variable}");
            let path = variable_path(&self.pod, container, variable);
            self.config.set(Layer::Environment, option.to_owned(), value.to_owned(), origin, path);
        }
    }

    /// Reads `FLINK_PROPERTIES`, which have no effect where `unwritable` says why.
    pub(super) fn read_properties(
        &mut self,
        container: &Value,
        environment: &Environment,
        container_path: &FieldPath,
        unwritable: Option<String>,
    ) {
        let text = match environment.variable(PROPERTIES) {
            Variable::Known(text) => text,
            Variable::Elsewhere if unwritable.is_none() => {
                let of_source = named(list(container, &["env"]), PROPERTIES).is_some();
                self.note_unknown(if of_source {
                    "`FLINK_PROPERTIES` comes from elsewhere"
                } else {
                    "`envFrom` may bring `FLINK_PROPERTIES`"
                });
                return;
            }
            Variable::Elsewhere | Variable::Unset => return,
        };
        let path = variable_path(&self.pod, container_path, PROPERTIES);
        let entries = match self.version {
            // Variables are put into each value, of which a blank is then the end.
            Some(version) if version.at_least(1, 19) => config_file::properties(text, self.version)
                .into_iter()
                .map(|entry| Entry { value: substituted(&entry.value, environment), ..entry })
                .collect(),
            _ => config_file::properties(&environment.substitute(text), self.version),
        };
        let origin = format!("environment variable {PROPERTIES}");
        match unwritable {
            None => set_all(&mut self.config, Layer::Environment, entries, &origin, &path),
            Some(why) => {
                let mut config = EffectiveConfig::default();
                set_all(&mut config, Layer::Environment, entries, &origin, &path);
                self.void.push(Void { reason: VoidReason::Properties(why), config, origin, path });
            }
        }
    }

    pub(super) fn read_arguments(&mut self, container: &Value, environment: &Environment, raw: &Raw) {
        if let Some(why) = hidden_by(raw.launch.entry) {
            return self.note_unknown(why);
        }
        // What Flink's client passes on the command line it has written into the file too.
        if raw.launch.entry == Way::Native {
            return;
        }
        if list(container, &["command"]).len() + list(container, &["args"]).len() > MOST_WORDS {
            self.note_unknown("it has more arguments than are read");
            return;
        }
        let written = words(container);
        // The kubelet replaces variables before the scripts see a word.
        let words: Vec<String> = written.iter().map(|word| environment.expand(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let read = arguments::read(&words, &raw.launch, self.version);
        if read.end.and_then(|end| words.get(end)).is_some_and(|word| may_be_option(word, container, environment)) {
            self.note_unknown("an argument comes from elsewhere");
        }
        let command = list(container, &["command"]).len();
        let word_path = |position: usize| match position.checked_sub(command) {
            Some(index) => container_path(raw).key("args").index(index),
            None => container_path(raw).key("command").index(position),
        };
        // What is filled in for the value of a `-D` has no part in how the words are read.
        let is_open = |word: &&str| {
            let value = if word.starts_with("-D") || !word.starts_with('-') { word.split_once('=') } else { None };
            has_placeholder(value.map_or(word, |(key, _)| key))
        };
        let is_known = self.version.is_some() && !words.iter().any(is_open);
        self.refused_arguments = read.refused.filter(|_| is_known);
        self.job_id = read.job_id.map(|(id, position)| (id, word_path(position)));
        self.misread = read.misread.into_iter().map(|word| (word.clone(), word_path(word.position))).collect();
        for (key, value, position) in read.options {
            self.config.set(Layer::Argument, key, value, format!("argument {}", position + 1), word_path(position));
        }
        // Where `jobmanager.sh` is given none by position, it takes the variables that it would keep them in.
        let takes_variables = read.end.is_none() && arguments::takes_host(&raw.launch, self.version);
        for (key, given, variable, from) in
            [(JOBMANAGER_ADDRESS, read.host, "HOST", 1), (REST_PORT, read.web_port, "WEBUIPORT", 2)]
        {
            let of_variable = environment.expand(&format!("$({variable})"));
            let is_declared =
                named(list(container, &["env"]), variable).is_some() && arguments::is_one_word(&of_variable);
            if let Some((value, position)) = given {
                let origin = format!("argument {}", position + 1);
                self.config.set(Layer::Argument, key.to_owned(), value, origin, word_path(position));
            } else if takes_variables && read.positional < from && is_declared {
                let path = variable_path(&self.pod, &container_path(raw), variable);
                let origin = format!("environment variable {variable}");
                self.config.set(Layer::Argument, key.to_owned(), of_variable, origin, path);
            }
        }
    }

    /// Notes why the configuration may hold more.
    pub(super) fn note_unknown(&mut self, why: &str) {
        self.unknown.get_or_insert_with(|| Unknown::Elsewhere(why.to_owned()));
    }
}

fn entries(file: &File) -> Result<Vec<Entry>, Refusal> {
    if file.name == LEGACY { Ok(config_file::legacy(&file.text)) } else { config_file::standard(&file.text) }
}

/// The value of a property once the entry point of 1.19 or later has put the variables into it.
fn substituted(value: &str, environment: &Environment) -> String {
    let substituted = environment.substitute(value);
    substituted.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default().to_owned()
}

fn set_all(config: &mut EffectiveConfig, layer: Layer, entries: Vec<Entry>, origin: &str, path: &FieldPath) {
    for Entry { key, value, line } in entries {
        let (origin, path) = (format!("{origin}, line {line}"), path.key(&key));
        config.set(layer, key, value, origin, path);
    }
}

/// Whether `word` begins with a variable that may hold an option: what the pod says of itself (`fieldRef`) is none.
fn may_be_option(word: &str, container: &Value, environment: &Environment) -> bool {
    let Some(variable) = word.strip_prefix("$(").and_then(|rest| rest.split(')').next()) else { return false };
    let declared = named(list(container, &["env"]), variable).map(|(_, declared)| declared);
    let is_field = declared.is_some_and(|declared| at(declared, &["valueFrom", "fieldRef"]).is_some());
    environment.variable(variable) == Variable::Elsewhere && !is_field
}

const PROPERTIES: &str = "FLINK_PROPERTIES";
/// No command line of Flink has so many words.
const MOST_WORDS: usize = 4_096;
