//! FlinkPolicy: what a platform team wants, and the rules that judge by it.
//!
//! ```
//! use flink_admission::policy::Policies;
//! let refused = Policies::from_text("spec: {profil: strict}").unwrap_err();
//! assert!(refused.to_string().contains("profile"), "{refused}");
//! ```

mod document;
mod exception;
pub mod finding;
mod parse;
pub mod rules;
mod selector;
mod template;

pub use document::{
    Checkpoints, Enforcement, Exceptions, FlinkPolicy, FsGroup, HaMode, HighAvailability, Images, PodSecurity, Profile,
    Provision, ServiceAccount, Spec, Volume, ZooKeeper,
};
pub use exception::of_unknown_rules as exceptions_of_unknown_rules;
pub use finding::{Finding, Level, Replacement, Role};
pub use parse::Refused;
pub use selector::{LabelSelector, Match};
pub use template::{Names, Template};

use crate::facts::Answer;
use crate::object;

/// The policies that are in force; the one that matches an object's namespace applies whole.
#[derive(Debug, Clone)]
pub struct Policies {
    /// Highest priority first.
    policies: Vec<FlinkPolicy>,
    built_in: FlinkPolicy,
}

/// The policy that applies to one object.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// The policy.
    pub policy: &'a FlinkPolicy,
    /// Name of a policy of which it could not be known whether it matches, so that another one applies.
    pub undecided: Option<&'a str>,
}

impl Default for Policies {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Policies {
    /// The built-in policy alone: profile `baseline`, completing remedies, nothing to inject.
    #[must_use]
    pub fn built_in() -> Self {
        Self { policies: Vec::new(), built_in: FlinkPolicy { name: "built-in".to_owned(), spec: Spec::default() } }
    }

    /// One policy from the text of a file, as `--policy` takes it.
    ///
    /// # Errors
    /// The path of the field that is wrong, what is wrong with it and the words that are known.
    pub fn from_text(text: &str) -> Result<Self, Refused> {
        Ok(Self { policies: vec![parse::from_text(text)?], ..Self::built_in() })
    }

    /// The policy for objects of `namespace`, of which the cluster says `answer`.
    #[must_use]
    pub fn select(&self, namespace: &str, answer: &Answer) -> Selection<'_> {
        let labels = match answer {
            Answer::Known(object) => object::map(object, &["metadata", "labels"]).cloned().unwrap_or_default(),
            _ => serde_json::Map::new(),
        };
        let complete = matches!(answer, Answer::Known(_));
        let mut undecided = None;
        for policy in &self.policies {
            match policy.spec.namespace_selector.matches(namespace, &labels, complete) {
                Match::Yes => return Selection { policy, undecided },
                Match::No => {}
                Match::Unknown => undecided = undecided.or(Some(policy.name.as_str())),
            }
        }
        Selection { policy: &self.built_in, undecided }
    }

    /// The images that the first policy takes for the official one, for questions that come before a policy is chosen.
    #[must_use]
    pub fn mirrors(&self) -> &[String] {
        self.policies.first().map_or(&[], |policy| &policy.spec.images.stock)
    }

    /// The same policies for objects that nothing completes.
    #[must_use]
    pub fn without_mutation(mut self) -> Self {
        for policy in self.policies.iter_mut().chain([&mut self.built_in]) {
            policy.spec.mutation = false;
        }
        self
    }

    /// Whether any policy adds HA to clusters that have none.
    #[must_use]
    pub fn add_high_availability(&self) -> bool {
        self.policies.iter().any(|policy| policy.spec.high_availability.mode.is_some())
    }

    /// Names of the policies, highest priority first, for people: `platform (profile baseline, enforcement enforce)`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let selected = self.policies.iter().map(|policy| {
            let scope = if policy.spec.namespace_selector.is_empty() { "" } else { ", selected namespaces" };
            format!("{}{scope}", policy.describe())
        });
        let everywhere = self.policies.iter().any(|policy| policy.spec.namespace_selector.is_empty());
        selected.chain((!everywhere).then(|| self.built_in.describe())).collect()
    }

    /// What the policies ask for and this version does not do yet, a sentence each.
    #[must_use]
    pub fn not_done_yet(&self) -> Vec<String> {
        let of_policy = |policy: &FlinkPolicy| {
            let spec = &policy.spec;
            let remedies =
                spec.optional_remedies.iter().filter(|id| !document::OPTIONAL_REMEDIES.contains(&id.as_str()));
            let mut asked: Vec<String> = remedies.map(|id| format!("spec.optionalRemedies ({id})")).collect();
            for (is_asked, path) in [
                (spec.share_names, "spec.shareNames"),
                (
                    spec.service_account.as_ref().is_some_and(|account| account.provision),
                    "spec.serviceAccount.provision",
                ),
                (spec.volumes.iter().any(|volume| volume.provision.is_some()), "spec.volumes[].provision"),
            ] {
                if is_asked {
                    asked.push(path.to_owned());
                }
            }
            let name = policy.name.clone();
            asked.into_iter().map(move |path| format!("policy `{name}`: `{path}` has no effect in this version"))
        };
        self.policies.iter().flat_map(of_policy).collect()
    }

    /// Whether any policy asks for provisioning (`serviceAccount.provision`, `volumes[].provision`).
    #[must_use]
    pub fn asks_for_provisioning(&self) -> bool {
        self.policies.iter().any(|policy| {
            policy.spec.service_account.as_ref().is_some_and(|account| account.provision)
                || policy.spec.volumes.iter().any(|volume| volume.provision.is_some())
        })
    }
}

/// Whether `namespace` has a range of user ids that OpenShift gives out, so that no id may be forced on its pods.
#[must_use]
pub fn has_openshift_range(namespace: &Answer) -> bool {
    matches!(namespace, Answer::Known(object)
        if object::annotation(object, "openshift.io/sa.scc.uid-range").is_some_and(|range| !range.is_empty()))
}

/// The words of `value` for a message, at most `limit` characters.
#[must_use]
pub fn shortened(value: &str, limit: usize) -> String {
    if value.chars().count() <= limit { value.to_owned() } else { value.chars().take(limit).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn namespace(labels: Value) -> Answer {
        Answer::Known(json!({"metadata": {"labels": labels}}))
    }

    #[test]
    fn the_namespace_chooses_the_policy() {
        let text = "metadata: {name: billing}\nspec: {namespaceSelector: {matchLabels: {team: billing}}}";
        let policies = Policies::from_text(text).unwrap();
        assert_eq!(policies.select("a", &namespace(json!({"team": "billing"}))).policy.name, "billing");
        assert_eq!(policies.select("a", &namespace(json!({"team": "grid"}))).policy.name, "built-in");
        let unknown = policies.select("a", &Answer::Unknown("no cluster".to_owned()));
        assert_eq!((unknown.policy.name.as_str(), unknown.undecided), ("built-in", Some("billing")));
    }
}
