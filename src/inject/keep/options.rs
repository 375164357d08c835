//! Options that were filled in at creation, on update: put back where they are missing, moved where the version wants
//! another name or value, given up where the user says something.

use serde_json::Value;

use crate::flink::arguments::takes_options;
use crate::flink::cluster::{Cluster, HighAvailability, Shape};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::options::{self, HA_TYPE, JOBMANAGER_ADDRESS, SUBMIT_ENABLE};
use crate::inject::high_availability::spelled;
use crate::inject::keep::is_written;
use crate::inject::option::remove_exact;
use crate::inject::record::{Injected, Record};
use crate::inject::{Place, Work};
use crate::object::FieldPath;
use crate::policy::{HaMode, Role};
use crate::workload::Raw;

/// Restores the options of `record`; for each, in its order, whether it stands as recorded.
pub(super) fn restore(work: &mut Work<'_>, record: &Record) -> Vec<bool> {
    let cluster = work.cluster();
    let refuses = |raw: &Raw| !takes_options(&raw.launch, cluster.version);
    if matches!(work.target.place(), Some(Place::Pods(raw)) if refuses(raw)) {
        // Its script takes them for a host and a port, also those that stand there. For a version that reads them they are
        // still known.
        return record.values.iter().filter(|value| matches!(value, Injected::Option { .. })).map(|_| true).collect();
    }
    let overruled = is_overruled(&cluster, record);
    let options: Vec<Kept<'_>> = record
        .values
        .iter()
        .filter_map(|value| Kept::of(value, record, &cluster, overruled, work.edits.document()))
        .collect();
    for option in options.iter().filter(|option| option.state == State::GivenUp) {
        remove_exact(work, option.key, option.value);
    }
    // Where one moves, all are taken off and set anew: a nested map may have to make room for a text of its name.
    let moves = options.iter().any(|option| option.state == State::Moves);
    for option in options.iter().filter(|option| moves && option.is_ours()) {
        remove_exact(work, option.key, option.value);
    }
    let stands = |option: &Kept<'_>| match option.set(work, moves) {
        Ok(()) => option.is_ours() && !moves,
        // What finds no place in its new form stays as it was, or away; the rules say what that means.
        Err(_) => option.put_back(work),
    };
    options.iter().map(stands).collect()
}

/// An option of the record and what became of it.
struct Kept<'a> {
    option: &'a str,
    key: &'a str,
    value: &'a str,
    /// The name of the present version.
    name: &'a str,
    /// The value in the form of the present version.
    wanted: String,
    state: State,
    /// The other name under which it was set with it, as the mode is where the version is not known.
    twin: Option<&'static str>,
    /// Where it stands now.
    path: Option<FieldPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It stands as recorded.
    Stands,
    /// It stands as recorded, and the present version wants it otherwise.
    Moves,
    /// It stands as the present version wants it: a second review of the same update.
    Moved,
    /// It is gone, and nothing stands in its place.
    Gone,
    /// The user says something else.
    GivenUp,
}

impl<'a> Kept<'a> {
    fn of(
        recorded: &'a Injected,
        record: &Record,
        cluster: &Cluster,
        overruled: bool,
        document: &Value,
    ) -> Option<Self> {
        let Injected::Option { option, key, value, .. } = recorded else { return None };
        let name = Some(options::spelling(option, cluster.version)).filter(|name| !name.is_empty()).unwrap_or(option);
        let wanted = derived(option, value, cluster);
        // The one value that ours stands above: a shared file cannot name each pod.
        let counts = |setting: &&Setting| option != JOBMANAGER_ADDRESS || setting.layer == Layer::Argument;
        let set = |name: &str| {
            let setting = cluster.leading().and_then(|view| view.config.exact(name)).filter(counts);
            setting.filter(|setting| !setting.trimmed().is_empty())
        };
        let says =
            |name: &str, value: &str| set(name).is_some_and(|setting| is_written(document, name, setting, value));
        // The mode counts only under a name that Flink reads: under another one it was no answer at creation either.
        let read_by = cluster.version.filter(|_| option == HA_TYPE);
        let is_anothers =
            |other: &str| other != key && set(other).is_some_and(|setting| !record.holds(other, &setting.value));
        let others = options::names(option, read_by).iter().any(|name| is_anothers(name));
        // Where the version is not known a standalone role has the mode under both of its names.
        let is_twofold = cluster.version.is_none() && cluster.shape == Shape::Raw;
        let name = if is_twofold { key } else { name };
        let is_twin = |other: &&&str| is_twofold && option == HA_TYPE && **other != name && says(other, &wanted);
        let twin = options::names(option, None).iter().find(is_twin).copied();
        let is_ours = says(key, value);
        let has_no_address = option == JOBMANAGER_ADDRESS && cluster.role(Role::JobManager).is_none();
        // A session lives by uploads.
        let has_become_session = option == SUBMIT_ENABLE && !cluster.application;
        // Without HA the JobManager is called by its Service's name, and hears nothing under its pod's.
        let is_off = matches!(cluster.high_availability(), (HighAvailability::Off, Some(_)));
        let is_of_ha = option == JOBMANAGER_ADDRESS && is_off;
        let state = if has_no_address || has_become_session || is_of_ha {
            State::GivenUp
        } else if says(name, &wanted) && !is_ours && (key == name || set(key).is_none()) {
            State::Moved
        } else if others || (!is_ours && set(key).is_some()) {
            State::GivenUp
        } else if is_ours && key == name && wanted == *value {
            State::Stands
        } else if overruled && option.starts_with("high-availability") {
            State::GivenUp
        } else if is_ours {
            State::Moves
        } else {
            State::Gone
        };
        let path = cluster.leading().and_then(|view| view.config.exact(key)).map(|setting| setting.path.clone());
        Some(Self { option, key, value, name, wanted, state, twin, path })
    }

    fn is_ours(&self) -> bool {
        matches!(self.state, State::Stands | State::Moves)
    }

    /// Puts an option that was taken off back where it stood, with its value; whether it was one of ours.
    fn put_back(&self, work: &mut Work<'_>) -> bool {
        self.is_ours()
            && self.path.as_ref().is_some_and(|path| work.edits.set(path, Value::String(self.value.to_owned())))
    }

    /// Sets the option where it is wanted: where it is gone, and with `anew` where it was taken off.
    fn set(&self, work: &mut Work<'_>, anew: bool) -> Result<(), FieldPath> {
        match self.state {
            State::Gone => self.set_once(work),
            State::Stands | State::Moves if anew => self.set_once(work),
            State::Moved => {
                for name in std::iter::once(self.name).chain(self.twin) {
                    work.note_option(self.option, name, &self.wanted, None);
                }
                Ok(())
            }
            State::Stands | State::Moves | State::GivenUp => Ok(()),
        }
    }
}

impl Kept<'_> {
    /// Sets the option, unless it came with another of its names.
    fn set_once(&self, work: &mut Work<'_>) -> Result<(), FieldPath> {
        let is_there = |added: &Injected| matches!(added, Injected::Option { key, value, .. } if key == self.key && *value == self.wanted);
        if work.added.iter().any(is_there) { Ok(()) } else { work.set_option(self.option, &self.wanted) }
    }
}

/// Whether the update sets an HA mode of its own, so that the rest of the set is the user's too.
pub(super) fn is_overruled(cluster: &Cluster, record: &Record) -> bool {
    let Some(view) = cluster.leading() else { return false };
    let ours = record.values.iter().find_map(|value| match value {
        Injected::Option { option, value, .. } if option == HA_TYPE => Some(HighAvailability::of(value)),
        _ => None,
    });
    let said = options::names(HA_TYPE, None).iter().filter_map(|name| view.config.exact(name));
    ours.is_some_and(|ours| said.into_iter().any(|setting| HighAvailability::of(&setting.value) != ours))
}

/// The recorded value in the form that the cluster's version takes.
fn derived(option: &str, value: &str, cluster: &Cluster) -> String {
    match (option, HighAvailability::of(value)) {
        (HA_TYPE, HighAvailability::Kubernetes) => spelled(HaMode::Kubernetes, cluster.version).to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::Operation;
    use crate::facts::Facts;
    use crate::policy::Policies;
    use crate::verdict::{Subject, judge};
    use crate::workload::recognise;

    const POLICY: &str = "spec:
  highAvailability: {mode: zookeeper, storageDir: 's3://b/ha', zookeeper: {quorum: 'zk:2181'}}
  checkpoints: {directory: 's3://b/checkpoints'}";

    /// What is stored when `configuration` was created on `from` and moves to `to`.
    fn moved(configuration: Value, from: &str, to: &str) -> Value {
        let mut object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "a"},
            "spec": {"flinkVersion": from, "flinkConfiguration": configuration}});
        let workload = recognise(&object).unwrap();
        let policies = Policies::from_text(POLICY).unwrap();
        let stored = |object: &Value, old: Option<&Value>, operation| {
            let subject = Subject { object, old, operation, namespace: "shop", name: Some("a"), workload: &workload };
            judge(&subject, &policies, &Facts::default()).stored
        };
        let old = stored(&object, None, Operation::Create);
        object.clone_from(&old);
        object["spec"]["flinkVersion"] = json!(to);
        stored(&object, Some(&old), Operation::Update)["spec"]["flinkConfiguration"].clone()
    }

    #[test]
    fn what_finds_no_place_stays_while_the_rest_moves() {
        assert_eq!(
            moved(json!({"execution": "x"}), "v1_16", "v2_0"),
            json!({"execution": "x", "high-availability.type": "zookeeper", "high-availability.storageDir": "s3://b/ha",
                "high-availability.zookeeper.quorum": "zk:2181",
                "high-availability.zookeeper.path.root": "/flink/shop", "state.checkpoints.dir": "s3://b/checkpoints"}),
            "`execution.checkpointing.dir` may not stand beside `execution`"
        );
    }

    #[test]
    fn a_nested_map_makes_room_for_the_old_name_of_the_mode() {
        let configuration = moved(json!({"taskmanager": {"numberOfTaskSlots": 2}}), "v1_17", "v1_16");
        assert_eq!(configuration["high-availability"], "zookeeper");
        assert_eq!(configuration["high-availability.storageDir"], "s3://b/ha");
    }
}
