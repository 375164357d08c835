//! A real ZooKeeper, of the jars that Flink brings.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::process::{Supervised, wait_until};

const READY_DEADLINE: Duration = Duration::from_mins(3);

/// One server; dropping it ends it.
pub struct ZooKeeper {
    /// For `high-availability.zookeeper.quorum`.
    pub quorum: String,
    _process: Supervised,
}

impl ZooKeeper {
    /// Starts it at `host` with the jars in `lib` and its files in a new directory below `parent`.
    pub fn start(lib: &Path, parent: &Path, host: &str) -> Self {
        let port = TcpListener::bind((host, 0)).and_then(|listener| listener.local_addr()).expect("a port").port();
        let root = parent.join(format!("zookeeper-{port}"));
        fs::create_dir(&root).expect("a directory");
        let [configuration, log] = ["zoo.cfg", "log"].map(|name| root.join(name));
        let text = format!(
            "tickTime=500\ninitLimit=10\nsyncLimit=5\nadmin.enableServer=false\nclientPort={port}\ndataDir={}/data\n",
            root.display()
        );
        fs::write(&configuration, text).expect("a file");
        let mut command = Supervised::command(Path::new("java"), None);
        command
            .args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}/*", lib.display()))
            .arg("org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer")
            .args([Path::new("--zkConfigFile"), &configuration, Path::new("--peerId"), Path::new("1")]);
        let output = File::create(&log).expect("a log");
        command.stderr(output.try_clone().expect("a second handle")).stdout(output);
        let process = Supervised::spawn(command).expect("a process");
        let quorum = format!("{host}:{port}");
        let answers = wait_until(READY_DEADLINE, || TcpStream::connect(&quorum).ok());
        assert!(answers.is_some(), "ZooKeeper did not start: {}", fs::read_to_string(&log).unwrap_or_default());
        Self { quorum, _process: process }
    }
}
