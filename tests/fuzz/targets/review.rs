//! A golden case with a few changes, from the bytes of its review to the answer.
#![no_main]

use flink_admission::policy::Policies;
use flink_admission_fuzz::Bytes;
use flink_admission_fuzz::edits::edit;
use flink_admission_fuzz::golden::CASES;
use flink_admission_fuzz::holds::Asked;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let mut case = CASES[bytes.below(CASES.len())].clone();
    // An update of itself, of another case, or of what the case updates.
    match bytes.byte() % 4 {
        0 => {}
        1 => case.old = Some(case.input.object.clone()),
        2 => case.old = Some(CASES[bytes.below(CASES.len())].input.object.clone()),
        _ => {
            // As it was stored, with what was filled in.
            case.old = Some(case.input.judge().stored);
        }
    }
    for _ in 0..16 {
        if bytes.is_empty() {
            break;
        }
        match bytes.byte() % 10 {
            0 => case.old.iter_mut().for_each(|old| edit(old, bytes)),
            1 => edit(&mut case.input.policy, bytes),
            2 if !case.input.others.is_empty() => {
                let other = bytes.below(case.input.others.len());
                edit(&mut case.input.others[other], bytes);
            }
            3 => case.input.others.reverse(),
            _ => edit(&mut case.input.object, bytes),
        }
    }
    let Ok(policies) = Policies::from_text(&case.input.policy.to_string()) else { return };
    let others = &case.input.others;
    Asked { object: &case.input.object, old: case.old.as_ref(), others, policies: &policies }.holds();
});
