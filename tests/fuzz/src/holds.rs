//! What must hold of every answer, whatever the object.

use std::collections::BTreeSet;

use flink_admission::admission::{self, Malformed, Review};
use flink_admission::facts::Facts;
use flink_admission::flink::configuration::flatten;
use flink_admission::inject::INJECTED_ANNOTATION;
use flink_admission::object::FieldPath;
use flink_admission::policy::{Finding, Level, Policies, Role};
use flink_admission::verdict::{self, Decision, Outcome, Subject};
use flink_admission::workload;
use serde_json::{Value, json};

use crate::manifests;

/// Bytes of an answer beside what it repeats of the object.
const ANSWER: usize = 64 << 10;

/// An object with the cluster and the policy around it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// What is judged.
    pub object: &'a Value,
    /// What it updates.
    pub old: Option<&'a Value>,
    /// What stands for the cluster.
    pub others: &'a [Value],
    /// The policy.
    pub policies: &'a Policies,
}

impl Asked<'_> {
    fn ask<T>(&self, object: &Value, old: Option<&Value>, answer: impl Fn(&Subject<'_>, &Policies, &Facts) -> T) -> T {
        manifests::review(object, old, self.policies, self.others, answer)
    }

    /// Reviews the object as it is created, then the update of it, and looks at every answer.
    pub fn holds(&self) {
        let Some(object) = sent(self.object, None) else { return };
        self.creation(&object);
        let Some(old) = self.old else { return };
        let Some(mut old) = sent(old, None) else { return };
        // An update changes neither the kind of an object nor what it is called.
        if object["kind"] != old["kind"] || !(object["metadata"].is_object() && old["metadata"].is_object()) {
            return;
        }
        for field in ["name", "namespace", "generateName"] {
            match object["metadata"].get(field) {
                Some(own) => old["metadata"][field] = own.clone(),
                None => {
                    old["metadata"].as_object_mut().and_then(|metadata| metadata.shift_remove(field));
                }
            }
        }
        if workload::recognise(&old).is_some() && !is_copied(&old) {
            self.update(&object, &old);
        }
    }

    /// Judges the object once: for targets whose object is always the same, and whose texts are not.
    pub fn answers(&self) {
        let outcome = self.ask(self.object, None, verdict::judge);
        assert!(
            patched(self.object, &outcome.patch) == outcome.stored,
            "the patch gives another object than what is judged"
        );
        is_ordered(&outcome);
        is_bounded(&Decision::of(&outcome.findings), self.object);
    }

    fn creation(&self, object: &Value) {
        let outcome = self.ask(object, None, verdict::judge);
        let stored = &outcome.stored;
        let applied = patched(object, &outcome.patch);
        assert!(
            &applied == stored,
            "the patch gives another object than what is judged\nobject {object}\npatched {applied}\nstored {stored}"
        );
        let decision = self.ask(object, None, verdict::mutate);
        assert!(
            decision.patch == outcome.patch && decision.allowed,
            "`/mutate` answers otherwise than `judge`: {object}"
        );
        is_bounded(&decision, object);
        kept(object, stored);

        if workload::recognise(stored).is_none() {
            panic!("what was filled in hides the role\nobject {object}\nstored {stored}");
        }
        let again = self.ask(stored, None, verdict::judge);
        assert!(
            again.patch.0.is_empty(),
            "a second time changes {}\nobject {object}\nstored {stored}",
            json!(again.patch)
        );
        let (now, then) = (denied(&outcome.findings), denied(&again.findings));
        assert!(now == then, "`check` and `render` differ: {now:?}, {then:?}\nobject {object}\nstored {stored}");
        let validated = self.ask(stored, None, verdict::validate);
        is_bounded(&validated, stored);
        is_ordered(&outcome);

        if !says_twice(object) {
            let turned = self.ask(&reversed(object), None, verdict::judge);
            let (one, two) = (said(&outcome.findings), said(&turned.findings));
            assert!(one == two, "the order of keys counts: {:#?}\nobject {object}", one.symmetric_difference(&two));
        }
    }

    fn update(&self, new: &Value, old: &Value) {
        let nothing = self.ask(old, Some(old), verdict::mutate);
        assert!(
            nothing.patch.0.is_empty(),
            "an update that changes nothing is changed: {}\n{old}",
            json!(nothing.patch)
        );
        let validated = self.ask(old, Some(old), verdict::validate);
        assert!(validated.allowed, "an update that changes nothing is denied: {}\n{old}", validated.message);
        let decision = self.ask(new, Some(old), verdict::mutate);
        let stored = patched(new, &decision.patch);
        is_bounded(&decision, new);
        let Some(stored) = sent(&stored, Some(old)) else { return };
        let again = self.ask(&stored, Some(old), verdict::mutate);
        assert!(
            again.patch.0.is_empty(),
            "a second review of an update changes {}\nold {old}\nnew {new}\nstored {stored}",
            json!(again.patch)
        );
        is_bounded(&self.ask(&stored, Some(old), verdict::validate), &stored);
    }
}

/// Whether `stored` has the record of another object: it was stored while nobody looked.
fn is_copied(stored: &Value) -> bool {
    let record = stored.pointer("/metadata/annotations").and_then(|annotations| annotations.get(INJECTED_ANNOTATION));
    let record = record.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let word = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    record.is_some_and(|record| {
        ["name", "namespace"].iter().any(|field| word(&record, field) != word(&stored["metadata"], field))
    })
}

/// `object` as it arrives in a review; `None` where it is none of Flink's, or no review.
#[must_use]
pub fn sent(object: &Value, old: Option<&Value>) -> Option<Value> {
    let body = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "1", "kind": {"group": "g", "version": "v", "kind": "k"}, "resource": {"resource": "r"},
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" }, "object": object, "oldObject": old},
    });
    let body = serde_json::to_vec(&body).expect("JSON is written");
    let review = answered(&body).ok()?;
    let known = workload::recognise(object).is_some();
    assert!(review.object.is_some() || !known, "a workload of Flink's was left out: {object}");
    review.object.filter(|object| workload::recognise(object).is_some())
}

/// What `body` is decoded to; the answer to what cannot be is looked at too.
///
/// # Errors
/// What the decoder says.
pub fn answered(body: &[u8]) -> Result<Review, Malformed> {
    let read = admission::decode(body);
    match &read {
        Ok(review) => {
            assert!(!review.uid.is_empty(), "a review without a uid");
            assert!(review.object.as_ref().is_none_or(Value::is_object), "no object: {:?}", review.object);
        }
        Err(malformed) => {
            assert!(matches!(malformed.code, 400 | 422) && !malformed.reason.is_empty(), "{malformed:?}");
            let reply = admission::encode_malformed(malformed.uid.as_deref().unwrap_or_default(), malformed);
            is_answer(&reply, malformed.uid.as_deref().unwrap_or_default());
            assert!(reply.len() < ANSWER + 12 * body.len(), "an answer of {} bytes to {}", reply.len(), body.len());
        }
    }
    read
}

fn is_answer(reply: &[u8], uid: &str) {
    let reply: Value = serde_json::from_slice(reply).expect("an answer is JSON");
    assert_eq!(reply.pointer("/response/uid").and_then(Value::as_str), Some(uid), "{reply}");
    assert!(reply.pointer("/response/allowed").is_some_and(Value::is_boolean), "{reply}");
}

fn patched(object: &Value, patch: &json_patch::Patch) -> Value {
    let mut patched = object.clone();
    if let Err(error) = json_patch::patch(&mut patched, patch) {
        panic!("the patch does not apply: {error}: {}\n{object}", json!(patch));
    }
    patched
}

/// An answer keeps within what the API server passes on, and what a terminal shows.
fn is_bounded(decision: &Decision, object: &Value) {
    let length = |text: &String| text.chars().count();
    assert!(decision.message.lines().count() <= 10, "{}\n{object}", decision.message);
    assert!(decision.warnings.iter().all(|warning| length(warning) <= 256), "{:?}\n{object}", decision.warnings);
    assert!(decision.warnings.iter().map(length).sum::<usize>() <= 4096, "{:?}\n{object}", decision.warnings);
    let texts =
        decision.warnings.iter().chain([&decision.message]).chain(decision.causes.iter().map(|cause| &cause.message));
    for text in texts {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "a control character in {text:?}\n{object}");
    }
    let reply = admission::encode("7", decision);
    is_answer(&reply, "7");
    let patch = json!(decision.patch).to_string().len();
    let most = ANSWER + 2 * patch + 300 * 1024;
    assert!(reply.len() <= most, "an answer of {} bytes\n{object}", reply.len());
}

fn is_ordered(outcome: &Outcome) {
    let levels: Vec<Level> = outcome.findings.iter().map(|finding| finding.level).collect();
    assert!(levels.is_sorted_by(|a, b| a >= b), "{levels:?}");
}

/// What the author wrote is still there, arguments aside: what is put before them moves them.
fn kept(object: &Value, stored: &Value) {
    fn walk(value: &Value, pointer: &str, stored: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(value, &format!("{pointer}/{key}"), stored);
                }
            }
            Value::Array(_) if pointer.ends_with("/args") || pointer.ends_with("/command") => {
                let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
                let now = items(stored.pointer(pointer).unwrap_or(&Value::Null));
                let mut rest = now.iter();
                let stays = items(value).iter().all(|item| rest.any(|other| other == item));
                assert!(stays, "`{pointer}` lost words: {value} became {now:?}");
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(value, &format!("{pointer}/{index}"), stored);
                }
            }
            Value::Null => {}
            scalar => {
                let says_nothing = scalar.as_str().is_some_and(|text| text.trim().is_empty())
                    || (pointer.ends_with("/serviceAccount") || pointer.ends_with("/serviceAccountName"))
                        && scalar == "default";
                let now = stored.pointer(pointer);
                assert!(says_nothing || now == Some(scalar), "`{pointer}` was {scalar} and is {now:?}");
            }
        }
    }
    walk(object, "", stored);
}

/// `value` with the keys of every map in the opposite order.
#[must_use]
pub fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

/// Whether a configuration sets an option in two forms, of which the later one counts as in the operator.
fn says_twice(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let flat = || flatten(value, &FieldPath::default(), "");
            (key == "flinkConfiguration" && flat().iter().any(|(_, setting)| !setting.overrode.is_empty()))
                || says_twice(value)
        }),
        Value::Array(items) => items.iter().any(says_twice),
        _ => false,
    }
}

fn denied(findings: &[Finding]) -> BTreeSet<(&'static str, Option<Role>, String)> {
    let denials = findings.iter().filter(|finding| finding.level == Level::Deny);
    denials.map(|finding| (finding.rule, finding.role, finding.path.clone())).collect()
}

/// What is said, without its words: they quote values, in which maps stand as they are written.
fn said(findings: &[Finding]) -> BTreeSet<String> {
    let text = |finding: &Finding| format!("{} {:?} {:?} {}", finding.rule, finding.level, finding.role, finding.path);
    findings.iter().map(text).collect()
}
