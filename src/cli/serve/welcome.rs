//! What `--self-signed` leaves for a person to try: the CA, a sample review, and a line that uses both.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::tls::Authority;

/// A FlinkDeployment that keeps its HA metadata on an emptyDir, which is denied.
const SAMPLE: &[u8] = include_bytes!("sample-review.json");

/// The files that were written.
pub(super) struct Trial {
    ca: PathBuf,
    sample: PathBuf,
}

impl Trial {
    /// Writes the CA certificate to `ca_out`, or to a file in the temporary directory, and the sample next to it.
    pub(super) fn write(authority: &Authority, ca_out: Option<&Path>) -> anyhow::Result<Self> {
        let ca = match ca_out {
            Some(path) => path.to_owned(),
            None => own_directory()?.join("ca.crt"),
        };
        let sample = ca.with_file_name("sample-review.json");
        for (path, content) in [(&ca, authority.certificate_pem().as_bytes()), (&sample, SAMPLE)] {
            put(path, content)
                .with_context(|| format!("`{}` cannot be written; choose a file with --ca-out", path.display()))?;
        }
        Ok(Self { ca, sample })
    }

    /// Tells on standard output where the server is and how to try it.
    pub(super) fn print(&self, listen: SocketAddr, observe: SocketAddr, policies: &[String]) -> io::Result<()> {
        let reachable = reachable(listen);
        let mut out = io::stdout().lock();
        writeln!(out, "listening:      https://{reachable} (/mutate, /validate)")?;
        writeln!(out, "observe:        http://{} (/healthz, /readyz, /metrics)", self::reachable(observe))?;
        writeln!(out, "policy:         {}", policies.join("; "))?;
        writeln!(out, "CA certificate: {}", self.ca.display())?;
        writeln!(out, "try it:")?;
        let (ca, sample) = (word(&self.ca), word(&self.sample));
        let json = "-H 'Content-Type: application/json'";
        writeln!(out, "  curl --cacert {ca} {json} -d @{sample} https://{reachable}/validate")?;
        out.flush()
    }
}

/// A directory of ours in the temporary directory; a link or a file that someone else put there is not taken.
fn own_directory() -> anyhow::Result<PathBuf> {
    let path = std::env::temp_dir().join("flink-admission");
    let made = fs::create_dir(&path);
    let taken = matches!(&made, Err(error) if error.kind() == io::ErrorKind::AlreadyExists);
    if taken && fs::symlink_metadata(&path).is_ok_and(|there| there.is_dir()) {
        return Ok(path);
    }
    made.with_context(|| format!("`{}` cannot be made; choose a file with --ca-out", path.display()))?;
    Ok(path)
}

/// Writes beside `path` and renames, so that a link at `path` is replaced and not followed.
fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = OsString::from(path);
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = OpenOptions::new().write(true).create_new(true).open(&beside);
    let written = written.and_then(|mut file| file.write_all(content)).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// An address that a client on this machine can use for a server on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// `path` as one word of a shell.
fn word(path: &Path) -> String {
    let path = path.display().to_string();
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::decode;

    #[test]
    fn the_sample_is_a_review_of_a_flink_deployment() {
        let review = decode(SAMPLE).unwrap();
        assert_eq!(review.kind.kind, "FlinkDeployment");
        assert!(review.name.is_some() && review.namespace.is_some());
    }

    #[test]
    fn a_path_with_a_space_is_one_word() {
        assert_eq!(word(Path::new("/tmp/ca.crt")), "/tmp/ca.crt");
        assert_eq!(word(Path::new("/tmp/it's here")), r"'/tmp/it'\''s here'");
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        put(&link, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
