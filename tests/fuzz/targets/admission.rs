//! The bytes of a review, decoded and answered.
#![no_main]

use flink_admission::workload;
use flink_admission_fuzz::holds::answered;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Ok(review) = answered(body) else { return };
    if let Some(old) = &review.old_object {
        let _ = serde_json::from_str::<Value>(old.get());
    }
    // Where a reader that knows nothing of reviews takes the body too, both saw the same object.
    let Ok(whole) = serde_json::from_slice::<Value>(body) else { return };
    let mut object = whole.pointer("/request/object").cloned().unwrap_or_default();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    match &review.object {
        Some(read) => assert_eq!(*read, object),
        None => assert!(workload::recognise(&object).is_none(), "{object}"),
    }
    assert_eq!(whole.pointer("/request/uid").and_then(Value::as_str), Some(review.uid.as_str()));
});
