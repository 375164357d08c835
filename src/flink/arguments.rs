//! Command lines of standalone roles: the options in them, and where one more can be put.
//!
//! Sources: Flink `bin/jobmanager.sh`, `standalone-job.sh`, `taskmanager.sh` and the entry points' command-line parsers,
//! executed for 1.13 to 2.3. A session JobManager's script takes the first two words behind it for host and port unless
//! the first is `-D` alone, so there `-Dkey=value` in one word does not work. Each script gives the JVM its own
//! `--configDir` (`FLINK_CONF_DIR`, else `$FLINK_HOME/conf`) before the words of the container, and Flink takes the first.

mod misread;
mod parser;

pub use misread::{Fate, Misread};

use crate::flink::options::{JOBMANAGER_ADDRESS, REST_PORT};
use crate::flink::version::FlinkVersion;
use crate::policy::Role;
use crate::workload::{Entry, Launch};
use parser::{Given, Parsed, options_of, parse};

/// What the words behind the role's own say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Options given as `-D`, in order: key, value, position of the word that holds the value.
    pub options: Vec<(String, String, usize)>,
    /// The host that the JobManager was given by position or `--host`, with its position.
    pub host: Option<(String, usize)>,
    /// The port of the web interface that the JobManager was given by position or `--webui-port`, with its position.
    pub web_port: Option<(String, usize)>,
    /// How many words `jobmanager.sh` takes by position, the host and then the port.
    pub positional: usize,
    /// The id that the job of an application was given (`--job-id`), with the position of the word.
    pub job_id: Option<(String, usize)>,
    /// Words that are taken for something else than they say, or for nothing.
    pub misread: Vec<Misread>,
    /// Where further options go: a position in command and args taken together.
    pub insert_at: usize,
    /// Position of the first word that is no option of Flink's, nor a value of one; nothing behind it is.
    pub end: Option<usize>,
    /// Why Flink refuses the command line, so that the role does not start.
    pub refused: Option<Refused>,
}

/// Why Flink refuses a command line.
///
/// Sources: the `CommandLineParser` and the `ParserResultFactory` of each entry point, executed for 1.13 to 2.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// This option lacks a value: `--job-classname`.
    NoValue(String),
    /// This is the beginning of several options: `--job`.
    Ambiguous(String),
    /// What `--webui-port` is given is no number.
    NoPort,
    /// What `--job-id` is given is no id of a job.
    NoJobId,
}

/// Reads the words of a container, of which `launch` names the role.
#[must_use]
pub fn read(words: &[&str], launch: &Launch, version: Option<FlinkVersion>) -> Arguments {
    let mut position = launch.word + 1;
    // The image's entry point gives the script its own `start-foreground`: a second one is an argument.
    let is_start = |word: &&str| matches!(*word, "start" | "start-foreground");
    if launch.entry == Entry::Script && words.get(position).is_some_and(is_start) {
        position += 1;
    }
    let mut read = Arguments { insert_at: position, ..Arguments::default() };
    let mut added = Vec::new();
    if is_session(launch) {
        position = read.positional(words, position, version, &mut added);
        read.insert_at = position;
    }
    let takes_options = !is_session(launch) || takes_options(launch, version);
    let behind = words.iter().enumerate().skip(position).filter(|_| takes_options);
    // The script gives the host and the port that stand by position behind all other words.
    let all: Vec<(String, usize)> =
        behind.map(|(position, word)| ((*word).to_owned(), position)).chain(added).collect();
    let mut parsed = parse(&all, &options_of(launch, version), version);
    read.refused = parsed.refused.take();
    read.take_properties(&parsed, position);
    read.take_web_port(&parsed);
    if let Some((text, position)) = parsed.value_of("jid") {
        let id = job_id(&text);
        // Java knows digits of other scripts, which are nobody's.
        if id.is_none() && text.is_ascii() {
            read.refused.get_or_insert(Refused::NoJobId);
        }
        read.job_id = Some((id.unwrap_or(text), position));
    }
    if takes_options {
        read.misread(words, &parsed, launch.application && version.is_some_and(|version| version.at_least(2, 0)));
    } else {
        read.no_options(words, position);
    }
    read
}

impl Arguments {
    /// Reads the host and the port that `jobmanager.sh` takes by position, and writes down what it makes of them; the
    /// position behind them.
    fn positional(
        &mut self,
        words: &[&str],
        begin: usize,
        version: Option<FlinkVersion>,
        added: &mut Vec<(String, usize)>,
    ) -> usize {
        // `-D` alone is an option from 1.15.
        let has_options = version.is_none_or(|version| version.at_least(1, 15));
        let is_2 = version.is_some_and(|version| version.at_least(2, 0));
        let mut position = begin;
        for (old, new, fate) in [("--host", JOBMANAGER_ADDRESS, Fate::Host), ("--webui-port", REST_PORT, Fate::WebPort)]
        {
            let Some(word) = words.get(position) else { break };
            // An empty word, or one of blanks, is passed on, where it ends the options: `[ -z $2 ]` (executed for 1.16 to 2.3).
            if has_options && (word.trim_ascii().is_empty() || *word == "-D") {
                break;
            }
            if word.starts_with('-') {
                self.misread.push(Misread::of(word, position, fate));
            }
            // Several words are none: `[ ! -z $HOST ]` is an error then, and the script goes on without a host.
            if is_one_word(word) {
                let pair = if is_2 {
                    ["-D".to_owned(), format!("{new}={word}")]
                } else {
                    [old.to_owned(), (*word).to_owned()]
                };
                added.extend(pair.map(|word| (word, position)));
            }
            self.positional += 1;
            position += 1;
        }
        position
    }

    /// Takes the host and the options; those from before `begin` the script has put behind all others.
    fn take_properties(&mut self, parsed: &Parsed, begin: usize) {
        let mut host = parsed.value_of("h");
        for (key, value, at) in parsed.given.iter().filter_map(Given::property) {
            if at < begin && key == JOBMANAGER_ADDRESS {
                host = host.or(Some((value, at)));
            } else {
                self.options.push((key, value, at));
            }
        }
        self.host = host.map(|(host, at)| (if at < begin { without_value(&host) } else { host }, at));
    }

    /// Takes the port that `--webui-port` gives, which Flink sets above all other options.
    fn take_web_port(&mut self, parsed: &Parsed) {
        let Some((port, position)) = parsed.value_of("r") else { return };
        match port.parse::<i32>() {
            Ok(port) if port >= 0 => self.web_port = Some((port.to_string(), position)),
            Ok(_) => {}
            Err(_) => {
                self.refused.get_or_insert(Refused::NoPort);
            }
        }
    }

    /// Notes the words that do not do what they say; `ends_at_host` where a host is the first argument of a program.
    fn misread(&mut self, words: &[&str], parsed: &Parsed, ends_at_host: bool) {
        let directories = parsed.given.iter().filter(|given| given.option.short == "c");
        let word = |position: usize| words.get(position).copied().unwrap_or_default();
        self.misread
            .extend(directories.map(|given| Misread::of(word(given.position), given.position, Fate::Directory)));
        // What the script adds may be behind the end too.
        let Some((end, position)) = parsed.end.as_ref().filter(|(_, position)| *position >= self.insert_at) else {
            return;
        };
        self.end = Some(*position);
        let is_host = matches!(end.split('=').next(), Some("--host" | "-h"));
        let is_first = parsed.given.iter().all(|given| given.option.short == "D");
        // Behind the job's own options a program may have a `--host` of its own.
        let value = end.split_once('=').map_or_else(|| word(position + 1), |(_, value)| value);
        let is_host = is_host && (is_first || is_own_address(value));
        if is_host || (ends_at_host && is_first && is_own_address(end)) {
            self.misread.push(Misread::of(word(*position), *position, Fate::Program));
        }
        let behind = words.iter().enumerate().skip(*position).filter(|(_, word)| word.starts_with("-D"));
        self.misread.extend(behind.map(|(position, _)| Misread::of_property(words, position, Fate::Behind)));
    }

    /// Notes every option among `words`, of which none is read.
    fn no_options(&mut self, words: &[&str], behind: usize) {
        for misread in &mut self.misread {
            misread.fate = Fate::NoOptions;
        }
        let further = words.iter().enumerate().skip(behind).filter(|(_, word)| word.starts_with("-D"));
        self.misread.extend(further.map(|(position, _)| Misread::of_property(words, position, Fate::NoOptions)));
        for misread in self.misread.iter_mut().filter(|misread| misread.word == "-D") {
            *misread = Misread::of_property(words, misread.position, misread.fate);
        }
    }
}

/// The 32 digits of the job's id that Flink reads in `text`; `None` where it reads none, or might in another script.
///
/// Source: Flink `StringUtils.hexStringToByte`, executed for 1.13 to 2.3: sixteen pairs, each a number that may have a
/// sign, and an odd letter behind them does not count.
fn job_id(text: &str) -> Option<String> {
    let byte = |pair: &str| match pair.as_bytes() {
        [b'-', _] => i8::from_str_radix(pair, 16).ok().map(i8::cast_unsigned),
        _ => u8::from_str_radix(pair, 16).ok(),
    };
    let pairs = (0..text.len() / 2).map(|index| byte(text.get(2 * index..2 * index + 2)?));
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes.try_into().ok()?)))
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

/// Whether `jobmanager.sh`, which puts no quotes around it, takes `word` for one: not blanks, nor what stands for files.
#[must_use]
pub fn is_one_word(word: &str) -> bool {
    word.split_ascii_whitespace().count() == 1 && !word.contains('*')
}

/// Whether the script of this role takes host and port by position, or else from its environment: a session's from 1.15.
#[must_use]
pub fn takes_host(launch: &Launch, version: Option<FlinkVersion>) -> bool {
    is_session(launch) && takes_options(launch, version)
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
    fn the_id_of_a_job_is_sixteen_numbers() {
        for (text, id) in [
            ("ABCDEF00000000000000000000000001", Some("abcdef00000000000000000000000001".to_owned())),
            ("abcdef00000000000000000000000001x", Some("abcdef00000000000000000000000001".to_owned())),
            (&"+1".repeat(16), Some("01".repeat(16))),
            (&"-1".repeat(16), Some("ff".repeat(16))),
            (&"--".repeat(16), None),
            (&"1+".repeat(16), None),
            (&"0".repeat(31), None),
            (&"0".repeat(34), None),
            ("", None),
        ] {
            assert_eq!(job_id(text), id, "{text}");
        }
        let refused = |id: &str| arguments(&["standalone-job", "--job-id", id], 20).refused;
        assert_eq!((refused(&"0".repeat(33)), refused("x")), (None, Some(Refused::NoJobId)));
        assert_eq!(refused(&"１".repeat(32)), None, "Java reads it");
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
        let of_program = ["standalone-job", "--job-classname", "X", "--host", "db.example.net"];
        assert_eq!(misread(&of_program, 0), []);
        let own = ["standalone-job", "--job-classname", "X", "--host", "$(POD_IP)"];
        assert_eq!(misread(&own, 0), [("--host".to_owned(), None, 3, Fate::Program)]);
        let words = ["standalone-job", "-Da=b", "--host", "x", "-Dc=d"];
        let behind = word("-Dc", "c", 4, Fate::Behind);
        assert_eq!(misread(&words, 0), [("--host".to_owned(), None, 2, Fate::Program), behind]);
        assert_eq!(misread(&words, 20), []);
        let words = ["standalone-job", "$(POD_IP)", "--job-classname", "X"];
        assert_eq!(misread(&words, 1), [("$(POD_IP)".to_owned(), None, 1, Fate::Program)]);
        assert_eq!(misread(&words, 20), []);
        assert_eq!(misread(&["standalone-job", "-D", "a=b", "10.0.0.1"], 1).len(), 1);
        assert_eq!(misread(&["standalone-job", "$(INPUT)"], 1), []);
        assert_eq!(misread(&["standalone-job", "-j", "X", "$(POD_IP)"], 1), []);
    }

    #[test]
    fn nothing_is_read_behind_a_word_that_is_no_option() {
        let words = ["jobmanager", "$(POD_IP)", "-D", "a=b", "--foo", "-D", "c=d", "-De"];
        let read = arguments(&words, 20);
        assert_eq!((read.host, read.end), (None, Some(4)));
        assert_eq!(options(&words, 20), [pair("a", "b")]);
        let fates: Vec<_> = misread(&words, 20).into_iter().map(|(_, option, at, fate)| (option, at, fate)).collect();
        assert_eq!(fates, [(Some("c".to_owned()), 5, Fate::Behind), (None, 7, Fate::Behind)]);
    }

    #[test]
    fn an_empty_word_ends_the_options() {
        for words in
            [["jobmanager", "", "-D", "a=b"], ["jobmanager", "host", "", "-Da=b"], ["taskmanager", "", "-D", "a=b"]]
        {
            assert_eq!(options(&words, 20), [], "{words:?}");
            assert!(misread(&words, 20).iter().any(|(.., fate)| *fate == Fate::Behind), "{words:?}");
        }
        assert_eq!(arguments(&["jobmanager", ""], 20).insert_at, 1);
        assert_eq!(options(&["jobmanager", "-D", "a=b", ""], 20), [pair("a", "b")]);
    }

    #[test]
    fn a_word_of_blanks_is_an_empty_one_and_a_host_has_none() {
        assert_eq!(options(&["jobmanager", " ", "-D", "a=b"], 20), []);
        assert_eq!(options(&["jobmanager", "host", " ", "-D", "a=b"], 1), []);
        let spoilt = arguments(&["jobmanager", "host name", "-D", "a=b"], 20);
        assert_eq!((spoilt.host, spoilt.options.len()), (None, 1));
    }

    #[test]
    fn only_a_script_is_told_to_start() {
        let host = arguments(&["jobmanager", "start-foreground", "-D", "a=b"], 20);
        assert_eq!((host.host, host.options.len()), (Some(("start-foreground".to_owned(), 1)), 1));
        for subcommand in ["taskmanager", "standalone-job"] {
            let words = [subcommand, "start-foreground", "-Da=b"];
            assert_eq!((options(&words, 20), arguments(&words, 20).end), (vec![], Some(1)));
        }
        assert_eq!(options(&["bin/taskmanager.sh", "start-foreground", "-Da=b"], 20), [pair("a", "b")]);
    }

    #[test]
    fn of_two_hosts_the_first_counts() {
        let host = |words: &[&str]| arguments(words, 20).host.map(|(host, _)| host);
        assert_eq!(host(&["standalone-job", "--host", "a", "-h", "b"]).as_deref(), Some("a"));
        assert_eq!(host(&["jobmanager", "a", "-D", "x=y", "--host", "b"]).as_deref(), Some("b"));
    }

    #[test]
    fn a_second_directory_has_no_effect() {
        for words in [vec!["taskmanager", "--configDir", "/x"], vec!["standalone-job", "-c", "/x", "-j", "X"]] {
            let directory = (words[1].to_owned(), None, 1, Fate::Directory);
            assert_eq!((misread(&words, 0), misread(&words, 16)), (vec![directory.clone()], vec![directory]));
        }
        let words = ["jobmanager", "-D", "a=b", "--configDir=/x", "-D", "c=d"];
        assert_eq!(misread(&words, 1), [("--configDir".to_owned(), None, 3, Fate::Directory)]);
        assert_eq!(options(&words, 1), [pair("a", "b"), pair("c", "d")]);
        assert_eq!(misread(&["jobmanager", "--configDir", "/x"], 1)[0].3, Fate::Host);
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

    #[test]
    fn what_stands_by_position_counts_above_all_options() {
        let words = ["jobmanager", "h", "80", "-Djobmanager.rpc.address=x", "-Drest.port=1"];
        let read = arguments(&words, 0);
        assert_eq!((read.host, read.positional), (Some(("h".to_owned(), 1)), 2));
        assert_eq!(options(&words, 0), [pair(JOBMANAGER_ADDRESS, "x"), pair(REST_PORT, "1"), pair(REST_PORT, "80")]);
    }

    /// Executed for 1.20.5.
    #[test]
    fn a_host_is_all_that_the_option_holds_and_no_port_is_below_zero() {
        let of = |word| arguments(&["standalone-job", word], 20);
        assert_eq!(of("--host=a=b").host, Some(("a=b".to_owned(), 1)));
        assert_eq!(of("--webui-port=0").web_port, Some(("0".to_owned(), 1)));
        let none = arguments(&["standalone-job", "--webui-port", "-1"], 20);
        assert_eq!((none.web_port, none.refused), (None, None));
    }
}
