//! Pod templates on update: where a client sent a list or a map anew, what we had put there comes back as it stood.
//!
//! `kubectl apply` replaces the lists that its manifest has and keeps the others; `kubectl replace` drops all that the
//! manifest lacks. What we fill in is only ever put behind the user's elements, so what is missing is the end of a list, or
//! a map that was ours alone. Anything else is a change of the user's, for which a place is looked for anew.

use serde_json::{Value, json};

use crate::flink::deployment::walk;
use crate::flink::plugins::{Choice, choice_in_template, in_template};
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::spread::is_spread;
use crate::inject::Work;
use crate::inject::plugins::variable;
use crate::inject::pod_template::template_of;
use crate::inject::record::{Injected, Record};
use crate::inject::spread::terms;
use crate::inject::volumes::{Claim, Presence, presence};
use crate::object::{FieldPath, name};
use crate::policy::Role;

/// Puts back what `record` says we put into the templates of `old`, where it stood.
pub(super) fn put_back(work: &mut Work<'_>, record: &Record, old: &Value) {
    let cluster = work.cluster();
    // A claim or variable in whose place the update has something else is given up.
    let counts = |value: &Injected| {
        let view = value.role().and_then(|role| cluster.role(role));
        if let Injected::Plugins { value, .. } = value {
            return view.is_none_or(|view| match in_template(view) {
                Some(present) => present == value,
                None => choice_in_template(view, cluster.shape) == Choice::Nothing,
            });
        }
        if let Injected::Spread { .. } = value {
            return view.is_none_or(|view| !is_spread(&view.pod));
        }
        let present = Claim::of(value).zip(view).map(|(claim, view)| presence(&view.pod, &claim));
        !matches!(present, Some(Presence::Replaced))
    };
    let common = walk(old, &template_of(work, None));
    for role in [None, Some(Role::JobManager), Some(Role::TaskManager)] {
        let path = template_of(work, role);
        if let Some(was) = walk(old, &path) {
            Ours::of(record, role, counts).put_back(work, &path, was, common.filter(|_| role.is_some()));
        }
    }
}

/// Takes what `record` says we put into the templates out again, as far as it stands at the end of its list: in front of
/// something else its place cannot be taken without moving that, and so it stays.
pub(super) fn withdraw(work: &mut Work<'_>, record: &Record) {
    for role in [None, Some(Role::JobManager), Some(Role::TaskManager)] {
        let path = template_of(work, role);
        Ours::of(record, role, |_| true).take_out(work, &path);
    }
}

/// The fields on the way to what we put into pod templates. What looks the same elsewhere is the user's.
const PLACES: [&str; 9] = [
    "spec",
    "volumes",
    "containers",
    "volumeMounts",
    "env",
    "securityContext",
    "affinity",
    "podAntiAffinity",
    "preferredDuringSchedulingIgnoredDuringExecution",
];

/// What we put into pod templates.
#[derive(Default)]
struct Ours {
    volumes: Vec<Value>,
    mounts: Vec<Value>,
    variables: Vec<Value>,
    groups: Vec<u64>,
    terms: Vec<Value>,
}

impl Ours {
    /// What `record` says of the template of `role`, or of all where it is the common one, as far as it `counts`: what looks
    /// the same in another role's template is the user's.
    fn of(record: &Record, role: Option<Role>, counts: impl Fn(&Injected) -> bool) -> Self {
        let mut ours = Self::default();
        let is_here = |value: &&Injected| role.is_none_or(|role| value.role() == Some(role));
        for value in record.values.iter().filter(is_here).filter(|value| counts(value)) {
            match value {
                Injected::FsGroup { value, .. } => ours.groups.push(u64::from(*value)),
                Injected::Plugins { value, .. } => ours.variables.push(variable(value)),
                Injected::Spread { labels } => ours.terms.push(terms(labels)),
                value => {
                    let claim = Claim::of(value);
                    ours.volumes.extend(claim.as_ref().map(Claim::volume));
                    ours.mounts.extend(claim.as_ref().map(Claim::mount));
                }
            }
        }
        ours
    }

    /// Takes what is ours and stands at the end of its list out of what is at `path`.
    fn take_out(&self, work: &mut Work<'_>, path: &FieldPath) {
        match walk(work.edits.document(), path).cloned() {
            Some(Value::Object(map)) => {
                let group = map.get("fsGroup").and_then(Value::as_u64);
                if group.is_some_and(|group| self.groups.contains(&group)) {
                    work.edits.remove(&path.key("fsGroup"));
                    work.edits.remove(&path.key("fsGroupChangePolicy"));
                }
                for (key, value) in &map {
                    if value.is_object() || value.is_array() {
                        self.take_out(work, &path.key(key));
                    }
                }
                if !map.is_empty() {
                    work.edits.prune(path);
                }
            }
            Some(Value::Array(elements)) => {
                for index in 0..elements.len() {
                    self.take_out(work, &path.index(index));
                }
                let mut left = walk(work.edits.document(), path).and_then(Value::as_array).cloned().unwrap_or_default();
                let is_bare = |element: &Value| *element == json!({"name": MAIN_CONTAINER});
                while left
                    .last()
                    .is_some_and(|last| self.is_element(last, None) || (is_bare(last) && !elements.contains(last)))
                {
                    left.pop();
                }
                if left.is_empty() && !elements.is_empty() {
                    work.edits.remove(path);
                } else if left.len() < elements.len() {
                    work.edits.set(path, Value::Array(left));
                }
            }
            _ => {}
        }
    }

    /// Puts back what is missing at `path` of what `was` there; `common` is the common template at the same place.
    fn put_back(&self, work: &mut Work<'_>, path: &FieldPath, was: &Value, common: Option<&Value>) {
        match (walk(work.edits.document(), path).cloned(), was) {
            (None, was) if self.are_all(was, common) => {
                work.edits.set(path, was.clone());
            }
            (Some(Value::Object(_)), Value::Object(was)) => {
                for (key, was) in was.iter().filter(|(key, _)| PLACES.contains(&key.as_str())) {
                    self.put_back(work, &path.key(key), was, common.and_then(|common| common.get(key)));
                }
            }
            (Some(Value::Array(is)), Value::Array(was)) => {
                if is.iter().zip(was).any(|(is, was)| name(is) != name(was)) {
                    return;
                }
                for (index, was) in was.iter().take(is.len()).enumerate() {
                    self.put_back(work, &path.index(index), was, common.and_then(|common| common.get(index)));
                }
                let end = was.get(is.len()..).unwrap_or_default();
                if self.are_end(end, is.len(), common) {
                    for element in end {
                        work.edits.append(path, element.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether all of `value` is ours.
    fn are_all(&self, value: &Value, common: Option<&Value>) -> bool {
        match value {
            terms if self.terms.contains(terms) => true,
            Value::Object(map) => {
                !map.is_empty()
                    && map.iter().all(|(key, value)| match key.as_str() {
                        "fsGroup" => value.as_u64().is_some_and(|value| self.groups.contains(&value)),
                        "fsGroupChangePolicy" => !self.groups.is_empty(),
                        "name" => *value == MAIN_CONTAINER && map.len() > 1,
                        key => PLACES.contains(&key) && self.are_all(value, common.and_then(|common| common.get(key))),
                    })
            }
            Value::Array(elements) => self.are_end(elements, 0, common),
            _ => false,
        }
    }

    /// Whether `end`, what stands from position `start` of a list, is ours: what we appended, and before that what fills
    /// up a role's list to the length of the common one.
    fn are_end(&self, end: &[Value], start: usize, common: Option<&Value>) -> bool {
        let is_filling =
            |offset: usize, element: &Value| common.and_then(|common| common.get(start + offset)) == Some(element);
        end.last()
            .is_some_and(|last| self.is_element(last, common.and_then(|common| common.get(start + end.len() - 1))))
            && end.iter().enumerate().all(|(offset, element)| {
                is_filling(offset, element)
                    || self.is_element(element, common.and_then(|common| common.get(start + offset)))
            })
    }

    fn is_element(&self, element: &Value, common: Option<&Value>) -> bool {
        self.volumes.contains(element)
            || self.mounts.contains(element)
            || self.variables.contains(element)
            || (name(element) == Some(MAIN_CONTAINER) && self.are_all(element, common))
    }
}
