//! Programs that are not Flink, as pod specs, and workloads of any kind around a pod spec.

use serde_json::{Value, json};

/// Programs that are not Flink, by name: some of their containers lack args, command or env, and their words come near.
pub(crate) fn not_flink() -> Vec<(&'static str, Value)> {
    vec![
        ("web", json!([{"name": "web", "image": "nginx"}])),
        ("flink-docs", json!([{"name": "flink", "image": "nginx:1.27", "args": ["-g", "daemon off;"]}])),
        (
            "spark-driver",
            json!([{"name": "spark", "image": "apache/spark:3.5.1", "command": ["/opt/entrypoint.sh"],
            "args": ["driver", "--class", "org.example.Job", "--deploy-mode", "client", "local:///job.jar"]}]),
        ),
        (
            "spark-master",
            json!([{"name": "master", "image": "apache/spark", "command": ["/opt/spark/sbin/start-master.sh"],
            "env": [{"name": "SPARK_MODE", "value": "master"}, {"name": "SPARK_NO_DAEMONIZE", "value": "1"}]}]),
        ),
        (
            "kafka",
            json!([{"name": "broker", "image": "apache/kafka:3.9.0", "env": [{"name": "KAFKA_NODE_ID", "value": "1"}]},
            {"name": "metrics", "image": "jmx-exporter", "args": ["5556", "/etc/jmx.yaml"]}]),
        ),
        (
            "zookeeper",
            json!([{"name": "zk", "image": "zookeeper:3.9", "command": ["sh", "-c", "zkServer.sh start-foreground"]}]),
        ),
        ("postgres", json!([{"name": "db", "image": "postgres:17", "env": [{"name": "PGDATA", "value": "/data"}]}])),
        ("redis", json!([{"name": "redis", "image": "redis", "args": ["--save", "", "--appendonly", "no"]}])),
        ("cassandra", json!([{"name": "cassandra", "image": "cassandra:5", "env": [{"name": "CASSANDRA_SEEDS"}]}])),
        (
            "airflow",
            json!([{"name": "scheduler", "image": "apache/airflow", "args": ["bash", "-c", "exec airflow scheduler"]}]),
        ),
        (
            "elasticsearch",
            json!([{"name": "es", "image": "elasticsearch:8", "env": [{"name": "discovery.type", "value": "single-node"}]}]),
        ),
        (
            "cert-manager",
            json!([{"name": "controller", "image": "cert-manager", "args": ["--leader-election-namespace=kube-system"]}]),
        ),
        (
            "controller-manager",
            json!([{"name": "manager", "command": ["/manager"], "image": "x", "args": ["--metrics-addr=:8080"]}]),
        ),
        (
            "flink-operator",
            json!([{"name": "flink-kubernetes-operator", "image": "apache/flink-kubernetes-operator:1.15.0",
            "command": ["/docker-entrypoint.sh", "operator"], "env": [{"name": "FLINK_CONF_DIR", "value": "/opt/flink/conf"}]},
            {"name": "flink-webhook", "image": "apache/flink-kubernetes-operator:1.15.0", "command": ["/docker-entrypoint.sh", "webhook"]}]),
        ),
        ("flink-history", json!([{"name": "history", "image": "flink:1.20", "args": ["history-server"]}])),
        (
            "flink-sql-gateway",
            json!([{"name": "gateway", "image": "flink:2.0", "command": ["/opt/flink/bin/sql-gateway.sh"], "args": ["start-foreground"]}]),
        ),
        (
            "jenkins",
            json!([{"name": "jenkins", "image": "jenkins/jenkins:lts", "env": [{"name": "JAVA_OPTS", "value": "-Xmx1g"}]}]),
        ),
        (
            "minio",
            json!([{"name": "minio", "image": "minio/minio", "args": ["server", "/data", "--console-address", ":9001"]}]),
        ),
        (
            "trino",
            json!([{"name": "coordinator", "image": "trinodb/trino"}, {"name": "sidecar", "image": "x", "command": []}]),
        ),
        ("beam-worker", json!([{"name": "worker", "image": "apache/beam_java17_sdk", "args": ["--worker_pool"]}])),
        (
            "standalone",
            json!([{"name": "keycloak", "image": "keycloak", "args": ["start", "--standalone", "--job-count=1"]}]),
        ),
        (
            "hadoop",
            json!([{"name": "yarn", "image": "apache/hadoop", "command": ["yarn", "resourcemanager"], "env": []}]),
        ),
        (
            "pulsar",
            json!([{"name": "broker", "image": "apachepulsar/pulsar", "command": ["bash", "-c"],
            "args": ["bin/apply-config-from-env.py conf/broker.conf && bin/pulsar broker"]}]),
        ),
    ]
}

/// Containers that run Flink, by name: each way that the program knows.
pub(crate) fn flink() -> Vec<(&'static str, Value)> {
    vec![
        ("session", json!([{"name": "jobmanager", "image": "flink:1.20", "args": ["jobmanager", "$(POD_IP)"]}])),
        ("workers", json!([{"name": "taskmanager", "image": "flink:1.20", "args": ["taskmanager"]}])),
        (
            "application",
            json!([{"name": "main", "image": "flink:2.0", "args": ["standalone-job", "--job-classname", "X"]}]),
        ),
        (
            "script",
            json!([{"name": "main", "image": "x", "command": ["/opt/flink/bin/standalone-job.sh", "start-foreground"]}]),
        ),
        (
            "shell",
            json!([{"name": "main", "image": "x", "command": ["sh", "-c", "exec /docker-entrypoint.sh taskmanager"]}]),
        ),
        ("bash", json!([{"name": "main", "image": "x", "args": ["bash", "/docker-entrypoint.sh", "jobmanager"]}])),
        (
            "env",
            json!([{"name": "main", "image": "x", "args": ["env", "A=b", "/docker-entrypoint.sh", "taskmanager"]}]),
        ),
        (
            "parameters",
            json!([{"name": "main", "image": "x", "command": ["sh", "-c", "exec /docker-entrypoint.sh \"$@\"", "--"],
            "args": ["standalone-job"]}]),
        ),
        (
            "native",
            json!([{"name": "flink-main-container", "image": "x", "command": ["/docker-entrypoint.sh"],
            "args": ["bash", "-c", "kubernetes-jobmanager.sh kubernetes-application "]}]),
        ),
        (
            "mode",
            json!([{"name": "flink", "image": "bitnami/flink", "env": [{"name": "FLINK_MODE", "value": "taskmanager"}]}]),
        ),
        (
            "second",
            json!([{"name": "proxy", "image": "envoy"}, {"name": "jm", "image": "flink", "args": ["jobmanager"]}]),
        ),
    ]
}

/// A Deployment, StatefulSet and Job of these containers.
pub(crate) fn workloads(name: &str, containers: &Value) -> [Value; 3] {
    let template = |restart: &str| json!({"metadata": {"labels": {"app": name}}, "spec": {"restartPolicy": restart, "containers": containers}});
    let selector = json!({"matchLabels": {"app": name}});
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": selector, "template": template("Always")}}),
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
            "spec": {"serviceName": name, "selector": selector, "template": template("Always")}}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template("Never")}}),
    ]
}
