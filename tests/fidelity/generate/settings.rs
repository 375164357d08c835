//! Options with values, as a file or an argument may hold them.

use proptest::prelude::*;
use proptest::sample::select;

use super::vocabulary::{
    ADDRESS_VALUES, ADDRESSES, ALL, DELAYS, DIRECTORIES, FRACTION_VALUES, FRACTIONS, HARD, IDS, ISO_8601, LENGTHS,
    LIMIT_VALUES, LIMITS, MODE, MODES, OTHERS, PORT_VALUES, PORTS, RUNTIME, RUNTIMES, SCHEME, SCHEMES, SIZES,
    STRATEGIES, STRATEGY, SWITCH_VALUES, SWITCHES, UNITS,
};

/// An option with its value, and how it is to be written.
#[derive(Debug, Clone)]
pub struct Setting {
    pub key: String,
    pub value: String,
    /// What the writer decides by: bits without a meaning of their own.
    pub taste: u32,
}

pub fn setting() -> impl Strategy<Value = Setting> {
    (pair(), any::<u32>()).prop_map(|((key, value), taste)| Setting { key, value, taste })
}

/// What a cluster needs to start at all.
pub fn usual() -> impl Strategy<Value = Vec<Setting>> {
    let sizes = select(&["1600m", "2g", "1728m", "4096m", "700m", "1 gb"][..]);
    (sizes, any::<u32>()).prop_map(|(size, taste)| {
        let setting = |key: &str| Setting { key: key.to_owned(), value: size.to_owned(), taste };
        vec![setting("jobmanager.memory.process.size"), setting("taskmanager.memory.process.size")]
    })
}

/// What a REST API needs to ask for certificates.
pub fn certificates() -> impl Strategy<Value = Vec<Setting>> {
    let setting = |key: &'static str| {
        (select(&["true", "true", "True", "false"][..]), any::<u32>()).prop_map(move |(value, taste)| Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            taste,
        })
    };
    [setting("security.ssl.rest.enabled"), setting("security.ssl.rest.authentication-enabled")]
        .prop_map(|both| both.to_vec())
}

/// An option with a value, most of them such as it takes.
pub fn pair() -> BoxedStrategy<(String, String)> {
    let with =
        |keys: &'static [&'static str], value: BoxedStrategy<String>| (select(keys).prop_map(str::to_owned), value);
    prop_oneof![
        6 => with(MODE, word(MODES)),
        8 => with(DIRECTORIES, directory()),
        2 => with(SCHEME, word(SCHEMES)),
        4 => with(IDS, id()),
        3 => with(STRATEGY, word(STRATEGIES)),
        2 => with(LIMITS, word(LIMIT_VALUES)),
        1 => with(DELAYS, length()),
        5 => with(LENGTHS, length()),
        6 => with(SIZES, size()),
        2 => with(FRACTIONS, word(FRACTION_VALUES)),
        3 => with(ADDRESSES, word(ADDRESS_VALUES)),
        3 => with(PORTS, word(PORT_VALUES)),
        2 => with(SWITCHES, word(SWITCH_VALUES)),
        1 => with(RUNTIME, word(RUNTIMES)),
        3 => (key(), any_value()),
        2 => with(ALL, any_value()),
    ]
    .boxed()
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![12 => select(words).prop_map(str::to_owned), 1 => any_value()].boxed()
}

fn directory() -> BoxedStrategy<String> {
    let scheme = select(
        &[
            "s3://", "s3a://", "gs://", "hdfs://", "hdfs:///", "file://", "file:", "file:///", "/", "", "S3://",
            "s3p://",
        ][..],
    );
    let path = select(
        &[
            "bucket/ha",
            "/flink/ha",
            "b",
            "data//x/../ha/",
            "${DIR}/ha",
            "x y",
            "a:b/c",
            "é/ha",
            "",
            "nn:8020/ha",
            "bucket/ha#1",
            "b_c/ha",
        ][..],
    );
    let made = (scheme, path).prop_map(|(scheme, path)| format!("{scheme}{path}"));
    prop_oneof![12 => made, 1 => any_value()].boxed()
}

fn id() -> BoxedStrategy<String> {
    word(&[
        "orders",
        "/default",
        "/prod/orders",
        "default",
        "007",
        "1e3",
        "true",
        "/",
        "orders-1",
        "Orders_2",
        "${ID}",
        "prod",
        " x",
    ])
}

fn length() -> BoxedStrategy<String> {
    let made =
        (0..100_u32, select(&["", " ", "  "][..]), select(UNITS)).prop_map(|(n, gap, unit)| format!("{n}{gap}{unit}"));
    let iso = (select(&["", "", "-", "+"][..]), select(ISO_8601)).prop_map(|(sign, text)| format!("{sign}{text}"));
    prop_oneof![10 => made, 2 => iso, 1 => select(&["1.5 s", "-1 s", "9223372036854775808", "9223372036854775807 d", "1 week", "1 M", "10 ß"][..]).prop_map(str::to_owned), 1 => any_value()].boxed()
}

fn size() -> BoxedStrategy<String> {
    let units = select(
        &["m", "m", "m", "mb", "g", "gb", "k", "kb", "MB", "mebibytes", "gibibytes", "b", "bytes", "", "t", "Gi", "tb"]
            [..],
    );
    let number = prop_oneof![8 => 0..3000_u32, 1 => Just(1u32), 1 => Just(2u32)];
    let made = (number, select(&["", "", "", " "][..]), units).prop_map(|(n, gap, unit)| format!("{n}{gap}{unit}"));
    let usual = select(
        &["1600m", "1728m", "1g", "2g", "512m", "64m", "128m", "256m", "1 gb", "4096 mb", "700m", "134217728"][..],
    );
    prop_oneof![10 => usual.prop_map(str::to_owned), 5 => made, 1 => any_value()].boxed()
}

/// What means something to YAML, to Java or to nobody.
fn any_value() -> BoxedStrategy<String> {
    prop_oneof![6 => select(HARD).prop_map(str::to_owned), 1 => "[-a-z0-9 :#'\",.é$/{}\\[\\]]{0,12}", 1 => "\\PC{0,6}"]
        .boxed()
}

/// A key that is none of Flink's, or hard to read.
fn key() -> BoxedStrategy<String> {
    prop_oneof![
        3 => select(OTHERS).prop_map(str::to_owned),
        1 => "[a-z]{1,4}(\\.[a-zA-Z0-9-]{1,4}){0,3}",
        1 => "[-a-z0-9 :#'\".é]{1,8}",
    ]
    .boxed()
}
