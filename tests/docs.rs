//! Documents that are made from the program say what it says. `UPDATE_DOCS=1 cargo test --test docs` writes them anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "docs/argo_cd.rs"]
mod argo_cd;
mod manifests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flink_admission::policy::Policies;
use flink_admission::policy::rules::RULES;
use flink_admission::report::rule;
use flink_admission::verdict;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_page_of_the_rules_is_current() {
    let mut wanted = Vec::new();
    rule::document(&mut wanted).unwrap();
    let wanted = String::from_utf8(wanted).unwrap();
    let path = root().join("docs/rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &wanted).unwrap();
    }
    let is_current = fs::read_to_string(&path).is_ok_and(|text| text == wanted);
    assert!(is_current, "docs/rules.md is not what the rules say: UPDATE_DOCS=1 cargo test --test docs");
    for rule in RULES {
        // A heading of one word is its own anchor.
        assert!(wanted.contains(&format!("\n## {}\n", rule.id)), "{}", rule.id);
    }
}

#[test]
fn every_known_failure_has_a_rule() {
    let Some(shared) = manifests::shared() else { return };
    let mut listed = Vec::new();
    rule::json(RULES.iter().copied(), &mut listed).unwrap();
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let listed = listed["rules"].as_array().unwrap();
    let known: BTreeSet<&str> = listed.iter().filter_map(|rule| rule["id"].as_str()).collect();
    let table = fs::read_to_string(shared.join("knowledge/levels.tsv")).unwrap();
    let missing: Vec<_> =
        table.lines().skip(1).filter_map(|row| row.split('\t').nth(1)).filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The cases of the rules in which something is filled in: the object as it is written, and as it is stored.
fn completed() -> Vec<(PathBuf, Value, Value)> {
    let mut found = Vec::new();
    for rule in fs::read_dir(root().join("tests/golden")).unwrap() {
        for file in fs::read_dir(rule.unwrap().path()).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_none_or(|end| end != "yaml") {
                continue;
            }
            let input = manifests::Input::of(manifests::documents(&file));
            let stored = input.judge().stored;
            if stored != input.object {
                found.push((file, input.object, stored));
            }
        }
    }
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    for (position, object) in further().into_iter().enumerate() {
        let policies = Policies::from_text(PLATFORM).unwrap();
        let stored = manifests::review(&object, None, &policies, &[], verdict::judge).stored;
        found.push((PathBuf::from(format!("further {position}")), object, stored));
    }
    found
}

const PLATFORM: &str = "spec:
  highAvailability: {mode: kubernetes, storageDir: 's3://ha'}
  checkpoints: {directory: 's3://state/checkpoints', savepoints: 's3://state/savepoints'}
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]
";

/// Objects whose lists grow in further ways.
fn further() -> Vec<Value> {
    let deployment = |image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager"},
            "spec": {"template": {"spec": {"containers": [
                {"name": "jobmanager", "image": image, "args": ["standalone-job", "--job-classname", "Orders"]},
            ]}}},
        })
    };
    let resource = |containers: Value| {
        json!({
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "orders"},
            "spec": {
                "image": "flink:1.20.1", "flinkVersion": "v1_20",
                "podTemplate": {"spec": {"containers": containers, "volumes": [{"name": "own", "emptyDir": {}}]}},
            },
        })
    };
    vec![
        deployment("flink:1.18.1"),
        deployment("flink:1.20.1"),
        resource(json!([{"name": "flink-main-container", "tty": true}])),
        resource(json!([{"name": "shipper", "image": "shipper:3"}])),
    ]
}

/// The expressions of the page for `kind`, as it says for each pod template.
fn ignored(kind: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    let block = page.split("```").find(|block| block.contains("ignoreDifferences:")).unwrap();
    let block = flink_admission::yaml::documents(block.strip_prefix("yaml\n").unwrap()).unwrap().remove(0).value;
    let entries = block["spec"]["ignoreDifferences"].as_array().unwrap().iter();
    let of_kind = entries.filter(|entry| entry["kind"] == kind);
    of_kind
        .flat_map(|entry| entry["jqPathExpressions"].as_array().unwrap())
        .map(|expression| expression.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_argo_cd_is_told_to_ignore_is_what_is_filled_in() {
    let mut needed = BTreeSet::new();
    let cases = completed();
    assert!(cases.len() > 30, "{}", cases.len());
    for (file, mut written, stored) in cases {
        // The page says so.
        for pointer in ["/spec", "/spec/template/spec"] {
            let spec = written.pointer_mut(pointer).and_then(Value::as_object_mut);
            if let Some(spec) = spec {
                spec.retain(|_, value| value != "default");
            }
        }
        let kind = written["kind"].as_str().unwrap().to_owned();
        let expressions = ignored(&kind);
        let drifts = |without: Option<&String>| {
            let (mut written, mut stored) = (written.clone(), stored.clone());
            for expression in expressions.iter().filter(|expression| Some(*expression) != without) {
                for template in ["podTemplate", "jobManager.podTemplate", "taskManager.podTemplate"] {
                    let expression = expression.replace(".spec.podTemplate", &format!(".spec.{template}"));
                    argo_cd::delete(&mut written, &expression);
                    argo_cd::delete(&mut stored, &expression);
                }
            }
            argo_cd::differs(&written, &stored, kind.starts_with("Flink"))
        };
        assert!(!drifts(None), "{}", file.display());
        needed.extend(expressions.iter().filter(|expression| drifts(Some(expression))).cloned());
    }
    let named: BTreeSet<String> = ["Deployment", "FlinkDeployment"].into_iter().flat_map(ignored).collect();
    assert_eq!(named, needed, "what is ignored and never filled in");
    for kind in ["StatefulSet", "Job"] {
        assert_eq!(ignored(kind), ignored("Deployment"));
    }
}

/// What `program` says and how it ends, with our program on its PATH and `folder` around it.
fn with_program_on_path(program: &mut Command, folder: &Path) -> (String, Option<i32>) {
    let ours = Path::new(env!("CARGO_BIN_EXE_flink-admission")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(ours).chain(std::env::split_paths(&others))).unwrap();
    let run = program.current_dir(folder).env("PATH", path).output().unwrap();
    (String::from_utf8(run.stdout).unwrap() + &String::from_utf8(run.stderr).unwrap(), run.status.code())
}

#[test]
fn the_github_action_checks() {
    let action = manifests::documents(&root().join("deploy/github-action/action.yml")).remove(0);
    let variables = action["runs"]["steps"][1]["env"].as_object().unwrap();
    let script = root().join("deploy/github-action/check");
    let known = fs::read_to_string(&script).unwrap();
    for (name, value) in variables {
        assert!(known.contains(name.as_str()), "{name}");
        let input = value.as_str().unwrap().trim_start_matches("${{ inputs.").trim_end_matches(" }}");
        assert!(!action["inputs"][input].is_null(), "{input}");
    }

    let folder = tempfile::tempdir().unwrap();
    fs::copy(root().join("tests/cli/word-count.yaml"), folder.path().join("a cluster.yaml")).unwrap();
    let mut check = Command::new(&script);
    check.env("CHECK_PATHS", "\na cluster.yaml\n").env("CHECK_SARIF", "report.sarif").env("CHECK_MAX_FINDINGS", "1");
    let (said, status) = with_program_on_path(&mut check, folder.path());
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(said.matches("::error file=a cluster.yaml,line=14,").count(), 1, "{said}");
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("report.sarif")).unwrap()).unwrap();
    assert_eq!(report["runs"][0]["results"].as_array().unwrap().len(), 1);

    let mut check = Command::new(&script);
    check.env("CHECK_PATHS", "a cluster.yaml").env("CHECK_POLICY", "none.yaml").env("CHECK_SARIF", "none.sarif");
    let (said, status) = with_program_on_path(&mut check, folder.path());
    assert_eq!((status, folder.path().join("none.sarif").exists()), (Some(2), false), "{said}");

    let (said, status) =
        with_program_on_path(Command::new(&script).env("CHECK_PATHS", "$(touch made);x.yaml"), folder.path());
    assert_eq!((status, folder.path().join("made").exists()), (Some(2), false), "{said}");
}

#[test]
fn the_hooks_of_pre_commit_check() {
    let hooks = manifests::documents(&root().join(".pre-commit-hooks.yaml")).remove(0);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("values.yaml"), "replicas: 2\n").unwrap();
    for hook in hooks.as_array().unwrap() {
        let mut words = hook["entry"].as_str().unwrap().split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(hook["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
        let (said, status) = with_program_on_path(&mut command, folder.path());
        assert_eq!(status, Some(0), "{said}");
    }
}

/// The fields that the parser knows below `level`, by what it says of one that it does not know.
fn fields(level: &str) -> Vec<String> {
    let nest = |inner: String, key: &str| match key.strip_suffix("[]") {
        Some(list) => format!("{{{list}: [{inner}]}}"),
        None => format!("{{{key}: {inner}}}"),
    };
    let spec = level.rsplit('.').filter(|key| !key.is_empty()).fold("{zzz: 1}".to_owned(), nest);
    let refused = Policies::from_text(&format!("spec: {spec}")).unwrap_err().to_string();
    let (_, expected) = refused.split_once("expected ").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_field_of_a_policy_is_described() {
    let page = fs::read_to_string(root().join("docs/policy.md")).unwrap();
    let levels = [
        "",
        "highAvailability",
        "highAvailability.zookeeper",
        "checkpoints",
        "serviceAccount",
        "volumes[]",
        "volumes[].provision",
        "images",
        "podSecurity",
    ];
    for level in levels {
        let known = fields(level);
        assert!(!known.is_empty(), "{level}");
        for field in known {
            let path = if level.is_empty() { field } else { format!("{level}.{field}") };
            let is_described = page.contains(&format!("| `{path}` |")) || page.contains(&format!("| `{path}."));
            assert!(is_described, "`{path}` is not in docs/policy.md");
        }
    }
}
