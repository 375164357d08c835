//! `arguments-refused`: a command line with which Flink does not start.

use crate::flink::arguments::{Fate, Refused};
use crate::flink::cluster::RoleView;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "arguments-refused",
    failure: "C27",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The command line of a standalone role is one that Flink refuses: an option without its value, the beginning of several options, a port or the id of a job that is none.",
        why: "Flink prints its usage and ends with exit code 1, at every start: `Missing argument for option`, `Ambiguous option`. (The entry points' own parsers of 1.13 to 2.3, executed.)",
        limits: "Nothing is said where the version is not known, a shell's text starts Flink, or a word holds what something else fills in. A word that `jobmanager.sh` takes for the host or the port is `jobmanager-address-is-service`'s or `ha-mode-missing`'s.",
        example: "image: flink:2.0.1\nargs: [standalone-job, --job-classname]   # no value behind it",
        fix: "Give the option its value, or its whole name.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let refused = |view: &&RoleView| {
        // Of these another rule speaks.
        let is_said = view.misread.iter().any(|(word, _)| matches!(word.fate, Fate::Host | Fate::WebPort));
        view.refused_arguments.is_some() && !is_said
    };
    let Some(view) = case.cluster.leading().filter(refused) else { return Vec::new() };
    let Some(why) = &view.refused_arguments else { return Vec::new() };
    let (what, fix) = in_words(why);
    let message = format!("{what}, so Flink ends with its usage and the {} never starts", view.role);
    vec![Violation::at_field(view.config_path.clone(), None, message, fix).of_role(view.role)]
}

/// What is wrong, and what to do.
fn in_words(why: &Refused) -> (String, String) {
    match why {
        Refused::NoValue(option) => {
            (format!("the option `{option}` has no value"), "write its value behind it, or take it out".to_owned())
        }
        Refused::Ambiguous(option) => {
            (format!("`{option}` is the beginning of several options"), "write the whole name".to_owned())
        }
        Refused::NoPort(option) => {
            (format!("the value of `{option}` is no port"), "give a number from 0 to 65535".to_owned())
        }
        Refused::NoJobId(_) => {
            ("what `--job-id` is given is no id of a job".to_owned(), "give 32 hexadecimal digits".to_owned())
        }
    }
}
