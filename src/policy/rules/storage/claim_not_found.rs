//! `claim-not-found`: a volume that is not there.

use std::collections::BTreeMap;

use crate::facts::FactKey;
use crate::flink::pod;
use crate::object::FieldPath;
use crate::policy::finding::Level;
use crate::policy::rules::storage::claims::path;
use crate::policy::rules::{Case, Page, Rule, Violation, missing};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "claim-not-found",
    failure: "B8",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A pod of the cluster mounts a PersistentVolumeClaim that does not exist in its namespace, or not yet.",
        why: "The pod stays `Pending` until it does: `persistentvolumeclaim \"flink-state\" not found`. A pod can only use claims of its own namespace.",
        limits: "It may be applied a moment later. Offline a claim is missing only where the input holds other PersistentVolumeClaims.",
        example: "volumes:\n- name: state\n  persistentVolumeClaim: {claimName: flink-state}   # the claim is called flink-data",
        fix: "Create the claim in the namespace of the cluster, or name one that is there.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let is_missing = |name: &&str| {
        let key = FactKey::Claim { namespace: case.namespace.to_owned(), name: (*name).to_owned() };
        case.facts.is_absent(&key)
    };
    let mut named: BTreeMap<&str, FieldPath> = BTreeMap::new();
    for view in &case.cluster.roles {
        for claim in pod::claims(&view.pod.template).into_iter().filter(is_missing) {
            named.entry(claim).or_insert_with(|| path(case, claim));
        }
        let option = view.config.exact("kubernetes.persistent-volume-claims");
        for claim in view.pod.extra.iter().map(|extra| extra.claim.as_str()).filter(is_missing) {
            named.entry(claim).or_insert_with(|| option.map_or_else(|| case.spec(), |option| option.path.clone()));
        }
    }
    let violation = |(name, path): (&str, FieldPath)| {
        let message =
            format!("claim `{name}` does not exist (yet), and until it does the pods that mount it stay `Pending`");
        let fix = format!("create it in namespace `{}`, or name a claim that is there", case.namespace);
        let fix = missing::or_made_elsewhere(case, fix);
        let violation = Violation::at_field(path, Some(name.to_owned()), message, fix);
        if missing::is_provisioned_claim(case, name) { missing::provisioned(violation) } else { violation }
    };
    named.into_iter().map(violation).collect()
}
