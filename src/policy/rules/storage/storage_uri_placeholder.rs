//! `storage-uri-placeholder`: a URI that was never filled in.

use crate::flink::cluster::{Directory, HighAvailability};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::location::scheme_of;
use crate::flink::placeholder::{self, Defect};
use crate::object::{list, named};
use crate::policy::finding::{Level, Shared};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-uri-placeholder",
    failure: "B17",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The directory of HA metadata, checkpoints or savepoints holds a placeholder (`<bucket>`, `{{ .Values.bucket }}`, `BUCKET_NAME`), or an object store's URI names no bucket (`s3:///flink/ha`).",
        why: "Neither Flink nor its operator fills anything in: the cluster looks for a bucket of that very name, or for none, and the JobManager or the first checkpoint fails.",
        limits: "`${VAR}` and `$(VAR)` that nothing in the object resolves are a warning, since something between here and Flink may. So is everything where the configuration may hold more than can be seen, and a HA directory while HA is not on. A bucket may be called `my-bucket`; only names that say that they stand for another one are judged. `hdfs:///` is legal.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.storageDir: s3:///flink/ha",
        fix: "Write the bucket's name; render the template before it is applied.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    Directory::ALL.into_iter().filter_map(|directory| unfilled(case, directory)).collect()
}

fn unfilled(case: &Case<'_>, directory: Directory) -> Option<Violation> {
    let (key, setting) = case.cluster.directory(directory)?;
    let value = setting.trimmed();
    let defect = placeholder::find(value)?;
    if matches!(&defect, Defect::Variable(word) if is_filled_by_kubelet(case, word, setting)) {
        return None;
    }
    let meant = "to the place that was meant";
    let (what, fix, place, is_certain) = match &defect {
        Defect::Template(word) => (
            format!("`{value}` still holds the placeholder `{word}`"),
            "fill it in, or render the template before it is applied".to_owned(),
            meant,
            true,
        ),
        Defect::NoBucket => {
            (format!("`{value}` names no bucket"), format!("write `{}`", with_bucket(value)), "there", true)
        }
        Defect::Word(word) => (
            format!("the bucket `{word}` in `{value}` stands for a name that was never filled in"),
            "write the name of your bucket".to_owned(),
            "there",
            true,
        ),
        Defect::MaybeWord(word) => (
            format!("the bucket `{word}` in `{value}` sounds like a name that was never filled in"),
            "write the name of your bucket".to_owned(),
            "there",
            false,
        ),
        Defect::Variable(word) => (
            format!("`{value}` holds `{word}`, which neither Flink nor its operator fills in"),
            "write the value, or see that it is filled in before Flink reads it".to_owned(),
            meant,
            false,
        ),
    };
    let is_used = match (directory, case.cluster.high_availability()) {
        (Directory::HighAvailability, (HighAvailability::Off, Some(_))) => return None,
        (Directory::HighAvailability, (mode, _)) => mode.is_on(),
        _ => true,
    };
    let is_whole = case.cluster.leading().is_some_and(|view| view.unknown.is_none());
    let message = format!("{what}, so {} cannot be written {place}", directory.content());
    let violation = Violation::at_setting(setting, message, fix.clone());
    let violation = match &defect {
        Defect::Template(word) | Defect::Word(word) | Defect::MaybeWord(word) | Defect::Variable(word) => violation
            .sharing(Shared {
                cause: word.clone(),
                rank: directory as u8,
                option: key.to_owned(),
                fact: what,
                loss: Some(format!("what belongs there cannot be written {place}")),
                fix,
            }),
        Defect::NoBucket => violation,
    };
    Some(if is_certain && is_used && is_whole { violation } else { violation.uncertain() })
}

/// Whether `word` is `$(NAME)` of a variable that the container has or may have, where the kubelet looks for such.
fn is_filled_by_kubelet(case: &Case<'_>, word: &str, setting: &Setting) -> bool {
    let container =
        case.cluster.leading().filter(|_| setting.layer != Layer::File).and_then(|view| view.pod.container());
    let (Some(container), Some(name)) = (container, word.strip_prefix("$(").and_then(|word| word.strip_suffix(')')))
    else {
        return false;
    };
    named(list(container, &["env"]), name).is_some() || !list(container, &["envFrom"]).is_empty()
}

/// `value` with a bucket in the place where one belongs.
fn with_bucket(value: &str) -> String {
    let (scheme, rest) = scheme_of(value).unwrap_or(("s3", ""));
    let authority = rest.trim_start_matches('/');
    if authority.starts_with('@') {
        return format!("{scheme}://<container>{authority}");
    }
    format!("{scheme}://<bucket>/{authority}")
}
