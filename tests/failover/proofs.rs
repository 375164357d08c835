//! The proof that rules tell the truth: what they find fails on the real thing as they say, where our webhook has no say.

use std::path::Path;

use serde_json::{Value, json};

use super::cluster::{Cluster, Kind, leads};
use super::faults::{Ending, FAULTS, Fault};
use super::manifest::Manifest;
use super::namespaces::inside;
use super::rest::Rest;
use super::rows::{KUBERNETES, is_available};
use super::runner::Seen;
use super::stage::{Place, Stage};
use super::table::tell_each;
use crate::support::installation::Installation;
use crate::support::wait_until;

/// Lines are told up to here.
const WIDTH: usize = 180;
/// How often a JobManager says a thing before it is believed that it goes on so.
const OFTEN: usize = 5;

#[test]
fn each_fault_is_found() {
    let missed = FAULTS.iter().filter_map(|fault| {
        let findings = fault.manifest("team", Path::new("/nowhere")).findings("team");
        let is_found = findings.iter().any(|rule| rule == fault.rule);
        (!is_found).then(|| format!("{}: {} ({}), but {findings:?}", fault.rule, fault.what, fault.version))
    });
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn each_page_quotes_what_was_said() {
    let pages = include_str!("../../docs/rules.md");
    for fault in &FAULTS {
        let page = pages.split("\n## ").find(|page| page.starts_with(fault.rule)).expect("a page");
        assert!(fault.ending.said().is_none_or(|said| page.contains(said)), "{}: {:?}", fault.rule, fault.ending);
    }
}

/// All faults.
#[test]
#[ignore = "takes a quarter of an hour: make fidelity-live"]
fn each_fault_fails_as_its_rule_says() {
    if !is_available(&["1.15.4", "1.16.3", "1.20.5", "2.3.0"]) {
        return;
    }
    inside("failover::proofs::each_fault_fails_as_its_rule_says", || {
        let stage = Stage::open();
        let title = |fault: &Fault| format!("{:6}  {} [{}]", fault.version, fault.what, fault.rule);
        tell_each(&FAULTS, title, |fault| fault.prove(&stage));
    });
}

impl Fault {
    /// A cluster that our program has completed.
    fn right(&self, namespace: &str, library: &Path) -> Manifest {
        Manifest(Cluster::objects(self.version, Kind::Session, library)).completed(KUBERNETES, namespace)
    }

    /// The same with the fault.
    fn manifest(&self, namespace: &str, library: &Path) -> Manifest {
        (self.make)(self.right(namespace, library))
    }

    /// Lives it and gives what was said.
    fn prove(&self, stage: &Stage) -> String {
        let flink = Installation::shared(self.version).expect("it is there");
        if matches!(self.ending, Ending::ForgetsTheJob) {
            // An empty list proves something only where it would not be empty otherwise.
            let place = stage.place("right", flink, None);
            place.apply(&self.right(&place.name, &flink.library()).job_manager_only().0);
            let answer = self.scene(&place, flink).jobs_of_next();
            assert_eq!(answer["jobs"].as_array().map(Vec::len), Some(1), "without the fault: {answer}");
        }
        let place = stage.place("fault", flink, None);
        place.apply(&self.manifest(&place.name, &flink.library()).job_manager_only().0);
        self.scene(&place, flink).ends(self.ending)
    }

    fn scene<'a>(&self, place: &'a Place, flink: &'a Installation) -> Scene<'a> {
        Scene { place, cluster: Cluster { place, flink, version: self.version, kind: Kind::Session } }
    }
}

struct Scene<'a> {
    place: &'a Place,
    cluster: Cluster<'a>,
}

impl Scene<'_> {
    fn ends(&self, ending: Ending) -> String {
        match ending {
            Ending::DoesNotStart(said) => self.ended(&|_| true, said, None),
            Ending::RefusesTheJob(said) => {
                let leader = self.cluster.ready("flink");
                let answer = Rest(&leader.address).submit(&self.cluster.flink.jar()).expect_err("the job is refused");
                excerpt(&answer, said)
            }
            Ending::ForgetsTheJob => {
                let answer = self.jobs_of_next();
                assert_eq!(answer, json!({"jobs": []}));
                format!("the next leader answers {answer}")
            }
            Ending::DoesNotComeBack(said) => {
                let lost = self.next_of_job();
                self.ended(&|pod| pod.name != lost, said, Some(239))
            }
            Ending::NeverLeadsAgain(said) => self.never_leads_again(said),
            Ending::TakesTheOther(said) => {
                // Either of the two may be elected.
                let leader = self.cluster.wait("a leader", || {
                    self.cluster.all_job_managers().into_iter().find(|pod| leads(pod) && answers(pod))
                });
                self.cluster.job(&leader);
                let first = leader.labels["app"].as_str().expect("a label");
                self.cluster.wait("a standby of the other cluster", || {
                    self.cluster.all_job_managers().into_iter().find(|pod| pod.labels["app"] != first && answers(pod))
                });
                // A JobManager of the first would not be there as soon as the second one.
                let deployment = format!("{first}-jobmanager");
                self.place.plane.kubectl(&["delete", "deployment", &deployment, "-n", &self.place.name]).succeeded();
                self.ended(&|pod| pod.labels["app"] != first, said, Some(239))
            }
            Ending::IsTakenDown(said) => {
                let leader = self.cluster.ready("flink");
                self.cluster.job(&leader);
                let other = self.cluster.ready("other");
                Rest(&other.address).stop_cluster().expect("it stops");
                self.cluster.wait("the end of the other", || {
                    let pods = self.cluster.job_managers_of("other");
                    pods.into_iter().find(|pod| pod.exits == [0])
                });
                self.place.lose(&leader.name);
                self.ended(&|pod| pod.name != leader.name && pod.labels["app"] == "flink", said, Some(239))
            }
            Ending::DoesNotAnswer(said) => {
                let pod = self.cluster.wait("a JobManager that says it again and again", || {
                    let pod = self.cluster.job_managers().pop()?;
                    assert_eq!(Rest(&pod.address).get("/overview"), None, "it answers");
                    says_often(&pod, said).then_some(pod)
                });
                format!("again and again, and answers nobody: {}", excerpt(&pod.said(), said))
            }
        }
    }

    /// What the next JobManager answers when it is asked for its jobs.
    fn jobs_of_next(&self) -> Value {
        let lost = self.next_of_job();
        let next = self.cluster.ready_after("flink", &lost);
        Rest(&next.address).get("/jobs").expect("an answer")
    }

    /// A job is submitted and its JobManager lost, whose name it gives.
    fn next_of_job(&self) -> String {
        let leader = self.cluster.ready("flink");
        self.cluster.job(&leader);
        self.place.lose(&leader.name);
        leader.name
    }

    /// The first leads, as if all were well; the next one does not.
    fn never_leads_again(&self, said: &str) -> String {
        let first = self.cluster.ready("flink");
        self.place.lose(&first.name);
        let next = self.cluster.wait("a JobManager that says it again and again", || {
            let next = self.cluster.job_managers().into_iter().find(|pod| pod.name != first.name)?;
            says_often(&next, said).then_some(next)
        });
        assert!(!leads(&next), "{}", next.said());
        format!("again and again, and no JobManager leads: {}", excerpt(&next.said(), said))
    }

    /// Waits until a JobManager has ended, with `code` where that matters, and gives the line of it that holds `said`.
    fn ended(&self, is_meant: &dyn Fn(&Seen) -> bool, said: &str, code: Option<i32>) -> String {
        let ended = wait_until(super::cluster::DEADLINE, || {
            let pods = self.cluster.all_job_managers();
            pods.into_iter()
                .find(|pod| is_meant(pod) && pod.exits.iter().any(|exit| code.is_none_or(|code| *exit == code)))
        });
        let pod = ended.unwrap_or_else(|| {
            let logs =
                self.cluster.all_job_managers().into_iter().map(|pod| format!("{:?}: {}", pod.exits, pod.said()));
            panic!("no JobManager has ended:\n{}", logs.collect::<String>())
        });
        format!("exit code {}: {}", pod.exits[0], excerpt(&pod.said(), said))
    }
}

fn answers(pod: &Seen) -> bool {
    Rest(&pod.address).get("/overview").is_some()
}

fn says_often(pod: &Seen, said: &str) -> bool {
    pod.said().lines().filter(|line| says(line, said).is_some()).count() >= OFTEN
}

/// The line from where it says `said` on, in which `…` is any text.
fn says<'a>(line: &'a str, said: &str) -> Option<&'a str> {
    let (first, more) = said.split_once('…').unwrap_or((said, ""));
    let (before, rest) = line.split_once(first)?;
    more.split('…').try_fold(rest, |rest, part| Some(rest.split_once(part)?.1))?;
    line.get(before.len()..)
}

/// What was said, as much of the line as a person reads.
#[track_caller]
fn excerpt(text: &str, said: &str) -> String {
    let line = text.lines().find_map(|line| says(line, said));
    line.unwrap_or_else(|| panic!("`{said}` is not said:\n{text}")).chars().take(WIDTH).collect()
}
