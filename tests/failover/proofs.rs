//! The proof that rules tell the truth: what they find fails on the real thing as they say, where our webhook has no say.

use std::path::Path;

use serde_json::json;

use super::cluster::{Cluster, Kind};
use super::faults::{Ending, FAULTS, Fault};
use super::manifest::Manifest;
use super::namespaces::{inside, tell};
use super::rest::Rest;
use super::rows::{KUBERNETES, is_available, is_wanted};
use super::runner::Seen;
use super::stage::{Place, Stage};
use crate::installation::Installation;
use crate::support::wait_until;

/// Lines are told up to here.
const WIDTH: usize = 300;
/// How often a JobManager says that it may not lead before it is believed.
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

/// All faults; `FIDELITY_ONLY` is a word of those that are wanted.
#[test]
#[ignore = "takes a quarter of an hour: make fidelity-live"]
fn each_fault_fails_as_its_rule_says() {
    if !is_available(&["1.15.4", "1.16.3", "1.20.5", "2.3.0"]) {
        return;
    }
    inside("failover::proofs::each_fault_fails_as_its_rule_says", || {
        let stage = Stage::open();
        let mut failed = Vec::new();
        for fault in &FAULTS {
            let title = format!("{}  {} [{}]", fault.version, fault.what, fault.rule);
            if !is_wanted(&title) {
                continue;
            }
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fault.prove(&stage))) {
                Ok(line) => tell(&format!("{title}: {line}")),
                Err(_) => {
                    tell(&format!("{title}: FAILED"));
                    failed.push(title);
                }
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    });
}

impl Fault {
    /// A cluster that our program has completed, with the fault.
    fn manifest(&self, namespace: &str, library: &Path) -> Manifest {
        let right = Manifest(Cluster::objects(self.version, Kind::Session, library)).completed(KUBERNETES, namespace);
        (self.make)(right)
    }

    /// Lives it and gives what was said.
    fn prove(&self, stage: &Stage) -> String {
        let flink = Installation::shared(self.version).expect("it is there");
        let place = stage.place("fault", flink, None);
        let manifest = self.manifest(&place.name, &flink.library());
        place.apply(&manifest.job_manager_only().0);
        let cluster = Cluster { place: &place, flink, version: self.version, kind: Kind::Session };
        Scene { place: &place, cluster }.ends(self.ending)
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
                let job = self.cluster.job(&leader);
                let answer = self.cluster.wait("the job's exception", || {
                    let answer = Rest(&leader.address).get(&format!("/jobs/{job}/exceptions"))?.to_string();
                    answer.contains(said).then_some(answer)
                });
                excerpt(&answer, said)
            }
            Ending::ForgetsTheJob => {
                let next = self.next_of_job();
                let next = self.cluster.ready_after("flink", &next);
                let answer = Rest(&next.address).get("/jobs").expect("an answer");
                assert_eq!(answer, json!({"jobs": []}));
                format!("the next leader answers {answer}")
            }
            Ending::DoesNotComeBack(said) => {
                let lost = self.next_of_job();
                self.ended(&|pod| pod.name != lost, said, Some(239))
            }
            Ending::NeverLeadsAgain(said) => self.never_leads_again(said),
            Ending::TakesTheOther(said) => {
                let leader = self.cluster.ready("flink");
                self.cluster.job(&leader);
                self.cluster.wait("a standby of the other cluster", || {
                    Rest(&self.cluster.job_managers_of("other").pop()?.address).get("/overview")
                });
                // A JobManager of the first would not be there as soon as the second one.
                self.place
                    .plane
                    .kubectl(&["delete", "deployment", "flink-jobmanager", "-n", &self.place.name])
                    .succeeded();
                self.ended(&|pod| pod.labels["app"] == "other", said, Some(239))
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
            Ending::IsNotHeard(option) => {
                let leader = self.cluster.ready("flink");
                let settings = Rest(&leader.address).get("/jobmanager/config").expect("an answer");
                let settings = settings.as_array().expect("settings");
                let heard = settings
                    .iter()
                    .find(|setting| setting["key"].as_str().is_some_and(|key| key == "high-availability.type"));
                assert_eq!(heard, None, "{option}");
                let taken = settings
                    .iter()
                    .filter(|setting| setting["value"].as_str().is_some_and(|value| value.contains(option)));
                let taken: Vec<String> =
                    taken.map(|setting| format!("{}: {}", setting["key"], setting["value"])).collect();
                assert!(!taken.is_empty(), "{settings:?}");
                format!("it runs with {}", taken.join(", "))
            }
        }
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
        let next = self.cluster.wait("a JobManager that may not lead", || {
            let next = self.cluster.job_managers().into_iter().find(|pod| pod.name != first.name)?;
            (next.said().lines().filter(|line| line.contains(said)).count() >= OFTEN).then_some(next)
        });
        assert!(!super::cluster::leads(&next), "{}", next.said());
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
        assert!(pod.said().contains(said), "{:?}: {}", pod.exits, pod.said());
        format!("exit code {}: {}", pod.exits[0], excerpt(&pod.said(), said))
    }
}

/// The line that holds `said`, as much of it as a person reads.
fn excerpt(text: &str, said: &str) -> String {
    let line = text.lines().find(|line| line.contains(said)).unwrap_or_default().trim();
    let at = line.find(said).unwrap_or_default();
    let begin = line[..at].char_indices().rev().nth(WIDTH / 2).map_or(0, |(index, _)| index);
    line[begin..].chars().take(WIDTH).collect()
}
