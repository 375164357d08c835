//! `flink-deployment-refused`: fields without which the operator does not deploy.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::{makes_its_account, walk};
use crate::flink::version::FlinkVersion;
use crate::inject::Shortfall;
use crate::policy::finding::Level;
use crate::policy::rules::account::service_account_missing;
use crate::policy::rules::mutation::ha_not_added;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "flink-deployment-refused",
    failure: "C26",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkDeployment names no `flinkVersion`, one before `v1_15`, or no `serviceAccount`.",
        why: "The operator refuses it: `Flink Version must be defined.`, `Flink version … is not supported by this operator version` (from operator 1.7), `spec.serviceAccount must be defined.` Where its webhook does not run, the resource is stored, with the error in its status, and no cluster comes up.",
        limits: "Other operators for the same resource fill these in: for Amazon EMR's (`emrReleaseLabel`, `executionRoleArn`) nothing is said, for IBM's (options of `license.`) it is a remark. An operator before 1.7 still runs `v1_13` and `v1_14`, so that is a remark, too. Of an account that Kubernetes HA lacks `service-account-missing` speaks.",
        example: "kind: FlinkDeployment\nspec:\n  image: flink:1.20.1\n  flinkConfiguration: {}   # no flinkVersion, no serviceAccount",
        fix: "Write the image's version, such as `flinkVersion: v1_20` for an image of 1.20, and `serviceAccount: flink`, the account that came with the operator's chart.",
    },
    check,
};

/// Source: operator 1.7 to 1.15, `DefaultValidator.validateFlinkVersion`, `validateServiceAccount`.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let spec = case.spec();
    if walk(case.object, &spec).is_none_or(|body| !body.is_object() || body.get("emrReleaseLabel").is_some()) {
        return Vec::new();
    }
    let violations = [version(case), account(case)].into_iter().flatten();
    violations
        .map(|violation| if is_of_ibm(case) { Violation { at_most: Level::Audit, ..violation } } else { violation })
        .collect()
}

/// Whether the resource is for IBM's operator, which fills in what Apache's asks for.
fn is_of_ibm(case: &Case<'_>) -> bool {
    case.cluster.leading().is_some_and(|view| view.config.iter().any(|(key, _)| key.starts_with("license.")))
}

/// Whether Apache's operator refuses the resource for want of an account, as far as `serviceAccount` tells.
pub(in crate::policy::rules) fn lacks_account(case: &Case<'_>) -> bool {
    let spec = case.spec();
    matches!(case.cluster.shape, Shape::FlinkDeployment { .. })
        && walk(case.object, &spec.key("serviceAccount")).is_none()
        && walk(case.object, &spec.key("emrReleaseLabel")).is_none()
        && !makes_its_account(case.object, &spec)
        && !is_of_ibm(case)
}

fn version(case: &Case<'_>) -> Option<Violation> {
    let path = case.spec().key("flinkVersion");
    let Some(written) = walk(case.object, &path).and_then(Value::as_str) else {
        if walk(case.object, &path).is_some() || is_missed_by_ha(case, "flinkVersion") {
            return None;
        }
        let message =
            "`flinkVersion` is not set, so Apache's operator refuses the FlinkDeployment (`Flink Version must be defined.`)"
                .to_owned();
        let fix = match case.cluster.version {
            Some(version) => format!("set `flinkVersion: v{}_{}`, as the image has it", version.major, version.minor),
            None => "set `flinkVersion` to the image's version, for example `v1_20`".to_owned(),
        };
        return Some(Violation::at_field(path, None, message, fix));
    };
    let is_old = FlinkVersion::from_field(written).is_some_and(|version| !version.at_least(1, 15));
    is_old.then(|| {
        let message = format!(
            "this is before 1.15, and Apache's operator from 1.7 on refuses the FlinkDeployment (`Flink version {written} is not supported by this operator version`)"
        );
        let fix = "move to a Flink version that is supported".to_owned();
        // An operator before 1.7 runs it.
        let violation = Violation::at_field(path, Some(written.to_owned()), message, fix);
        Violation { at_most: Level::Audit, ..violation }
    })
}

fn account(case: &Case<'_>) -> Option<Violation> {
    let spec = case.spec();
    let path = spec.key("serviceAccount");
    if walk(case.object, &path).is_some()
        || makes_its_account(case.object, &spec)
        || case.is_said_by(&service_account_missing::RULE, &RULE)
        || is_missed_by_ha(case, "serviceAccount")
    {
        return None;
    }
    let message = NO_ACCOUNT.to_owned();
    let fix = "name a ServiceAccount that may make pods, such as `flink` of the operator's chart".to_owned();
    Some(Violation::at_field(path, None, message, fix))
}

/// What becomes of a resource without an account.
pub(in crate::policy::rules) const NO_ACCOUNT: &str = "`serviceAccount` is not set, so Apache's operator refuses the FlinkDeployment (`spec.serviceAccount must be defined.`)";

/// Whether it is said that HA was not added for want of `field`: one cause is one finding.
fn is_missed_by_ha(case: &Case<'_>, field: &str) -> bool {
    let wants = |shortfall: &Shortfall| matches!(shortfall, Shortfall::HighAvailability { field: Some(missing), .. } if *missing == field);
    case.shortfalls.iter().any(wants) && case.is_said_by(&ha_not_added::RULE, &RULE)
}
