//! `flink-admission certificates`: files to try `serve --tls-cert` with.
//!
//! ```text
//! flink-admission certificates --out certs --name flink-admission.flink-system.svc
//! flink-admission serve --tls-cert certs/tls.crt --tls-key certs/tls.key
//! ```

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;

use super::{Status, Streams, written};
use crate::tls::Authority;

/// Make an authority and a certificate of it, for trials: `ca.crt`, `tls.crt` and `tls.key`
///
/// The authority's key is kept nowhere, so that nobody can sign with it later; make both anew when they end.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directory for the files, which replace those of an earlier run
    #[arg(long, value_name = "DIRECTORY")]
    out: PathBuf,
    /// Name or address of the server; may be given several times
    #[arg(long = "name", value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"])]
    names: Vec<String>,
    /// Days until they end
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let (now, life) = (SystemTime::now(), Duration::from_hours(24 * u64::from(arguments.days)));
    let authority = Authority::generate(now, life)?;
    let names: Vec<&str> = arguments.names.iter().map(String::as_str).collect();
    let (certificate, key) = authority.issue(&names, now, life)?;
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("`{}` cannot be made", out.display()))?;
    for (file, text) in [("ca.crt", authority.certificate_pem()), ("tls.crt", &certificate), ("tls.key", &key)] {
        let path = out.join(file);
        put(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
        written(writeln!(streams.output, "{}", path.display()), Status::Passed)?;
    }
    Ok(Status::Passed)
}

/// Writes a file that nobody else may read.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    // One that is there keeps its rights, whatever they are.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}
