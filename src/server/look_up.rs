//! The one place where a review waits for something: questions to the cluster.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::facts::{FactKey, Facts};

/// Answers on their way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Facts> + Send + 'a>>;

/// Who answers questions about the cluster.
///
/// ```
/// use std::{collections::BTreeSet, time::Duration};
/// use flink_admission::facts::{FactKey, Facts};
/// use flink_admission::server::{Answering, LookUp};
///
/// struct Silent;
/// impl LookUp for Silent {
///     fn look_up(&self, keys: BTreeSet<FactKey>, _within: Duration) -> Answering<'_> {
///         Box::pin(async move { Facts::unknown(&keys, "nobody speaks") })
///     }
/// }
/// ```
pub trait LookUp: Send + Sync + 'static {
    /// Answers `keys` within `within`. What is not known by then is unknown: the server waits no longer, and then takes
    /// all of `keys` for unanswered. `within` may be zero, when only what is at hand can be told.
    fn look_up(&self, keys: BTreeSet<FactKey>, within: Duration) -> Answering<'_>;

    /// Whether questions can be answered at all yet; `/readyz` gives the reason.
    ///
    /// # Errors
    /// What is still missing, in words.
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// No cluster: every question stays open.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCluster;

impl LookUp for NoCluster {
    fn look_up(&self, keys: BTreeSet<FactKey>, _within: Duration) -> Answering<'_> {
        Box::pin(async move { Facts::silent(&keys, "there is no cluster to ask") })
    }
}
