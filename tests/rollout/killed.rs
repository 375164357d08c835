//! `kill -9` of a replica: what it had in flight is lost, and nothing else.
//!
//! The API server does not send a review a second time, so those cannot be saved. How many they are is counted where the
//! Service is: connections that broke with a request in flight, and connections that went to the dead Pod before anybody
//! knew.

use super::stage::{SOON, Stage, values};
use crate::support::wait_until;

#[test]
fn a_killed_replica_loses_at_most_what_it_had_in_flight() {
    let Some(mut stage) = Stage::open(&values(), 2, |_| {}) else { return };

    kill(&mut stage, "killed");

    // One that answers nothing has something in flight for certain: the count can be other than zero.
    stage.fleet.replicas[0].process.signal("STOP");
    let name = stage.fleet.replicas[0].name.clone();
    let held = wait_until(SOON, || (stage.fleet.balancer.in_flight(&name).0 > 1).then_some(()));
    assert!(held.is_some(), "no review came to a replica that is routed to");
    let lost = kill(&mut stage, "stopped, then killed");
    assert!(lost > 0, "a review that nobody answered was not missed");
}

/// Kills the first replica under load and starts another in its place; how many requests were lost by it.
#[track_caller]
fn kill(stage: &mut Stage, what: &str) -> usize {
    let (mark, before) = (stage.load.mark(), stage.fleet.balancer.losses());
    let killed = stage.fleet.kill(0);
    stage.fleet.add();
    let count = stage.load.since(mark);
    stage.fleet.balancer.remove(&killed.name);

    let after = stage.fleet.balancer.losses();
    let (cut, refused) = (after.cut - before.cut, after.refused - before.refused);
    let lost = count.failures.len();
    println!("{} ({cut} in flight, {refused} sent to the dead Pod before anybody knew)", count.line(what));
    assert_eq!(after.nowhere, before.nowhere, "the other replica was not asked");
    assert!(lost <= cut + refused, "{lost} lost, {cut} in flight, {refused} refused{}", count.told());
    lost
}
