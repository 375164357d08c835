//! What is read of folders and files, what is passed over, and what is said of it.

use std::fs;
use std::path::Path;

use super::run;

/// Writes `files`, names with texts, into a folder.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

const CLUSTER: &str = "\
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: orders, namespace: shop}
spec: {image: flink:1.20.1, flinkVersion: v1_20, serviceAccount: flink}
";

/// A patch is a part of an object: judged by itself it lacks what its base has.
#[test]
fn patches_of_a_kustomization_are_passed_over() {
    let kustomization =
        "resources: [../base]\npatches:\n- path: larger.yaml\n- patch: |\n    - {op: remove, path: /spec/job}\n";
    let folder = folder(&[
        ("base/kustomization.yaml", "resources: [orders.yaml]\n"),
        ("base/orders.yaml", CLUSTER),
        ("production/kustomization.yaml", kustomization),
        (
            "production/larger.yaml",
            "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: orders}\n",
        ),
        ("production/spare.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: spare}\n"),
    ]);
    let run = run(&["check", folder.path().to_str().unwrap()], "");
    assert_eq!((run.status, run.errors.as_str()), (0, ""));
    assert!(run.output.contains("\n2 objects, 1 of Flink"), "{}", run.output);
    let said =
        "1 file passed over: a kustomization names them as patches; check what `kustomize build` makes of them\n";
    assert!(run.output.contains(said), "{}", run.output);
}

/// What is no manifest is nobody's mistake in a folder, and is one where it is named.
#[test]
fn what_cannot_be_parsed_and_is_no_manifest_is_passed_over() {
    let configuration = "{\n  \"strict\": true, /* all: of it, */\n  \"paths\": {,}\n}\n";
    let folder = folder(&[
        ("tsconfig.json", configuration),
        ("{{cookiecutter.name}}/settings.yaml", "{% if x %}\na: b\n{% endif %}\n"),
        ("orders.yaml", CLUSTER),
        (".hidden/broken.yaml", "apiVersion: ["),
    ]);
    let path = folder.path().to_str().unwrap();
    let passed = run(&["check", path], "");
    assert_eq!((passed.status, passed.errors.as_str()), (0, ""));
    assert!(passed.output.contains("2 files passed over: they cannot be parsed and name no `apiVersion`\n"));

    assert_eq!(run(&["check", &in_folder(folder.path(), "tsconfig.json")], "").status, 2);
    assert_eq!(run(&["check", path, &in_folder(folder.path(), "tsconfig.json")], "").status, 2, "it is named, too");
    fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: [\n").unwrap();
    assert_eq!(run(&["check", path], "").status, 2);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = folder(&[("orders.yaml", CLUSTER)]);
    let path = folder.path().to_str().unwrap();
    let run = run(&["check", path, &in_folder(folder.path(), "./orders.yaml"), path], "");
    assert!(run.output.contains("\n1 object, 1 of Flink"), "{}", run.output);
}

#[test]
fn a_file_without_an_object_is_told() {
    for text in ["", " \n", "# all of it\n# is out\n", "---\n---\n"] {
        let folder = folder(&[("orders.yaml", text)]);
        let file = in_folder(folder.path(), "orders.yaml");
        let named = run(&["check", &file], "");
        let said = format!("warning: {file}: it holds no object: it is empty, or has nothing but comments\n");
        assert_eq!((named.status, named.errors), (0, said), "{text:?}");
        assert_eq!(run(&["check", folder.path().to_str().unwrap()], "").errors, "", "{text:?}");
    }
    let said = "warning: standard input: it holds no object: it is empty, or has nothing but comments\n";
    assert_eq!(run(&["check", "-"], "# nothing\n").errors, said);
}

#[test]
fn a_kind_that_flink_does_not_have_is_told() {
    let misspelt = CLUSTER.replace("kind: FlinkDeployment", "kind: FlinkDeploymnet");
    let run = run(&["check", "-"], &misspelt);
    assert_eq!(
        run.errors,
        "warning: standard input, line 1: `FlinkDeploymnet` is no kind of `flink.apache.org` that is known, so nothing is said \
         of it; known are FlinkDeployment, FlinkSessionJob, FlinkBlueGreenDeployment, FlinkStateSnapshot\n"
    );
    assert_eq!((run.status, run.output.as_str()), (0, "1 object, 0 of Flink\n"));
}

/// The line is that of the key which counts, not that of the document.
#[test]
fn a_key_that_stands_twice_is_told_at_its_line() {
    let text = "# note\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {a: b}\n  name: b\n";
    let expected =
        "the key `name` stands twice in one mapping, first in line 6; the last one counts, as with kubectl\n";
    assert_eq!(run(&["check", "-"], text).errors, format!("warning: standard input, line 8: {expected}"));
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n\"kind\": \"Secret\"}\n";
    assert!(run(&["check", "-"], json).errors.starts_with("warning: standard input, line 2: the key `kind`"));
}
