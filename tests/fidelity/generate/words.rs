//! Words of a command line, good ones and bad ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::settings::pair;
use crate::fidelity::case::Role;

/// The words behind the role's own.
pub fn words(role: Role) -> BoxedStrategy<Vec<String>> {
    let groups = vec(group(), 0..5).prop_map(|groups| groups.concat());
    let place = match role {
        Role::Session => prop_oneof![
            4 => Just(Vec::new()),
            2 => select(HOSTS).prop_map(|host| owned(&[host])),
            1 => (select(HOSTS), select(WEB_PORTS)).prop_map(|(host, port)| owned(&[host, port])),
        ]
        .boxed(),
        Role::Application | Role::TaskManager => Just(Vec::new()).boxed(),
    };
    let options =
        if role == Role::Application { vec(of_application(), 0..3).boxed() } else { Just(Vec::new()).boxed() };
    let program = prop_oneof![4 => Just(Vec::new()), 1 => vec(select(PROGRAM).prop_map(str::to_owned), 1..4)];
    let odd = prop_oneof![
        6 => Just(Vec::new()),
        1 => vec(select(ODD).prop_map(str::to_owned), 1..3),
    ];
    (place, groups, options, odd, program, any::<bool>())
        .prop_map(|(place, groups, options, odd, program, is_turned)| {
            let options = options.concat();
            let [first, second] = if is_turned { [options, groups] } else { [groups, options] };
            // In a container's arguments `$(…)` is the kubelet's.
            [place, first, odd, second, program].concat().into_iter().map(|word| word.replace('$', "")).collect()
        })
        .boxed()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// An option of the configuration, in one of the forms that it may take.
fn group() -> impl Strategy<Value = Vec<String>> {
    (pair(), 0..24_u8).prop_map(|((key, value), form)| match form {
        0..=11 => owned(&["-D", &format!("{key}={value}")]),
        12..=19 => owned(&[&format!("-D{key}={value}")]),
        20 => owned(&["-D", &key, &value]),
        21 => owned(&[&format!("-D{key}")]),
        22 => owned(&["-D", &format!("{key}=")]),
        _ => owned(&["-D", &format!(" {key} = {value} ")]),
    })
}

fn of_application() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        4 => select(&["--job-classname", "-j", "--job-class", "-job-classname"][..]).prop_map(|name| owned(&[name, "org.example.Orders"])),
        1 => Just(owned(&["--job-classname=org.example.Orders"])),
        1 => Just(owned(&["-jorg.example.Orders"])),
        2 => (select(&["--job-id", "-jid", "--job-i"][..]), job_id()).prop_map(|(name, id)| owned(&[name, &id])),
        2 => select(HOSTS).prop_map(|host| owned(&["--host", host])),
        1 => select(HOSTS).prop_map(|host| owned(&["-h", host])),
        1 => select(WEB_PORTS).prop_map(|port| owned(&["--webui-port", port])),
        1 => Just(owned(&["--fromSavepoint", "s3://bucket/savepoint-1"])),
        1 => Just(owned(&["-s", "s3://bucket/savepoint-1", "-n"])),
        1 => Just(owned(&["--allowNonRestoredState"])),
        1 => Just(owned(&["--jars", "local:///opt/a.jar", "local:///opt/b.jar"])),
        1 => Just(owned(&["--jars", "local:///opt/a.jar,local:///opt/b.jar"])),
    ]
}

/// An id of a job, good or nearly: pairs of digits, some with a sign, of about the right number.
fn job_id() -> BoxedStrategy<String> {
    let pairs = select(&["00", "6e", "AB", "+1", "-1", "-f", "0x", "--", "1+"][..]);
    // Most pairs of most ids are plain.
    let made = (
        vec(select(&["00", "6e", "AB", "1F"][..]), 16),
        vec((any::<prop::sample::Index>(), pairs), 0..3),
        30..35_usize,
    );
    let made = made.prop_map(|(mut all, odd, length)| {
        for (place, pair) in odd {
            *place.get_mut(&mut all) = pair;
        }
        let mut id = all.concat() + "7x";
        id.truncate(length);
        id
    });
    prop_oneof![
        6 => made,
        2 => Just("000000006e6b13320000000000000000".to_owned()),
        1 => select(&["1", "x", "", "+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1"][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

const HOSTS: &[&str] = &["10.0.0.1", "flink-jobmanager", "-h", "localhost", "::1", "-Dx=y", "--", "1"];
const WEB_PORTS: &[&str] = &["8081", "8082", "0", "x", "-1", "8081-8090", "", "-Dx=y"];
const PROGRAM: &[&str] = &[
    "--input",
    "s3://bucket/in",
    "-Dmode=full",
    "plan",
    "--host",
    "db",
    "-x",
    "--parallelism",
    "4",
    "-D",
    "a=b",
    "",
    "-j",
];
const ODD: &[&str] = &[
    "--",
    "-",
    "",
    "--foo",
    "-foo",
    "-D",
    "--configDir",
    "/etc/flink",
    "-c",
    "-c=x",
    "--configDir=/x",
    "-cB",
    "--conf",
    "--host",
    "-h",
    "--host=h",
    "-hlocalhost",
    "--webui-port",
    "-r",
    "80",
    "--executionMode",
    "-x",
    "cluster",
    "-nj",
    "-n",
    "--allowNon",
    "-D=",
    "-D=x",
    "--D",
    "---",
    "=",
    "-=",
    "--=",
    "a=b",
    "-Da",
    "-DD",
    "start-foreground",
    "start",
    "-1",
    "-e",
    "--h",
    "--w=1",
    "--job",
    "-jars",
    "\"-D\"",
    "'a'",
    "-D\"a\"=\"b\"",
    "\"a=b\"",
    "-nDx=1",
    "-é",
    "-D é=ü",
    "--jars",
    "-claimMode",
    "-cm",
    "CLAIM",
    "-restoreMode",
    "-rm",
    "--from",
    "-j=X",
    "-s=x",
    "-jid",
];
