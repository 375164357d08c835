//! The annotation by which an object's author asks for an exception: `flink-admission.io/allow.<rule>: <reason>`.
//!
//! It lowers a denial to a warning, where the policy says `exceptions: annotations`. Without a reason it does nothing.

use serde_json::Value;

use crate::object::{annotation, map};
use crate::policy::document::Exceptions;
use crate::policy::finding::{Finding, Level};
use crate::policy::rules::{is_known_id, visible};
use crate::policy::shortened;

/// Lowers what of `findings` the annotations of `object` allow, and says of others why their annotation has no effect.
pub(super) fn apply(findings: &mut [Finding], object: &Value, exceptions: Exceptions) {
    for finding in findings.iter_mut().filter(|finding| finding.level == Level::Deny) {
        let key = format!("{PREFIX}{}", finding.rule);
        let Some(reason) = annotation(object, &key).map(str::trim) else { continue };
        match exceptions {
            Exceptions::Annotations if !reason.is_empty() => {
                let reason = visible(shortened(reason, LONGEST));
                finding.level = Level::Warn;
                finding.fix.extend(["; allowed by the annotation `", &key, "`: ", &reason]);
                finding.exception = Some(reason);
            }
            Exceptions::Annotations => {
                finding.fix.extend(["; the annotation `", &key, "` has no effect without a reason"]);
            }
            Exceptions::Objects | Exceptions::None => {
                let said = "has no effect under this policy, which does not say `exceptions: annotations`";
                finding.fix.extend(["; the annotation `", &key, "` ", said]);
            }
        }
    }
}

/// The annotations of `object` that name no rule.
#[must_use]
pub fn of_unknown_rules(object: &Value) -> Vec<&str> {
    let annotations = map(object, &["metadata", "annotations"]).into_iter().flatten();
    annotations
        .map(|(key, _)| key.as_str())
        .filter(|key| key.strip_prefix(PREFIX).is_some_and(|rule| !is_known_id(rule)))
        .collect()
}

/// What the annotations begin with, the id of the rule behind it.
const PREFIX: &str = "flink-admission.io/allow.";
/// So much of a reason is repeated.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::FieldPath;
    use crate::policy::rules::known_ids;
    use serde_json::json;

    fn after(reason: &str, exceptions: Exceptions) -> Finding {
        let mut findings = [Finding {
            rule: "ha-required",
            level: Level::Deny,
            role: None,
            path: String::new(),
            at: FieldPath::default(),
            value: None,
            origin: String::new(),
            message: String::new(),
            fix: "do this".to_owned(),
            replacement: None,
            exception: None,
            shared: None,
        }];
        let annotations = json!({"flink-admission.io/allow.ha-required": reason});
        apply(&mut findings, &json!({"metadata": {"annotations": annotations}}), exceptions);
        let [finding] = findings;
        finding
    }

    #[test]
    fn only_a_reason_under_a_policy_that_wants_it_lowers_a_denial() {
        let allowed = after(" a batch job ", Exceptions::Annotations);
        assert_eq!((allowed.level, allowed.exception.as_deref()), (Level::Warn, Some("a batch job")));
        assert!(allowed.fix.ends_with("`flink-admission.io/allow.ha-required`: a batch job"), "{}", allowed.fix);
        for (reason, exceptions) in
            [(" ", Exceptions::Annotations), ("a batch job", Exceptions::Objects), ("a batch job", Exceptions::None)]
        {
            let denied = after(reason, exceptions);
            assert_eq!((denied.level, denied.exception), (Level::Deny, None));
            assert!(denied.fix.contains("has no effect"), "{}", denied.fix);
        }
    }

    #[test]
    fn every_rule_fits_into_an_annotation() {
        // The name of an annotation has at most 63 characters (Kubernetes `IsQualifiedName`).
        let longest = known_ids().into_iter().map(str::len).max().unwrap();
        assert!("allow.".len() + longest <= 63, "{longest}");
    }

    #[test]
    fn an_annotation_that_names_no_rule_is_told() {
        let annotations = json!({
            "flink-admission.io/allow.ha-required": "a demo", "flink-admission.io/allow.ha-requird": "a demo",
            "flink-admission.io/inject": "false",
        });
        let object = json!({"metadata": {"annotations": annotations}});
        assert_eq!(of_unknown_rules(&object), ["flink-admission.io/allow.ha-requird"]);
    }
}
