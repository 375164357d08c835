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
mod volumes;
mod wiring;

pub(crate) use account::rights;

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
use crate::policy::finding::{Finding, Level, Replacement, Role, Shared};
use crate::siblings::Sibling;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id: words, stable, never renumbered.
    pub id: &'static str,
    /// The failure it stands for, in the catalogue's numbering: `B2`.
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

/// All rules, by id.
pub static RULES: &[&Rule] = &[
    &storage::checkpoint_directory_missing::RULE,
    &neighbours::checkpoint_directory_shared::RULE,
    &storage::claim_not_found::RULE,
    &storage::claim_single_node_shared::RULE,
    &storage::claim_single_pod_shared::RULE,
    &neighbours::cluster_identity_taken::RULE,
    &wiring::configuration_file_unread::RULE,
    &wiring::configuration_not_found::RULE,
    &wiring::configuration_not_mounted::RULE,
    &wiring::configuration_refused::RULE,
    &exposure::credentials_in_plain_text::RULE,
    &storage::filesystem_plugin_missing::RULE,
    &storage::filesystem_plugin_scheme::RULE,
    &storage::filesystem_plugin_version::RULE,
    &operations::flink_deployment_refused::RULE,
    &exposure::flink_known_vulnerable::RULE,
    &wiring::flink_properties_void::RULE,
    &wiring::flink_version_contradicts_image::RULE,
    &storage::fs_group_missing::RULE,
    &wiring::ha_arguments_without_ha::RULE,
    &wiring::ha_cluster_id_default::RULE,
    &wiring::ha_cluster_id_refused::RULE,
    &wiring::ha_differs_between_roles::RULE,
    &neighbours::ha_directory_shared::RULE,
    &wiring::ha_id_of_each_pod::RULE,
    &neighbours::ha_metadata_left_behind::RULE,
    &wiring::ha_mode_missing::RULE,
    &wiring::ha_mode_misspelt::RULE,
    &wiring::ha_mode_short_name::RULE,
    &mutation::ha_not_added::RULE,
    &operations::ha_off::RULE,
    &mutation::ha_required::RULE,
    &storage::ha_storage_dir_missing::RULE,
    &operations::ha_without_checkpoints::RULE,
    &storage::hadoop_classpath_missing::RULE,
    &storage::history_archive_not_durable::RULE,
    &wiring::host_argument_removed::RULE,
    &wiring::image_differs_between_roles::RULE,
    &operations::image_tag_mutable::RULE,
    &mutation::injected_value_missing::RULE,
    &exposure::jar_upload_open::RULE,
    &operations::job_backoff_limit::RULE,
    &wiring::jobmanager_address_is_service::RULE,
    &operations::jobmanagers_not_spread::RULE,
    &operations::jobmanagers_too_few::RULE,
    &wiring::kubernetes_cluster_id_missing::RULE,
    &neighbours::kubernetes_ha_load::RULE,
    &account::kubernetes_namespace_foreign::RULE,
    &account::kubernetes_namespace_missing::RULE,
    &operations::leader_election_intervals::RULE,
    &operations::liveness_probe_harmful::RULE,
    &wiring::liveness_probe_on_random_port::RULE,
    &wiring::main_container_missing::RULE,
    &operations::memory_above_limit::RULE,
    &operations::memory_limit_missing::RULE,
    &operations::memory_too_small::RULE,
    &account::openshift_finalizers_right::RULE,
    &wiring::operator_standalone_v2_ha::RULE,
    &wiring::option_misspelt::RULE,
    &wiring::option_overlap::RULE,
    &wiring::option_unknown_to_version::RULE,
    &wiring::pod_ip_undefined::RULE,
    &exposure::pod_privileged::RULE,
    &wiring::reactive_mode_unsupported::RULE,
    &operations::resource_null::RULE,
    &exposure::rest_exposed_by_ingress::RULE,
    &exposure::rest_exposed_by_service::RULE,
    &operations::restart_strategy_default_attempts::RULE,
    &operations::restart_strategy_off::RULE,
    &operations::roles_in_one_pod::RULE,
    &operations::rolling_update_two_jobmanagers::RULE,
    &account::run_as_user_missing::RULE,
    &account::service_account_lacks_rights::RULE,
    &account::service_account_missing::RULE,
    &account::service_account_not_found::RULE,
    &account::service_account_over_privileged::RULE,
    &account::service_account_token_not_mounted::RULE,
    &session::session_job_refused::RULE,
    &session::session_option_without_effect::RULE,
    &session::session_target_not_found::RULE,
    &session::session_target_without_ha::RULE,
    &wiring::shape_not_understood::RULE,
    &wiring::standby_not_supported::RULE,
    &wiring::standby_without_ha::RULE,
    &wiring::standby_without_ha_in_resource::RULE,
    &storage::storage_differs_between_roles::RULE,
    &storage::storage_on_container::RULE,
    &storage::storage_on_empty_dir::RULE,
    &storage::storage_on_ephemeral_claim::RULE,
    &storage::storage_on_host_path::RULE,
    &storage::storage_on_source_less_volume::RULE,
    &storage::storage_path_without_scheme::RULE,
    &storage::storage_per_replica::RULE,
    &storage::storage_read_only::RULE,
    &storage::storage_uri_malformed::RULE,
    &storage::storage_uri_placeholder::RULE,
    &account::task_manager_service_account_missing::RULE,
    &operations::upgrade_mode_stateless::RULE,
    &operations::upgrade_mode_without_directory::RULE,
    &mutation::volume_conflict::RULE,
    &wiring::zookeeper_port_random::RULE,
    &wiring::zookeeper_quorum_missing::RULE,
];

/// Whether a policy may name `id`.
#[must_use]
pub fn is_known_id(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id)
}

/// Whether profile strict denies what the rule `id` finds: a policy that only warns of it does not make it harmless.
#[must_use]
pub fn is_denied_by_strict(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id && rule.strict == Level::Deny)
}

/// Whether the rule `id` finds what the operator itself does wrong, of which the resource that it acts for shows nothing.
#[must_use]
pub fn is_of_operator(id: &str) -> bool {
    id == wiring::host_argument_removed::RULE.id
}

/// Whether the rule `id` finds what an update takes away, whatever the object is now.
#[must_use]
pub fn is_of_update(id: &str) -> bool {
    id == mutation::injected_value_missing::RULE.id
}

/// Every id that a policy may name, sorted.
#[must_use]
pub fn known_ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids
}

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
    sort(&mut findings);
    findings
}

/// The order of findings in every answer.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.level
            .cmp(&a.level)
            .then_with(|| (&a.path, a.role, a.rule, &a.message).cmp(&(&b.path, b.role, b.rule, &b.message)))
    });
}

/// Makes one finding of those that one cause has: the first speaks for all, and names the options of the others.
///
/// Only for answers: whether a finding is new is asked of each place.
pub fn merge(findings: &mut Vec<Finding>) {
    let mut merged: Vec<Finding> = Vec::new();
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in findings.drain(..) {
        let is_same = |other: &Finding| {
            (other.rule, other.level, other.role, &other.exception)
                == (finding.rule, finding.level, finding.role, &finding.exception)
                && other.shared.as_ref().map(|shared| &shared.cause)
                    == finding.shared.as_ref().map(|shared| &shared.cause)
        };
        let group = groups.iter_mut().find(|group| group.first().is_some_and(is_same));
        match (group, &finding.shared) {
            (_, None) => merged.push(finding),
            (Some(group), Some(_)) => group.push(finding),
            (None, Some(_)) => groups.push(vec![finding]),
        }
    }
    merged.extend(groups.into_iter().filter_map(spoken_for));
    sort(&mut merged);
    *findings = merged;
}

fn spoken_for(mut group: Vec<Finding>) -> Option<Finding> {
    group.sort_by_key(|finding| finding.shared.as_ref().map(|shared| shared.rank));
    let mut group = group.into_iter();
    let mut first = group.next()?;
    let others: Vec<String> = group.filter_map(|other| Some(format!("`{}`", other.shared?.option))).collect();
    if let (Some((last, before)), Some(shared)) = (others.split_last(), &first.shared) {
        let and = if before.is_empty() { "" } else { " and " };
        let others = [&before.join(", "), and, last].concat();
        let loss = shared.loss.as_ref().map(|loss| format!(", so {loss}")).unwrap_or_default();
        first.message = format!("{}; the same is true of {others}{loss}", shared.fact);
        first.fix.clone_from(&shared.fix);
    }
    Some(first)
}

fn finding(rule: &Rule, level: Level, violation: Violation) -> Finding {
    let Violation { role, path: at, value, origin, message, fix, at_most, replacement, shared } = violation;
    let (value, message, fix) = (value.map(visible), visible(message), visible(fix));
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
}
