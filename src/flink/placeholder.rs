//! What was left to be filled in, in a storage URI.
//!
//! ```
//! use flink_admission::flink::placeholder::{Defect, find};
//! assert_eq!(find("s3://<bucket>/ha"), Some(Defect::Template("<bucket>".to_owned())));
//! assert_eq!(find("s3:///flink/ha"), Some(Defect::NoBucket));
//! assert_eq!(find("hdfs:///flink/ha"), None);
//! ```

use crate::flink::config_file::trim;
use crate::flink::location::scheme_of;

/// Why a URI cannot be what its author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// `<…>`, `{{…}}` or the like, which nothing in the cluster fills in.
    Template(String),
    /// An object store without a bucket or container.
    NoBucket,
    /// A bucket whose name says that it stands for another one: `BUCKET_NAME`.
    Word(String),
    /// A bucket whose name sounds like that, and may be one: `your-company-state`.
    MaybeWord(String),
    /// `${VAR}`, `$(VAR)`, `$VAR`, which something may fill in.
    Variable(String),
}

/// What is wrong with `value`, the worst first.
#[must_use]
pub fn find(value: &str) -> Option<Defect> {
    let value = trim(value);
    if let Some(template) = between(value, "{{", "}}").or_else(|| between(value, "<", ">")) {
        return Some(Defect::Template(template));
    }
    let variable = || variable(value).map(|variable| Defect::Variable(variable.to_owned()));
    let Some((scheme, rest)) = scheme_of(value).filter(|(scheme, _)| STORES.contains(scheme)) else {
        return variable();
    };
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    // Azure puts the container before the account; Hadoop's S3 once took credentials there.
    let bucket = match authority.split_once('@') {
        Some((container, _)) if AZURE.iter().any(|azure| scheme.starts_with(azure)) => container,
        Some((_, bucket)) => bucket,
        None => authority,
    };
    if bucket.is_empty() {
        return Some(Defect::NoBucket);
    }
    if AZURE_CONTAINERS.contains(&bucket) {
        return None;
    }
    if let Some(variable) = variable() {
        return Some(variable);
    }
    // No store allows these in the name of a bucket.
    if bucket.contains(['{', '}', '[', ']', '%', '#', ' ']) {
        return Some(Defect::Template(bucket.to_owned()));
    }
    word(bucket)
}

/// Whether the name of a bucket is a word that stands for one.
fn word(bucket: &str) -> Option<Defect> {
    let plain: String = bucket.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let is_loud =
        !bucket.contains(|c: char| c.is_ascii_lowercase()) && bucket.contains(|c: char| c.is_ascii_uppercase());
    let is_word = WORDS.contains(&plain.as_str())
        || plain.ends_with("namehere")
        || plain.ends_with("buckethere")
        || plain.starts_with("yourbucket")
        || (plain.len() > 2 && plain.bytes().all(|byte| byte == b'x'))
        || (is_loud && LOUD.iter().any(|word| plain.contains(word)));
    if is_word {
        return Some(Defect::Word(bucket.to_owned()));
    }
    let may_be = bucket.split(['-', '_', '.']).next().is_some_and(|first| first.eq_ignore_ascii_case("your"));
    may_be.then(|| Defect::MaybeWord(bucket.to_owned()))
}

/// What stands from `open` to the last of `close` that follow each other.
fn between(value: &str, open: &str, close: &str) -> Option<String> {
    let (before, after) = value.split_once(open)?;
    let end = after.find(close)? + close.len();
    let doubled =
        after.get(end..).map_or(0, |rest| rest.bytes().take_while(|byte| close.as_bytes().contains(byte)).count());
    value.get(before.len()..before.len() + open.len() + end + doubled).map(str::to_owned)
}

/// The first `${VAR}`, `$(VAR)` or `$VAR`.
fn variable(value: &str) -> Option<&str> {
    value.match_indices('$').find_map(|(start, _)| {
        let rest = value.get(start + 1..)?;
        let length = match rest.chars().next()? {
            '{' => rest.find('}').map_or(rest.len(), |end| end + 1),
            '(' => rest.find(')').map_or(rest.len(), |end| end + 1),
            first if first.is_ascii_alphabetic() || first == '_' => {
                rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
            }
            _ => return None,
        };
        value.get(start..=start + length)
    })
}

/// Schemes of object stores, where the authority names a bucket or container and cannot be left out.
const STORES: [&str; 13] =
    ["s3", "s3a", "s3p", "s3n", "gs", "oss", "abfs", "abfss", "wasb", "wasbs", "cosn", "obs", "tos"];
const AZURE: [&str; 2] = ["abfs", "wasb"];
/// Containers of Azure whose names begin with a dollar.
const AZURE_CONTAINERS: [&str; 3] = ["$root", "$web", "$logs"];
/// Names, without separators and case, that stand for another one.
const WORDS: [&str; 13] = [
    "bucketname",
    "mybucketname",
    "s3bucketname",
    "gcsbucketname",
    "thebucketname",
    "containername",
    "mycontainername",
    "yourcontainer",
    "changeme",
    "replaceme",
    "placeholder",
    "todo",
    "fixme",
];
/// Words that say so where the name is in capitals, which stores do not allow in it.
const LOUD: [&str; 9] = ["bucket", "container", "name", "your", "change", "replace", "todo", "placeholder", "account"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found() {
        let template = |text: &str| Some(Defect::Template(text.to_owned()));
        let word = |text: &str| Some(Defect::Word(text.to_owned()));
        let variable = |text: &str| Some(Defect::Variable(text.to_owned()));
        for (value, expected) in [
            ("s3a://<<S3_Bucket>>/recovery", template("<<S3_Bucket>>")),
            ("{{ .Values.haDir }}", template("{{ .Values.haDir }}")),
            ("s3://${B}/<cluster>/ha", template("<cluster>")),
            ("file:///data/{{cluster}}/ha", template("{{cluster}}")),
            ("s3://{bucket}/ha", template("{bucket}")),
            ("gs://%BUCKET%/ha", template("%BUCKET%")),
            ("s3:///flink/ha", Some(Defect::NoBucket)),
            ("s3:/flink/ha", Some(Defect::NoBucket)),
            ("s3p://", Some(Defect::NoBucket)),
            ("abfss://@account.dfs.core.windows.net/ha", Some(Defect::NoBucket)),
            ("s3://BUCKET_NAME/ha", word("BUCKET_NAME")),
            ("s3://YOUR_BUCKET", word("YOUR_BUCKET")),
            ("s3://YourBucket/ha", word("YourBucket")),
            ("gs://my-bucket-name-here/ha", word("my-bucket-name-here")),
            ("s3://bucket-name/ha", word("bucket-name")),
            ("oss://xxx/ha", word("xxx")),
            ("wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/ha", word("CONTAINER")),
            ("s3://your-company-state/ha", Some(Defect::MaybeWord("your-company-state".to_owned()))),
            ("s3://${S3_BUCKET}/ha", variable("${S3_BUCKET}")),
            ("s3://$S3_BUCKET/ha", variable("$S3_BUCKET")),
            ("file:///data/$(POD_NAME)/ha", variable("$(POD_NAME)")),
            ("s3://key:secret@BUCKET_NAME/ha", word("BUCKET_NAME")),
            ("$DIR", variable("$DIR")),
            ("s3://${BUCKET", variable("${BUCKET")),
        ] {
            assert_eq!(find(value), expected, "{value}");
        }
    }

    #[test]
    fn buckets_and_paths_are_left_alone() {
        for value in [
            "",
            "s3://my-bucket/ha",
            "s3://bucket/ha",
            "s3://flink-data/_entropy_/checkpoints",
            "s3://acme-your-customer/ha",
            "s3://key:BUCKET@orders/ha",
            "s3://LEGACY_DATA/ha",
            "s3://Bucket/ha",
            "s3://2023/ha",
            "oss://xx/ha",
            "s3://example-bucket/ha",
            "s3://mybucket?versionId=1",
            "hdfs:///flink/ha",
            "hdfs://NAMENODE:8020/ha",
            "file:///flink-data/ha",
            "/flink-data/ha",
            "wasbs://$root@account.blob.core.windows.net/ha",
            "abfs://state@account.dfs.core.windows.net/ha",
            "file:///data/price$/ha",
            "s3://bucket/{year}/ha",
            "s3://bucket/a>b<c",
        ] {
            assert_eq!(find(value), None, "{value}");
        }
    }
}
