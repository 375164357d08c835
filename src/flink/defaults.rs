//! What Flink takes where an option is not set.
//!
//! Source: the option classes of the released `flink-dist` jars, asked for 1.13 to 2.3 (`tests/fidelity`): the same in all.

/// Of `high-availability.cluster-id`.
pub const HA_CLUSTER_ID: &str = "/default";
/// Of `high-availability.zookeeper.path.root`.
pub const ZOOKEEPER_ROOT: &str = "/flink";
/// Of `high-availability.jobmanager.port`: a random one.
pub const HA_JOBMANAGER_PORT: &str = "0";
/// Of `jobmanager.rpc.port`.
pub const JOBMANAGER_PORT: &str = "6123";
/// Of `rest.port`.
pub const REST_PORT: i64 = 8081;
/// Of `kubernetes.namespace`, wherever the pods are.
pub const KUBERNETES_NAMESPACE: &str = "default";
/// How long a leader is one without renewal.
pub const LEASE_DURATION: &str = "15 s";
/// How long a leader tries to renew its lease.
pub const RENEW_DEADLINE: &str = "15 s";
/// How long it waits between two tries.
pub const RETRY_PERIOD: &str = "5 s";
/// Of `restart-strategy.fixed-delay.attempts` and of `restart-strategy.failure-rate.max-failures-per-interval`.
pub const RESTARTS: &str = "1";
