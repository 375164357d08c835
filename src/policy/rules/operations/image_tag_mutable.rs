//! `image-tag-mutable`: an image that may be another one tomorrow.

use crate::flink::image::Image;
use crate::flink::location::has_placeholder;
use crate::flink::version::FlinkVersion;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "image-tag-mutable",
    failure: "D5",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The image of a Flink cluster has no tag, or a tag that is moved by its meaning (`latest`, `main`, `nightly`, `…-SNAPSHOT` and the like). An official tag without the last number of the release (`flink:1.20`) is a remark of level audit.",
        why: "A pod that starts later, on another node or after a failure, may run another build than the rest of its cluster: TaskManagers that do not fit their JobManager, and HA metadata that the new build cannot read.",
        limits: "Any tag can be moved; only those are named that are meant to be. Tags with placeholders are not judged. A digest settles it, whatever the tag.",
        example: "spec:\n  image: registry.example.net/shop/orders:latest",
        fix: "Name a tag that stays, such as a release or a commit, or a digest (`image@sha256:…`).",
    },
    check,
};

/// Tags, and first words of tags, that are moved with each build.
const MOVING: [&str; 13] = [
    "latest", "main", "master", "trunk", "head", "develop", "dev", "nightly", "edge", "stable", "snapshot", "current",
    "canary",
];

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some((reference, path)) = case.cluster.leading().and_then(|view| view.image.as_ref()) else {
        return Vec::new();
    };
    let image = Image::parse(reference.trim());
    let Some((why, at_most)) = mobility(&image, &case.policy.spec.images.stock) else { return Vec::new() };
    let message = format!(
        "{why}, so a pod that starts later may run another build than the rest of the cluster, and one that does not fit it"
    );
    let fix = "name a tag that stays, such as a release, or a digest (`image@sha256:…`)".to_owned();
    vec![Violation { at_most, ..Violation::at_field(path.clone(), Some(reference.clone()), message, fix) }]
}

/// Why `image` may be another one tomorrow, and what that is worth; `None` where nothing says so.
fn mobility(image: &Image<'_>, mirrors: &[String]) -> Option<(String, Level)> {
    if image.digest.is_some() || image.repository.is_empty() {
        return None;
    }
    let Some(tag) = image.tag else {
        // A variable may bring the tag too.
        return (!has_placeholder(image.repository))
            .then(|| (format!("`{}` has no tag, which means `latest`", image.repository), Level::Deny));
    };
    if has_placeholder(tag) {
        return None;
    }
    if is_moving(&tag.to_ascii_lowercase()) {
        return Some((format!("the tag `{tag}` is moved with each build"), Level::Deny));
    }
    // Releases of one minor version mostly fit each other.
    let is_open = image.is_stock(mirrors) && is_series(tag);
    is_open.then(|| (format!("the official tag `{tag}` is moved with each release"), Level::Audit))
}

/// Whether `tag` is an official one for the releases of a minor version, or for all: `1.20-java17`, `scala_2.12-java17`.
fn is_series(tag: &str) -> bool {
    let mut words = tag.split('-').filter(|word| !is_variant(word));
    match (words.next(), words.next()) {
        (None, _) => true,
        (Some(first), None) => FlinkVersion::from_tag(first).is_some_and(|version| version.patch.is_none()),
        (Some(_), Some(_)) => false,
    }
}

fn is_variant(word: &str) -> bool {
    word.starts_with("java") || word.starts_with("scala")
}

/// Whether `tag` is one of the moving words, with a variant behind it at most: `latest-java17`, not `main-4f2a91c`.
fn is_moving(tag: &str) -> bool {
    const SEPARATORS: [char; 3] = ['-', '_', '.'];
    let (first, rest) = tag.split_at(tag.find(SEPARATORS).unwrap_or(tag.len()));
    let mut words = rest.split('-').map(|word| word.trim_start_matches(SEPARATORS));
    let names_a_build = words.any(|word| !is_variant(word) && word.bytes().any(|byte| byte.is_ascii_digit()));
    tag.ends_with("-snapshot") || (MOVING.contains(&first) && !names_a_build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_meant_to_move_are_known() {
        let mirrors = ["mirror.example.net/engine".to_owned()];
        let level = |reference: &str| mobility(&Image::parse(reference), &mirrors).map(|(_, level)| level);
        for (reference, expected) in [
            ("flink", Some(Level::Deny)),
            ("registry.example.net:5000/media/clips", Some(Level::Deny)),
            ("clips:latest", Some(Level::Deny)),
            ("clips:main", Some(Level::Deny)),
            ("clips:LATEST-java17", Some(Level::Deny)),
            ("clips:1.2026-SNAPSHOT", Some(Level::Deny)),
            ("flink:1.20", Some(Level::Audit)),
            ("flink:1.20-scala_2.12-java17", Some(Level::Audit)),
            ("flink:java17", Some(Level::Audit)),
            ("apache/flink:scala_2.12", Some(Level::Audit)),
            ("mirror.example.net/engine:2.0", Some(Level::Audit)),
            ("mirror.example.net/engine:2.0.1", None),
            ("flink:1.20.1-scala_2.12-java17", None),
            ("flink:1.19-kafka", None),
            ("flink:latest@sha256:00", None),
            ("registry.example.net:5000/media/clips@sha256:00", None),
            ("clips:2.3", None),
            ("clips:mainline-1", None),
            ("clips:main-4f2a91c", None),
            ("clips:dev-20260131", None),
            ("clips:stable-1.2.3", None),
            ("clips:main.17", None),
            ("clips:latest-scala_2.12-java17", Some(Level::Deny)),
            ("clips:dev_nightly", Some(Level::Deny)),
            ("clips:${TAG}", None),
            ("${IMAGE}", None),
            ("example.net/flink:1.20", None),
            ("", None),
        ] {
            assert_eq!(level(reference), expected, "{reference}");
        }
    }
}
