//! `arguments-refused`: a command line with which Flink does not start.

use crate::flink::arguments::{Fate, Misread, Refused};
use crate::flink::cluster::{HighAvailability, RoleView};
use crate::inject::Why;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::{ha_mode_missing, jobmanager_address_is_service};
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
        limits: "Nothing is said where the version is not known, a shell's text starts Flink, or a word holds what something else fills in, unless it is the value of a `-D`; of an image of the user's own it is a warning. An option that `jobmanager.sh` takes for the host or the port is `jobmanager-address-is-service`'s or `ha-mode-missing`'s.",
        example: "image: flink:2.0.1\nargs: [standalone-job, --job-classname]   # no value behind it",
        fix: "Give the option its value, or its whole name.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|view| !is_said(case, view)) else { return Vec::new() };
    let Some(why) = &view.refused_arguments else { return Vec::new() };
    let (what, fix) = in_words(why);
    let is_certain = view.is_stock(&case.policy.spec.images.stock);
    let effect = if is_certain {
        "never starts"
    } else {
        "does not start, unless the image reads its arguments in a way of its own"
    };
    let message = format!("{what}, so Flink ends with its usage and the {} {effect}", view.role);
    let violation = Violation::at_field(view.config_path.clone(), None, message, fix.to_owned()).of_role(view.role);
    vec![if is_certain { violation } else { violation.uncertain() }]
}

/// Whether another rule speaks of a word that is taken for the host or the port, or of options that the version does not take.
fn is_said(case: &Case<'_>, view: &RoleView) -> bool {
    if case.lost.iter().any(|lost| matches!(lost.why, Why::NoOptions(_))) {
        return true;
    }
    let is_place = |word: &Misread| matches!(word.fate, Fate::Host | Fate::WebPort);
    let mut places = view.misread.iter().map(|(word, _)| word).filter(|word| is_place(word)).peekable();
    if places.peek().is_none() {
        return false;
    }
    // Under HA an option of it that is lost is said to be missing.
    let families: &[&str] = match case.cluster.high_availability().0 {
        HighAvailability::Kubernetes => &["high-availability", "kubernetes."],
        HighAvailability::ZooKeeper => &["high-availability"],
        _ => &[],
    };
    let is_missed = |option: &str| families.iter().any(|family| option.starts_with(family));
    let rules = [&jobmanager_address_is_service::RULE, &ha_mode_missing::RULE];
    places.any(|word| word.option.as_deref().is_some_and(is_missed))
        || rules.iter().any(|rule| !(rule.check)(case).is_empty())
}

/// What is wrong, and what to do.
fn in_words(why: &Refused) -> (String, &'static str) {
    match why {
        Refused::NoValue(option) => {
            (format!("the option `{option}` has no value"), "write its value behind it, or take it out")
        }
        Refused::Ambiguous(option) => {
            (format!("`{option}` is the beginning of several options"), "write the whole name")
        }
        Refused::NoPort => ("what `--webui-port` is given is no port".to_owned(), "give a number from 0 to 65535"),
        Refused::NoJobId => ("what `--job-id` is given is no id of a job".to_owned(), "give 32 hexadecimal digits"),
    }
}
