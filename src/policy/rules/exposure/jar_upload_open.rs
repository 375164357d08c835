//! `jar-upload-open`: a cluster of one job that runs whatever is uploaded to it.

use crate::flink::options::SUBMIT_ENABLE;
use crate::flink::uploads::Uploads;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "jar-upload-open",
    failure: "E3",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "A cluster that runs one job of its own (a FlinkDeployment with `job`, or `standalone-job`) leaves `web.submit.enable` at its default, true.",
        why: "Whoever reaches the REST port can upload a jar and run it with the rights of the cluster: its ServiceAccount, its credentials, its checkpoints. A cluster of one job has no use for uploads; the operator does not use them there either.",
        limits: "Session clusters get their jobs by upload and are left alone, as is a REST API that asks for client certificates. The port may be out of everybody's reach, so this is a remark and no more. Where the configuration may hold more than can be seen, nothing is said.",
        example: "kind: FlinkDeployment\nspec:\n  job: {jarURI: \"local:///opt/flink/usrlib/job.jar\"}\n  flinkConfiguration: {}   # no web.submit.enable",
        fix: "Set `web.submit.enable: false`. With `optionalRemedies: [jar-upload-open]` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(uploads) = Uploads::needless(case.cluster) else { return Vec::new() };
    let said = match uploads {
        Uploads::BySetting(key, _) => format!("`{key}` is true"),
        Uploads::ByDefault(_) => format!("`{SUBMIT_ENABLE}` is true by default"),
    };
    let message = format!(
        "{said}, so whoever reaches the REST port can run a jar with the rights of this cluster, which has its one job and no use for uploads"
    );
    let fix = format!("set `{SUBMIT_ENABLE}: false`");
    vec![match uploads {
        Uploads::BySetting(_, setting) => Violation::at_setting(setting, message, fix),
        Uploads::ByDefault(view) => Violation::at_field(view.config_path.key(SUBMIT_ENABLE), None, message, fix),
    }]
}
