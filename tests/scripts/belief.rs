//! What we believe of a container, beside what Flink makes of it.

use std::collections::{BTreeMap, BTreeSet};

use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::flink::arguments::{self, Fate};
use flink_admission::flink::configuration::Layer;
use flink_admission::flink::raw::{self, RawRole};
use flink_admission::policy::Role;
use flink_admission::workload::{Entry, Kind, Raw, recognise};
use serde_json::{Value, json};

use super::container::{Case, Seen};
use super::entry_points::Made;
use super::excuses::{self, Excuses};
use super::kubelet::{self, POD_IP};
use super::release::Release;
use crate::support::expand;

/// Options that the image, its entry point and the scripts bring by themselves, with the values that they give them.
pub type OfImage = BTreeMap<String, BTreeSet<String>>;

/// Options that other words than `-D` bring, which are read where they stand or matter to nobody.
const OF_WORDS: [&str; 6] = [
    "$internal.pipeline.job-id",
    "execution.savepoint.path",
    "execution.savepoint.ignore-unclaimed-state",
    "execution.state-recovery.path",
    "execution.state-recovery.ignore-unclaimed-state",
    "pipeline.jars",
];

/// A container, run and asked for.
pub struct Outcome<'a> {
    pub case: &'a Case,
    pub release: &'a Release,
    /// What reached the JVM; `None` where none was started.
    pub seen: Option<Seen>,
    /// What the entry point made of that.
    pub made: Made,
    /// What was not compared.
    pub excuses: Excuses,
}

impl Outcome<'_> {
    /// Where Flink does otherwise than we believe.
    pub fn differences(&self, of_image: &OfImage) -> Vec<String> {
        let object = self.case.object(self.release);
        let raw = match recognise(&object).map(|workload| workload.kind) {
            Some(Kind::Raw(raw)) => raw,
            _ if self.is_cluster() => return vec!["it is not recognised".to_owned()],
            _ => {
                self.excuses.add(excuses::NO_CLUSTER);
                return Vec::new();
            }
        };
        let Some(seen) = &self.seen else { return self.starts_nothing(&object, &raw).into_iter().collect() };
        let mut differences = Vec::new();
        if !classes(&raw).iter().any(|class| seen.words[0].ends_with(class)) {
            differences.push(format!("`{}` is started, none of {:?}", seen.words[0], classes(&raw)));
        }
        // What native mode reads is not asked here.
        if raw.launch.entry == Entry::Native {
            self.excuses.add(excuses::NATIVE);
            return differences;
        }
        let role = self.resolve(&object, &raw);
        if let Some(why) = &self.made.refused {
            let is_known = role.refused.is_some() || role.refused_arguments.is_some() || role.unknown.is_some();
            // What something else fills in is not judged.
            let is_filled_in = seen.words.iter().any(|word| word == POD_IP);
            if !is_known && is_filled_in {
                self.excuses.add(excuses::FILLED_IN);
            } else if !is_known {
                differences.push(format!("it is refused, and we do not know: {why}"));
            }
            return differences;
        }
        if role.refused.as_ref().is_some_and(|refused| refused.refusal.certain) {
            differences.push("its file is read, and not refused".to_owned());
        }
        if let Some(refused) = &role.refused_arguments {
            differences.push(format!("its command line is read, and not refused: {refused:?}"));
        }
        differences.extend(self.options(&role, of_image));
        differences.extend(self.words(&raw));
        differences
    }

    /// What does not start has no options. Either we know why, or it is one that is known for it.
    fn starts_nothing(&self, object: &Value, raw: &Raw) -> Option<String> {
        let role = self.resolve(object, raw);
        let is_known = role.refused.is_some() || role.refused_arguments.is_some() || role.unknown.is_some();
        self.excuses.add(if is_known { excuses::NOT_STARTED } else { excuses::NOTHING });
        (!is_known && !excuses::starts_nothing(self.case)).then(|| "it starts nothing, and we do not know".to_owned())
    }

    fn resolve(&self, object: &Value, raw: &Raw) -> RawRole {
        let mut facts = Facts::default();
        let key = FactKey::ConfigMap { namespace: "plants".to_owned(), name: "flink-config".to_owned() };
        facts.insert(key, Answer::Known(json!({"data": self.case.data})));
        raw::resolve(object, raw, "plants", &facts, &[])
    }

    /// The words that reached the JVM, without what the scripts say of memory.
    pub fn words_but_memory(&self) -> Vec<&str> {
        let words = self.seen.as_ref().map(|seen| seen.words.as_slice()).unwrap_or_default();
        let is_memory = |word: &str| {
            ["jobmanager.memory.", "taskmanager.memory.", "taskmanager.cpu.", "external-resources="]
                .iter()
                .any(|prefix| word.starts_with(prefix))
        };
        let next = |position: usize| words.get(position + 1).map(String::as_str).unwrap_or_default();
        let is_of_memory = |position: usize, word: &str| is_memory(word) || (word == "-D" && is_memory(next(position)));
        let kept = words.iter().enumerate().filter(|(position, word)| !is_of_memory(*position, word));
        kept.map(|(_, word)| word.as_str()).collect()
    }

    /// Whether a JobManager or a TaskManager is started, which does not end at once.
    fn is_cluster(&self) -> bool {
        let is_cluster = |class: &str| class.starts_with("org.apache.flink.") && !class.contains(".history.");
        self.seen.as_ref().is_some_and(|seen| is_cluster(&seen.words[0])) && self.made.refused.is_none()
    }

    /// Options that have another value, are not set, or are set and not known of.
    fn options(&self, role: &RawRole, of_image: &OfImage) -> Vec<String> {
        let mut differences = Vec::new();
        let environment = kubelet::environment(&self.case.container);
        for (key, setting) in role.config.iter() {
            let (value, made) = (&setting.value, self.made.options.get(key));
            // Of a host that may be a secret the key alone is kept.
            if key == "jobmanager.rpc.address" && value.ends_with("=…") {
                self.excuses.add(excuses::HOST);
                continue;
            }
            if made.is_some_and(|made| made == value || *made == value.replace("$(POD_IP)", POD_IP)) {
                continue;
            }
            // What the image's environment may replace is not known to us; here it is.
            if setting.layer != Layer::Argument && value.contains('$') {
                let replaced = kubelet::substitute(value, &environment);
                if made.map(String::as_str).unwrap_or_default() == replaced.trim() {
                    self.excuses.add(excuses::REPLACED);
                    continue;
                }
            }
            differences.push(format!("`{key}` is {made:?}, not {value:?}"));
        }
        if role.unknown.is_none() {
            differences.extend(self.others(role, of_image));
        } else {
            self.excuses.add(excuses::UNKNOWN);
        }
        for (key, setting) in role.void.iter().flat_map(|void| void.config.iter()) {
            if role.config.exact(key).is_none() && self.made.options.get(key) == Some(&setting.value) {
                differences.push(format!("`{key}` is said to have no effect, and is {:?}", setting.value));
            }
        }
        differences
    }

    /// Options that we do not know of.
    fn others(&self, role: &RawRole, of_image: &OfImage) -> Vec<String> {
        let mut differences = Vec::new();
        let has_web_port = role.misread.iter().any(|(word, _)| word.fate == Fate::WebPort);
        for (key, value) in self.made.options.iter().filter(|(key, _)| role.config.exact(key).is_none()) {
            let is_arithmetic = key.contains(".memory.") || key.starts_with("taskmanager.cpu.");
            if OF_WORDS.contains(&key.as_str()) || (key == "rest.port" && has_web_port) {
                self.excuses.add(excuses::WORDS);
            } else if of_image.get(key).is_some_and(|values| values.contains(value)) {
                // The image says it.
            } else if is_arithmetic && of_image.contains_key(key) {
                self.excuses.add(excuses::ARITHMETIC);
            } else {
                differences.push(format!("`{key}` is {value:?}, and not known of"));
            }
        }
        differences
    }

    /// Words that are taken for something else than we say.
    fn words(&self, raw: &Raw) -> Vec<String> {
        let environment = kubelet::environment(&self.case.container);
        let words = self.words_of_container(&environment);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if !raw.launch.takes_arguments() {
            return Vec::new();
        }
        let read = arguments::read(&words, &raw.launch, Some(self.release.version()));
        let mut differences = Vec::new();
        let begins = read.end.map(|end| words[end]);
        let program = self.made.program.first().map(String::as_str);
        let is_same = match (begins, program) {
            (Some(ours), Some(theirs)) => ours.ends_with(theirs),
            (ours, theirs) => ours == theirs,
        };
        if !is_same {
            differences.push(format!("the program's arguments begin with {program:?}, not {begins:?}"));
        }
        if read.job_id.as_ref().map(|(id, _)| id.to_lowercase()) != self.made.job_id {
            differences.push(format!("the job's id is {:?}, not {:?}", self.made.job_id, read.job_id));
        }
        for misread in &read.misread {
            let word = words[misread.position];
            let is_so = match misread.fate {
                Fate::Host if !arguments::is_one_word(word) => true,
                Fate::Host => self.made.options.get("jobmanager.rpc.address").is_some_and(|host| host == word),
                Fate::WebPort => self.made.options.get("rest.port").is_some_and(|port| port == word),
                Fate::NoOptions => !self.made.program.iter().any(|argument| argument == word),
                Fate::Program | Fate::Behind => self.made.program.iter().any(|argument| argument == word),
                Fate::Directory => true,
            };
            if !is_so {
                differences.push(format!("{}: it is not so", misread.in_words()));
            }
        }
        differences.extend(self.lost(&words, raw.launch.word + 1, &read));
        differences.extend(self.host(&read));
        differences
    }

    /// Options among `words` that are not set, without a word of ours about it.
    fn lost(&self, words: &[&str], from: usize, read: &arguments::Arguments) -> Vec<String> {
        let mut lost = Vec::new();
        for (position, word) in words.iter().enumerate().skip(from) {
            let assigned = match word.strip_prefix("-D") {
                Some("") => words.get(position + 1).copied().unwrap_or_default(),
                Some(assigned) => assigned,
                None => continue,
            };
            let Some((key, value)) = assigned.split_once('=') else { continue };
            let is_set = self.made.options.get(key).is_some_and(|made| made == value);
            let is_host = key == "jobmanager.rpc.address" && read.host.is_some();
            let is_said = is_host || read.misread.iter().any(|misread| misread.option.as_deref() == Some(key.trim()));
            let again = words.iter().skip(position + 2).any(|word| word.contains(&format!("{key}=")));
            if !is_set && !is_said && !again {
                lost.push(format!("`{key}` is lost, and nothing is said about it"));
            }
        }
        lost
    }

    fn host(&self, read: &arguments::Arguments) -> Option<String> {
        let (host, _) = read.host.as_ref()?;
        let made = self.made.options.get("jobmanager.rpc.address")?;
        let host = &host.replace("$(POD_IP)", POD_IP);
        let is_so = host == made || host.strip_suffix("=…").is_some_and(|key| made.starts_with(key));
        (!is_so).then(|| format!("the host is {made:?}, not {host:?}"))
    }

    fn words_of_container(&self, environment: &BTreeMap<String, String>) -> Vec<String> {
        let container = &self.case.container;
        let words = ["command", "args"].into_iter().flat_map(|field| container[field].as_array().into_iter().flatten());
        words.map(|word| expand(word.as_str().unwrap(), environment)).collect()
    }
}

/// The classes of which one starts the role of `raw`.
fn classes(raw: &Raw) -> &'static [&'static str] {
    match (raw.launch.entry, raw.role, raw.launch.application) {
        (Entry::Native, Role::TaskManager, _) => &[".KubernetesTaskExecutorRunner"],
        (Entry::Native, ..) => &[".KubernetesSessionClusterEntrypoint", ".KubernetesApplicationClusterEntrypoint"],
        (_, Role::TaskManager, _) => &[".TaskManagerRunner"],
        (_, Role::JobManager, true) => &[".StandaloneApplicationClusterEntryPoint"],
        (_, Role::JobManager, false) => &[".StandaloneSessionClusterEntrypoint"],
    }
}
