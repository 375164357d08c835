//! The words of a container: the first line of an input chooses, each further one is a word.
#![no_main]

use std::sync::LazyLock;

use flink_admission::flink::arguments::{read, takes_options};
use flink_admission::flink::version::FlinkVersion;
use flink_admission::policy::Policies;
use flink_admission::workload::Launch;
use flink_admission_fuzz::holds::Asked;
use serde_json::json;

static POLICIES: LazyLock<Policies> =
    LazyLock::new(|| Policies::from_text(include_str!("../policy.yaml")).expect("a policy"));

const STARTS: [&[&str]; 8] = [
    &[],
    &["jobmanager"],
    &["taskmanager"],
    &["standalone-job"],
    &["bin/jobmanager.sh", "start-foreground"],
    &["bash", "-c"],
    &["tini", "-g", "--", "/docker-entrypoint.sh", "jobmanager"],
    &["env", "-u", "X", "A=b", "taskmanager"],
];
const VERSIONS: [Option<(u16, u16)>; 6] =
    [None, Some((1, 13)), Some((1, 16)), Some((1, 20)), Some((2, 0)), Some((2, 3))];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let choice = first.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let version = VERSIONS[choice % VERSIONS.len()].map(|(major, minor)| FlinkVersion::new(major, minor));
    let start = STARTS[choice / VERSIONS.len() % STARTS.len()];
    let words: Vec<&str> = start.iter().copied().chain(rest.split('\n')).collect();
    let (command, args) = words.split_at(if choice % 3 == 0 { start.len() } else { 0 });
    let container = json!({"name": "flink", "image": image(version), "command": command, "args": args,
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, {"name": "A", "value": "$(B)$(A)"}]});
    if let Some(launch) = Launch::of(&container) {
        reads(&words, &launch, version);
    }
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager", "namespace": "shop"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}});
    Asked { object: &object, old: None, others: &[], policies: &POLICIES }.holds();
});

fn image(version: Option<FlinkVersion>) -> String {
    version.map_or_else(
        || "example.net/orders:7".to_owned(),
        |version| format!("flink:{}.{}.0", version.major, version.minor),
    )
}

fn reads(words: &[&str], launch: &Launch, version: Option<FlinkVersion>) {
    let before = read(words, launch, version);
    let is_word = |position: usize| position < words.len();
    assert!(before.insert_at <= words.len() + 1, "{before:?} of {words:?}");
    assert!(before.options.iter().all(|(.., position)| is_word(*position)), "{before:?} of {words:?}");
    assert!(
        before.host.iter().chain(&before.job_id).all(|(_, position)| is_word(*position)),
        "{before:?} of {words:?}"
    );
    assert!(before.end.is_none_or(is_word), "{before:?} of {words:?}");
    for misread in &before.misread {
        assert!(is_word(misread.position), "{before:?} of {words:?}");
        assert!(!misread.in_words().is_empty() && !misread.remedy().is_empty());
    }
    if !takes_options(launch, version) || before.insert_at > words.len() {
        return;
    }
    // What is put where options go is read as one, and changes nothing else.
    let mut longer = words.to_vec();
    longer.splice(before.insert_at..before.insert_at, ["-D", "zz.q=1"]);
    let after = read(&longer, launch, version);
    let pairs = |options: &[(String, String, usize)]| -> Vec<(String, String)> {
        options.iter().map(|(key, value, _)| (key.clone(), value.clone())).collect()
    };
    let (mut with, without) = (pairs(&after.options), pairs(&before.options));
    let ours = with.iter().position(|(key, value)| key == "zz.q" && value == "1");
    let Some(ours) = ours else { panic!("not read: {after:?} of {longer:?}") };
    with.remove(ours);
    assert_eq!(with, without, "{longer:?}");
    let host = |host: Option<(String, usize)>| host.map(|(host, _)| host);
    assert_eq!(host(after.host), host(before.host), "{longer:?}");
}
