//! The golden cases, read once, and the words in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::manifests::{self, Input};

/// A golden case: what is judged, and what it updates.
#[derive(Debug, Clone)]
pub struct Case {
    /// The object with what surrounds it.
    pub input: Input,
    /// The stored object.
    pub old: Option<Value>,
}

/// All golden cases, by path.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden");
    let files = children(&root).into_iter().flat_map(|directory| children(&directory));
    let case = |path: PathBuf| {
        let is_case = path.to_str().is_some_and(|name| name.ends_with(".yaml") && !name.ends_with(".old.yaml"));
        let old = path.with_extension("old.yaml");
        is_case.then(|| Case {
            input: Input::of(manifests::documents(&path)),
            old: old.exists().then(|| manifests::documents(&old).remove(0)),
        })
    };
    files.filter_map(case).collect()
});

/// Every scalar of the cases, and values that nobody expects.
pub static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut texts = BTreeSet::new();
    for case in CASES.iter() {
        for document in case.input.others.iter().chain([&case.input.object, &case.input.policy]).chain(&case.old) {
            scalars(document, &mut texts);
        }
    }
    let read = texts.iter().filter_map(|text| serde_json::from_str(text).ok());
    read.chain(odd()).collect()
});

/// Every key of the cases.
pub static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names = BTreeSet::new();
    for case in CASES.iter() {
        for document in case.input.others.iter().chain([&case.input.object]) {
            keys(document, &mut names);
        }
    }
    names.extend(["", ".", "a.b", "high-availability.", "~", "/", "\u{a0}", "\"]"].map(str::to_owned));
    names.into_iter().collect()
});

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the golden cases are there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths
}

fn scalars(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|value| scalars(value, texts)),
        Value::Array(items) => items.iter().for_each(|value| scalars(value, texts)),
        scalar => {
            texts.insert(scalar.to_string());
        }
    }
}

fn keys(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                names.insert(key.clone());
                keys(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|value| keys(value, names)),
        _ => {}
    }
}

fn odd() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "\u{a0}",
        "\u{0}",
        "\u{1b}[31m",
        "~",
        "..",
        "/",
        "//",
        "///",
        ":",
        "://",
        "s3:",
        "s3://",
        "s3:///",
        "file:",
        "file://",
        "file:///",
        "file:/../..",
        "$",
        "$(",
        "$()",
        "$(X)",
        "$$(X)",
        "${",
        "${X}",
        "{{",
        "{cluster}",
        "=",
        "-D",
        "-D=",
        "-Da",
        "--",
        "-",
        "0x",
        "1e9",
        "1 gb",
        "9999999999999999999 tb",
        "-1 mb",
        "1.5g",
        "NaN",
        "∞",
        "ﬂink",
        "ＫＵＢＥＲＮＥＴＥＳ",
        "İ",
        "ß",
        "\u{feff}",
        "\u{202e}",
        "e\u{301}",
        "a:b:c:d",
        "@",
        "flink@sha256:",
        "flink:",
        "flink:1",
        "flink:1.20.99999999",
        "v1_",
        "v_",
        "v99999_99999",
        "[",
        "[]",
        "[a, b]",
        "a;b;c",
        "a\nb: c",
        "a: 1\n---\nb: 2",
        "- [",
        "& * ! | > ' \" % ` #",
        "!!binary AA==",
        "&a [*a]",
        "PT1H",
        "10 s",
        "99999999999999999999 d",
        "bash -c 'exec \"$@\"'",
        "'",
        "\\",
        "exec $@",
    ];
    let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
    values.extend([
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!(1e300),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!([{}]),
        json!({"": ""}),
        json!({"name": []}),
        json!([{"name": 7}]),
        json!("a".repeat(5_000)),
        json!("a.".repeat(500)),
        json!("é".repeat(300)),
    ]);
    values
}
