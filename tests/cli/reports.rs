//! The forms of the report of `check`, what is left out of it, and the pages of the rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Run, compare, run};

#[test]
fn every_form_of_the_report() {
    for form in ["text", "json", "junit", "github"] {
        compare(
            &format!("check-standalone-{form}"),
            &run(&["check", "-o", form, "standalone.yaml", "broken.yaml"], ""),
        );
    }
    let sarif = run(&["check", "-o", "sarif", "standalone.yaml", "broken.yaml"], "");
    // The rules are what docs/rules.md says.
    let mut report = sarif.json();
    report["runs"][0]["tool"]["driver"]["rules"] = Value::Null;
    report["runs"][0]["tool"]["driver"]["semanticVersion"] = Value::Null;
    for result in report["runs"][0]["results"].as_array_mut().unwrap() {
        result["ruleIndex"] = Value::Null;
    }
    let output = serde_json::to_string_pretty(&report).unwrap() + "\n";
    compare("check-standalone-sarif", &Run { output, ..sarif });
}

#[test]
fn junit_is_well_formed() {
    let report = run(&["check", "-o", "junit", "standalone.yaml", "word-count.yaml", "broken.yaml"], "").output;
    let mut open = Vec::new();
    for tag in report.split('<').skip(2) {
        let (tag, _) = tag.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    // GitLab forgets one of two tests with one name.
    let mut names: Vec<_> = report.lines().filter(|line| line.contains("<testcase")).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!((names.len(), all), (all, 15));
}

#[test]
fn a_report_is_cut_at_its_worst_findings() {
    let report = run(&["check", "-o", "json", "--max-findings", "2", "standalone.yaml", "word-count.yaml"], "").json();
    let shown = report["objects"].as_array().unwrap().iter().map(|object| object["findings"].as_array().unwrap());
    let levels: Vec<_> = shown.flatten().map(|finding| finding["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["deny", "deny"]);
    assert_eq!((&report["summary"]["omitted"], &report["summary"]["warn"]), (&Value::from(12), &Value::from(1)));
    let none = run(&["check", "--max-findings", "0", "word-count.yaml"], "");
    assert_eq!(none.status, 1);
    assert!(
        none.output.contains("6 findings more are not shown") && none.output.contains("1 denied"),
        "{}",
        none.output
    );
}

#[test]
fn quiet_says_what_is_denied_and_nothing_else() {
    compare("check-quiet", &run(&["check", "--quiet", "standalone.yaml", "word-count.yaml"], ""));
    let passed = run(&["check", "--quiet", "without-ha.yaml", "nested-list.json"], "");
    assert_eq!((passed.status, passed.output.as_str(), passed.errors.as_str()), (0, "", ""));
}

#[test]
fn what_a_baseline_knows_is_accepted_and_what_is_new_fails() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.json");
    let (baseline, text) =
        (baseline.to_str().unwrap(), fs::read_to_string(folder_of_tests("word-count.yaml")).unwrap());
    let written = run(&["check", "--write-baseline", baseline, "-"], &text);
    assert_eq!((written.status, written.output.contains("6 findings written")), (0, true), "{}", written.errors);
    compare("baseline", &Run { output: fs::read_to_string(baseline).unwrap(), ..written });

    // Lines, values and the form of an option may change.
    let moved = text.replace("spec:\n  image", "\n\n# a comment\nspec:\n  image").replace("/data/ha", "/data/other");
    let nested = moved.replace(
        "    high-availability.storageDir:",
        "    high-availability.cluster-id: x\n    high-availability.storageDir:",
    );
    let known = run(&["check", "--baseline", baseline, "-"], &nested);
    assert_eq!(known.status, 0, "{}", known.output);
    assert!(known.output.contains("6 findings known to the baseline"), "{}", known.output);

    let worse = text.replace(
        "    high-availability.storageDir:",
        "    execution.checkpointing.dir: file:///data/cp\n    high-availability.storageDir:",
    );
    let new = run(&["check", "-o", "json", "--baseline", baseline, "-"], &worse);
    let findings = new.json()["objects"][1]["findings"].clone();
    let rules: Vec<_> = findings.as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert_eq!((new.status, rules), (1, vec!["storage-on-empty-dir", "upgrade-mode-stateless"]), "{findings}");
    assert!(findings[0]["path"].as_str().unwrap().contains("execution.checkpointing.dir"), "{findings}");

    let renamed = run(&["check", "--baseline", baseline, "-"], &text.replace("name: word-count", "name: other"));
    assert_eq!(renamed.status, 1);
    let better = text.replace("file:///data/ha", "s3://b/ha");
    let gone = run(&["check", "--baseline", baseline, "-"], &better);
    assert!(gone.output.contains("1 finding of the baseline not found any more"), "{}", gone.output);

    for (content, said) in
        [("{}", "apiVersion"), ("{\"apiVersion\": \"v1\", \"kind\": \"Baseline\", \"findings\": []}", "no `Baseline`")]
    {
        fs::write(baseline, content).unwrap();
        let refused = run(&["check", "--baseline", baseline, "word-count.yaml"], "");
        assert_eq!((refused.status, refused.output.as_str()), (2, ""));
        assert!(refused.errors.contains(said), "{}", refused.errors);
    }
    let partly = run(&["check", "--write-baseline", baseline, "broken.yaml"], "");
    assert_eq!(
        (partly.status, fs::read_to_string(baseline).unwrap().contains("\"v1\"")),
        (2, true),
        "{}",
        partly.errors
    );
}

fn folder_of_tests(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(file)
}

#[test]
fn an_exception_needs_a_policy_that_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let annotations = "annotations: {flink-admission.io/allow.storage-on-empty-dir: a demo}";
    let text = fs::read_to_string(folder_of_tests("word-count.yaml")).unwrap();
    let text = text.replace("name: word-count,", &format!("name: word-count, {annotations},"));
    let mut verdicts = Vec::new();
    for exceptions in ["objects", "annotations", "none"] {
        fs::write(&policy, format!("spec: {{exceptions: {exceptions}}}\n")).unwrap();
        let report = run(&["check", "-o", "json", "--policy", policy.to_str().unwrap(), "-"], &text);
        assert_eq!(report.errors, "");
        let object = report.json()["objects"][1].clone();
        verdicts.push(object["verdict"].as_str().unwrap().to_owned());
        let said = object["findings"].to_string();
        assert_eq!(said.contains("\"exception\":\"a demo\""), exceptions == "annotations", "{said}");
        assert_eq!(said.contains("has no effect"), exceptions != "annotations", "{said}");
    }
    assert_eq!(verdicts, ["deny", "warn", "deny"]);
    let misnamed = run(&["check", "-"], &text.replace("allow.storage-on-empty-dir", "allow.empty-dir"));
    assert!(misnamed.errors.contains("`flink-admission.io/allow.empty-dir` names no rule"), "{}", misnamed.errors);
}

#[test]
fn pages_of_rules() {
    compare("explain-rule", &run(&["explain", "storage-on-host-path"], ""));
    let list = run(&["rules", "-o", "json"], "").json();
    let one = run(&["explain", "-o", "json", "storage-on-host-path"], "").json();
    assert!(list["rules"].as_array().unwrap().contains(&one["rules"][0]), "{one}");
    assert_eq!(one["rules"].as_array().unwrap().len(), 1);
    let text = run(&["rules"], "").output;
    assert!(text.contains("storage-on-empty-dir") && text.contains("deny"), "{text}");
    for (word, said) in [
        ("storage-on-host-pat", "the nearest rule is `storage-on-host-path`"),
        ("no-such-thing", "neither a file nor a rule"),
    ] {
        let run = run(&["explain", word], "");
        assert_eq!((run.status, run.output.as_str()), (2, ""));
        assert!(run.errors.contains(said), "{}", run.errors);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for form in ["text", "json", "sarif", "junit", "github"] {
        let report = || run(&["check", "-o", form, "--policy", "policy.yaml", "."], "").output;
        assert_eq!(report(), report(), "{form}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_wants_them() {
    let coloured = |variables: &[(&str, &str)]| {
        let done = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
            .args(["check", "word-count.yaml"])
            .current_dir(folder_of_tests(""))
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn what_is_written_can_be_judged_alone() {
    let copied = "../../deploy/examples/session-cluster/copied.yaml";
    let completed = run(&["check", "-n", "session-cluster", copied], "");
    assert_eq!(completed.status, 0, "{}", completed.output);
    assert!(completed.output.contains("2 objects judged with what the webhook fills in"), "{}", completed.output);
    let written = run(&["check", "-n", "session-cluster", "--as-written", copied], "");
    assert_eq!(written.status, 1, "{}", written.output);
    assert!(written.output.contains("kubernetes-cluster-id-missing") && !written.output.contains("filled in"));
}

#[test]
fn what_was_not_seen_is_said() {
    let report = run(&["check", "-o", "json", "unknown.yaml"], "").json();
    let unknown = report["objects"].as_array().unwrap().iter().filter_map(|object| object["unknown"].as_str());
    assert!(unknown.clone().next().is_some_and(|why| !why.is_empty()), "{report}");
    let text = run(&["check", "unknown.yaml"], "").output;
    assert!(unknown.into_iter().all(|why| text.contains(why)) && text.contains("is not known whole"), "{text}");
}
