//! How a container starts Flink: the official image's subcommands, the scripts in `bin`, a shell around either, or
//! an image that takes its role from the environment.
//!
//! Sources: flink-docker `docker-entrypoint.sh` (only the first word is looked at), Flink `bin/*.sh`, Bitnami's image.

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
    /// A script of native mode, which Flink's client writes.
    Native,
    /// An image of its own that takes the role from `FLINK_MODE`.
    Mode,
}

const INITS: [&str; 9] =
    ["tini", "dumb-init", "catatonit", "exec", "env", "gosu", "su-exec", "docker-entrypoint.sh", "--"];
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "ash"];

impl Launch {
    /// How `container` starts Flink; `None` when it starts something else.
    #[must_use]
    pub fn of(container: &Value) -> Option<Self> {
        let words: Vec<&str> = list(container, &["command"])
            .iter()
            .chain(list(container, &["args"]))
            .map(|word| word.as_str().unwrap_or_default())
            .collect();
        Self::of_words(&words).or_else(|| Self::of_mode(container, &words))
    }

    fn of_words(words: &[&str]) -> Option<Self> {
        let mut position = 0;
        loop {
            let word = *words.get(position)?;
            let base = base_name(word);
            if SHELLS.contains(&base) {
                return Self::of_shell(words, position);
            }
            if let Some(launch) = Self::named(base, position) {
                return Some(launch);
            }
            let leads_on = INITS.contains(&base) || (position > 0 && word.starts_with('-'));
            if !leads_on {
                return None;
            }
            position += if matches!(base, "gosu" | "su-exec") { 2 } else { 1 };
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

    /// A shell at `position`: a script as its argument, or its `-c` text.
    fn of_shell(words: &[&str], position: usize) -> Option<Self> {
        let rest = words.get(position + 1..)?;
        let (offset, first) =
            rest.iter().enumerate().find(|(_, word)| !word.starts_with('-') && !word.starts_with('+'))?;
        let has_text =
            rest.iter().take(offset).any(|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.contains('c'));
        if has_text {
            return Self::of_text(first, position + 1 + offset);
        }
        Self::named(base_name(first), position + 1 + offset).filter(|launch| launch.entry != Entry::Subcommand)
    }

    /// The words of a shell's text, split at blanks and operators: a guess that is good enough to know a role by.
    fn of_text(script: &str, position: usize) -> Option<Self> {
        let words: Vec<&str> = script
            .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'' | '`'))
            .filter(|word| !word.is_empty())
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

    /// Whether options can be appended as words: not to a shell's text, nor where the image ignores arguments.
    #[must_use]
    pub const fn takes_arguments(&self) -> bool {
        matches!(self.entry, Entry::Subcommand | Entry::Script)
    }
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
            json!({"env": [{"name": "FLINK_MODE"}]}),
        ] {
            assert_eq!(launch(&container), None, "{container}");
        }
    }
}
