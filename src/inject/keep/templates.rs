//! Pod templates on update: where a client sent a list or a map anew, what we had put there comes back as it stood.
//!
//! `kubectl apply` replaces the lists that its manifest has and keeps the others; `kubectl replace` drops all that the
//! manifest lacks. What we fill in is only ever put behind the user's elements, so what is missing is the end of a list, or
//! a map that was ours alone. Anything else is a change of the user's, for which a place is looked for anew.

use serde_json::Value;

use crate::flink::deployment::walk;
use crate::flink::pod::MAIN_CONTAINER;
use crate::inject::Work;
use crate::inject::record::{Injected, Record};
use crate::inject::volumes::{Claim, Presence, presence, template_of};
use crate::object::{FieldPath, name};
use crate::policy::Role;

/// Puts back what `record` says we put into the templates of `old`, where it stood.
pub(super) fn put_back(work: &mut Work<'_>, record: &Record, old: &Value) {
    let ours = Ours::of(record, work);
    let common = walk(old, &template_of(work, None));
    for role in [None, Some(Role::JobManager), Some(Role::TaskManager)] {
        let path = template_of(work, role);
        if let Some(was) = walk(old, &path) {
            ours.put_back(work, &path, was, common.filter(|_| role.is_some()));
        }
    }
}

/// What we put into pod templates.
struct Ours {
    volumes: Vec<Value>,
    mounts: Vec<Value>,
    groups: Vec<u64>,
}

impl Ours {
    /// What `record` says, but for claims in whose place the update has something else.
    fn of(record: &Record, work: &Work<'_>) -> Self {
        let cluster = work.cluster();
        let mut ours = Self { volumes: Vec::new(), mounts: Vec::new(), groups: Vec::new() };
        for value in &record.values {
            match value {
                Injected::Volume { role, name, claim, mount_path, .. } => {
                    let claim = Claim { name: name.clone(), of: claim.clone(), mount_path: mount_path.clone() };
                    let present = cluster.role(Role::from(*role)).map(|view| presence(&view.pod, &claim));
                    if !matches!(present, Some(Presence::Replaced)) {
                        ours.volumes.push(claim.volume());
                        ours.mounts.push(claim.mount());
                    }
                }
                Injected::FsGroup { value, .. } => ours.groups.push(u64::from(*value)),
                Injected::Option { .. } | Injected::ServiceAccount { .. } | Injected::Env { .. } => {}
            }
        }
        ours
    }

    /// Puts back what is missing at `path` of what `was` there; `common` is the common template at the same place.
    fn put_back(&self, work: &mut Work<'_>, path: &FieldPath, was: &Value, common: Option<&Value>) {
        match (walk(work.edits.document(), path).cloned(), was) {
            (None, was) if self.are_all(was, common) => {
                work.edits.set(path, was.clone());
            }
            (Some(Value::Object(_)), Value::Object(was)) => {
                for (key, was) in was {
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
            Value::Object(map) => {
                !map.is_empty()
                    && map.iter().all(|(key, value)| match key.as_str() {
                        "fsGroup" => value.as_u64().is_some_and(|value| self.groups.contains(&value)),
                        "fsGroupChangePolicy" => !self.groups.is_empty(),
                        "name" => *value == MAIN_CONTAINER && map.len() > 1,
                        key => self.are_all(value, common.and_then(|common| common.get(key))),
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
            || (name(element) == Some(MAIN_CONTAINER) && self.are_all(element, common))
    }
}
