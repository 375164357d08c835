//! `filesystem-plugin-version`: the environment names a plugin's jar that the official image has not.

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::field;
use crate::flink::image::Image;
use crate::flink::plugins::{self, Choice, Jar, Plugin};
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::raw;
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, name};
use crate::policy::finding::Level;
use crate::policy::rules::storage::stock_roles;
use crate::policy::rules::{Case, Page, Rule, Violation};
use crate::policy::shortened;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "filesystem-plugin-version",
    failure: "B15",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "`ENABLE_BUILT_IN_PLUGINS` names a file-system plugin of another version than the official image's tag, or a jar that no official image has.",
        why: "The entry point ends where `/opt/flink/opt` has no jar of exactly that name: `Plugin flink-s3-fs-hadoop-1.18.0.jar does not exist. Exiting.` The container starts over and over.",
        limits: "Only official images and the policy's `images.stock` are judged. A tag such as `1.20` does not say which 1.20 it is, so only another minor version is found there. Of jars that are no file systems nothing is said, nor where something is mounted at `/opt/flink/opt`.",
        example: "spec:\n  image: flink:1.18.1\n  podTemplate: {…}   # ENABLE_BUILT_IN_PLUGINS: flink-s3-fs-hadoop-1.18.0.jar",
        fix: "Name the jar with the image's exact version, and change both together.",
    },
    check,
};

/// As many jars of one variable are named.
const SHOWN: usize = 3;

fn check(case: &Case<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for (view, image) in stock_roles(case) {
        let Choice::Named(value, setting) = plugins::choice(view, case.cluster.shape) else { continue };
        let faults: Vec<(String, String)> =
            plugins::jars(&value).filter_map(|jar| fault(&jar, &image)).take(SHOWN).collect();
        if faults.is_empty() {
            continue;
        }
        let path = setting.map_or_else(|| path(case, view), |setting| setting.path.clone());
        if violations.iter().any(|known| known.path == path) {
            continue;
        }
        let (words, fixes): (Vec<String>, Vec<String>) = faults.into_iter().unzip();
        let message = format!(
            "the image `{}:{}` has no {}, so its entry point ends with `Plugin … does not exist. Exiting.`",
            image.repository,
            image.tag.unwrap_or("latest"),
            words.join(", no "),
        );
        let value = Some(shortened(&value, 200));
        violations.push(Violation::at_field(path, value, message, fixes.join(", and ")).of_role(view.role));
    }
    violations
}

/// What is wrong with `jar` in `image`, and what to do; `None` where it may be there.
fn fault(jar: &Jar<'_>, image: &Image<'_>) -> Option<(String, String)> {
    let word = jar.word.rsplit('/').next().unwrap_or_default();
    let first = Jar::parse(word.split(',').next().unwrap_or_default());
    let plugin = first.plugin();
    let is_misnamed = first.name == MISNAMED;
    if plugin.is_none() && !is_misnamed {
        return None;
    }
    let shown = format!("`{}`", shortened(jar.word, 80).replace('`', "'"));
    if jar.word.contains(',') {
        return Some((shown, "put `;` between the jars".to_owned()));
    }
    let plugin = plugin.unwrap_or(Plugin::Azure);
    let version = image.version();
    let is_there = word == jar.word
        && !is_misnamed
        && jar.version.is_some_and(|stated| may_be_of(stated, image))
        && (plugin != Plugin::Gs || plugin.is_in(version, "gs"));
    if is_there {
        return None;
    }
    let fix = match image.release() {
        _ if plugin == Plugin::Gs && !plugin.is_in(version, "gs") => {
            "use an image of Flink 1.15 or later, the first with that plugin".to_owned()
        }
        Some(release) => format!("write `{}`", plugin.jar(release)),
        None => {
            format!("write `{}-<version>.jar` with the image's exact version, and a tag that names it", plugin.name())
        }
    };
    Some((shown, fix))
}

/// Whether an image with this tag may hold jars of the version `stated`.
fn may_be_of(stated: &str, image: &Image<'_>) -> bool {
    let tag = image.tag.unwrap_or_default();
    match (FlinkVersion::from_dotted(stated), image.version()) {
        // A release has three numbers.
        (Some(FlinkVersion { patch: None, .. }), _) => false,
        (Some(stated), Some(tagged)) if tagged.patch.is_some() => stated == tagged,
        (Some(stated), Some(tagged)) => stated.same_minor(tagged),
        (Some(_), None) => true,
        // `2.0-preview1` is no number, and has an image of its own.
        (None, _) => tag == stated || tag.strip_prefix(stated).is_some_and(|rest| rest.starts_with('-')),
    }
}

/// Where the variable stands in the templates: the role's own, else the common one.
fn path(case: &Case<'_>, view: &RoleView) -> FieldPath {
    if case.cluster.shape == Shape::Raw {
        let template = FieldPath::of(&raw::TEMPLATE);
        return plugins::path_in(case.object, &template, |index, _| view.pod.main == Some(index)).unwrap_or(template);
    }
    let spec = case.spec();
    let is_main = |_: usize, container: &serde_json::Value| name(container) == Some(MAIN_CONTAINER);
    let templates = [spec.key(field(view.role)).key("podTemplate"), spec.key("podTemplate")];
    templates
        .iter()
        .find_map(|template| plugins::path_in(case.object, template, is_main))
        .unwrap_or_else(|| spec.key("podTemplate"))
}

/// What Flink's own message calls Azure's plugin; no jar has that name.
const MISNAMED: &str = "flink-fs-azure-hadoop";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_there_is_a_fault() {
        let is_wrong = |word: &str, image: &str| fault(&Jar::parse(word), &Image::parse(image)).is_some();
        for (word, image) in [
            ("flink-s3-fs-hadoop-1.18.1.jar", "flink:1.18.1-scala_2.12"),
            ("flink-s3-fs-hadoop-1.20.3.jar", "flink:1.20"),
            ("flink-s3-fs-hadoop-1.20.3.jar", "flink"),
            ("flink-s3-fs-hadoop-2.0-preview1.jar", "flink:2.0-preview1-java17"),
            ("flink-s3-fs-native-1.18.0.jar", "flink:1.18.1"),
            ("flink-python_2.12-1.14.0.jar", "flink:1.18.1"),
            ("", "flink:1.18.1"),
        ] {
            assert!(!is_wrong(word, image), "{word} in {image}");
        }
        for (word, image) in [
            ("flink-s3-fs-hadoop-1.18.0.jar", "flink:1.18.1"),
            ("flink-s3-fs-hadoop-1.19.3.jar", "flink:1.20"),
            ("flink-s3-fs-hadoop-1.20.jar", "flink:1.20"),
            ("flink-s3-fs-hadoop-1.15-SNAPSHOT.jar", "flink:1.15"),
            ("flink-s3-fs-hadoop-1.18.1", "flink:1.18.1"),
            ("flink-s3-fs-hadoop.jar", "flink:1.18.1"),
            ("/opt/flink/opt/flink-s3-fs-hadoop-1.18.1.jar", "flink:1.18.1"),
            ("flink-s3-fs-hadoop-1.18.1.jar,flink-gs-fs-hadoop-1.18.1.jar", "flink:1.18.1"),
            ("flink-fs-azure-hadoop-1.18.1.jar", "flink:1.18.1"),
            ("flink-gs-fs-hadoop-1.14.6.jar", "flink:1.14.6"),
        ] {
            assert!(is_wrong(word, image), "{word} in {image}");
        }
    }

    #[test]
    fn only_for_a_plugin_that_the_version_has_not_another_image_is_the_remedy() {
        for (word, image, wanted) in [
            ("flink-gs-fs-hadoop-1.14.6.jar", "flink:1.14.6", "use an image of Flink 1.15 or later"),
            ("flink-gs-fs-hadoop-1.15.0.jar", "flink:1.15.4", "write `flink-gs-fs-hadoop-1.15.4.jar`"),
            ("flink-s3-fs-hadoop-1.14.0.jar", "flink:1.14.6", "write `flink-s3-fs-hadoop-1.14.6.jar`"),
        ] {
            let fix = fault(&Jar::parse(word), &Image::parse(image)).map(|(_, fix)| fix).unwrap();
            assert!(fix.starts_with(wanted), "{fix}");
        }
    }
}
