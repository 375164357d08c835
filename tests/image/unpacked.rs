//! `deploy/image/build`, and what it made, unpacked by sha256sum, gzip and tar.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::support::{RunningWebhook, is_ci};

/// How a script ends that cannot get what it needs from elsewhere.
const NOT_TO_BE_HAD: i32 = 75;

/// An image and its files.
pub(crate) struct Image {
    /// By which a registry would know it.
    pub(crate) digest: String,
    /// The image's own configuration.
    pub(crate) config: Value,
    /// The OCI layout.
    pub(crate) layout: PathBuf,
    /// Where its layers are unpacked, one over the other.
    pub(crate) root: PathBuf,
}

impl Image {
    /// One image for the tests that only look; `None` where this machine cannot make or enter one, which is a failure on CI.
    pub(crate) fn unpacked() -> Option<&'static Self> {
        static IMAGE: OnceLock<Result<Image, String>> = OnceLock::new();
        match IMAGE.get_or_init(|| missing().map_or_else(|| Self::assemble("shared"), Err)) {
            Ok(image) => Some(image),
            Err(missing) => {
                assert!(!is_ci(), "{missing}");
                // Not `eprintln`, which the test runner swallows where the test passes.
                let _ = writeln!(std::io::stderr(), "\nSKIPPED, nothing was tested of the image: {missing}");
                None
            }
        }
    }

    /// Makes and unpacks the image of the program under test; the error says what is not to be had.
    pub(crate) fn assemble(name: &str) -> Result<Self, String> {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image").join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).expect("an earlier run's image goes");
        }
        fs::create_dir_all(&directory).expect("a directory for the image");
        let built = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/image/build"))
            .args(["--any-version", "--binary", env!("CARGO_BIN_EXE_flink-admission")])
            .arg(&directory)
            .env("SOURCE_DATE_EPOCH", "1800000000")
            .output()
            .expect("deploy/image/build starts");
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        if built.status.code() == Some(NOT_TO_BE_HAD) {
            return Err(said);
        }
        assert!(built.status.success(), "{said}");
        let printed = String::from_utf8(built.stdout).expect("one line of text");
        let (layout, digest) = printed.trim().rsplit_once(' ').expect("directory and digest");
        Ok(Self::unpack(Path::new(layout), digest, directory.join("root")))
    }

    /// Follows the digests from the index to the layers, so that a wrong one fails.
    fn unpack(layout: &Path, digest: &str, root: PathBuf) -> Self {
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        let listed = &index["manifests"][0];
        assert_eq!(listed["digest"], digest);
        assert_eq!(listed["platform"], serde_json::json!({"architecture": "amd64", "os": "linux"}));
        let manifest: Value = serde_json::from_slice(&fs::read(blob(layout, &listed["digest"])).unwrap()).unwrap();
        assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        let config = serde_json::from_slice(&fs::read(blob(layout, &manifest["config"]["digest"])).unwrap()).unwrap();

        fs::create_dir(&root).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 2, "Debian's files, and the program: {manifest}");
        for layer in layers {
            assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
            let tar = ["--extract", "--gzip", "--same-permissions", "--numeric-owner", "--file"];
            let path = blob(layout, &layer["digest"]);
            let done = Command::new("tar").args(tar).arg(path).arg("--directory").arg(&root).status().unwrap();
            assert!(done.success(), "{layer}");
        }
        Self { digest: digest.to_owned(), config, layout: layout.to_owned(), root }
    }

    /// All paths below the root, in order.
    pub(crate) fn entries(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut open = vec![self.root.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                }
                found.push(entry.path().strip_prefix(&self.root).unwrap().to_str().unwrap().to_owned());
            }
        }
        found.sort();
        found
    }

    /// Those that are no directories.
    pub(crate) fn files(&self) -> Vec<String> {
        let is_directory = |path: &String| fs::symlink_metadata(self.root.join(path)).unwrap().is_dir();
        self.entries().into_iter().filter(|path| !is_directory(path)).collect()
    }

    /// What starts the image's program, as its user, with its files alone; the rest is for the program.
    fn entry(&self) -> [String; 4] {
        let user = self.config["config"]["User"].as_str().unwrap();
        let user = user.split(':').map(|id| format!("+{id}")).collect::<Vec<_>>().join(":");
        let program = self.config["config"]["Entrypoint"][0].as_str().unwrap().to_owned();
        ["--groups=".to_owned(), format!("--userspec={user}"), self.root.display().to_string(), program]
    }

    /// Runs the program to its end: exit status, and what it said on both outputs.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> (i32, String) {
        let mut child = Command::new("chroot")
            .args(self.entry())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The program may end without reading its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts the program and waits until it says `marker`.
    pub(crate) fn start(&self, arguments: &[&str], environment: &[(&str, &str)], marker: &str) -> RunningWebhook {
        let entry = self.entry();
        let all: Vec<&str> = entry.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        RunningWebhook::start_program(Path::new("chroot"), &all, environment, marker)
    }
}

/// The document with Debian's packages added, as `deploy/image/sbom` has it done, or what was said against it.
pub(crate) fn complete_sbom(document: &Value) -> Result<String, String> {
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/image");
    let built = Command::new(image.join("assemble/build")).output().unwrap();
    let mut child = Command::new(String::from_utf8(built.stdout).unwrap().trim())
        .args(["sbom", "--distribution", "debian-12", "--packages"])
        .arg(image.join("packages"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(if done.status.success() { done.stdout } else { done.stderr }).unwrap();
    if done.status.success() { Ok(said) } else { Err(said) }
}

/// What keeps this machine from making the image, or from entering it.
fn missing() -> Option<String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("the image is made for linux/amd64".to_owned());
    }
    let said = |program: &str| Command::new(program).arg("-u").output().map(|done| done.stdout);
    if !said("id").is_ok_and(|id| id.trim_ascii() == b"0") {
        return Some("chroot is for root alone".to_owned());
    }
    let has = |tool: &&str| Command::new(tool).arg("--version").output().is_ok();
    let tools = ["apt-get", "chroot", "dpkg-deb", "go", "gzip", "sha256sum", "tar"];
    tools.iter().find(|tool| !has(tool)).map(|tool| format!("`{tool}` is not on PATH"))
}

/// The file of a digest, which is the digest of the file.
fn blob(layout: &Path, digest: &Value) -> PathBuf {
    let sum = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    let path = layout.join("blobs/sha256").join(sum);
    let summed = Command::new("sha256sum").arg(&path).output().unwrap();
    assert!(String::from_utf8_lossy(&summed.stdout).starts_with(sum), "{} is another file", path.display());
    path
}
