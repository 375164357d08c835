//! Pages that show commands and their output, held to both.
//!
//! ````text
//! ```console
//! $ kubectl apply -f claim.yaml
//! flinkdeployment.flink.apache.org/on-claim created
//! ```
//! ````
//! Each such block is run from top to bottom as it stands, in the page's directory, by a shell that finds kubectl and
//! flink-admission. `UPDATE_PAGES=1` writes what the commands say into the page instead. A block ```` ```sh ```` installs us,
//! which a test does in its own way.

use std::path::{Path, PathBuf};

use crate::support::{Client, ControlPlane};

const BEGIN: &str = "```console";
const INSTALLS: &str = "```sh";
const END: &str = "```";
const PROMPT: &str = "$ ";

/// An example of `deploy/examples` with its page.
pub struct Example {
    pub directory: PathBuf,
    name: String,
}

impl Example {
    pub fn of(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples").join(name);
        Self { directory, name: name.to_owned() }
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Runs the page in the namespace that is called like it, and compares what is said.
    #[track_caller]
    pub fn run(&self, plane: &ControlPlane) {
        self.run_and_install(plane, || ());
    }

    /// As [`Self::run`], with `install` where the page installs us: what stands above it happens without us.
    #[track_caller]
    pub fn run_and_install(&self, plane: &ControlPlane, install: impl FnMut()) {
        let path = self.file("README.md");
        let written = std::fs::read_to_string(&path).unwrap();
        let said = replay(&written, &self.client(plane), &self.directory, install);
        if std::env::var_os("UPDATE_PAGES").is_some() {
            std::fs::write(&path, said).unwrap();
            return;
        }
        for (line, (written, said)) in written.lines().zip(said.lines()).enumerate() {
            assert_eq!(written, said, "{}:{}", path.display(), line + 1);
        }
        assert_eq!(written, said, "{}", path.display());
    }

    /// The administrator, whose namespace is the example's.
    fn client(&self, plane: &ControlPlane) -> Client {
        let home = plane.kubeconfig().parent().unwrap().to_path_buf();
        let kubeconfig = home.join(format!("{}.kubeconfig", self.name));
        std::fs::copy(plane.kubeconfig(), &kubeconfig).unwrap();
        let client = Client::new(kubeconfig, home);
        client.kubectl(&["config", "set-context", "--current", "--namespace", &self.name]).succeeded();
        client
    }
}

/// The page with what its commands say now.
fn replay(page: &str, client: &Client, directory: &Path, mut install: impl FnMut()) -> String {
    let mut replayed = String::new();
    let mut is_console = false;
    for line in page.lines() {
        if line == INSTALLS {
            install();
        }
        let is_fence = line.starts_with(END);
        if !is_console || is_fence || line.starts_with(PROMPT) {
            replayed.push_str(line);
            replayed.push('\n');
        }
        if let Some(command) = line.strip_prefix(PROMPT).filter(|_| is_console) {
            let said = client.shell(command, directory).stdout;
            replayed.push_str(&said);
            if !said.is_empty() && !said.ends_with('\n') {
                replayed.push('\n');
            }
        }
        is_console = if is_fence { line == BEGIN } else { is_console };
    }
    replayed
}
