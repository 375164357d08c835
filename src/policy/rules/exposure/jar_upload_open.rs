//! `jar-upload-open`: a configuration that lets uploads in, where nobody uploads.

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
        what: "A cluster that runs one job of its own (a FlinkDeployment with `job`, or `standalone-job`) leaves `web.submit.enable` at its default, true, or sets it to true.",
        why: "It is a matter of defence in depth and no more: the REST endpoint of an application takes no jars, whatever the option says (`POST /jars/upload` is refused; executed with 1.20.5 and 2.3.0). The same configuration opens a session cluster to whoever reaches its REST port.",
        limits: "Session clusters get their jobs by upload and are left alone, as is a REST API that asks for client certificates. Nothing is open today, so this is a remark. Where the configuration may hold more than can be seen, nothing is said.",
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
        "{said}, which does no harm here, since an application takes no uploads, and would open a session of the same configuration to whoever reaches it"
    );
    let fix = format!("set `{SUBMIT_ENABLE}: false`");
    vec![match uploads {
        Uploads::BySetting(_, setting) => Violation::at_setting(setting, message, fix),
        Uploads::ByDefault(view) => Violation::at_field(view.config_path.key(SUBMIT_ENABLE), None, message, fix),
    }]
}
