//! All cases of all releases, run and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::belief::{OfImage, Outcome};
use super::container::{Case, Seen};
use super::entry_points::{self, Made};
use super::excuses::{EXCEPTIONS, Excuses, exception};
use super::questions::Questions;
use super::release::{self, Release};
use super::{environments, forms, share};
use crate::support::asked;

/// As many as there are cores on a small machine; each waits for programs more than it works.
const AT_ONCE: usize = 3;

/// What is otherwise than we believe is a failure.
#[test]
fn scripts_and_entry_points_make_of_a_container_what_we_make() {
    let all = [forms::cases(), environments::cases()].concat();
    let mut differences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut fired = BTreeSet::new();
    let releases = release::releases();
    for (turn, release) in releases.iter().enumerate() {
        let cases = share::of(&all, turn);
        let begin = Instant::now();
        let found = compare_on(release, &cases);
        let refused = found.iter().filter(|found| found.kind == Kind::Refused).count();
        let started = found.iter().filter(|found| found.kind != Kind::NotStarted).count();
        let excuses = Excuses::default();
        for one in &found {
            excuses.extend(&one.excuses);
        }
        fired.extend(found.iter().flat_map(|found| found.exceptions.clone()));
        let mut of_release: Vec<String> = found.into_iter().flat_map(|found| found.differences).collect();
        of_release.extend(excuses.beyond(cases.len()));
        let _ = writeln!(
            std::io::stderr(),
            "scripts of Flink {}: {} cases, {started} reach the JVM, {refused} are refused there, {} differences, {:.0} s; \
            not compared: {}",
            release.name,
            cases.len(),
            of_release.len(),
            begin.elapsed().as_secs_f32(),
            excuses.in_words()
        );
        // Else the test would hold where nothing is started.
        assert!((started - refused) * 3 > cases.len(), "{started} of {} cases reach the JVM", cases.len());
        for difference in of_release {
            differences.entry(difference).or_default().push(release.name.clone());
        }
    }
    let told: Vec<String> =
        differences.into_iter().map(|(text, releases)| format!("{text}\n    Flink {}", releases.join(", "))).collect();
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
    if asked::is_whole() && !releases.is_empty() {
        let idle: Vec<_> = EXCEPTIONS.iter().enumerate().filter(|(index, _)| !fired.contains(index)).collect();
        assert!(idle.is_empty(), "exceptions that are none any more: {idle:?}");
    }
}

/// What came of a case.
struct Found {
    differences: Vec<String>,
    /// Those of [`EXCEPTIONS`] that it is.
    exceptions: Vec<usize>,
    excuses: Excuses,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    NotStarted,
    Refused,
    Read,
}

fn compare_on(release: &Release, cases: &[Case]) -> Vec<Found> {
    let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
    for made in ["answers", "classes"] {
        std::fs::create_dir(directory.path().join(made)).expect("a directory");
    }
    // What the image brings, by its subcommands and without its entry point, comes first.
    let mut plain = ["jobmanager", "standalone-job", "taskmanager"].map(|word| Case::of_args(&[word])).to_vec();
    plain.push(Case::of_args(&["/opt/flink/bin/taskmanager.sh", "start-foreground"]).without_entry_point());
    let all: Vec<&Case> = plain.iter().chain(cases).collect();
    let seen = run_all(release, &all, directory.path());
    let reached: Vec<&Seen> = seen.iter().flatten().filter(|seen| is_standalone(seen)).collect();
    let mut made = entry_points::ask(release, &reached, &directory.path().join("classes")).into_iter();
    let outcomes: Vec<Outcome<'_>> = all
        .iter()
        .zip(seen)
        .map(|(case, seen)| {
            let made = seen.as_ref().filter(|seen| is_standalone(seen)).map(|_| made.next().expect("an answer"));
            Outcome { case, release, seen, made: made.unwrap_or_default(), excuses: Excuses::default() }
        })
        .collect();
    let mut plain: Vec<_> = outcomes;
    let outcomes = plain.split_off(plain.len() - cases.len());
    let mut of_image = OfImage::new();
    for (key, value) in plain.iter().flat_map(|outcome| outcome.made.options.clone()) {
        of_image.entry(key).or_default().insert(value);
    }
    assert!(of_image.contains_key("jobmanager.rpc.address"), "{of_image:?}");
    outcomes.into_iter().map(|outcome| told(outcome, &of_image)).collect()
}

/// The differences of `outcome`, each with what was seen.
fn told(outcome: Outcome<'_>, of_image: &OfImage) -> Found {
    let kind = match (&outcome.seen, &outcome.made.refused) {
        (None, _) => Kind::NotStarted,
        (_, Some(_)) => Kind::Refused,
        _ => Kind::Read,
    };
    let Made { refused, .. } = &outcome.made;
    let tell = |difference: String| {
        let refused = refused.as_deref().map(|why| format!("\n    refused: {why}")).unwrap_or_default();
        let Case { container, data, .. } = outcome.case;
        format!("{difference}\n    {container} {data}\n    the JVM had {:?}{refused}", outcome.words_but_memory())
    };
    let differences = outcome.differences(of_image);
    let (exceptions, differences): (Vec<_>, Vec<_>) = differences
        .into_iter()
        .map(|difference| (exception(outcome.case, &difference), difference))
        .partition(|(index, _)| index.is_some());
    let differences = differences.into_iter().map(|(_, difference)| tell(difference)).collect();
    let exceptions = exceptions.into_iter().filter_map(|(index, _)| index).collect();
    Found { differences, exceptions, excuses: outcome.excuses, kind }
}

fn is_standalone(seen: &Seen) -> bool {
    let class = &seen.words[0];
    class.starts_with("org.apache.flink.") && !class.contains(".kubernetes.") && !class.contains(".history.")
}

fn run_all(release: &Release, cases: &[&Case], directory: &std::path::Path) -> Vec<Option<Seen>> {
    let next = AtomicUsize::new(0);
    let questions = Questions::of(release);
    let seen: Mutex<Vec<Option<Seen>>> = Mutex::new(vec![None; cases.len()]);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((index, case)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, cases.get(index)?)))
                {
                    let one =
                        case.run(release, &directory.join(index.to_string()), &directory.join("answers"), &questions);
                    seen.lock().expect("no thread panicked")[index] = one;
                }
            });
        }
    });
    seen.into_inner().expect("no thread panicked")
}
