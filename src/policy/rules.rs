//! The rules: one file each, with its doc page and its check.
//!
//! A rule is total: it answers for every cluster, and where it cannot know it says nothing. Its level comes from the
//! policy; its remedy, where there is one, is applied by `inject` before it is asked.

mod account;
mod checkpoints;
mod exposure;
mod missing;
mod mutation;
mod neighbours;
mod operations;
mod session;
mod storage;
mod table;
mod volumes;
mod wiring;

pub(crate) use account::rights;
pub use table::{
    RULES, is_denied_by_strict, is_known_id, is_of_missing_plugin, is_of_operator, is_of_update, known_ids,
};

use serde_json::Value;

use crate::facts::Facts;
use crate::flink::cluster::{Cluster, RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::deployment::{field, walk};
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::raw::TEMPLATE;
use crate::inject::{Lost, Shortfall};
use crate::object::{FieldPath, at, named};
use crate::policy::document::{FlinkPolicy, Profile};
use crate::policy::exception;
use crate::policy::finding::{self, Finding, Level, Replacement, Role, Shared};
use crate::siblings::Sibling;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id: words, stable, never renumbered.
    pub id: &'static str,
    /// The failure it stands for, in the catalogue's numbering (`B2`), by which its tests know it; nobody is shown it.
    pub failure: &'static str,
    /// Its level in profile `strict`.
    pub strict: Level,
    /// Its level in profile `baseline`.
    pub baseline: Level,
    /// Its doc page.
    pub page: Page,
    /// What it finds wrong.
    pub check: fn(&Case<'_>) -> Vec<Violation>,
}

impl Rule {
    /// Its level in `profile`.
    #[must_use]
    pub fn level_in(&self, profile: Profile) -> Level {
        match profile {
            Profile::Strict => self.strict,
            Profile::Baseline => self.baseline,
            Profile::Permissive => self.baseline.min(Level::Warn),
        }
    }
}

/// The doc page of a rule, in Markdown.
#[derive(Debug)]
pub struct Page {
    /// What it finds.
    pub what: &'static str,
    /// Why that hurts.
    pub why: &'static str,
    /// What it cannot know, and therefore does not say.
    pub limits: &'static str,
    /// A manifest, or a part of one, that it refuses.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The object as it would be stored.
    pub object: &'a Value,
    /// Its namespace.
    pub namespace: &'a str,
    /// What Flink makes of it.
    pub cluster: &'a Cluster,
    /// The policy that applies.
    pub policy: &'a FlinkPolicy,
    /// What the cluster answered.
    pub facts: &'a Facts,
    /// The workloads of the other role of a standalone cluster, as far as they are known.
    pub siblings: &'a [Sibling],
    /// What the policy wanted filled in and could not be.
    pub shortfalls: &'a [Shortfall],
    /// What was filled in at creation and an update takes away.
    pub lost: &'a [Lost],
    /// Whether the object is created: an update goes on with what the cluster has left outside of its pods.
    pub is_new: bool,
}

impl Case<'_> {
    /// The path of the FlinkDeploymentSpec, where the object has one.
    #[must_use]
    pub fn spec(&self) -> FieldPath {
        let leading = self.cluster.leading();
        leading.and_then(|view| view.config_path.split_last()).map(|(spec, _)| spec).unwrap_or_default()
    }

    /// Paths of the pod templates that make the pod of `role`, the one that wins first.
    #[must_use]
    pub fn templates(&self, role: Role) -> Vec<FieldPath> {
        if self.cluster.shape == Shape::Raw {
            return vec![FieldPath::of(&TEMPLATE)];
        }
        let spec = self.spec();
        vec![spec.key(field(role)).key("podTemplate"), spec.key("podTemplate")]
    }

    /// Path of the Flink container of `view` in the pod template that has `wanted` in it, the one that wins first.
    #[must_use]
    pub fn container_with(&self, view: &RoleView, wanted: &[&str]) -> Option<FieldPath> {
        self.templates(view.role).into_iter().find_map(|template| {
            let list = template.keys(&["spec", "containers"]);
            let containers = walk(self.object, &list)?.as_array()?;
            let index = match self.cluster.shape {
                Shape::Raw => view.pod.main?,
                Shape::FlinkDeployment { .. } => named(containers, MAIN_CONTAINER)?.0,
            };
            at(containers.get(index)?, wanted)?;
            Some(list.index(index))
        })
    }

    /// Whether `other` says at no lower level what `rule` would say: one cause is one finding.
    #[must_use]
    pub fn is_said_by(&self, other: &Rule, rule: &Rule) -> bool {
        self.policy.level(other) >= self.policy.level(rule) && !(other.check)(self).is_empty()
    }
}

/// One place where a rule is violated; a [`Finding`] without its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The role it concerns, where it concerns one.
    pub role: Option<Role>,
    /// Where.
    pub path: FieldPath,
    /// The value found there.
    pub value: Option<String>,
    /// Where the value comes from.
    pub origin: String,
    /// What is, and why it hurts.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// The highest level that may be said, whatever the policy: less than a denial where something is not known.
    pub at_most: Level,
    /// What to write in the place of what stands there, where that alone settles it.
    pub replacement: Option<Replacement>,
    /// What it has in common with others of this rule.
    pub shared: Option<Shared>,
}

impl Violation {
    /// A violation at a configured option.
    #[must_use]
    pub fn at_setting(setting: &Setting, message: String, fix: String) -> Self {
        let value = Some(setting.value.clone());
        let (path, origin) = (setting.path.clone(), setting.origin.to_string());
        Self { role: None, path, value, origin, message, fix, at_most: Level::Deny, replacement: None, shared: None }
    }

    /// A violation at a field, set or missing.
    #[must_use]
    pub fn at_field(path: FieldPath, value: Option<String>, message: String, fix: String) -> Self {
        let origin = path.split_last().map(|(parent, _)| parent.to_string()).unwrap_or_default();
        Self { role: None, path, value, origin, message, fix, at_most: Level::Deny, replacement: None, shared: None }
    }

    /// The same as a warning at most, since not everything is known.
    #[must_use]
    pub fn uncertain(self) -> Self {
        Self { at_most: Level::Warn, ..self }
    }

    /// The same, settled by writing `value` in the place of the one that stands there.
    #[must_use]
    pub fn settled_by_value(self, value: impl Into<String>) -> Self {
        Self { replacement: Some(Replacement::Value(value.into())), ..self }
    }

    /// The same, settled by calling the option `old` `new`; its value stays.
    #[must_use]
    pub fn settled_by_name(self, old: &str, new: &str) -> Self {
        Self { replacement: Some(Replacement::Key { old: old.to_owned(), new: new.to_owned() }), ..self }
    }

    /// The same, one of several of one cause.
    #[must_use]
    pub fn sharing(self, shared: Shared) -> Self {
        Self { shared: Some(shared), ..self }
    }

    /// The same, said of one role.
    #[must_use]
    pub fn of_role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }
}

/// Most findings of one rule on one object: whoever reads them has seen enough, and nothing grows without end.
pub const MOST_FINDINGS: usize = 1_000;

/// All findings on `case`, the worst first, then by path, role and rule.
#[must_use]
pub fn evaluate(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES
        .iter()
        .filter(|rule| session::is_asked(rule, case.cluster))
        .map(|rule| (*rule, case.policy.level(rule)))
        .filter(|(_, level)| *level != Level::Off)
        .flat_map(|(rule, level)| {
            let violations = session::own(rule, case.cluster, (rule.check)(case)).into_iter().take(MOST_FINDINGS);
            violations.map(move |violation| finding(rule, level, violation))
        })
        .collect();
    mutation::ha_not_added::leave_to_denials(&mut findings, case.shortfalls);
    exception::apply(&mut findings, case.object, case.policy.spec.exceptions);
    finding::sort(&mut findings);
    findings
}

fn finding(rule: &Rule, level: Level, violation: Violation) -> Finding {
    let Violation { role, path: at, value, origin, message, fix, at_most, replacement, shared } = violation;
    let (value, message, fix) = (value.map(visible), visible(message), visible(fix));
    let shared = shared.map(|shared| Shared {
        fact: visible(shared.fact),
        fix: visible(shared.fix),
        loss: shared.loss.map(visible),
        ..shared
    });
    let (level, path) = (level.min(at_most), at.to_string());
    Finding { rule: rule.id, level, role, path, at, value, origin, message, fix, replacement, exception: None, shared }
}

/// `text` with control characters written out: values come from manifests and end on terminals.
pub(super) fn visible(text: String) -> String {
    if !text.chars().any(char::is_control) {
        return text;
    }
    text.chars().fold(String::new(), |mut visible, c| {
        if c.is_control() {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
        visible
    })
}

/// `value` with those blanks written out that look like a space, or like nothing.
fn with_blanks_shown(value: &str) -> String {
    let shown = |c: char| if c.is_whitespace() && c != ' ' { c.escape_unicode().collect() } else { String::from(c) };
    value.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_words_unique_and_sorted() {
        let ids = known_ids();
        assert!(ids.windows(2).all(|pair| pair.first() != pair.last()), "an id stands twice");
        assert!(
            ids.iter()
                .all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()))
        );
        assert!(RULES.is_sorted_by_key(|rule| rule.id), "rules stand by id");
    }

    #[test]
    fn every_page_is_written() {
        for rule in RULES {
            for part in [rule.page.what, rule.page.why, rule.page.limits, rule.page.example, rule.page.fix] {
                assert!(part.len() > 20, "the page of `{}` lacks a part", rule.id);
            }
        }
    }

    #[test]
    fn control_characters_are_written_out() {
        for (text, expected) in [("s3://a/b", "s3://a/b"), ("a\u{1b}[0m\tb", "a\\u{1b}[0m\\tb")] {
            assert_eq!(visible(text.to_owned()), expected);
        }
    }

    #[test]
    fn what_is_said_of_several_findings_ends_on_terminals_too() {
        let [fact, loss, fix] = ["a", "b", "c"].map(|text| format!("{text}\u{1b}"));
        let shared = Shared { cause: String::new(), rank: 0, option: String::new(), fact, loss: Some(loss), fix };
        let violation = Violation::at_field(FieldPath::default(), None, String::new(), String::new()).sharing(shared);
        let shared = RULES.first().and_then(|rule| finding(rule, Level::Deny, violation).shared).unwrap();
        let expected = ["a\\u{1b}", "b\\u{1b}", "c\\u{1b}"];
        assert_eq!([shared.fact, shared.loss.unwrap_or_default(), shared.fix], expected);
    }
}
