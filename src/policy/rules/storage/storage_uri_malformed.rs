//! `storage-uri-malformed`: a directory that Flink does not take as it is written.

use crate::flink::cluster::{Directory, HighAvailability, Shape};
use crate::flink::config_file::LEGACY;
use crate::flink::configuration::Setting;
use crate::flink::location::{Location, Refusal, normalise, scheme_of};
use crate::flink::pod::Backing;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::storage::stock_roles;
use crate::policy::rules::{Case, Page, Rule, Violation, with_blanks_shown};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-uri-malformed",
    failure: "B30",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The directory of HA metadata, checkpoints or savepoints is written in a way that Flink refuses or takes for another place: with quotes that are part of the value (`\"s3://state/ha\"` in `flink-conf.yaml`), with two slashes behind `file:` (`file://flink-data/ha`), with a scheme in capitals (`S3://state/ha`), without a path behind the scheme (`s3:state/ha`; of checkpoints and savepoints also `s3://state`), or with a blank of a kind that nothing trims before it.",
        why: "`flink-conf.yaml` is lines of text and no YAML: Flink up to 1.20 reads quotes as a part of the value and ends with `Illegal character in scheme name`, or writes to a relative path inside of the container. Behind two slashes stands a host, which a file has not (`Found local file path with authority`). Schemes are told apart by case (`Could not find a file system implementation for scheme 'S3'`). A path behind a scheme begins with a slash (`Relative path in absolute URI`), and jobs keep nothing at the root of a bucket (`Cannot use the root directory for checkpoints`). Executed with 1.13 to 2.3.",
        limits: "A HA directory is a warning while HA is not on, and so is everything where the configuration may hold more than can be seen. The root of a bucket is a warning, since a job may set a directory in its own code. A scheme in capitals is a denial on official images and the policy's `images.stock` only: a plugin of your own may have such a scheme.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.storageDir: \"s3://state/ha\"",
        fix: "Write the URI without quotes in `flink-conf.yaml`, a path of the pod with three slashes (`file:///flink-data/ha`), and the scheme in small letters.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    Directory::ALL.into_iter().filter_map(|directory| malformed(case, directory)).collect()
}

/// What is wrong, in words; what to write; and whether that alone settles it.
struct Defect {
    what: String,
    fix: String,
    right: Option<String>,
    is_certain: bool,
}

fn malformed(case: &Case<'_>, directory: Directory) -> Option<Violation> {
    let (_, setting) = case.cluster.directory(directory)?;
    let defect = match case.cluster.location(directory)? {
        location if location.is_root() && directory != Directory::HighAvailability => root(directory, setting),
        Location::Refused(refusal) => refused(case, directory, setting, refusal),
        Location::Remote { scheme, .. } => in_capitals(case, directory, setting, &scheme)?,
        Location::Local(_) | Location::Relative(_) | Location::Unresolved => return None,
    };
    let is_used = match (directory, case.cluster.high_availability()) {
        (Directory::HighAvailability, (HighAvailability::Off, Some(_))) => return None,
        (Directory::HighAvailability, (mode, _)) => mode.is_on(),
        _ => true,
    };
    let is_whole = case.cluster.leading().is_some_and(|view| view.unknown.is_none());
    let violation = Violation::at_setting(setting, defect.what, defect.fix);
    let violation = match defect.right {
        Some(right) => violation.settled_by_value(right),
        None => violation,
    };
    Some(if defect.is_certain && is_used && is_whole { violation } else { violation.uncertain() })
}

fn refused(case: &Case<'_>, directory: Directory, setting: &Setting, refusal: Refusal) -> Defect {
    let (value, end) = (setting.trimmed(), end(directory));
    match refusal {
        Refusal::Quoted(held) => {
            let why = if is_of_lines(case, setting) {
                format!("`{LEGACY}` is lines of text and no YAML, so the quotes of `{value}` are part of the value")
            } else {
                format!("the quotes of `{value}` are part of the value")
            };
            let is_uri = scheme_of(&held).is_some();
            let is_of_jobs = directory != Directory::HighAvailability;
            let (what, is_certain) = if is_uri || is_of_jobs {
                (format!("{why}; Flink finds no scheme before the `:` of a URI in it, {end}"), true)
            } else {
                let path = normalise(&format!("/opt/flink/{value}"));
                let of_container = |view: &crate::flink::cluster::RoleView| view.backing(&path) == Backing::Container;
                let is_lost = case.cluster.role(Role::JobManager).is_some_and(of_container)
                    && case.cluster.default_scheme().is_none();
                (
                    format!(
                        "{why}; Flink takes that for a path below its working directory, so the {} are gone with the container",
                        directory.content()
                    ),
                    is_lost,
                )
            };
            Defect { what, fix: format!("write `{held}` without quotes"), right: Some(held), is_certain }
        }
        Refusal::Authority { authority, path } => {
            let meant =
                if authority == "localhost" { format!("file://{path}") } else { format!("file:///{authority}{path}") };
            Defect {
                what: format!(
                    "`{authority}` in `{value}` is the name of a host, which Flink refuses in a file's URI, {end}"
                ),
                fix: format!("write `{meant}`"),
                right: None,
                is_certain: true,
            }
        }
        Refusal::Relative => Defect {
            what: format!("`{value}` has no absolute path behind its scheme, and Flink refuses it, {end}"),
            fix: "write `//` and a host or bucket behind the scheme, or `///` and a path behind `file:`".to_owned(),
            right: None,
            is_certain: true,
        },
        Refusal::NoScheme => Defect {
            what: format!(
                "what stands before the first `:` of `{}` is no scheme, and Flink refuses it, {end}",
                with_blanks_shown(value)
            ),
            fix: "write a scheme such as `s3` or `file` first, with nothing before it".to_owned(),
            right: None,
            is_certain: true,
        },
    }
}

/// A scheme that would be one in small letters.
fn in_capitals(case: &Case<'_>, directory: Directory, setting: &Setting, scheme: &str) -> Option<Defect> {
    let small = scheme.to_ascii_lowercase();
    if small == scheme || !KNOWN.contains(&small.as_str()) {
        return None;
    }
    let value = setting.trimmed();
    let rest = value.strip_prefix(scheme)?;
    let right = format!("{small}{rest}");
    Some(Defect {
        what: format!(
            "Flink tells `{scheme}` from `{small}` and knows no file system of that scheme, {}",
            end(directory)
        ),
        fix: format!("write `{right}`"),
        right: Some(right),
        is_certain: stock_roles(case).next().is_some(),
    })
}

/// A bucket, or a file system, as a whole.
fn root(directory: Directory, setting: &Setting) -> Defect {
    let value = setting.trimmed();
    let refused = match directory {
        Directory::Savepoints => "so jobs with checkpoints do not start",
        directory => end(directory),
    };
    Defect {
        what: format!("`{value}` is the root of a file system, and Flink refuses it, {refused}"),
        fix: format!("name a directory below it, as in `{}/{}`", value.trim_end_matches('/'), directory.content()),
        right: None,
        is_certain: false,
    }
}

/// What a directory that is refused leads to.
const fn end(directory: Directory) -> &'static str {
    match directory {
        Directory::HighAvailability => "so the JobManager does not start",
        Directory::Checkpoints => "so jobs with checkpoints do not start",
        Directory::Savepoints => "so no savepoint can be written",
    }
}

/// Whether Flink reads `setting` in the file of lines.
fn is_of_lines(case: &Case<'_>, setting: &Setting) -> bool {
    let is_before = |major, minor| case.cluster.version.is_some_and(|version| !version.at_least(major, minor));
    match case.cluster.shape {
        // The operator writes that file for Flink 1.
        Shape::FlinkDeployment { .. } => is_before(2, 0),
        Shape::Raw => setting.origin.contains(LEGACY) || is_before(1, 19),
    }
}

/// Schemes that Flink, its plugins or Hadoop know.
const KNOWN: [&str; 13] =
    ["file", "s3", "s3a", "s3p", "gs", "oss", "abfs", "abfss", "wasb", "wasbs", "hdfs", "viewfs", "cosn"];
