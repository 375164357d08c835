//! `flink-known-vulnerable`: releases that let others read and write files by REST.

use crate::flink::image::Image;
use crate::flink::version::FlinkVersion;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "flink-known-vulnerable",
    failure: "E4",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The JobManager runs Flink 1.5.1 to 1.10.2 or 1.11.0 to 1.11.2.",
        why: "Their REST API writes an uploaded file to any path (CVE-2020-17518), that of 1.11 also reads any file (CVE-2020-17519). Nobody is asked for credentials, and both are known to be exploited.",
        limits: "The version is that of the image's tag, else of the annotation `flink-admission.io/flink-version`. Images that only share the name `flink` with the official one may count otherwise, so they are warned about. `flink:1.10` and `flink:1.11` were moved to releases that are repaired, and nothing is said of them. 1.10.3 has the repair too, though the advisory names 1.11.3 only.",
        example: "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - {name: jobmanager, image: \"flink:1.11.2-scala_2.12-java11\", args: [jobmanager]}",
        fix: "Use an image of Flink 1.11.3 or later.",
    },
    check,
};

const WRITING: &str = "CVE-2020-17518";
const READING: &str = "CVE-2020-17519";

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager) else { return Vec::new() };
    let Some((reference, path)) = &view.image else { return Vec::new() };
    let image = Image::parse(reference);
    let Some(version) = image.version().or(case.cluster.version) else { return Vec::new() };
    let holes = match known_holes(version) {
        [] => return Vec::new(),
        [WRITING] => format!("write files of the JobManager ({WRITING})"),
        _ => format!("read and write files of the JobManager ({READING}, {WRITING})"),
    };
    let message = format!(
        "this is Flink {version}, whose REST API lets anybody who reaches it {holes}, which is known to be exploited"
    );
    let fix = "use an image of Flink 1.11.3 or later".to_owned();
    let violation = Violation::at_field(path.clone(), Some(reference.clone()), message, fix).of_role(view.role);
    // A tag may count the builds of a program, and only by accident look like one of these versions.
    let is_certain = image.version().is_none()
        || image.is_stock(&case.policy.spec.images.stock)
        || image.tag.is_some_and(|tag| tag.contains("-scala_"));
    vec![if is_certain { violation } else { violation.uncertain() }]
}

/// The advisories that every image of `version` falls under.
///
/// Sources: flink.apache.org "Security"; release notes of 1.10.3, which repair FLINK-20875.
fn known_holes(version: FlinkVersion) -> &'static [&'static str] {
    match (version.major, version.minor, version.patch) {
        (1, 11, Some(0..=2)) => &[WRITING, READING],
        (1, 5, None | Some(1..)) | (1, 6..=9, _) | (1, 10, Some(0..=2)) => &[WRITING],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repaired_releases_are_known() {
        for (version, holes) in [
            ("1.4.2", 0),
            ("1.5.0", 0),
            ("1.5.1", 1),
            ("1.9", 1),
            ("1.10.2", 1),
            ("1.10.3", 0),
            ("1.10", 0),
            ("1.11.0", 2),
            ("1.11.2", 2),
            ("1.11.3", 0),
            ("1.11", 0),
            ("1.12.0", 0),
            ("2.0", 0),
        ] {
            assert_eq!(known_holes(FlinkVersion::from_dotted(version).unwrap()).len(), holes, "{version}");
        }
    }
}
