//! What is not compared, or may be otherwise than we say it: each is counted, and there must not be much of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::container::Case;

/// How often each reason not to compare something was used.
#[derive(Debug, Default)]
pub struct Excuses(RefCell<BTreeMap<&'static str, usize>>);

impl Excuses {
    /// Counts one more of `why`, which is one of [`MOST`].
    pub fn add(&self, why: &'static str) {
        *self.0.borrow_mut().entry(why).or_default() += 1;
    }

    /// Counts those of `other` too.
    pub fn extend(&self, other: &Self) {
        for (why, count) in &*other.0.borrow() {
            *self.0.borrow_mut().entry(why).or_default() += count;
        }
    }

    /// Those of which there are more than there may be in `cases` cases.
    pub fn beyond(&self, cases: usize) -> Vec<String> {
        let counts = self.0.borrow();
        let most = |why: &str| MOST.iter().find(|(known, _)| *known == why).map_or(0, |(_, most)| *most);
        // A share of the cases has a few more than all have of some.
        let is_beyond = |(why, count): &(&&'static str, &usize)| **count * 100 > most(why) * cases + 300;
        let beyond = counts.iter().filter(is_beyond);
        beyond.map(|(why, count)| format!("{why}: {count} in {cases} cases, {} in 100 may be", most(why))).collect()
    }

    /// All, in words.
    pub fn in_words(&self) -> String {
        let words: Vec<String> = self.0.borrow().iter().map(|(why, count)| format!("{why} {count}")).collect();
        words.join(", ")
    }
}

pub const NATIVE: &str = "native mode";
pub const FILLED_IN: &str = "refused for what is filled in";
pub const HOST: &str = "a host of which the key is kept";
pub const REPLACED: &str = "`$` replaced";
pub const UNKNOWN: &str = "options not known";
pub const ARITHMETIC: &str = "arithmetic of memory";
/// Nothing reaches a JVM, and we say that it cannot.
pub const NOT_STARTED: &str = "starts nothing, as we say";
/// Nothing reaches a JVM, without a word of ours.
pub const NOTHING: &str = "starts nothing";
/// Nothing of a cluster is started, and nothing is recognised.
pub const NO_CLUSTER: &str = "no cluster";
pub const WORDS: &str = "options by words of their own";

/// The reasons, and how many there may be in a hundred cases; what was measured is a little less.
const MOST: &[(&str, usize)] = &[
    (NATIVE, 2),
    (FILLED_IN, 2),
    (HOST, 2),
    (REPLACED, 8),
    (UNKNOWN, 10),
    (ARITHMETIC, 60),
    (WORDS, 30),
    (NOT_STARTED, 15),
    (NOTHING, 5),
    (NO_CLUSTER, 5),
];

/// Command lines of a role that start nothing, and of which we say nothing: the scripts refuse them before Flink does.
const IDLE: &[&[&str]] = &[
    &["/opt/flink/bin/jobmanager.sh", "-D", "a=b"],
    &["/opt/flink/bin/taskmanager.sh", "stop"],
    &["jobmanager", "-D", "a", "b"],
    &["standalone-job", "-D", "a", "b", "-Dc=d"],
    &["taskmanager", "-D", "a=-1", "-D", "b", "-1"],
];

/// What is otherwise than we say it and is to stay so: a part of the difference, a part of the container, and why.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("/opt/*", "a: /opt/*", "from 1.19 a shell looks for the files of a value; which there are is not known"),
    ("`jobmanager.rpc.address`", "a.b&c", "up to 1.18 `sed` has signs of its own, which no host has"),
    ("`-", r"-n\na: b", "from 1.19 `echo` takes these lines for its own arguments; no option is called so"),
    ("it is not recognised", "flink-console.sh", "nobody starts Flink by the script behind the scripts"),
];

/// Whether `case` is one of [`IDLE`].
pub fn starts_nothing(case: &Case) -> bool {
    let words =
        ["command", "args"].into_iter().flat_map(|field| case.container[field].as_array().into_iter().flatten());
    let words: Vec<&str> = words.filter_map(|word| word.as_str()).collect();
    IDLE.contains(&words.as_slice())
}

/// The exception that `difference` of `case` is.
pub fn exception(case: &Case, difference: &str) -> Option<usize> {
    let container = case.container.to_string();
    EXCEPTIONS.iter().position(|(what, whose, _)| difference.contains(what) && container.contains(whose))
}

/// Whether `case` may be an exception, so that it must be asked for the exception to hold.
pub fn is_for_exception(case: &Case) -> bool {
    let container = case.container.to_string();
    EXCEPTIONS.iter().any(|(_, whose, _)| container.contains(whose))
}
