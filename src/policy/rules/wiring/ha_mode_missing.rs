//! `ha-mode-missing`: everything for HA but the switch.

use crate::flink::arguments::{Fate, Misread};
use crate::flink::cluster::{Directory, HighAvailability, Shape};
use crate::flink::configuration::Setting;
use crate::flink::location::has_placeholder;
use crate::flink::options::{self, HA_TYPE};
use crate::flink::version::FlinkVersion;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::jobmanager_address_is_service::is_refused;
use crate::policy::rules::wiring::{standby_without_ha, standby_without_ha_in_resource};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-mode-missing",
    failure: "C9",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "`high-availability.storageDir` is set, and the HA mode is unset, `NONE`, or stands under a name that this Flink version, or in a form that the JobManager's script, does not take for it.",
        why: "Flink starts without HA and says nothing: the first restart of the JobManager loses all jobs (executed with `high-availability.type` on 1.16.3: the next one answers `{\"jobs\":[]}`). `high-availability.type` is new in Flink 1.17; up to 1.16 the name is `high-availability`, and the operator takes the new name for HA although the cluster has none. `jobmanager.sh` takes `-Dkey=value` in one word for the host: up to 1.20 the JobManager ends with `Missing argument for option: h` (executed with 1.20.5), from 2.0 it does not find itself at that address (`Retrying to connect to pekko.tcp://flink@-dhigh-availability.type=kubernetes:6123`) and takes no job; a second such word is the port, and it ends with `Could not parse value … for key 'rest.port'` (executed with 2.3.0).",
        limits: "The operator's own defaults may set the mode for all its clusters. Of several JobManagers `standby-without-ha` and `standby-without-ha-in-resource` say it.",
        example: "spec:\n  flinkVersion: v1_16\n  flinkConfiguration:\n    high-availability.type: kubernetes   # 1.16 does not know this name\n    high-availability.storageDir: s3://state/ha",
        fix: "Set the mode under the name of this version: `high-availability.type` from 1.17, `high-availability` before.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let (mode, setting) = cluster.high_availability();
    let (Some((key, directory)), Some(view)) = (cluster.directory(Directory::HighAvailability), cluster.leading())
    else {
        return ignored_alone(case, &mode);
    };
    if mode != HighAvailability::Off || has_placeholder(&directory.value) {
        return Vec::new();
    }
    if is_said_of_standbys(case) {
        return Vec::new();
    }
    let name = cluster.spelling(HA_TYPE);
    let fix = format!("set {}, or remove `{key}`", cluster.kubernetes_ha());
    if let Some((mode_key, setting)) = setting {
        let message = format!(
            "`{mode_key}` is `{}` although `{key}` is set, so the cluster has no HA and a restart of the JobManager loses its jobs",
            setting.trimmed()
        );
        return vec![Violation::at_setting(setting, message, fix)];
    }
    if let Some(violation) = ignored(case) {
        return vec![violation];
    }
    let message = format!(
        "`{key}` is set and `{name}` is not, so the cluster has no HA and a restart of the JobManager loses its jobs"
    );
    vec![Violation::at_field(view.config_path.key(name), None, message, fix)]
}

/// The mode under a name that this version ignores, with no directory beside it.
fn ignored_alone(case: &Case<'_>, mode: &HighAvailability) -> Vec<Violation> {
    let is_own = *mode == HighAvailability::Off && !is_said_of_standbys(case);
    if is_own { ignored(case).into_iter().collect() } else { Vec::new() }
}

/// Whether it is said of several JobManagers that they have no HA.
fn is_said_of_standbys(case: &Case<'_>) -> bool {
    [&standby_without_ha::RULE, &standby_without_ha_in_resource::RULE].iter().any(|of| case.is_said_by(of, &RULE))
}

fn ignored(case: &Case<'_>) -> Option<Violation> {
    let view = case.cluster.leading()?;
    if let Some((word, path)) = view.misread_option(HA_TYPE, case.cluster.version) {
        // What was filled in and is misread now is said where it is said that it is lost.
        if !case.lost.is_empty() {
            return None;
        }
        let has_port = view.misread.iter().any(|(other, _)| other.fate == Fate::WebPort && other != word);
        let loss = if has_port {
            "and the next word for the port of the web interface, so the JobManager does not start"
        } else {
            loss(word, case.cluster.version)
        };
        let message = format!("{}, {loss}", word.in_words());
        return Some(Violation::at_field(path.clone(), None, message, word.remedy()));
    }
    let (version, key, setting) = ignored_name(case)?;
    let name = case.cluster.spelling(HA_TYPE);
    let loss = match (case.cluster.shape, &case.cluster.job_managers) {
        (Shape::FlinkDeployment { .. }, Some((number @ 2.., _))) => format!(
            "the operator, which takes it for HA, starts {number} JobManagers, each a master of its own between which jobs are lost"
        ),
        _ => "a restart of the JobManager loses its jobs".to_owned(),
    };
    let message = format!("Flink {version} does not know `{key}` and ignores it, so the cluster has no HA and {loss}");
    Some(Violation::at_setting(setting, message, format!("set `{name}: {}` instead", spelled(&setting.value, version))))
}

/// What the misread mode leads to, which depends on how the version takes an option for the host or port.
fn loss(word: &Misread, version: Option<FlinkVersion>) -> &'static str {
    let no_ha = "so the cluster has no HA and a restart of the JobManager loses its jobs";
    match (word.fate, version) {
        (Fate::WebPort, _) => "so the JobManager does not start",
        (Fate::Host, None) => {
            "so the JobManager does not start, or, from Flink 2.0, does not find itself at that address and takes no job"
        }
        (Fate::Host, Some(version)) if is_refused(version) => "so the JobManager does not start",
        (Fate::Host, Some(version)) if version.at_least(2, 0) => {
            "so the JobManager does not find itself at that address and takes no job"
        }
        _ => no_ha,
    }
}

/// The version, and the mode under a name that it does not read, where that would switch HA on.
pub(super) fn ignored_name<'a>(case: &Case<'a>) -> Option<(FlinkVersion, &'static str, &'a Setting)> {
    let version = case.cluster.version?;
    let view = case.cluster.leading()?;
    let read = options::names(HA_TYPE, Some(version));
    options::names(HA_TYPE, None)
        .iter()
        .copied()
        .filter(|name| !read.contains(name))
        .find_map(|name| Some((version, name, view.config.exact(name)?)))
        .filter(|(_, _, setting)| HighAvailability::of(&setting.value).is_on())
}

/// The mode in the form that `version` understands.
fn spelled(mode: &str, version: FlinkVersion) -> &str {
    match HighAvailability::of(mode) {
        HighAvailability::Kubernetes => HighAvailability::kubernetes_word(Some(version)),
        _ => mode,
    }
}
