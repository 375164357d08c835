//! `filesystem-plugin-missing`: an object store that the official image cannot reach.

use crate::flink::cluster::RoleView;
use crate::flink::configuration::Setting;
use crate::flink::image::Image;
use crate::flink::plugins::{self, Choice, Plugin, RemoteDirectory};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::storage::{in_words, said_once, stock_roles};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "filesystem-plugin-missing",
    failure: "B14",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "HA metadata, checkpoints or savepoints are in an object store (`s3`, `s3a`, `s3p`, `oss`, `wasb`, `abfs`, `gs`), and nothing enables its plugin in the official image.",
        why: "The image holds the plugins in `/opt/flink/opt` and loads none of them; its entry point enables those that `ENABLE_BUILT_IN_PLUGINS` names, as root or as the user 9999 and on a writable root file system only. With HA both roles end at their start: `Could not find a file system implementation for scheme 's3'` (executed with 2.3.0); without HA jobs with checkpoints fail when they start (`Failed to create checkpoint storage at checkpoint coordinator side`).",
        limits: "Only official images and the policy's `images.stock` are judged. Nothing is said where something is mounted at `/opt/flink/plugins`, `/opt/flink/lib` or above them, where `ENABLE_BUILT_IN_PLUGINS` comes from elsewhere (`envFrom`, `valueFrom`), where a command of your own starts Flink, and of schemes in `fs.allowed-fallback-filesystems`. A user that the platform gives to pods (OpenShift) is not seen. Where `ENABLE_BUILT_IN_PLUGINS` names other plugins it stays as it is: add the missing one to it.",
        example: "spec:\n  image: flink:1.20.1\n  flinkConfiguration:\n    high-availability.storageDir: s3://bucket/ha   # and no ENABLE_BUILT_IN_PLUGINS",
        fix: "Set `ENABLE_BUILT_IN_PLUGINS: flink-s3-fs-hadoop-1.20.1.jar` in the environment of the Flink container of both roles, with exactly the image's version; the completing remedy does so where the tag names it.",
    },
    check,
};

/// What one role lacks.
#[derive(PartialEq)]
struct Lack<'a> {
    /// The schemes, each with the first setting that has it.
    schemes: Vec<(&'a str, &'a Setting)>,
    /// The jars that serve them.
    jars: String,
    /// Whether other plugins are enabled.
    is_set: bool,
    /// Why the entry point can enable none.
    hindrance: Option<&'static str>,
    /// Whether all of the configuration is known.
    is_sure: bool,
}

fn check(case: &Case<'_>) -> Vec<Violation> {
    let remote = plugins::remote_directories(case.cluster);
    if remote.is_empty() {
        return Vec::new();
    }
    let lacks = stock_roles(case).filter_map(|(view, image)| Some((view.role, lack(case, view, &image, &remote)?)));
    said_once(lacks.collect()).into_iter().filter_map(|(role, lack)| violation(case, role, &lack)).collect()
}

fn lack<'a>(
    case: &Case<'_>,
    view: &RoleView,
    image: &Image<'_>,
    remote: &'a [RemoteDirectory<'_>],
) -> Option<Lack<'a>> {
    let value = match plugins::choice(view, case.cluster.shape) {
        Choice::Nothing => None,
        Choice::Named(value, _) => Some(value),
        Choice::Unknown => return None,
    };
    let hindrance = plugins::hindrance(view, case.cluster.shape);
    let is_named =
        |scheme: &str| value.as_deref().is_some_and(|value| plugins::jars(value).any(|jar| jar.is_of_store(scheme)));
    let is_enabled = |scheme: &str| hindrance.is_none() && is_named(scheme);
    let mut schemes: Vec<(&str, &Setting)> = Vec::new();
    for one in remote {
        let is_known = schemes.iter().any(|(scheme, _)| *scheme == one.scheme);
        let needs = plugins::serving(&one.scheme, case.cluster.version).next().is_some();
        if needs && !is_known && !plugins::is_left_to_hadoop(view, &one.scheme) && !is_enabled(&one.scheme) {
            schemes.push((&one.scheme, one.setting));
        }
    }
    let is_missing = |plugin: &Plugin| schemes.iter().any(|(scheme, _)| plugin.serves(scheme));
    let jar = |plugin: Plugin| match image.release() {
        Some(release) => plugin.jar(release),
        None => format!("{}-<the image's exact version>.jar", plugin.name()),
    };
    let jars: Vec<String> = plugins::needed(case.cluster, view).into_iter().filter(is_missing).map(jar).collect();
    // Old releases lack some plugins; where nothing says the version, it may be such a one.
    let depends = |(scheme, _): &(&str, &Setting)| matches!(*scheme, "gs" | "abfs" | "abfss");
    // Whoever names it may have seen it work.
    let is_written = value.is_some() && hindrance.is_some();
    let is_sure =
        view.unknown.is_none() && !is_written && (case.cluster.version.is_some() || !schemes.iter().all(depends));
    (!schemes.is_empty()).then(|| Lack { schemes, jars: jars.join(";"), is_set: value.is_some(), hindrance, is_sure })
}

fn violation(case: &Case<'_>, role: Option<Role>, lack: &Lack<'_>) -> Option<Violation> {
    let (first, setting) = lack.schemes.first()?;
    let schemes: Vec<String> = lack.schemes.iter().map(|(scheme, _)| format!("`{scheme}://`")).collect();
    let (roles, jars) = (in_words(role), &lack.jars);
    let is_job = case.cluster.submission.is_some();
    let ends = if case.cluster.high_availability().0.is_on() && !is_job {
        "Flink ends"
    } else {
        "jobs or their savepoints fail"
    };
    let reason = lack.hindrance.map_or_else(|| format!("nothing enables it in {roles}"), str::to_owned);
    let message = format!(
        "a file-system plugin for {} is missing: {reason}, so {ends} with `Could not find a file system implementation for scheme '{first}'`",
        schemes.join(" and "),
    );
    let fix = if lack.hindrance.is_some() {
        format!("bring it in {roles} in an image of your own or on a volume at `/opt/flink/plugins`")
    } else if lack.is_set {
        format!("add `;{jars}` to `{}` of {roles}", plugins::VARIABLE)
    } else {
        format!("set `{}` to `{jars}` in the environment of the Flink container of {roles}", plugins::VARIABLE)
    };
    let violation = Violation { role, ..Violation::at_setting(setting, message, fix) };
    Some(if lack.is_sure { violation } else { violation.uncertain() })
}
