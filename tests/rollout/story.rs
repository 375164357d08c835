//! The zero-failure run: one release, one client, and all that happens to it in years, one after the other.

use super::stage::{Stage, times, values};

#[test]
fn no_create_is_lost() {
    let Some(mut stage) = Stage::open("flink-admission", &values(), 2, |_, _| {}) else { return };
    stage.lossless("nothing happens", |stage| stage.load.settle());
    for number in 1..=times(10, 1) {
        stage.lossless(&format!("rolling restart {number}"), |stage| stage.fleet.roll());
    }
    stage.lossless("API server restarted", |stage| {
        stage.load.apart(|| stage.plane.restart_api_server().expect("it comes back"));
    });
    stage.lossless("etcd compacted and defragmented", |stage| {
        stage.plane.compact_etcd();
    });
}
