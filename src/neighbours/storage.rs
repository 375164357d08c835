//! Directories that pods of several clusters can see, by names that mean the same in all of them.

use crate::flink::cluster::RoleView;
use crate::flink::location::{Location, has_placeholder, normalise};
use crate::flink::pod::{Backing, Source};

/// A directory that pods of several clusters can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// On an object store or a distributed file system.
    Remote(String),
    /// On a claim.
    Claim {
        /// The claim's namespace.
        namespace: String,
        /// Its name.
        claim: String,
        /// The path in the volume.
        path: String,
    },
    /// On an export of an NFS server.
    Nfs {
        /// The server.
        server: String,
        /// The path on it.
        path: String,
    },
}

/// Where `location` is; `None` where that is not known, or seen by its own pods alone.
pub(super) fn storage(location: Location, view: &RoleView, namespace: &str) -> Option<Storage> {
    match location {
        Location::Remote { scheme, rest } => {
            let (host, path) = rest.strip_prefix("//")?.split_once('/').unwrap_or((rest.trim_start_matches('/'), ""));
            // One store under several plugins; of a store of one's own the endpoint says which it is.
            let scheme = if scheme.starts_with("s3") { format!("s3{}", endpoint(view, namespace)?) } else { scheme };
            // A name node of a short name is a Service of the pods' own namespace.
            let is_hadoop = matches!(scheme.as_str(), "hdfs" | "webhdfs" | "swebhdfs" | "viewfs") && !host.is_empty();
            let host = if is_hadoop { server_in(host, "8020", namespace)? } else { host.to_owned() };
            // Without an authority it is the default of the Hadoop configuration, which each pod has its own.
            (!host.is_empty()).then(|| Storage::Remote(format!("{scheme}://{host}{}", without_root(&normalise(path)))))
        }
        Location::Local(path) => {
            let Backing::Volume(volume) = view.backing(&path) else { return None };
            let path = volume.place_of(&path);
            match volume.source {
                Source::Claim(claim) => Some(Storage::Claim { namespace: namespace.to_owned(), claim, path }),
                Source::Nfs { server, path: exported } => {
                    Some(Storage::Nfs { server, path: normalise(&format!("{exported}/{path}")) })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The endpoint of an S3 store as all namespaces know it, empty for AWS; `None` where it is each pod's own or not known.
fn endpoint(view: &RoleView, namespace: &str) -> Option<String> {
    const OPTIONS: [&str; 5] =
        ["s3.endpoint", "s3a.endpoint", "fs.s3a.endpoint", "flink.hadoop.fs.s3a.endpoint", "presto.s3.endpoint"];
    let Some(setting) = OPTIONS.into_iter().find_map(|option| view.config.exact(option)) else {
        return Some(String::new());
    };
    let value = setting.trimmed();
    let (scheme, server) = value.split_once("://").unwrap_or(("https", value));
    let (server, port) = (server.trim_end_matches('/'), if scheme == "http" { "80" } else { "443" });
    let host = server.split(':').next().unwrap_or_default();
    if has_placeholder(value) {
        return None;
    }
    if server.is_empty() || host.ends_with(".amazonaws.com") {
        return Some(String::new());
    }
    server_in(server, port, namespace).map(|server| format!("({server})"))
}

/// `path`, empty where it is the root.
fn without_root(path: &str) -> String {
    if path == "/" { String::new() } else { path.to_owned() }
}

/// `server` as all namespaces know it, with its port; `None` where it is each pod's own.
pub(super) fn server_in(server: &str, default_port: &str, namespace: &str) -> Option<String> {
    let (host, port) = server.split_once(':').unwrap_or((server, default_port));
    let host = host.to_ascii_lowercase();
    let service = host.strip_suffix(".svc.cluster.local").or_else(|| host.strip_suffix(".svc")).unwrap_or(&host);
    match service {
        "" | "localhost" | "127.0.0.1" => None,
        name if name.contains('.') => Some(format!("{name}:{port}")),
        name => Some(format!("{name}.{namespace}:{port}")),
    }
}
