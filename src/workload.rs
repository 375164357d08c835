//! What an object is: a whole Flink cluster, one role of it, something that Flink or its operator made, or not ours.

use serde_json::Value;

/// A Flink workload.
#[derive(Debug, Clone)]
pub struct Workload {}

/// Recognises `object`; `None` when it is not a Flink cluster or a part of one.
#[must_use]
pub fn recognise(object: &Value) -> Option<Workload> {
    let _ = object;
    None
}
