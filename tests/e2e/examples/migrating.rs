use crate::e2e::page::Example;
use crate::support::{ControlPlane, Registration};

#[test]
fn migrating() {
    let example = Example::of("migrating");
    let Some(plane) = ControlPlane::shared() else { return };
    plane.kubectl(&["create", "namespace", "migrating"]).succeeded();
    plane.kubectl(&["create", "namespace", "migrating-copy"]).succeeded();
    let policy = example.file("policy.yaml");
    let mut registration = None;
    example.run_and_install(plane, || {
        registration = Some(Registration::start_with_file(plane, &policy, &["migrating", "migrating-copy"]));
    });
}
