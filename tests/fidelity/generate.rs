//! Makes cases: a good part of them is what people write, a good part is hard to read.

mod settings;
mod text;
mod vocabulary;
mod words;

use proptest::collection::vec;
use proptest::prelude::*;

use flink_admission::flink::version::FlinkVersion;

use super::case::{Case, Role};
use settings::{Setting, setting};

/// A case.
pub fn case(version: FlinkVersion) -> impl Strategy<Value = Case> {
    // One case in sixteen lacks what its version reads.
    let [legacy_alone, standard_alone] =
        [!version.at_least(2, 0), version.at_least(1, 19)].map(|is_read| if is_read { 8 } else { 1 });
    let role = prop_oneof![3 => Just(Role::Session), 4 => Just(Role::Application), 3 => Just(Role::TaskManager)];
    role.prop_flat_map(move |role| {
        let files = prop_oneof![
            standard_alone => (Just(None), standard().prop_map(Some)),
            legacy_alone => (legacy().prop_map(Some), Just(None)),
            6 => (legacy().prop_map(Some), standard().prop_map(Some)),
        ];
        (Just(role), files, words::words(role)).prop_map(|(role, (legacy, standard), words)| {
            let files = [("flink-conf.yaml", legacy), ("config.yaml", standard)];
            let files = files.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect();
            Case { why: String::new(), role, files, words }
        })
    })
}

fn legacy() -> impl Strategy<Value = String> {
    (settings(), damage()).prop_map(|(settings, damage)| damaged(text::legacy(&settings), &damage))
}

fn standard() -> impl Strategy<Value = String> {
    let made = (settings(), damage()).prop_map(|(settings, damage)| damaged(text::standard(&settings), &damage));
    let whole = vec(place(), 0..4).prop_map(|damage| damaged(WHOLE.to_owned(), &damage));
    prop_oneof![9 => made, 1 => whole]
}

/// What most files begin with, and what is to be tried.
fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let both = (settings::usual(), settings::certificates()).prop_map(|(usual, switches)| [usual, switches].concat());
    let begin = prop_oneof![1 => Just(Vec::new()), 5 => settings::usual(), 1 => both];
    (begin, vec(setting(), 0..7)).prop_map(|(begin, settings)| [begin, settings].concat())
}

/// A place of a text, with what is put there and how many letters go.
type Damage = (prop::sample::Index, &'static str, usize);

/// One text in six is damaged.
fn damage() -> impl Strategy<Value = Vec<Damage>> {
    prop_oneof![5 => Just(Vec::new()), 1 => vec(place(), 1..3)]
}

fn place() -> impl Strategy<Value = Damage> {
    let gone = prop_oneof![3 => Just(0_usize), 1 => 1..4_usize];
    (any::<prop::sample::Index>(), prop::sample::select(MARKS), gone)
}

fn damaged(text: String, damage: &[Damage]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (place, mark, gone) in damage {
        let place = place.index(letters.len() + 1);
        let end = (place + gone).min(letters.len());
        letters.splice(place..end, mark.chars());
    }
    letters.into_iter().collect()
}

/// What has a meaning in one of the formats.
const MARKS: &[&str] = &[
    ": ", ":", " ", "  ", "\n", "\t", "#", " #", "'", "\"", "[", "]", "{", "}", ",", "- ", "? ", "&a ", "*a", "!", "%",
    "@", "`", "---\n", "\na: 1", "~", "null", "\\", ".", "<<", "\r", "\r\n", "é", "\u{a0}", "!!str ", "|", ">\n",
    "...\n", "=",
];

/// A text with all that people write into one.
const WHOLE: &str = "# Flink
jobmanager:
  rpc.address: flink-jobmanager
  memory:
    process.size: 1600m
high-availability:
  type: kubernetes
  storageDir: s3://bucket/ha   # here
  cluster-id: \"/prod/orders\"
env.java.opts.all: --add-exports=java.base/sun.net.util=ALL-UNNAMED -Dfoo='bar baz'
metrics.reporters: [prom, jmx]
restart-strategy: {type: fixed-delay, fixed-delay: {attempts: 10, delay: 5 s}}
security: >
  some folded
  text
list:
- a
- - b
  - c
anchor: &x {k: v}
alias: *x
empty: ''
";
