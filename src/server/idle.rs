//! Connections that wait for a request: where there is no room for another one, the one that waits longest goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The idle connections of one listener.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    last: u64,
    waiting: BTreeMap<u64, Arc<Notify>>,
}

impl Idle {
    /// Asks the connection that waits longest to go; whether there is one.
    pub(super) fn displace(&self) -> bool {
        let first = self.queue().waiting.pop_first();
        if let Some((_, connection)) = &first {
            connection.notify_one();
        }
        first.is_some()
    }

    /// Puts a connection, which is told by `displaced` to go, at the end; its number.
    pub(super) fn enter(&self, displaced: &Arc<Notify>) -> u64 {
        let mut queue = self.queue();
        queue.last += 1;
        let number = queue.last;
        queue.waiting.insert(number, Arc::clone(displaced));
        number
    }

    /// Takes a connection out.
    pub(super) fn leave(&self, number: u64) {
        self.queue().waiting.remove(&number);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_longest_goes_first() {
        let (idle, one, other) = (Idle::default(), Arc::default(), Arc::<Notify>::default());
        let first = idle.enter(&one);
        idle.enter(&other);
        idle.leave(first);
        idle.enter(&one);
        assert!(idle.displace());
        other.notified().await;
        assert!(idle.displace());
        one.notified().await;
        assert!(!idle.displace());
    }
}
