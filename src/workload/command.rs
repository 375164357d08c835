//! How a container starts Flink: the official image's subcommands, the scripts in `bin`, a shell or `env` around either,
//! or an image that takes its role from the environment.
//!
//! Sources: flink-docker `docker-entrypoint.sh` (only the first word is looked at, any other command is executed as it is),
//! Flink `bin/*.sh`, Bitnami's image. `bin/flink-console.sh` is none of the ways: by itself it gives Flink no directory,
//! without which Flink does not start (executed for 1.20.5 and 2.3.0).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{list, name, text};
use crate::policy::Role;

/// How a container starts Flink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Which role it starts.
    pub role: Role,
    /// Whether it is one job's own cluster (`standalone-job`) and not a session.
    pub application: bool,
    /// By which way.
    pub entry: Entry,
    /// Position, in command and args taken together, of the word that names the role.
    pub word: usize,
}

/// The ways to start Flink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The official image's entry point with a subcommand: `args: [jobmanager]`.
    Subcommand,
    /// A script of Flink as the command: `bin/jobmanager.sh start-foreground`.
    Script,
    /// Inside of a shell's text, to which nothing can be appended.
    Shell,
    /// Behind an `env` that changes variables which Flink or its entry point reads.
    Changed,
    /// By a command that is not known to start Flink, where the stored object has one that does.
    Unknown,
    /// A script of native mode, which Flink's client writes.
    Native,
    /// An image of its own that takes the role from `FLINK_MODE`.
    Mode,
}

const INITS: [&str; 9] =
    ["tini", "dumb-init", "catatonit", "exec", "env", "gosu", "su-exec", "docker-entrypoint.sh", "--"];
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "ash"];
/// Of a shell's text with its parameters in place so many words are looked at: `$@` may stand in it any number of times.
const MOST_WORDS: usize = 65_536;

impl Launch {
    /// How `container` starts Flink; `None` when it starts something else.
    #[must_use]
    pub fn of(container: &Value) -> Option<Self> {
        let words: Vec<&str> = list(container, &["command"])
            .iter()
            .chain(list(container, &["args"]))
            .map(|word| word.as_str().unwrap_or_default())
            .collect();
        Self::of_words(container, &words).or_else(|| Self::of_mode(container, &words))
    }

    fn of_words(container: &Value, words: &[&str]) -> Option<Self> {
        let mut position = 0;
        let mut declared = None;
        // Whether the words are `env`'s own, and whether they change what Flink reads.
        let (mut of_env, mut is_changed) = (false, false);
        loop {
            let word = *words.get(position)?;
            let assigned = word.split_once('=').map(|(name, _)| name).filter(|_| of_env && !word.starts_with('-'));
            let base = if assigned.is_some() { "" } else { base_name(word) };
            let launch = if SHELLS.contains(&base) {
                Some(Self::of_shell(words, position)?)
            } else {
                Self::named(base, position)
            };
            if let Some(launch) = launch {
                let is_plain = matches!(launch.entry, Entry::Subcommand | Entry::Script);
                return Some(if is_changed && is_plain { Self { entry: Entry::Changed, ..launch } } else { launch });
            }
            let is_option = position > 0 && word.starts_with('-');
            if !is_option && assigned.is_none() && !INITS.contains(&base) {
                return None;
            }
            is_changed |= of_env && is_option && word != "--";
            if let Some(variable) = assigned {
                // Another value than the manifest's would be read for one that it declares.
                let declared: &BTreeSet<&str> =
                    declared.get_or_insert_with(|| list(container, &["env"]).iter().filter_map(name).collect());
                is_changed |= is_read(variable) || declared.contains(variable);
            }
            of_env = base == "env" || (of_env && (is_option || assigned.is_some()));
            let takes_next = matches!(base, "gosu" | "su-exec") || (of_env && matches!(word, "-u" | "--unset"));
            position += if takes_next { 2 } else { 1 };
        }
    }

    fn named(base: &str, word: usize) -> Option<Self> {
        let (stem, script) = base.strip_suffix(".sh").map_or((base, false), |stem| (stem, true));
        let (role, application, native) = match stem {
            "jobmanager" => (Role::JobManager, false, false),
            "standalone-job" => (Role::JobManager, true, false),
            "taskmanager" => (Role::TaskManager, false, false),
            "kubernetes-jobmanager" if script => (Role::JobManager, false, true),
            "kubernetes-taskmanager" if script => (Role::TaskManager, false, true),
            _ => return None,
        };
        let entry = match (native, script) {
            (true, _) => Entry::Native,
            (false, true) => Entry::Script,
            (false, false) => Entry::Subcommand,
        };
        Some(Self { role, application, entry, word })
    }

    /// A shell at `position`: a script as its argument, or its `-c` text with the parameters of that.
    fn of_shell(words: &[&str], position: usize) -> Option<Self> {
        let rest = words.get(position + 1..)?;
        let (offset, first) =
            rest.iter().enumerate().find(|(_, word)| !word.starts_with('-') && !word.starts_with('+'))?;
        let has_text =
            rest.iter().take(offset).any(|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.contains('c'));
        if has_text {
            return Self::of_text(first, rest.get(offset + 1..).unwrap_or_default(), position + 1 + offset);
        }
        if base_name(first) == "docker-entrypoint.sh" {
            return Self::named(base_name(rest.get(offset + 1)?), position + 2 + offset);
        }
        Self::named(base_name(first), position + 1 + offset).filter(|launch| launch.entry != Entry::Subcommand)
    }

    /// The words of a shell's text, split at blanks and operators, with its parameters, of which the first is `$0`: a guess
    /// that is good enough to know a role by.
    fn of_text(script: &str, parameters: &[&str], position: usize) -> Option<Self> {
        let words: Vec<&str> = script
            .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'' | '`'))
            .filter(|word| !word.is_empty())
            .flat_map(|word| match parameter(word) {
                Some(Parameter::All) => parameters.get(1..).unwrap_or_default().to_vec(),
                Some(Parameter::At(index)) => parameters.get(index).map_or_else(Vec::new, |word| vec![*word]),
                None => vec![word],
            })
            .take(MOST_WORDS)
            .collect();
        words.iter().enumerate().find_map(|(index, word)| {
            let base = base_name(word);
            let launch = if base == "docker-entrypoint.sh" {
                Self::named(base_name(words.get(index + 1)?), position)?
            } else {
                Self::named(base, position).filter(|launch| launch.entry != Entry::Subcommand)?
            };
            let stops = words.get(index + 1).is_some_and(|next| next.starts_with("stop"));
            let entry = if launch.entry == Entry::Native { Entry::Native } else { Entry::Shell };
            (!stops).then_some(Self { entry, ..launch })
        })
    }

    /// Bitnami's image: the role is a variable, and there is no word that says it.
    fn of_mode(container: &Value, words: &[&str]) -> Option<Self> {
        let mode = list(container, &["env"]).iter().find(|variable| name(variable) == Some("FLINK_MODE"))?;
        let role = match text(mode, &["value"])? {
            "jobmanager" => Role::JobManager,
            "taskmanager" => Role::TaskManager,
            _ => return None,
        };
        Some(Self { role, application: false, entry: Entry::Mode, word: words.len() })
    }

    /// The word by which the image's entry point starts the same.
    #[must_use]
    pub const fn subcommand(&self) -> &'static str {
        match (self.role, self.application) {
            (Role::TaskManager, _) => "taskmanager",
            (Role::JobManager, true) => "standalone-job",
            (Role::JobManager, false) => "jobmanager",
        }
    }

    /// Why no option can be added to it; `None` where one can be, or where another one answers for it.
    #[must_use]
    pub const fn obstacle(&self) -> Option<&'static str> {
        match self.entry {
            Entry::Shell => Some("a shell's text starts it, to which no options can be added"),
            Entry::Changed => {
                Some("`env` in its command changes variables that Flink reads, so what it has is not known")
            }
            Entry::Unknown => Some("its command is not known to start Flink"),
            Entry::Subcommand | Entry::Script | Entry::Native | Entry::Mode => None,
        }
    }

    /// Whether options can be appended as words: not to a shell's text, nor where the image ignores arguments.
    #[must_use]
    pub const fn takes_arguments(&self) -> bool {
        matches!(self.entry, Entry::Subcommand | Entry::Script)
    }
}

/// What a shell puts in the place of a word.
enum Parameter {
    /// All parameters but `$0`.
    All,
    /// That one.
    At(usize),
}

/// The parameters that `word` stands for: `$@`, `${1}`.
fn parameter(word: &str) -> Option<Parameter> {
    let name = word.strip_prefix('$')?;
    match name.strip_prefix('{').map_or(Some(name), |name| name.strip_suffix('}'))? {
        "@" | "*" => Some(Parameter::All),
        name if name.len() == 1 => name.parse().ok().map(Parameter::At),
        _ => None,
    }
}

/// Whether Flink or its entry point reads the variable `variable`.
fn is_read(variable: &str) -> bool {
    const PREFIXES: [&str; 7] = [
        "FLINK_",
        "_FLINK_",
        "JOB_MANAGER_",
        "TASK_MANAGER_",
        "HADOOP_",
        "ENABLE_BUILT_IN_PLUGINS",
        "DYNAMIC_PARAMETERS",
    ];
    PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn launch(container: &Value) -> Option<(Role, Entry)> {
        Launch::of(container).map(|launch| (launch.role, launch.entry))
    }

    #[test]
    fn every_way_to_start_flink_is_known() {
        for (container, expected) in [
            (json!({"args": ["jobmanager", "$(POD_IP)"]}), (Role::JobManager, Entry::Subcommand)),
            (
                json!({"command": ["/docker-entrypoint.sh"], "args": ["taskmanager"]}),
                (Role::TaskManager, Entry::Subcommand),
            ),
            (
                json!({"command": ["tini", "-g", "--", "/docker-entrypoint.sh", "standalone-job"]}),
                (Role::JobManager, Entry::Subcommand),
            ),
            (
                json!({"command": ["/opt/flink/bin/taskmanager.sh"], "args": ["start-foreground"]}),
                (Role::TaskManager, Entry::Script),
            ),
            (
                json!({"command": ["bash", "/opt/flink/bin/jobmanager.sh", "start-foreground"]}),
                (Role::JobManager, Entry::Script),
            ),
            (
                json!({"command": ["/bin/bash"], "args": ["-c", "set -e; exec /docker-entrypoint.sh jobmanager"]}),
                (Role::JobManager, Entry::Shell),
            ),
            (json!({"args": ["bash", "/docker-entrypoint.sh", "jobmanager"]}), (Role::JobManager, Entry::Subcommand)),
            (
                json!({"command": ["tini", "--", "bash", "-x", "/docker-entrypoint.sh"], "args": ["standalone-job"]}),
                (Role::JobManager, Entry::Subcommand),
            ),
            (
                json!({"args": ["env", "A=b", "C=/d/e", "/docker-entrypoint.sh", "taskmanager"]}),
                (Role::TaskManager, Entry::Subcommand),
            ),
            (
                json!({"args": ["/usr/bin/env", "--", "A=b", "/opt/flink/bin/taskmanager.sh", "start"]}),
                (Role::TaskManager, Entry::Script),
            ),
            (
                json!({"args": ["env", "FLINK_PROPERTIES=a: b", "/docker-entrypoint.sh", "taskmanager"]}),
                (Role::TaskManager, Entry::Changed),
            ),
            (
                json!({"args": ["env", "-u", "X", "bash", "/docker-entrypoint.sh", "taskmanager"]}),
                (Role::TaskManager, Entry::Changed),
            ),
            (
                json!({"args": ["env", "A=b", "/docker-entrypoint.sh", "taskmanager"], "env": [{"name": "A"}]}),
                (Role::TaskManager, Entry::Changed),
            ),
            (
                json!({"command": ["sh", "-c", "exec /docker-entrypoint.sh \"$@\"", "--", "jobmanager"]}),
                (Role::JobManager, Entry::Shell),
            ),
            (
                json!({"command": ["sh", "-c", "set -e; exec \"${@}\"", "-"], "args": ["/docker-entrypoint.sh", "jobmanager"]}),
                (Role::JobManager, Entry::Shell),
            ),
            (
                json!({"command": ["sh", "-c", "exec /docker-entrypoint.sh $0 ${1}", "taskmanager"]}),
                (Role::TaskManager, Entry::Shell),
            ),
            (
                json!({"command": ["sh", "-ec", "cp a b && $FLINK_HOME/bin/standalone-job.sh start-foreground"]}),
                (Role::JobManager, Entry::Shell),
            ),
            (
                json!({"command": ["/docker-entrypoint.sh"], "args": ["bash", "-c", "kubernetes-jobmanager.sh kubernetes-session "]}),
                (Role::JobManager, Entry::Native),
            ),
            (json!({"env": [{"name": "FLINK_MODE", "value": "taskmanager"}]}), (Role::TaskManager, Entry::Mode)),
        ] {
            assert_eq!(launch(&container), Some(expected), "{container}");
        }
    }

    #[test]
    fn parameters_may_stand_in_a_text_any_number_of_times() {
        let many = 100_000;
        let words = ["bash", "-c"].map(str::to_owned).into_iter().chain([r#""$@" "#.repeat(many)]);
        let words: Vec<String> = words.chain(std::iter::repeat_n("x".to_owned(), many)).collect();
        assert_eq!(launch(&json!({"command": words})), None);
    }

    #[test]
    fn words_that_only_look_like_it_are_not() {
        for container in [
            json!({}),
            json!({"args": [7, null]}),
            json!({"args": ["nginx", "jobmanager"]}),
            json!({"args": ["history-server"]}),
            json!({"args": ["flink", "run", "-m", "flink-jobmanager:8081"]}),
            json!({"command": ["sh", "-c", "curl http://jobmanager:8081; echo taskmanager"]}),
            json!({"command": ["sh", "-c", "/opt/flink/bin/taskmanager.sh stop"]}),
            json!({"command": ["/docker-entrypoint.sh", "operator"]}),
            json!({"command": ["bash", "/docker-entrypoint.sh"]}),
            json!({"command": ["bash", "/docker-entrypoint.sh", "help", "jobmanager"]}),
            json!({"args": ["env", "X=/opt/flink/bin/jobmanager.sh", "nginx"]}),
            json!({"args": ["A=b", "/docker-entrypoint.sh", "jobmanager"]}),
            json!({"command": ["sh", "-c", "echo \"$@\"", "--", "jobmanager"]}),
            json!({"command": ["sh", "-c", "exec /docker-entrypoint.sh \"$2\"", "--", "jobmanager"]}),
            json!({"args": ["/opt/flink/bin/flink-console.sh", "standalonesession"]}),
            json!({"env": [{"name": "FLINK_MODE"}]}),
        ] {
            assert_eq!(launch(&container), None, "{container}");
        }
    }
}
