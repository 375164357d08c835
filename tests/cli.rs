//! The offline commands as a user runs them: arguments and files in, text, JSON and exit status out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/folders.rs"]
mod folders;
#[path = "cli/reports.rs"]
mod reports;

/// What one run did.
struct Run {
    status: i32,
    output: String,
    errors: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {}", self.output))
    }
}

/// Runs the program beside the manifests of these tests, with `input` on standard input.
fn run(arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    Run {
        status: done.status.code().unwrap(),
        output: String::from_utf8(done.stdout).unwrap(),
        errors: String::from_utf8(done.stderr).unwrap(),
    }
}

/// `file kind namespace/name` of each object of a report.
fn listed(report: &Value) -> Vec<String> {
    let word = |object: &Value, field: &str| object[field].as_str().unwrap().to_owned();
    let line = |object: &Value| {
        let [file, kind, namespace, name] = ["file", "kind", "namespace", "name"].map(|field| word(object, field));
        format!("{file} {kind} {namespace}/{name}")
    };
    report["objects"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn lists_every_object_of_a_file() {
    let run = run(&["check", "--output", "json", "word-count.yaml"], "");
    let report = run.json();
    assert_eq!(
        listed(&report),
        ["word-count.yaml Namespace /counting", "word-count.yaml FlinkDeployment counting/word-count",]
    );
    assert_eq!(report["kind"], "CheckReport");
    assert_eq!(report["summary"]["objects"], 2);
    assert_eq!(report["objects"][1]["document"], 1);
    assert_eq!(report["objects"][1]["line"], 6);
    assert_eq!(run.errors, "");
}

/// Compares `run` with the snapshot `name` beside the manifests.
fn compare(name: &str, run: &Run) {
    insta::with_settings!({snapshot_path => "cli/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, format!("{}{}exit status {}\n", run.output, run.errors, run.status));
    });
}

#[test]
fn reports_for_people() {
    compare("check-denied", &run(&["check", "word-count.yaml"], ""));
    compare("check-nothing-of-flink", &run(&["check", "nested-list.json"], ""));
    compare("check-completed", &run(&["check", "--policy", "policy.yaml", "without-ha.yaml"], ""));
    compare("render-diff", &run(&["render", "--diff", "--policy", "policy.yaml", "without-ha.yaml"], ""));
    compare("render-text", &run(&["render", "--policy", "policy.yaml", "without-ha.yaml"], ""));
    compare("explain-text", &run(&["explain", "word-count.yaml"], ""));
    compare("explain-unknown", &run(&["explain", "--policy", "requires-ha.yaml", "unknown.yaml"], ""));
}

#[test]
fn reports_for_programs() {
    compare("check-json", &run(&["check", "--output", "json", "--policy", "policy.yaml", "without-ha.yaml"], ""));
    compare("explain-json", &run(&["explain", "--output", "json", "word-count.yaml"], ""));
    let unknown = ["explain", "--output", "json", "--policy", "requires-ha.yaml", "unknown.yaml"];
    compare("explain-unknown-json", &run(&unknown, ""));
}

#[test]
fn the_exit_status_tells_a_denial() {
    assert_eq!(run(&["check", "word-count.yaml"], "").status, 1);
    assert_eq!(run(&["render", "word-count.yaml"], "").status, 1);
    assert_eq!(run(&["explain", "word-count.yaml"], "").status, 0);
    assert_eq!(run(&["check", "nested-list.json"], "").status, 0);
    assert_eq!(run(&["check", "word-count.yaml", "missing.yaml"], "").status, 2);
}

#[test]
fn values_of_credentials_are_not_explained() {
    for output in ["text", "json"] {
        let run = run(&["explain", "--output", output, "word-count.yaml"], "");
        assert!(run.output.contains("s3.secret-key") && run.output.contains("***"), "{}", run.output);
        assert!(!run.output.contains("hunter2"), "{}", run.output);
    }
}

#[test]
fn what_is_rendered_is_not_changed_again() {
    let first = run(&["render", "--policy", "policy.yaml", "without-ha.yaml"], "");
    let again = run(&["render", "--diff", "--policy", "policy.yaml", "-"], &first.output);
    assert_eq!(again.output, "");
}

/// The policy of these tests in a file of its own, with `change` made to it.
fn changed_policy(change: impl Fn(&str) -> String) -> tempfile::NamedTempFile {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/policy.yaml")).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(change(&text).as_bytes()).unwrap();
    file
}

/// `kubectl get -o yaml | flink-admission check -`: an update would fill nothing in.
#[test]
fn what_was_read_from_a_cluster_is_judged_as_it_is() {
    let policy = changed_policy(|text| text.replace("mode: kubernetes", "required: true, mode: kubernetes"));
    let policy = policy.path().to_str().unwrap();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/without-ha.yaml")).unwrap();
    let live = text.replace("{name: page-views,", "{name: page-views, uid: 0c9e,");
    assert_ne!(live, text);
    let checked = run(&["check", "--policy", policy, "-"], &live);
    assert!(checked.output.contains("ha-required") && !checked.output.contains("filled in"), "{}", checked.output);
    assert!(run(&["check", "--policy", policy, "-"], &text).output.contains("filled in"));
    let rendered = run(&["render", "--policy", policy, "-"], &live);
    assert!(rendered.output.contains("high-availability.type: kubernetes"), "{}", rendered.output);
}

#[test]
fn a_policy_that_changes_nothing_would_fill_in() {
    let policy = changed_policy(|text| text.replace("spec:\n", "spec:\n  enforcement: warn\n"));
    let checked = run(&["check", "--policy", policy.path().to_str().unwrap(), "without-ha.yaml"], "");
    assert!(checked.output.contains("would be filled in"), "{}", checked.output);
}

/// Applied elsewhere it would be another namespace's identity and directories.
#[test]
fn what_is_rendered_for_an_assumed_namespace_is_told() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/without-ha.yaml")).unwrap();
    let nowhere = text.replace(", namespace: counting", "");
    let rendered = run(&["render", "--policy", "policy.yaml", "-"], &nowhere);
    assert!(rendered.output.contains("s3://flink/ha/default"), "{}", rendered.output);
    assert_eq!(
        rendered.errors,
        "warning: 1 object without a namespace; what was filled in is for `default`, unless `--namespace` names another\n"
    );
    let named = run(&["render", "--policy", "policy.yaml", "--namespace=default", "-"], &nowhere);
    assert_eq!((named.output, named.errors.as_str()), (rendered.output, ""));
    assert_eq!(run(&["render", "--policy", "policy.yaml", "-"], &text).errors, "");
}

#[test]
fn a_wrong_policy_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, "apiVersion: flink-admission.io/v1alpha1\nkind: FlinkPolicy\nspec: {profile: tight}\n").unwrap();
    let run = run(&["check", "--policy", file.to_str().unwrap(), "word-count.yaml"], "");
    assert_eq!((run.status, run.output.as_str()), (2, ""));
    assert!(run.errors.contains("spec.profile") && run.errors.contains("baseline"), "{}", run.errors);
}

#[test]
fn a_policy_that_asks_for_unknown_labels_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    let text = "metadata: {name: of-a}\nspec: {namespaceSelector: {matchLabels: {team: a}}, profile: strict}\n";
    fs::write(&file, format!("apiVersion: flink-admission.io/v1alpha1\nkind: FlinkPolicy\n{text}")).unwrap();
    let arguments = ["check", "-o", "json", "--policy", file.to_str().unwrap(), "word-count.yaml", "-"];

    let unknown = run(&["check", "-o", "json", "--policy", file.to_str().unwrap(), "without-ha.yaml"], "");
    assert!(unknown.errors.contains("`of-a`") && unknown.errors.contains("`counting`"), "{}", unknown.errors);
    assert_eq!(unknown.json()["objects"][1]["policy"], "built-in");

    let labelled = "apiVersion: v1\nkind: Namespace\nmetadata: {name: counting, labels: {team: a}}\n";
    let known = run(&arguments, labelled);
    assert_eq!((known.json()["objects"][1]["policy"].as_str(), known.errors.as_str()), (Some("of-a"), ""));
}

#[test]
fn a_policy_in_the_input_is_not_judged() {
    let report = run(&["check", "-o", "json", "policy.yaml"], "").json();
    assert_eq!(report["objects"][0]["flink"], false);
    assert_eq!(report["objects"][0]["verdict"], "allow");
    assert_eq!(report["summary"]["flink"], 0);
}

#[test]
fn takes_nested_and_typed_lists_apart() {
    let report = run(&["check", "-o", "json", "-n", "b", "nested-list.json"], "").json();
    assert_eq!(listed(&report), ["nested-list.json Service b/web", "nested-list.json ConfigMap a/settings"]);
    assert_eq!(report["objects"][0]["item"], "items[0].items[0]");
}

#[test]
fn reads_standard_input_beside_files() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    let report = run(&["check", "-o", "json", "-", "nested-list.json"], text).json();
    assert_eq!(listed(&report)[0], "- Secret default/s");
    assert_eq!(report["summary"]["objects"], 3);
}

#[test]
fn walks_folders_in_order_and_passes_over_what_is_no_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let service = |name: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n");
    put("b.yml", &service("b"));
    put("a/deep/a.yaml", &service("a"));
    put("c.json", "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"c\"}}");
    put("values.yaml", "replicas: 2\n");
    put("notes.txt", "not read\n");
    put(".hidden/d.yaml", &service("d"));
    put(".e.yaml", "[");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();

    let run = run(&["check", "-o", "json", folder.path().to_str().unwrap()], "");
    let report = run.json();
    let names: Vec<_> =
        report["objects"].as_array().unwrap().iter().map(|object| object["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((run.status, run.errors.as_str()), (0, ""));
}

#[test]
fn a_broken_document_is_told_and_the_others_are_judged() {
    let run = run(&["check", "--output", "json", "broken.yaml", "missing.yaml"], "");
    let report = run.json();
    assert_eq!(run.status, 2);
    assert_eq!(listed(&report), ["broken.yaml Service default/before", "broken.yaml Service default/twice"]);
    insta::assert_snapshot!(run.errors, @"
    error: broken.yaml, line 5: unclosed bracket '['
    error: missing.yaml: No such file or directory (os error 2)
    warning: broken.yaml, line 9: the key `name` stands twice in one mapping; the last one counts, as with kubectl
    ");
    assert_eq!(report["problems"].as_array().unwrap().len(), 2);
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn refuses_unknown_flags_formats_and_policies() {
    for arguments in [
        &["check"][..],
        &["check", "--colour", "word-count.yaml"],
        &["check", "--output", "xml", "word-count.yaml"],
        &["check", "--assume", "most", "word-count.yaml"],
        &["check", "--policy", "missing.yaml", "word-count.yaml"],
        &["render", "--diff", "--output", "json", "word-count.yaml"],
        &["judge", "word-count.yaml"],
    ] {
        let run = run(arguments, "");
        assert_eq!((run.status, run.output.as_str()), (2, ""), "{arguments:?}: {}", run.errors);
        assert!(run.errors.starts_with("error: "), "{arguments:?}: {}", run.errors);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [["--help"], ["--version"]] {
        let run = run(&arguments, "");
        assert_eq!((run.status, run.errors.as_str()), (0, ""));
        assert!(run.output.contains("flink-admission"), "{}", run.output);
    }
}

#[test]
fn a_folder_without_manifests_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(&["check", folder.path().to_str().unwrap()], "");
    assert_eq!(run.status, 2);
    assert!(run.errors.contains("holds no file that ends in .yaml, .yml or .json"), "{}", run.errors);
}

#[test]
fn a_template_is_told_once_and_as_one() {
    let text = "{{- if .Values.on }}\napiVersion: v1\nkind: Service\n{{- end }}\n---\nkind: {{ .Values.kind }}\n";
    let broken = run(&["check", "-"], text);
    assert_eq!(broken.status, 2);
    insta::assert_snapshot!(broken.errors, @"error: standard input, line 1: `{{- if .Values.on }}` makes this a template and no manifest; give what is made of it, as in `helm template … | flink-admission check -`");

    let quoted = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: a}\nspec:\n  image: \"{{ .Values.image }}\"\n";
    let quoted = run(&["check", "-"], &format!("# one\n---\n{quoted}"));
    assert_eq!(quoted.status, 0);
    insta::assert_snapshot!(quoted.errors, @"warning: standard input, line 7: `{{ .Values.image }}` is taken as it stands; if this is a template, give what is made of it, as in `helm template … | flink-admission check -`");
}

#[test]
fn a_chart_is_told_once_and_as_one() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        fs::write(folder.path().join(name).with_extension("yaml"), "apiVersion: v1\na: {{ .Values.a }}\n").unwrap();
    }
    fs::write(folder.path().join("d.yaml"), "apiVersion: [\n").unwrap();
    let run = run(&["check", folder.path().to_str().unwrap()], "");
    let errors = run.errors.replace(folder.path().to_str().unwrap(), "chart");
    assert_eq!(run.status, 2);
    insta::assert_snapshot!(errors, @"
    error: chart/d.yaml, line 1: unclosed bracket '['
    error: chart/a.yaml, line 2: `{{ .Values.a }}` makes this a template and no manifest; give what is made of it, as in `helm template … | flink-admission check -` (2 more in the folders are templates too)
    ");
}

#[test]
fn text_has_no_colours_in_a_pipe() {
    for command in ["check", "render", "explain"] {
        let run = run(&[command, "word-count.yaml"], "");
        assert!(run.status < 2, "{}", run.errors);
        assert!(!run.output.contains('\u{1b}'), "{}", run.output);
    }
}

#[test]
fn what_render_prints_is_what_it_read_when_nothing_is_to_be_changed() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  mode: \"0755\"\n  on.sh: |\n    one\n    two\n";
    assert_eq!(run(&["render", "-"], text).output, text);
    assert_eq!(run(&["render", "--diff", "-"], text).output, "");
    let list = run(&["render", "-o", "json", "-"], text).json();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][0]["data"]["mode"], "0755");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let many = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n".repeat(20_000);
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("many.yaml");
    fs::write(&file, many).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
        .args(["render", file.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), String::new()));
}

const SESSION: &str = "apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata: {name: orders, namespace: shop}
spec:
  deploymentName: session
  job: {jarURI: 'https://repo.example.net/orders.jar', upgradeMode: savepoint}
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: session, namespace: shop}
spec: {image: 'registry.example.net/flink:1.20.1', flinkVersion: v1_20}
";

#[test]
fn a_session_job_meets_its_cluster_as_it_is_stored() {
    let policy = "spec:
  profile: strict
  highAvailability: {mode: kubernetes, storageDir: 's3://hub/ha'}
  checkpoints: {directory: 's3://hub/checkpoints', savepoints: 's3://hub/savepoints'}
  serviceAccount: {name: flink}
";
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(policy.as_bytes()).unwrap();
    let policy = file.path().to_str().unwrap();
    let rules = |report: &Value| -> Vec<String> {
        let findings = report["objects"][0]["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    let report = run(&["check", "--output", "json", "-"], SESSION).json();
    assert_eq!(rules(&report), ["upgrade-mode-without-directory", "session-target-without-ha"]);
    let report = run(&["check", "--output", "json", "--policy", policy, "-"], SESSION).json();
    assert_eq!(rules(&report), [""; 0]);
    let rendered = run(&["render", "--policy", policy, "-"], SESSION).output;
    let (job, cluster) = rendered.split_once("---").unwrap();
    assert!(cluster.contains("s3://hub/ha") && !job.contains("s3:") && !job.contains("annotations"), "{rendered}");
}

/// A FlinkDeployment of a namespace that is named may be that of a job whose namespace is not.
#[test]
fn a_session_job_without_a_namespace_may_be_for_any() {
    let anywhere = SESSION.replacen(", namespace: shop", "", 1);
    let elsewhere = SESSION.replacen("namespace: shop", "namespace: other", 1);
    assert!(!run(&["check", "-"], &anywhere).output.contains("session-target-not-found"));
    assert!(run(&["check", "-"], &elsewhere).output.contains("session-target-not-found"));
}

/// `UPDATE_PAGES=1` writes them anew.
#[test]
fn the_readme_shows_what_is_printed() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&readme).unwrap();
    let blocks = text.split("```console\n$ flink-admission ").skip(1).filter_map(|block| block.split_once("\n```"));
    let mut anew = text.clone();
    let mut number = 0;
    for (block, _) in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_flink-admission"))
            .args(command.split(' '))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/tour"))
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        // The record is shortened there.
        let shown = |line: &str| match line.split_once("flink-admission.io/injected: ") {
            Some((before, _)) => format!("{before}flink-admission.io/injected: \"…\""),
            None => line.to_owned(),
        };
        let printed = printed.trim_end().lines().map(shown).collect::<Vec<_>>().join("\n");
        if std::env::var_os("UPDATE_PAGES").is_some() {
            anew = anew.replace(expected, &printed);
        } else {
            assert_eq!(printed, expected, "`{command}`");
        }
        number += 1;
    }
    assert!(number >= 3, "{number} blocks were found");
    if anew != text {
        std::fs::write(&readme, anew).unwrap();
    }
}
