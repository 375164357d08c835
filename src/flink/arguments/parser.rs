//! The command-line parser that Flink's entry points share, over the words that reach them.
//!
//! Sources: commons-cli 1.3.1 and 1.5.0 `DefaultParser`, which Flink's `CommandLineParser` asks to stop at the first word
//! that is no option; the options of the three `…ConfigurationParserFactory` classes. Executed for 1.13.6, 1.16.3, 1.20.5,
//! 2.0.2 and 2.3.0.
//!
//! `-Dk=v`, `-D k=v` and `-D k v` give `k` the value `v`, `-Dk` gives it `true`; a long option may be cut short
//! (`--conf`), have one dash or take its value behind `=`.

use crate::flink::version::FlinkVersion;
use crate::policy::Role;
use crate::workload::Launch;

/// An option of an entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Its name behind one dash.
    pub(super) short: &'static str,
    /// Its name behind two; empty where it has none.
    long: &'static str,
    /// How many words it takes.
    takes: usize,
}

/// An option that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// Which.
    pub(super) option: Known,
    /// Position of the word that names it.
    pub(super) position: usize,
    /// Its values with the positions of their words.
    pub(super) values: Vec<(String, usize)>,
}

/// What is made of a command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The options, in order.
    pub(super) given: Vec<Given>,
    /// Where the words begin that are no options any more, with the first of them.
    pub(super) end: Option<(String, usize)>,
}

const CONFIG_DIR: Known = Known { short: "c", long: "configDir", takes: 1 };
const PROPERTY: Known = Known { short: "D", long: "", takes: 2 };
const HOST: Known = Known { short: "h", long: "host", takes: 1 };
const WEB_PORT: Known = Known { short: "r", long: "webui-port", takes: 1 };
const EXECUTION_MODE: Known = Known { short: "x", long: "executionMode", takes: 1 };
const JOB_CLASS: Known = Known { short: "j", long: "job-classname", takes: 1 };
const JOB_ID: Known = Known { short: "jid", long: "job-id", takes: 1 };
const SAVEPOINT: Known = Known { short: "s", long: "fromSavepoint", takes: 1 };
const NOT_RESTORED: Known = Known { short: "n", long: "allowNonRestoredState", takes: 0 };
const JARS: Known = Known { short: "jars", long: "jars", takes: usize::MAX };

/// The options of the entry point that `launch` starts. Those of an unknown version are all that a version of Flink 1 knows.
pub(super) fn options_of(launch: &Launch, version: Option<FlinkVersion>) -> Vec<Known> {
    let is_2 = version.is_some_and(|version| version.at_least(2, 0));
    let mut options = vec![CONFIG_DIR, PROPERTY];
    if launch.role == Role::TaskManager {
        return options;
    }
    if !is_2 {
        options.extend([HOST, WEB_PORT]);
    }
    if launch.application {
        options.extend([JOB_CLASS, JOB_ID, SAVEPOINT, NOT_RESTORED]);
        if version.is_none_or(|version| version.at_least(1, 19)) {
            options.push(JARS);
        }
    } else if !is_2 {
        options.push(EXECUTION_MODE);
    }
    options
}

/// What the parser makes of `words`, each with its position. A command line that it refuses is read as far as it can be.
pub(super) fn parse(words: &[(String, usize)], options: &[Known]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut open = false;
    for (word, position) in words {
        if word == "--" {
            parsed.end = words.iter().find(|(_, behind)| behind > position).cloned();
            break;
        }
        if open && is_value(word, options) {
            open = parsed.given.last_mut().is_some_and(|last| last.take(unquoted(word), *position));
            continue;
        }
        let Some(found) = find(word, options) else {
            parsed.end = Some((word.clone(), *position));
            break;
        };
        for (option, value) in found.options {
            let mut given = Given { option, position: *position, values: Vec::new() };
            open = option.takes > 0 && value.is_none();
            if let Some(value) = value {
                given.take(value, *position);
            }
            parsed.given.push(given);
        }
        if let Some(rest) = found.rest {
            parsed.end = Some((rest.to_owned(), *position));
            break;
        }
    }
    parsed
}

impl Parsed {
    /// The value of the option `short`, with its position; of several Flink takes the first.
    pub(super) fn value_of(&self, short: &str) -> Option<(String, usize)> {
        self.given.iter().find(|given| given.option.short == short)?.values.first().cloned()
    }
}

impl Given {
    /// Takes `value`; whether another word could follow. Only `-D` splits its first value at `=`.
    fn take(&mut self, value: &str, position: usize) -> bool {
        match value.split_once('=') {
            Some((key, value)) if self.option == PROPERTY && self.values.is_empty() => {
                self.values.extend([(key.to_owned(), position), (value.to_owned(), position)]);
            }
            _ => self.values.push((value.to_owned(), position)),
        }
        self.values.len() < self.option.takes
    }

    /// The property that `-D` sets: key, value, position of the word that holds the value.
    pub(super) fn property(&self) -> Option<(String, String, usize)> {
        match self.values.as_slice() {
            [(key, _), (value, position), ..] if self.option == PROPERTY => {
                Some((key.clone(), value.clone(), *position))
            }
            [(key, position)] if self.option == PROPERTY && *position == self.position => {
                Some((key.clone(), "true".to_owned(), *position))
            }
            _ => None,
        }
    }
}

/// The options in one word, with the value that stands in it, and what is left of it that is none.
struct Found<'a> {
    options: Vec<(Known, Option<&'a str>)>,
    rest: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn one(option: Known, value: Option<&'a str>) -> Self {
        Self { options: vec![(option, value)], rest: None }
    }
}

/// The options that `word` names; `None` where it is no option.
fn find<'a>(word: &'a str, options: &[Known]) -> Option<Found<'a>> {
    let name = word.strip_prefix('-').filter(|name| !name.is_empty())?;
    let (long, is_long) = name.strip_prefix('-').map_or((name, false), |long| (long, true));
    if is_long {
        return find_long(long, options);
    }
    let short = |name: &str| options.iter().copied().find(|option| option.short == name);
    match name.split_once('=') {
        Some((name, value)) if name.chars().count() == 1 => {
            short(name).filter(|option| option.takes > 0).map(|option| Found::one(option, Some(value)))
        }
        _ if name.starts_with(PROPERTY.short) && name != PROPERTY.short => {
            Some(Found::one(PROPERTY, name.strip_prefix(PROPERTY.short)))
        }
        Some(_) => find_long(long, options),
        None => {
            if let Some(option) = short(name) {
                return Some(Found::one(option, None));
            }
            if name.chars().count() == 1 {
                return None;
            }
            let with_value = || {
                let named = options.iter().filter(|option| option.long.len() > 1 && option.takes > 0);
                let longest =
                    named.filter(|option| name.starts_with(option.long)).max_by_key(|option| option.long.len())?;
                Some(Found::one(*longest, name.strip_prefix(longest.long)))
            };
            find_long(name, options).or_else(with_value).or_else(|| concatenated(name, options))
        }
    }
}

/// `name` is a long option, or the beginning of one, with its value behind `=`.
fn find_long<'a>(name: &'a str, options: &[Known]) -> Option<Found<'a>> {
    let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
    let long = options.iter().filter(|option| !option.long.is_empty());
    let exact = long.clone().find(|option| option.long == name);
    // Of several that begin so the parser takes none, and Flink does not start.
    let option = exact.or_else(|| long.clone().find(|option| option.long.starts_with(name)))?;
    if value.is_some() && option.takes == 0 {
        return None;
    }
    Some(Found::one(*option, value))
}

/// `-nj X` and `-hlocalhost`: short options in one word, of which the one that takes a value takes what is left.
fn concatenated<'a>(name: &'a str, options: &[Known]) -> Option<Found<'a>> {
    let mut found = Found { options: Vec::new(), rest: None };
    for (index, letter) in name.char_indices() {
        let behind = name.get(index + letter.len_utf8()..).filter(|behind| !behind.is_empty());
        let mut short = [0; 4];
        let short = letter.encode_utf8(&mut short);
        match options.iter().find(|option| option.short == short) {
            Some(option) if option.takes > 0 => {
                found.options.push((*option, behind));
                return Some(found);
            }
            Some(option) => found.options.push((*option, None)),
            None if found.options.is_empty() => return None,
            None => {
                found.rest = name.get(index..);
                return Some(found);
            }
        }
    }
    Some(found)
}

/// Whether an option that wants a value takes `word` for it: what begins like an option is none, but a number is.
fn is_value(word: &str, options: &[Known]) -> bool {
    let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else { return true };
    let before = name.split('=').next().unwrap_or_default();
    let is_short = options.iter().any(|option| option.short == before || before.get(..1) == Some(option.short));
    let is_long = find_long(before.trim_start_matches('-'), options).is_some();
    let is_option = (!name.starts_with('-') && is_short) || is_long || find(word, options).is_some();
    !is_option || word.parse::<f64>().is_ok()
}

/// `word` without the quotes around it, where it holds no others.
fn unquoted(word: &str) -> &str {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The properties of `line`, and the words that are no options.
    fn read(line: &str, version: (u16, u16)) -> (Vec<String>, Option<String>) {
        let words: Vec<&str> = line.split(' ').collect();
        let launch = Launch::of(&json!({"args": words})).unwrap();
        let words: Vec<_> =
            words.iter().enumerate().skip(1).map(|(position, word)| ((*word).to_owned(), position)).collect();
        let parsed = parse(&words, &options_of(&launch, Some(FlinkVersion::new(version.0, version.1))));
        let properties =
            parsed.given.iter().filter_map(Given::property).map(|(key, value, _)| format!("{key}={value}"));
        (properties.collect(), parsed.end.map(|(word, _)| word))
    }

    /// Each line with what the real entry points answered for it.
    #[test]
    fn reads_what_the_entry_points_read() {
        let (v1, v2) = ((1, 20), (2, 3));
        for (line, version, properties, end) in [
            ("taskmanager --configDir B -Dx=1", v1, "x=1", None),
            ("taskmanager -c=B -cB --configDir=B --conf B -configDir B -configDirB -Dx=1", v2, "x=1", None),
            ("taskmanager --configDirB -Dx=1", v1, "", Some("--configDirB")),
            ("taskmanager --foo -Dx=1", v1, "", Some("--foo")),
            ("taskmanager --host h -Dx=1", v1, "", Some("--host")),
            ("taskmanager -Dx=1 word -Dy=1", v1, "x=1", Some("word")),
            ("taskmanager - -Dx=1", v2, "", Some("-")),
            ("jobmanager -e y -Dx=1", v1, "", Some("-e")),
            ("taskmanager -Dk v -Dx=1", v2, "k=true", Some("v")),
            ("taskmanager -Dk -Dx=1", v2, "k=true x=1", None),
            ("taskmanager -D k v -Dx=1", v2, "k=v x=1", None),
            ("taskmanager -D k=v=w -Dx=1=2 -Dy= -D z=", v2, "k=v=w x=1=2 y= z=", None),
            ("taskmanager -D k= v -Dx=1", v2, "k=", Some("v")),
            ("taskmanager -D \"k=v\" -Dx=\"1\"", v2, "k=v x=\"1\"", None),
            ("taskmanager -D k -1 -D=v -DD=1", v2, "k=-1 v=true D=1", None),
            ("taskmanager -D -1 b -D =v", v2, "-1=b =v", None),
            ("taskmanager --D k=v", v2, "", Some("--D")),
            ("jobmanager --h=z -hz -ho z --web 1 -Dx=1", v1, "x=1", None),
            ("jobmanager -D a=b --webui-port 80 -D c=d", v2, "a=b", Some("--webui-port")),
            ("jobmanager -xh y -Dx=1", v1, "", Some("y")),
            ("standalone-job -n -jX --job-i 1 --allow -Dx=1", v1, "x=1", None),
            ("standalone-job -jid=1 -Dx=1", v1, "", Some("-jid=1")),
            ("standalone-job -n=true -Dx=1", v1, "", Some("-n=true")),
            ("standalone-job -nDx=1 -Dy=1", v1, "", Some("-nDx=1")),
            ("standalone-job -nfoo -Dx=1", v1, "", Some("foo")),
            ("standalone-job -nj X -Dx=1", v1, "x=1", None),
            ("standalone-job -cm CLAIM -Dx=1", v2, "", Some("CLAIM")),
            ("standalone-job --jars a b -Dx=1 -jars c -Dy=1 d", v2, "x=1 y=1", Some("d")),
            ("standalone-job --jars=a b -Dx=1", v2, "", Some("b")),
            ("standalone-job --jars a --allow=1 -Dx=1", v2, "", Some("--allow=1")),
            ("standalone-job --jars a -Dx=1", (1, 18), "", Some("--jars")),
            ("standalone-job -stuff -Dx=1", v1, "x=1", None),
            ("standalone-job -h -1 -Dx=1", v1, "x=1", None),
            ("standalone-job --host h -Dx=1", v2, "", Some("--host")),
            ("standalone-job -j X -- -Dx=1", v2, "", Some("-Dx=1")),
            ("standalone-job --executionMode cluster -Dx=1", v1, "", Some("--executionMode")),
        ] {
            let properties: Vec<String> = properties.split_whitespace().map(str::to_owned).collect();
            assert_eq!(read(line, version), (properties, end.map(str::to_owned)), "{line}");
        }
    }
}
