//! The command-line parser that Flink's entry points share, over the words that reach them.
//!
//! Sources: commons-cli 1.3.1 and 1.5.0 `DefaultParser`, which Flink's `CommandLineParser` asks to stop at the first word
//! that is no option; the options of the three `…ConfigurationParserFactory` classes. Executed for 1.13.6, 1.16.3, 1.20.5,
//! 2.0.2 and 2.3.0.
//!
//! `-Dk=v`, `-D k=v` and `-D k v` give `k` the value `v`, `-Dk` gives it `true`; a long option may be cut short
//! (`--conf`), have one dash or take its value behind `=`.

use crate::flink::arguments::Refused;
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
    /// Why Flink refuses it.
    pub(super) refused: Option<Refused>,
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

/// What the parser makes of `words`, each with its position. A command line that it refuses is read up to there.
pub(super) fn parse(words: &[(String, usize)], options: &[Known], version: Option<FlinkVersion>) -> Parsed {
    let is_old = version.is_some_and(|version| !version.at_least(1, 15));
    let mut parsed = Parsed::default();
    // The option that takes further words for its values.
    let mut open: Option<String> = None;
    for (index, (word, position)) in words.iter().enumerate() {
        if word == "--" {
            parsed.end = words.get(index + 1).cloned();
            break;
        }
        if open.is_some() && is_value(word, options, is_old) {
            let takes_more = parsed.given.last_mut().is_some_and(|last| last.take(unquoted(word), *position));
            open = open.filter(|_| takes_more);
            continue;
        }
        let found = match find(word, options) {
            Ok(Some(found)) => found,
            Ok(None) => {
                parsed.end = Some((word.clone(), *position));
                break;
            }
            Err(refused) => {
                parsed.refuse(open.take());
                parsed.refused.get_or_insert(refused);
                return parsed;
            }
        };
        for (option, value) in found.options {
            parsed.refuse(open.take());
            if parsed.refused.is_some() {
                return parsed;
            }
            let mut given = Given { option, position: *position, values: Vec::new() };
            let takes_more = match value {
                Some(value) => given.take(value, *position) && found.stays_open,
                None => option.takes > 0,
            };
            open = takes_more.then(|| word.split('=').next().unwrap_or_default().to_owned());
            parsed.given.push(given);
        }
        if let Some(rest) = found.rest {
            parsed.end = Some((rest.to_owned(), *position));
            break;
        }
    }
    parsed.refuse(open);
    parsed
}

impl Parsed {
    /// Notes that the option given last, which is `open`, has less values than it must have.
    fn refuse(&mut self, open: Option<String>) {
        let lacks = self.given.last().is_some_and(|last| last.option.takes != usize::MAX || last.values.is_empty());
        if let Some(word) = open.filter(|_| lacks) {
            self.refused.get_or_insert(Refused::NoValue(word));
        }
    }

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
    /// Whether the last one may take further values beside the one that stands in the word.
    stays_open: bool,
}

impl<'a> Found<'a> {
    fn one(option: Known, value: Option<&'a str>) -> Self {
        Self { options: vec![(option, value)], rest: None, stays_open: false }
    }
}

/// The options that `word` names; `None` where it is no option.
fn find<'a>(word: &'a str, options: &[Known]) -> Result<Option<Found<'a>>, Refused> {
    let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else { return Ok(None) };
    if let Some(long) = name.strip_prefix('-') {
        return find_long(long, options);
    }
    let short = |name: &str| options.iter().copied().find(|option| option.short == name);
    if name.chars().count() == 1 {
        return Ok(short(name).map(|option| Found::one(option, None)));
    }
    match name.split_once('=') {
        Some((name, value)) if name.chars().count() == 1 => {
            Ok(short(name).filter(|option| option.takes > 0).map(|option| Found::one(option, Some(value))))
        }
        _ if name.starts_with(PROPERTY.short) && name != PROPERTY.short => {
            Ok(Some(Found::one(PROPERTY, name.strip_prefix(PROPERTY.short))))
        }
        Some(_) => find_long(name, options),
        None => {
            if let Some(option) = short(name) {
                return Ok(Some(Found::one(option, None)));
            }
            let with_value = || {
                let named = options.iter().filter(|option| option.long.len() > 1 && option.takes > 0);
                let longest =
                    named.filter(|option| name.starts_with(option.long)).max_by_key(|option| option.long.len())?;
                Some(Found::one(*longest, name.strip_prefix(longest.long)))
            };
            Ok(find_long(name, options)?.or_else(with_value).or_else(|| concatenated(name, options)))
        }
    }
}

/// `name` is a long option, or the beginning of one, with its value behind `=`.
fn find_long<'a>(name: &'a str, options: &[Known]) -> Result<Option<Found<'a>>, Refused> {
    let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
    let mut meant = long_options(name, options);
    let Some(option) = meant.next() else { return Ok(None) };
    if option.long != name && meant.next().is_some() {
        return Err(Refused::Ambiguous(format!("--{name}")));
    }
    Ok((value.is_none() || option.takes > 0).then(|| Found::one(option, value)))
}

/// The long options that `name` may mean: the one of that name, else those that begin so.
fn long_options(name: &str, options: &[Known]) -> impl Iterator<Item = Known> {
    let long = || options.iter().copied().filter(|option| !option.long.is_empty());
    let exact = long().find(|option| option.long == name);
    let begins = long().filter(move |option| exact.is_none() && option.long.starts_with(name));
    exact.into_iter().chain(begins)
}

/// `-nj X` and `-hlocalhost`: short options in one word, of which the one that takes a value takes what is left.
fn concatenated<'a>(name: &'a str, options: &[Known]) -> Option<Found<'a>> {
    let mut found = Found { options: Vec::new(), rest: None, stays_open: true };
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
fn is_value(word: &str, options: &[Known], is_old: bool) -> bool {
    let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else { return true };
    let before = name.split('=').next().unwrap_or_default();
    // From commons-cli 1.5.0 on a second dash is taken away where short options are looked for too.
    let bare = if is_old { before } else { before.strip_prefix("--").or(before.strip_prefix('-')).unwrap_or(before) };
    let is_short = options.iter().any(|option| option.short == bare || before.get(..1) == Some(option.short));
    let is_long = long_options(before.strip_prefix('-').unwrap_or(before), options).next().is_some();
    let is_option = is_short || is_long || !matches!(find(word, options), Ok(None));
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
        let version = Some(FlinkVersion::new(version.0, version.1));
        let parsed = parse(&words, &options_of(&launch, version), version);
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
            ("taskmanager -D k --D -Dx=1", (1, 13), "k=--D x=1", None),
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

    #[test]
    fn a_value_may_begin_like_an_option_that_there_is_not() {
        let is = |word: &str| is_value(word, &[PROPERTY, HOST], false);
        assert!(is("-zfoo") && is("-1") && is("-") && is("a"));
        assert!(!is("-hfoo") && !is("-h") && !is("--host") && !is("-Da=b") && !is("--D"));
        assert!(is_value("--D", &[PROPERTY, HOST], true), "up to 1.14");
    }

    #[test]
    fn only_a_property_is_split_and_only_once() {
        let parsed = |line: &str| {
            let words: Vec<_> = line.split(' ').enumerate().map(|(at, word)| (word.to_owned(), at)).collect();
            let options = [PROPERTY, HOST, NOT_RESTORED];
            parse(&words, &options, Some(FlinkVersion::new(1, 20)))
        };
        for (line, host) in [("--host a=b", "a=b"), ("-hosta", "a")] {
            assert_eq!(parsed(line).value_of("h").map(|(host, _)| host).as_deref(), Some(host), "{line}");
        }
        let property = parsed("-D k v=w").given.first().and_then(Given::property);
        assert_eq!(property, Some(("k".to_owned(), "v=w".to_owned(), 2)));
        for word in ["-foo", "-allowNonRestoredStateX"] {
            assert_eq!(parsed(word).end, Some((word.to_owned(), 0)));
        }
    }

    /// Each line was given to the entry points of 1.13.6, 1.20.5 and 2.3.0.
    #[test]
    fn an_option_without_all_of_its_values_is_refused() {
        for (words, minor, lacks) in [
            (["taskmanager", "-D", "k"].as_slice(), 20, Some("-D")),
            (&["taskmanager", "-D", "k", "--D"], 20, Some("-D")),
            (&["taskmanager", "-D", "k", "--D"], 13, None),
            (&["standalone-job", "--jars"], 20, Some("--jars")),
            (&["standalone-job", "--jars", "a"], 20, None),
        ] {
            let launch = Launch::of(&json!({"args": words})).unwrap();
            let version = Some(FlinkVersion::new(1, minor));
            let given: Vec<_> = words.iter().skip(1).map(|word| ((*word).to_owned(), 1)).collect();
            let refused = parse(&given, &options_of(&launch, version), version).refused;
            assert_eq!(refused, lacks.map(|word| Refused::NoValue(word.to_owned())), "{words:?}");
        }
    }
}
