//! Command lines of standalone roles: the options in them, and where one more can be put.
//!
//! Sources: Flink `bin/jobmanager.sh`, `standalone-job.sh`, `taskmanager.sh` and the entry points' command-line parsers,
//! executed for 1.13 to 2.3. A session JobManager's script takes the first two words behind it for host and port unless
//! the first is `-D` alone, so there `-Dkey=value` in one word does not work.

use crate::flink::version::FlinkVersion;
use crate::policy::Role;
use crate::workload::Launch;

/// What the words behind the role's own say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Options given as `-D`, in order: key, value, position of the word that holds the value.
    pub options: Vec<(String, String, usize)>,
    /// The host that the JobManager was given by position or `--host`, with its position.
    pub host: Option<(String, usize)>,
    /// Where further options go: a position in command and args taken together.
    pub insert_at: usize,
}

/// Options of the entry points that take the next word as their value.
const VALUED: [&str; 15] = [
    "--configDir",
    "-c",
    "--host",
    "-h",
    "--webui-port",
    "-r",
    "--executionMode",
    "-x",
    "--job-classname",
    "-j",
    "--job-id",
    "-jid",
    "--jars",
    "--fromSavepoint",
    "-s",
];

/// Reads the words of a container, of which `launch` names the role.
#[must_use]
pub fn read(words: &[&str], launch: &Launch, version: Option<FlinkVersion>) -> Arguments {
    let mut position = launch.word + 1;
    if words.get(position).is_some_and(|word| matches!(*word, "start" | "start-foreground")) {
        position += 1;
    }
    let is_session = launch.role == Role::JobManager && !launch.application;
    let mut read = Arguments { insert_at: position, ..Arguments::default() };
    if is_session && let Some(host) = words.get(position).filter(|word| **word != "-D") {
        read.host = Some(((*host).to_owned(), position));
        position += 1;
        // The script takes a second word for the port of the web interface.
        if words.get(position).is_some_and(|word| *word != "-D") {
            position += 1;
        }
        read.insert_at = position;
    }
    while let Some(word) = words.get(position) {
        let (text, step) = match *word {
            "-D" => (words.get(position + 1).copied().unwrap_or_default(), 2),
            word if word.starts_with("-D") => (word.strip_prefix("-D").unwrap_or_default(), 1),
            "--host" | "-h" if version.is_none_or(|version| !version.at_least(2, 0)) => {
                read.host = words.get(position + 1).map(|host| ((*host).to_owned(), position + 1));
                ("", 2)
            }
            // From 2.0 an unknown option ends the options: the rest are the program's.
            "--host" | "-h" => break,
            word if VALUED.contains(&word) => ("", 2),
            word if word.starts_with('-') => ("", 1),
            _ => break,
        };
        if let Some((key, value)) = text.split_once('=') {
            read.options.push((key.trim().to_owned(), value.to_owned(), position + step - 1));
        }
        position += step;
    }
    read
}

/// Whether options can be given to this role of this version as arguments at all: a session JobManager takes them from
/// 1.15.
#[must_use]
pub fn takes_options(launch: &Launch, version: Option<FlinkVersion>) -> bool {
    let is_session = launch.role == Role::JobManager && !launch.application;
    launch.takes_arguments() && !(is_session && version.is_some_and(|version| !version.at_least(1, 15)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments(words: &[&str], minor: u16) -> Arguments {
        let launch = Launch::of(&json!({"args": words})).unwrap();
        let version = if minor < 10 { FlinkVersion::new(2, minor) } else { FlinkVersion::new(1, minor) };
        read(words, &launch, Some(version))
    }

    fn options(words: &[&str], minor: u16) -> Vec<(String, String)> {
        arguments(words, minor).options.into_iter().map(|(key, value, _)| (key, value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_session_takes_one_word_for_the_host() {
        assert_eq!(options(&["jobmanager", "-D", "a=b", "-Dc=d=e"], 20), [pair("a", "b"), pair("c", "d=e")]);
        let host = arguments(&["jobmanager", "$(POD_IP)", "-D", "a=b"], 20);
        assert_eq!((host.host, host.insert_at), (Some(("$(POD_IP)".to_owned(), 1)), 2));
        assert_eq!(options(&["jobmanager", "-Da=b"], 20), []);
        assert_eq!(arguments(&["jobmanager"], 0).insert_at, 1);
    }

    #[test]
    fn a_program_keeps_its_own_arguments() {
        let words =
            ["standalone-job", "-Da=1", "--job-classname", "X", "--allowNonRestoredState", "plan", "-Dmode=full"];
        assert_eq!(options(&words, 0), [pair("a", "1")]);
        assert_eq!(arguments(&words, 0).insert_at, 1);
        assert_eq!(options(&["standalone-job", "--host", "h", "-Da=1"], 20), [pair("a", "1")]);
        assert_eq!(options(&["standalone-job", "--host", "h", "-Da=1"], 0), []);
        assert_eq!(options(&["taskmanager", "-Da=1", "-D", "b"], 18), [pair("a", "1")]);
    }
}
