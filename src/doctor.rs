//! Looks at an installation from the outside: whether the API server can call it, whether it is configured as it should
//! be, and what it would cost to remove it.
//!
//! Everything is asked first ([`Cluster`]) and judged afterwards without asking again. What could not be learned is
//! [`State::Unknown`], which is no fault.
//!
//! ```no_run
//! # async fn examine() -> Result<(), Box<dyn std::error::Error>> {
//! use flink_admission::doctor::{self, Names, State};
//!
//! let client = flink_admission::cluster::connect().await?;
//! let names = Names::new("flink-system", "flink-admission");
//! let report = doctor::examine(client, &names, false, std::time::Duration::from_secs(10)).await;
//! assert!(report.worst() < State::Error);
//! # Ok(())
//! # }
//! ```

mod api;
mod checks;
mod dial;
mod endpoints;
mod finding;
mod gather;
mod injected;
mod manifest;
mod names;
mod removal;
mod report;
mod rights;
mod seen;
mod settings;

use std::time::Duration;

use kube::Client;

pub use finding::{Check, Finding, State};
pub use injected::{Completed, Scan};
pub use names::Names;
pub use removal::{Removal, Removed, Step};
pub use report::Report;
pub use rights::Right;
pub use seen::{Cluster, Dialled, Listed, Probed, Reach, Seen};

/// Looks at the installation `names`. `is_inside` says that this runs in a pod of the cluster; each question is given up
/// after `patience`.
pub async fn examine(client: Client, names: &Names, is_inside: bool, patience: Duration) -> Report {
    match gather::gather(client, names, is_inside, patience).await {
        Ok(cluster) => Report::new(names.clone(), judge(&cluster)),
        Err(why) => Report::unasked(names.clone(), &why),
    }
}

/// What all checks find in `cluster`, in the order of the checks.
#[must_use]
pub fn judge(cluster: &Cluster) -> Vec<Finding> {
    let mut findings = checks::all(cluster);
    findings.sort_by_key(|finding| finding.check);
    findings
}
