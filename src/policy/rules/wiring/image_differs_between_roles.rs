//! `image-differs-between-roles`: two halves of one cluster from two builds.

use crate::flink::location::has_placeholder;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "image-differs-between-roles",
    failure: "D5b",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The JobManager and the TaskManagers of one standalone cluster run different images.",
        why: "Both halves exchange serialised Java objects. Between two Flink versions, or two builds of the job, that fails with odd errors, or HA metadata cannot be read after a restart.",
        limits: "The other half is only seen where the input holds it. Images that differ on purpose and hold the same Flink work.",
        example: "image: flink:1.20.1   # JobManager\nimage: flink:1.19.2   # TaskManagers",
        fix: "Run the same image in both, and change both together.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some((view, (image, path))) = case.cluster.leading().and_then(|view| Some((view, view.image.as_ref()?))) else {
        return Vec::new();
    };
    let other = case.siblings.iter().find_map(|sibling| {
        let (theirs, _) = sibling.view()?.image.as_ref()?;
        let differs = theirs != image && ![image, theirs].into_iter().any(|image| has_placeholder(image));
        differs.then_some((sibling, theirs))
    });
    let violation = |(sibling, theirs): (&crate::siblings::Sibling, &String)| {
        let message = format!(
            "this {} runs `{image}` and {} of the same cluster `{theirs}`, so one may not understand what the other sends or stores",
            view.role,
            sibling.title()
        );
        Violation::at_field(path.clone(), Some(image.clone()), message, "run the same image in both roles".to_owned())
            .of_role(view.role)
    };
    other.map(violation).into_iter().collect()
}
