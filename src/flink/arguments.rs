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
    /// Words that are taken for something else than they say, or for nothing.
    pub misread: Vec<Misread>,
    /// Where further options go: a position in command and args taken together.
    pub insert_at: usize,
}

/// A word that does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// The word without a value that stands in it: `-Dkubernetes.cluster-id`, `--host`.
    pub word: String,
    /// The option that it should set, where it should set one.
    pub option: Option<String>,
    /// Its position in command and args taken together.
    pub position: usize,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a word that does not do what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// `jobmanager.sh` takes it for the host.
    Host,
    /// `jobmanager.sh` takes it for the port of the web interface.
    WebPort,
    /// A session JobManager of Flink up to 1.14 takes no options.
    NoOptions,
    /// It is the first of the program's arguments, and so is everything behind it.
    Program,
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
    let mut read = Arguments { insert_at: position, ..Arguments::default() };
    if is_session(launch) {
        position = read.positional(words, position, version);
        read.insert_at = position;
        if !takes_options(launch, version) {
            read.no_options(words, position);
            return read;
        }
    }
    let ends_options = launch.application && version.is_some_and(|version| version.at_least(2, 0));
    let mut is_first = true;
    while let Some(word) = words.get(position) {
        let (text, step) = match *word {
            "-D" => (words.get(position + 1).copied().unwrap_or_default(), 2),
            word if word.starts_with("-D") => (word.strip_prefix("-D").unwrap_or_default(), 1),
            "--host" | "-h" if version.is_none_or(|version| !version.at_least(2, 0)) => {
                read.host = words.get(position + 1).map(|host| ((*host).to_owned(), position + 1));
                ("", 2)
            }
            // From 2.0 an unknown option ends the options: the rest are the program's.
            "--host" | "-h" => {
                read.misread.push(Misread::of(word, position, Fate::Program));
                break;
            }
            word if ends_options && is_first && is_own_address(word) => {
                read.misread.push(Misread::of(word, position, Fate::Program));
                break;
            }
            word if VALUED.contains(&word) => ("", 2),
            word if word.starts_with('-') => ("", 1),
            _ => break,
        };
        is_first &= word.starts_with("-D");
        if let Some((key, value)) = text.split_once('=') {
            read.options.push((key.trim().to_owned(), value.to_owned(), position + step - 1));
        }
        position += step;
    }
    read
}

impl Arguments {
    /// Reads the host and the port that `jobmanager.sh` takes by position; the position behind them.
    fn positional(&mut self, words: &[&str], mut position: usize, version: Option<FlinkVersion>) -> usize {
        // `-D` alone is an option from 1.15.
        let has_options = version.is_none_or(|version| version.at_least(1, 15));
        let given = |position: usize| words.get(position).filter(|word| !has_options || **word != "-D");
        let Some(host) = given(position) else { return position };
        if host.starts_with('-') {
            self.misread.push(Misread::of(host, position, Fate::Host));
        }
        self.host = Some((without_value(host), position));
        position += 1;
        if let Some(port) = given(position) {
            if port.starts_with('-') {
                self.misread.push(Misread::of(port, position, Fate::WebPort));
            }
            position += 1;
        }
        position
    }

    /// Notes every option among `words`, of which none is read.
    fn no_options(&mut self, words: &[&str], behind: usize) {
        for misread in &mut self.misread {
            misread.fate = Fate::NoOptions;
        }
        let further = words.iter().enumerate().skip(behind).filter(|(_, word)| word.starts_with("-D"));
        self.misread.extend(further.map(|(position, word)| Misread::of(word, position, Fate::NoOptions)));
        for misread in self.misread.iter_mut().filter(|misread| misread.word == "-D") {
            let assigned = words.get(misread.position + 1).and_then(|word| word.split_once('='));
            misread.option = assigned.map(|(key, _)| key.trim().to_owned());
        }
    }
}

impl Misread {
    fn of(word: &str, position: usize, fate: Fate) -> Self {
        let option =
            word.strip_prefix("-D").and_then(|text| text.split_once('=')).map(|(key, _)| key.trim().to_owned());
        Self { word: word.split('=').next().unwrap_or_default().to_owned(), option, position, fate }
    }

    /// What becomes of it, in words: `-Dkubernetes.cluster-id=…` in one word is taken for the host by `jobmanager.sh`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let word = match (&self.option, self.word.as_str()) {
            (Some(option), "-D") => format!("`-D {option}=…`"),
            (Some(_), word) => format!("`{word}=…` in one word"),
            (None, word) => format!("`{word}`"),
        };
        match self.fate {
            Fate::Host => format!("{word} is taken for the host by `jobmanager.sh`"),
            Fate::WebPort => format!("{word} is taken for the port of the web interface by `jobmanager.sh`"),
            Fate::NoOptions => {
                format!("{word} is not read by `jobmanager.sh` of Flink up to 1.14, which takes no options")
            }
            Fate::Program => format!("{word} and everything behind it are taken for the program's own arguments"),
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> String {
        match (&self.option, self.fate) {
            (_, Fate::NoOptions) => "write the option into the configuration file".to_owned(),
            (Some(option), _) => format!("write `-D` and `{option}=…` as two words"),
            (None, _) => "write `-D` and `jobmanager.rpc.address=$(POD_IP)` as two words".to_owned(),
        }
    }
}

/// `word` up to the value that is assigned in it, which may be a secret.
fn without_value(word: &str) -> String {
    word.split_once('=').map_or_else(|| word.to_owned(), |(key, _)| format!("{key}=…"))
}

/// Whether `word` is an address such as only a pod of its own has: an IP, or a variable that is called so.
fn is_own_address(word: &str) -> bool {
    let is_variable = || {
        let name = word.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
        name.is_some_and(|name| name.split('_').any(|part| part == "IP"))
    };
    word.parse::<std::net::IpAddr>().is_ok() || is_variable()
}

const fn is_session(launch: &Launch) -> bool {
    matches!(launch.role, Role::JobManager) && !launch.application
}

/// Whether options can be given to this role of this version as arguments at all: a session JobManager takes them from
/// 1.15.
#[must_use]
pub fn takes_options(launch: &Launch, version: Option<FlinkVersion>) -> bool {
    launch.takes_arguments() && !(is_session(launch) && version.is_some_and(|version| !version.at_least(1, 15)))
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

    fn misread(words: &[&str], minor: u16) -> Vec<(String, Option<String>, usize, Fate)> {
        let tuple = |misread: Misread| (misread.word, misread.option, misread.position, misread.fate);
        arguments(words, minor).misread.into_iter().map(tuple).collect()
    }

    #[test]
    fn words_that_a_script_misreads_are_known() {
        let word =
            |word: &str, option: &str, position, fate| (word.to_owned(), Some(option.to_owned()), position, fate);
        let words = ["jobmanager", "-Da=b", "-Dc=d", "-De=f"];
        assert_eq!(misread(&words, 20), [word("-Da", "a", 1, Fate::Host), word("-Dc", "c", 2, Fate::WebPort)]);
        assert_eq!(options(&words, 20), [pair("e", "f")]);
        assert_eq!(arguments(&words, 0).host, Some(("-Da=…".to_owned(), 1)));
        let words = ["jobmanager", "$(POD_IP)", "-Da=b"];
        assert_eq!(misread(&words, 0), [word("-Da", "a", 2, Fate::WebPort)]);
        assert_eq!(misread(&["jobmanager", "-D", "a=b", "-Dc=d"], 20), []);
        assert_eq!(misread(&["jobmanager", "--host", "x"], 0), [("--host".to_owned(), None, 1, Fate::Host)]);
        let words = ["standalone-job", "-Da=b", "--host", "x", "-Dc=d"];
        assert_eq!(misread(&words, 0), [("--host".to_owned(), None, 2, Fate::Program)]);
        assert_eq!(misread(&words, 20), []);
        let words = ["standalone-job", "$(POD_IP)", "--job-classname", "X"];
        assert_eq!(misread(&words, 1), [("$(POD_IP)".to_owned(), None, 1, Fate::Program)]);
        assert_eq!(misread(&["standalone-job", "-D", "a=b", "10.0.0.1"], 1).len(), 1);
        assert_eq!(misread(&["standalone-job", "$(INPUT)"], 1), []);
        assert_eq!(misread(&["standalone-job", "-j", "X", "$(POD_IP)"], 1), []);
    }

    #[test]
    fn an_old_session_reads_no_options() {
        let words = ["jobmanager", "-D", "a=b", "-Dc=d", "-D", "e=f"];
        let options: Vec<_> =
            misread(&words, 14).into_iter().map(|(_, option, ..)| option.unwrap_or_default()).collect();
        assert_eq!(options, ["a", "c", "e"]);
        assert_eq!(arguments(&words, 14).options, []);
        assert_eq!(misread(&["jobmanager", "$(POD_IP)"], 14), []);
    }
}
