//! `web.submit.enable`, where the policy wants clusters of one job closed to uploads.

use crate::flink::options::SUBMIT_ENABLE;
use crate::flink::uploads::Uploads;
use crate::inject::Work;

/// Closes a cluster that is open to uploads by default and has no use for them.
pub(super) fn close(work: &mut Work<'_>) {
    if !work.target.policy.asks_for_remedy("jar-upload-open") {
        return;
    }
    let cluster = work.cluster();
    if let Some(Uploads::ByDefault(_)) = Uploads::needless(&cluster) {
        // Where the option finds no place the rule says so.
        let _ = work.attempt(|work| work.set_option(SUBMIT_ENABLE, "false"));
    }
}
