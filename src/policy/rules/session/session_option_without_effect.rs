//! `session-option-without-effect`: an option in a session job that reaches nobody.

use crate::flink::configuration::Setting;
use crate::flink::options;
use crate::flink::session_job::{Lack, Submission, lack};
use crate::flink::spelling;
use crate::policy::finding::{Level, Shared};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "session-option-without-effect",
    failure: "J4",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkSessionJob sets an option that is none of a job's: HA, memory, addresses and pods of the cluster (`high-availability.*`, `taskmanager.memory.process.size`, `kubernetes.taskmanager.cpu`, `fs.default-scheme`). Or it sets an older name of an option that its cluster sets under a newer one. Or its cluster runs Flink 1.16 or older, where the operator gives no options to a session job.",
        why: "The JobManager and the TaskManagers run already when the job is submitted, with the options of their FlinkDeployment. What a job says of them changes nothing, without a word: the HA that its author sees in the manifest is not there.",
        limits: "Only options of which it is certain are named: others of `jobmanager.*`, `taskmanager.*` and `kubernetes.*` may be read by the job or by the operator. The version and the names of the cluster are judged only where its FlinkDeployment is known. At most twenty options of one job are reported.",
        example: "kind: FlinkSessionJob\nspec:\n  deploymentName: session\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    high-availability.storageDir: s3://state/ha",
        fix: "Set it in the `flinkConfiguration` of the FlinkDeployment, or remove it.",
    },
    check,
};

/// So many say enough.
const MOST: usize = 20;

/// Source: operator 1.15, `AbstractFlinkService.runJar`: a job's options are sent with the request that runs its jar.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(submission) = &case.cluster.submission else { return Vec::new() };
    let version = case.cluster.version;
    let ineffective = |(key, setting): (&str, &Setting)| match lack(key, version) {
        Some(why) => Some(lost(submission, key, setting, why)),
        None => overruled(case, submission, key, setting),
    };
    submission.own.iter().filter_map(ineffective).take(MOST).collect()
}

fn lost(submission: &Submission, key: &str, setting: &Setting, why: Lack) -> Violation {
    let (cause, message) = match why {
        Lack::OfProcesses => (
            "processes",
            format!(
                "`{key}` is for the processes of the cluster, which run already, so it has no effect in a session job"
            ),
        ),
        Lack::OfVersion(version) => (
            "version",
            format!("the operator gives no options to session jobs of Flink {version}, so `{key}` has no effect"),
        ),
    };
    let of_cluster = submission.name.as_ref().map_or_else(
        || "`flinkConfiguration` of the FlinkDeployment".to_owned(),
        |name| format!("`flinkConfiguration` of FlinkDeployment `{name}`"),
    );
    let shared = Shared {
        cause: cause.to_owned(),
        rank: 0,
        option: key.to_owned(),
        fact: message.clone(),
        loss: None,
        fix: format!("set them in the {of_cluster}, or remove them"),
    };
    let meant = spelling::meant(key).map_or_else(|| "it".to_owned(), |near| format!("`{}`", near.name));
    violation(setting, message, format!("set {meant} in the {of_cluster}, or remove it")).sharing(shared)
}

/// An older name, where the cluster sets the newer one: Flink reads that first, wherever it stands.
fn overruled(case: &Case<'_>, submission: &Submission, key: &str, setting: &Setting) -> Option<Violation> {
    let (version, view) = (case.cluster.version?, case.cluster.target()?.leading()?);
    if !options::is_read_by(key, version) {
        return None;
    }
    let newer = |option: &'static str| {
        let names = options::names(option, Some(version));
        let older = names.iter().position(|name| *name == key)?;
        names.iter().take(older).copied().find(|name| view.config.exact(name).is_some())
    };
    let winner = options::all_names().find_map(newer)?;
    let is_same = view.config.exact(winner).is_some_and(|theirs| theirs.trimmed() == setting.trimmed());
    if is_same || submission.own.exact(winner).is_some() {
        return None;
    }
    let name = submission.name.as_deref().unwrap_or_default();
    let message = format!(
        "`{key}` is an older name of `{winner}`, which FlinkDeployment `{name}` sets and Flink reads first, so this has no effect"
    );
    Some(violation(setting, message, format!("write `{winner}` instead")).settled_by_name(key, winner))
}

/// The value may be anything, and does not matter.
fn violation(setting: &Setting, message: String, fix: String) -> Violation {
    Violation { value: None, ..Violation::at_setting(setting, message, fix) }
}
