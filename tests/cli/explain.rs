//! `explain`: where a value comes from, also one that the author did not write.

use super::run;

#[test]
fn what_a_policy_fills_in_is_told_as_such() {
    let arguments = ["explain", "--stored", "--policy", "policy.yaml", "without-ha.yaml"];
    let stored = run(&arguments, "");
    let of_policy =
        "high-availability.type: kubernetes\n      filled in by policy `platform`, from spec.flinkConfiguration\n";
    let of_author = "numberOfTaskSlots: 2\n      from spec.flinkConfiguration\n";
    assert!(stored.output.contains(of_policy) && stored.output.contains(of_author), "{}", stored.output);

    let settings = run(&[&arguments[..], &["-o", "json"]].concat(), "").json();
    let settings = settings["objects"][0]["roles"][0]["settings"].as_array().unwrap();
    let filled_in = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap()["filledIn"].as_str();
    assert_eq!(filled_in("high-availability.type"), Some("filled in by policy `platform`"));
    assert_eq!(filled_in("taskmanager.numberOfTaskSlots"), None);

    // What was stored before says itself that it was filled in, and not by which policy.
    let rendered = run(&["render", "--policy", "policy.yaml", "without-ha.yaml"], "").output;
    let again = run(&["explain", "-"], &rendered).output;
    assert!(again.contains("filled in by a policy, from spec.flinkConfiguration"), "{again}");
}

#[test]
fn an_input_that_cannot_be_read_is_told_once() {
    let missing = run(&["explain", "missing.yaml"], "");
    assert_eq!((missing.status, missing.output.as_str()), (2, ""), "{}", missing.errors);
    assert_eq!(run(&["explain", "nested-list.json"], "").output, "no object of Flink in the input\n");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for name in ["Bad_NS", "", "-a", "a.b"] {
        let refused = run(&["check", &format!("--namespace={name}"), "word-count.yaml"], "");
        assert_eq!(refused.status, 2, "{name}");
        assert!(name.is_empty() || refused.errors.contains("has up to 63 lower-case letters"), "{name}");
    }
    let refused = run(&["check", "--policy", "-", "word-count.yaml"], "kind: FlinkPolicy\n");
    assert_eq!(refused.status, 2);
    assert!(
        refused.errors.contains("standard input is for manifests; give the policy as a file"),
        "{}",
        refused.errors
    );
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(broken.path(), "kind: FlinkPolicy\nspec:\n  a: [\n").unwrap();
    let refused = run(&["check", "--policy", broken.path().to_str().unwrap(), "word-count.yaml"], "").errors;
    assert!(refused.contains(": line ") && !refused.contains("document"), "{refused}");
}
