//! `flink-version-contradicts-image`: the operator prepares for another Flink than the one that starts.

use crate::flink::deployment::walk;
use crate::flink::image::Image;
use crate::flink::version::FlinkVersion;
use crate::object::FieldPath;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "flink-version-contradicts-image",
    failure: "D6",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "`flinkVersion` of a FlinkDeployment names another minor version than the tag of the official image.",
        why: "The operator writes the configuration file, its name and its format for `flinkVersion`. Flink 2 does not read the `flink-conf.yaml` of 1.x, so it starts with defaults: HA off, no checkpoints.",
        limits: "Only official images and the policy's `images.stock` are judged: the tag of any other image counts the builds of its own program.",
        example: "spec:\n  image: flink:2.0.1-java17\n  flinkVersion: v1_20",
        fix: "Set `flinkVersion` to the image's version.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some((image, path)) = case.cluster.leading().and_then(|view| view.image.as_ref()) else { return Vec::new() };
    let field = path.split_last().map_or_else(FieldPath::default, |(spec, _)| spec.key("flinkVersion"));
    let stated = walk(case.object, &field).and_then(|value| value.as_str());
    let image = Image::parse(image);
    let (Some(stated), Some(tagged)) = (stated, image.version()) else { return Vec::new() };
    let Some(version) = FlinkVersion::from_field(stated) else { return Vec::new() };
    if !image.is_stock(&case.policy.spec.images.stock) || version.same_minor(tagged) {
        return Vec::new();
    }
    let message = format!(
        "this says Flink {version} and the image `{}:{}` is Flink {tagged}, so the operator writes a configuration that the image reads otherwise, or not at all",
        image.repository,
        image.tag.unwrap_or_default(),
    );
    let right = format!("v{}_{}", tagged.major, tagged.minor);
    let fix = format!("set it to `{right}`, or use an image of Flink {version}");
    vec![Violation::at_field(field, Some(stated.to_owned()), message, fix).settled_by_value(right)]
}
