//! Forms of command lines: what a role's scripts and entry points make of its words.

use serde_json::json;

use super::container::Case;

/// Asked of three releases by `make test`.
const CENTRAL: &[&[&str]] = &[
    &["jobmanager", "$(POD_IP)", "-D", "a=b"],
    &["jobmanager", "-Da=b"],
    &["jobmanager", "$(POD_IP)", "-Da=b", "-D", "c=d"],
    &["jobmanager", "-D", "a=b", "-Dc=d=e", "--foo", "-D", "e=f"],
    &["standalone-job", "-Da=b", "--job-classname", "X", "arg", "-Dc=d"],
    &["standalone-job", "--host", "$(POD_IP)", "-D", "a=b", "--job-id", "00000000000000000000000000000ABC"],
    &["taskmanager", "-Da=b", "-D", "c=d", "-D", "e=f=g"],
    &["taskmanager", "start-foreground", "-Da=b"],
];

/// Further forms of a session JobManager.
const SESSION: &[&[&str]] = &[
    &["jobmanager"],
    &["jobmanager", "start-foreground", "-D", "a=b"],
    &["jobmanager", "-D", "a=b c", "-D", "d=e"],
    &["jobmanager", "host"],
    &["jobmanager", "host", "8082"],
    &["jobmanager", "host", "8082", "-Da=b"],
    &["jobmanager", "host", "8082", "-D", "a=b"],
    &["jobmanager", "host", "8082", "extra", "-D", "a=b"],
    &["jobmanager", "-Da=b", "-Dc=d", "-De=f"],
    &["jobmanager", "-D"],
    &["jobmanager", "-D", "a"],
    &["jobmanager", "-D", "a", "b"],
    &["jobmanager", "-D", "a=b", "-D"],
    &["jobmanager", "host", "-D"],
    &["jobmanager", "--host", "x"],
    &["jobmanager", "-D", "a=b", "--host", "x"],
    &["jobmanager", "-D", "a=b", "--webui-port", "8082"],
    &["jobmanager", "-D", "a=b", "--configDir", "/x", "-D", "c=d"],
    &["jobmanager", ""],
    &["jobmanager", "", "-D", "a=b"],
    &["jobmanager", "host", "", "-D", "a=b"],
    &["jobmanager", "host", "", "-Da=b"],
    &["jobmanager", "-D", "", "-D", "a=b"],
    &["jobmanager", " ", "-D", "a=b"],
    &["jobmanager", "a b", "-D", "c=d"],
    &["jobmanager", "a b c", "-D", "c=d"],
    &["jobmanager", "host", "80 82", "-D", "c=d"],
    &["jobmanager", "host", " ", "-D", "c=d"],
    &["jobmanager", "-Da=b c", "-D", "c=d"],
    &["jobmanager", "start", "-D", "a=b"],
    &["jobmanager", "start-foreground", "start-foreground", "-D", "a=b"],
    &["jobmanager", "host", "start-foreground", "-D", "a=b"],
    &["jobmanager", "cluster"],
    &["jobmanager", "cluster", "-D", "a=b"],
    &["jobmanager", "-D", "a=$(POD_IP)", "-D", "b=$$(POD_IP)", "-D", "c=${HOME}", "-D", "d=$(UNSET)"],
    &["jobmanager", "-D", "a=1", "-D", "a=2"],
    &["jobmanager", "-D", "jobmanager.rpc.address=x", "-D", "a=b"],
    &["jobmanager", "host", "-D", "jobmanager.rpc.address=x"],
    &["jobmanager", "-D", "a=*", "-D", "b=/opt/*"],
    &["jobmanager", "*", "-D", "a=b"],
    &["jobmanager", "-D", "a='b'", "-D", "c=\"d e\"", "-D", "f=\"g\""],
    &["jobmanager", "-D", "a=b\nc", "-D", "d=e"],
    &["jobmanager", "-D", "a=", "-D", "b"],
    &["jobmanager", "-D", "jobmanager.memory.process.size=2g", "-D", "a=b"],
    &["jobmanager", "-D", "a=b", "-D jobmanager.memory.process.size=2g"],
    &["jobmanager", "-h"],
    &["jobmanager", "-x", "y"],
    &["jobmanager", "-D", "a=b", "-x", "y"],
    &["jobmanager", "=", "-D", "a=b"],
    &["jobmanager", "!", "-D", "a=b"],
    &["jobmanager", "(", "-D", "a=b"],
    &["jobmanager", "-D", "a=b", "history-server"],
];

/// Further forms of an application's JobManager.
const APPLICATION: &[&[&str]] = &[
    &["standalone-job", "-s", "/x", "-n", "--", "-Da=b"],
    &["standalone-job"],
    &["standalone-job", "--job-classname", "X"],
    &["standalone-job", "--job-classname=X", "-Da=b"],
    &["standalone-job", "-j", "X", "-D", "a=b"],
    &["standalone-job", "-jX", "-D", "a=b"],
    &["standalone-job", "-D", "a=b", "-D", "c=d", "--allowNonRestoredState", "--fromSavepoint", "/s"],
    &["standalone-job", "--jars", "/a.jar", "/b.jar", "-Da=b"],
    &["standalone-job", "--jars", "/a.jar,/b.jar", "-Da=b"],
    &["standalone-job", "-jid", "00000000000000000000000000000abc", "-Da=b"],
    &["standalone-job", "--job-id", "7", "-Da=b"],
    &["standalone-job", "-h", "x", "-Da=b"],
    &["standalone-job", "-Da=b", "-h=x", "-Dc=d"],
    &["standalone-job", "--host", "x", "--host", "y", "-Da=b"],
    &["standalone-job", "--host"],
    &["standalone-job", "$(POD_IP)", "-Da=b"],
    &["standalone-job", "-Djobmanager.rpc.address=$(POD_IP)", "--job-classname", "X", "--input", "/x", "-Da=b"],
    &["standalone-job", "--host", "$(POD_IP)", "-Djobmanager.rpc.address=y"],
    &["standalone-job", "start-foreground", "-Da=b"],
    &["standalone-job", "", "-Da=b"],
    &["standalone-job", " ", "-Da=b"],
    &["standalone-job", "-Da=b c", "-Dd=e"],
    &["standalone-job", "-D", "a=b", "c", "-Dd=e"],
    &["standalone-job", "-Da", "-Db=c"],
    &["standalone-job", "-D", "a", "b", "-Dc=d"],
    &["standalone-job", "-c", "/x", "-Da=b"],
    &["standalone-job", "--conf", "/x", "-Da=b"],
    &["standalone-job", "--webui-port", "1", "-Da=b"],
    &["standalone-job", "-r", "1", "-Da=b"],
    &["standalone-job", "--executionMode", "cluster", "-Da=b"],
    &["standalone-job", "-sp", "-Da=b"],
    &["standalone-job", "-restoreMode", "CLAIM", "-Da=b"],
    &["standalone-job", "-D", "a=b", "-", "-Dc=d"],
    &["standalone-job", "-Da=b", "--", "--job-classname", "X"],
];

/// Further forms of a TaskManager.
const TASK_MANAGER: &[&[&str]] = &[
    &["taskmanager"],
    &["taskmanager", "-Dtaskmanager.resource-id=$(POD_IP)"],
    &["taskmanager", "-D", "a=b c", "-Dd=e"],
    &["taskmanager", "-Da=b", "word", "-Dc=d"],
    &["taskmanager", "--host", "x", "-Da=b"],
    &["taskmanager", "-D", "-Da=b"],
    &["taskmanager", "-D"],
    &["taskmanager", "-D", "a=-1", "-D", "b", "-1"],
    &["taskmanager", "-c", "/x", "-Da=b"],
    &["taskmanager", "", "-Da=b"],
    &["taskmanager", " ", "-Da=b"],
    &["taskmanager", "start", "-Da=b"],
    &["taskmanager", "start-foreground", "start-foreground", "-Da=b"],
    &["taskmanager", "-Dtaskmanager.memory.process.size=2g", "-Da=b"],
    &["taskmanager", "-Da=b", "--", "-Dc=d"],
    &["taskmanager", "-Da=ü→", "-Db= c "],
];

/// Other ways to start Flink, and what is none.
const COMMANDS: &[&[&str]] = &[
    &["/opt/flink/bin/jobmanager.sh", "start-foreground", "-D", "a=b"],
    &["/opt/flink/bin/jobmanager.sh", "start-foreground", "-Da=b"],
    &["/opt/flink/bin/jobmanager.sh", "start-foreground", "start-foreground", "-D", "a=b"],
    &["/opt/flink/bin/jobmanager.sh", "-D", "a=b"],
    &["jobmanager.sh", "start-foreground", "$(POD_IP)", "-D", "a=b"],
    &["bin/standalone-job.sh", "start-foreground", "-Da=b", "arg"],
    &["bash", "/opt/flink/bin/taskmanager.sh", "start-foreground", "-Da=b"],
    &["/opt/flink/bin/taskmanager.sh", "start-foreground", "start-foreground", "-Da=b"],
    &["/opt/flink/bin/taskmanager.sh", "stop"],
    &["/docker-entrypoint.sh", "jobmanager", "$(POD_IP)", "-D", "a=b"],
    &["/docker-entrypoint.sh", "/opt/flink/bin/standalone-job.sh", "start-foreground", "-Da=b"],
    &["/docker-entrypoint.sh", "bash", "-c", "kubernetes-jobmanager.sh kubernetes-session -D a=b"],
    &["/docker-entrypoint.sh", "bash", "-c", "kubernetes-jobmanager.sh kubernetes-application -D a=b"],
    &["/docker-entrypoint.sh", "bash", "-c", "kubernetes-taskmanager.sh -D a=b"],
    &["bash", "-c", "exec /docker-entrypoint.sh taskmanager -Da=b"],
    &["bash", "-c", "exec /docker-entrypoint.sh \"$@\"", "--", "taskmanager", "-Da=b"],
    &["env", "X=y", "/docker-entrypoint.sh", "jobmanager", "$(POD_IP)"],
    &["/opt/flink/bin/flink-console.sh", "standalonesession", "-D", "a=b"],
    &["/opt/flink/bin/flink-console.sh", "taskexecutor", "--configDir", "/opt/flink/conf"],
    &["/docker-entrypoint.sh", "history-server"],
    &["/docker-entrypoint.sh", "help", "jobmanager"],
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let address = json!([{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]);
    let form = |words: &&[&str]| {
        let mut case = Case::of_args(words);
        case.container["env"] = address.clone();
        case
    };
    let central = CENTRAL.iter().map(|words| Case { is_central: true, ..form(words) });
    let further = [SESSION, APPLICATION, TASK_MANAGER].concat();
    let commands = COMMANDS.iter().map(|words| form(words).without_entry_point());
    let mut cases: Vec<Case> = central.chain(further.iter().map(form)).chain(commands).collect();
    for case in &mut cases {
        let words = &case.container["command"];
        case.is_central |= words == &json!(COMMANDS[0]) || words == &json!(COMMANDS[1]);
    }
    cases
}
