//! Where a directory option points to: a remote file system, a path of the pod, or something that cannot be known.

use std::borrow::Cow;

use crate::flink::config_file::trim;

/// A directory option's value, read as Flink's `Path` and `FileSystem` read it.
///
/// ```
/// use flink_admission::flink::location::Location;
/// assert_eq!(Location::parse("file:///flink-data/../ha/", None), Location::Local("/ha".to_owned()));
/// assert_eq!(Location::parse("s3://bucket/ha", None), Location::Remote { scheme: "s3".into(), rest: "//bucket/ha".into() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file system reached by a scheme other than `file`.
    Remote {
        /// The scheme, as written; schemes are case-sensitive in Flink.
        scheme: String,
        /// What follows the colon.
        rest: String,
    },
    /// An absolute path in the pod, without `.`, `..`, double and trailing slashes.
    Local(String),
    /// A path relative to the working directory of the process.
    Relative(String),
    /// No place at all, as it is written.
    Refused(Refusal),
    /// It holds a placeholder that something else resolves, or nobody.
    Unresolved,
}

/// Why Flink takes a value for no place, or not for the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It has an authority behind `file://`: "Found local file path with authority".
    Authority {
        /// The first part of the path, as it was meant.
        authority: String,
        /// What follows.
        path: String,
    },
    /// Quotes stand around it, which are part of it: what they hold.
    Quoted(String),
    /// What stands before its first colon is no scheme: "Illegal character in scheme name".
    NoScheme,
    /// Behind a scheme, its own or the default one, it has no absolute path: "Relative path in absolute URI".
    Relative,
}

impl Location {
    /// Reads `value`; `default_scheme` is the value of `fs.default-scheme`, for paths without a scheme.
    ///
    /// Sources: Flink 2.2 `org.apache.flink.core.fs.Path`, `FileSystem.getUnguardedFileSystem`, executed.
    #[must_use]
    pub fn parse(value: &str, default_scheme: Option<&str>) -> Self {
        let value = trim(value);
        if has_placeholder(value) {
            return Self::Unresolved;
        }
        if let Some(held) = without_quotes(value) {
            return Self::Refused(Refusal::Quoted(held.to_owned()));
        }
        if has_drive(value) {
            return Self::without_scheme(&format!("/{value}"), default_scheme);
        }
        match scheme_of(value) {
            None if has_colon_first(value) => Self::Refused(Refusal::NoScheme),
            None => Self::without_scheme(&with_slashes(value), default_scheme),
            Some((_, rest)) if !rest.starts_with(['/', '\\']) => Self::Refused(Refusal::Relative),
            Some(("file", rest)) => local(&with_slashes(rest)),
            Some((scheme, rest)) => Self::Remote { scheme: scheme.to_owned(), rest: with_slashes(rest).into_owned() },
        }
    }

    /// The directory `name` below it, without `.`, `..`, double and trailing slashes.
    ///
    /// Source: Flink `Path(Path, String)`: a slash at the beginning of `name` is none, and no host has no slashes.
    ///
    /// ```
    /// use flink_admission::flink::location::Location;
    /// assert_eq!(Location::parse("s3://b/ha/", None).below("/default"), Location::parse("s3://b/ha/default", None));
    /// ```
    #[must_use]
    pub fn below(self, name: &str) -> Self {
        let below = |path: &str| normalise(&format!("{path}/{name}"));
        match self {
            Self::Remote { scheme, rest } => {
                let host = rest.strip_prefix("//").map_or("", |rest| rest.split('/').next().unwrap_or_default());
                let path = rest.strip_prefix("//").and_then(|rest| rest.get(host.len()..)).unwrap_or(&rest);
                let slashes = if host.is_empty() { "" } else { "//" };
                Self::Remote { scheme, rest: format!("{slashes}{host}{}", below(path)) }
            }
            Self::Local(path) => Self::Local(below(&path)),
            Self::Relative(path) => Self::Relative(below(&path).split_off(1)),
            Self::Refused(_) | Self::Unresolved => self,
        }
    }

    /// Whether it is the root of a file system, as a bucket is: jobs put nothing there ("Cannot use the root directory for
    /// checkpoints").
    ///
    /// Source: Flink `AbstractFileStateBackend.validatePath`, executed for 1.13 to 2.3.
    #[must_use]
    pub fn is_root(&self) -> bool {
        match self {
            Self::Local(path) => path == "/",
            Self::Remote { rest, .. } => {
                let path = rest.strip_prefix("//").map_or(rest.as_str(), |rest| {
                    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default()
                });
                normalise(path) == "/"
            }
            Self::Relative(_) | Self::Refused(_) | Self::Unresolved => false,
        }
    }

    /// Reads `path`, which the file system of `default` serves: of that the host counts, and no path.
    fn without_scheme(path: &str, default: Option<&str>) -> Self {
        let Some(default) = default else { return local(without_authority(path)) };
        match scheme_of(trim(default)) {
            _ if has_placeholder(default) => Self::Unresolved,
            // Flink takes it, and ends at the first path that it is needed for.
            None | Some((_, "")) => Self::Unresolved,
            Some(("file", _)) => local(without_authority(path)),
            Some(_) if !path.starts_with('/') => Self::Refused(Refusal::Relative),
            Some((scheme, rest)) => {
                let host = rest.strip_prefix("//").and_then(|rest| rest.split('/').next()).unwrap_or_default();
                let path = without_authority(path).trim_start_matches('/');
                Self::Remote { scheme: scheme.to_owned(), rest: format!("//{host}/{path}") }
            }
        }
    }
}

/// `rest` of a URI with a slash for each backslash, as Flink makes them. Two of these at its begin are no host's.
fn with_slashes(rest: &str) -> Cow<'_, str> {
    if !rest.contains('\\') {
        return Cow::Borrowed(rest);
    }
    let (host, path) = rest
        .strip_prefix("//")
        .and_then(|after| rest.split_at_checked(2 + after.find('/').unwrap_or(after.len())))
        .unwrap_or(("", rest));
    let path = path.replace('\\', "/");
    let begin = if host.is_empty() && path.starts_with("//") { "/" } else { "" };
    let path = if begin.is_empty() { path.as_str() } else { path.trim_start_matches('/') };
    Cow::Owned(format!("{host}{begin}{path}"))
}

/// `path` without the host behind two slashes, of which Flink takes no notice where there is no scheme before it.
fn without_authority(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("//") else { return path };
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

/// The scheme of a URI and what follows its colon; `None` for a plain path, be it one of Windows.
#[must_use]
pub fn scheme_of(value: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = value.split_once(':')?;
    let plain = !has_drive(value)
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    plain.then_some((scheme, rest))
}

/// Whether `value` has a colon before its first slash, so that Flink's `Path` takes what stands before it for a scheme.
fn has_colon_first(value: &str) -> bool {
    value.split('/').next().is_some_and(|first| first.contains(':'))
}

/// Whether `value` begins like a path of Windows, `c:`, which Flink puts behind a slash.
fn has_drive(value: &str) -> bool {
    matches!(value.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// What quotes around `value` hold.
#[must_use]
pub fn without_quotes(value: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
}

/// Whether `value` holds `$NAME`, `${…}`, `$(…)`, `{{…}}` or `<…>`, which something outside of Flink has to replace.
#[must_use]
pub fn has_placeholder(value: &str) -> bool {
    let opens =
        |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '{' | '(' | '_'));
    value.split('$').skip(1).any(opens) || value.contains("{{") || (value.contains('<') && value.contains('>'))
}

fn local(rest: &str) -> Location {
    if let Some(after) = rest.strip_prefix("//") {
        return if after.is_empty() || after.starts_with('/') {
            Location::Local(normalise(after))
        } else {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            Location::Refused(Refusal::Authority { authority: authority.to_owned(), path: path.to_owned() })
        };
    }
    if rest.starts_with('/') { Location::Local(normalise(rest)) } else { Location::Relative(rest.to_owned()) }
}

/// An absolute path without `.`, `..`, double and trailing slashes; `..` above the root stays at the root.
#[must_use]
pub fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether `path` is `directory` or lies below it; both are normalised.
#[must_use]
pub fn is_below(path: &str, directory: &str) -> bool {
    directory == "/" || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_in_all_their_spellings() {
        for spelling in ["file:///data/ha", "file:/data/ha", "/data/ha", "/data//./x/../ha/", " file:///data/ha/ "] {
            assert_eq!(Location::parse(spelling, None), Location::Local("/data/ha".to_owned()), "{spelling}");
        }
        for spelling in [r"file:///data\ha", r"file:\data\ha", r"\data\ha", r"file:\\data\ha"] {
            assert_eq!(Location::parse(spelling, None), Location::Local("/data/ha".to_owned()), "{spelling}");
        }
        let remote = |rest: &str| Location::Remote { scheme: "s3".to_owned(), rest: rest.to_owned() };
        assert_eq!(Location::parse(r"s3://b/x\y", None), remote("//b/x/y"));
        assert_eq!(Location::parse(r"s3://bucket/a\b\c", None), remote("//bucket/a/b/c"));
        assert_eq!(Location::parse(r"s3:\\b\ha", None), remote("/b/ha"), "no bucket");
        assert_eq!(Location::parse(r"data\ha", None), Location::Relative("data/ha".to_owned()));
        assert_eq!(Location::parse("data/ha", None), Location::Relative("data/ha".to_owned()));
        assert_eq!(Location::parse("file:///../../x", None), Location::Local("/x".to_owned()));
        assert_eq!(Location::parse("file://", None), Location::Local("/".to_owned()));
        assert_eq!(Location::parse("c:/data", None), Location::Local("/c:/data".to_owned()));
    }

    #[test]
    fn what_flink_refuses_is_no_place() {
        let authority =
            |authority: &str, path: &str| Refusal::Authority { authority: authority.into(), path: path.into() };
        for (value, refusal) in [
            ("file://data/ha", authority("data", "/ha")),
            ("file://data", authority("data", "")),
            ("\"s3://b/ha\"", Refusal::Quoted("s3://b/ha".to_owned())),
            ("'/flink/ha'", Refusal::Quoted("/flink/ha".to_owned())),
            ("\u{a0}s3://b/ha", Refusal::NoScheme),
            ("\"s3://b/ha", Refusal::NoScheme),
            ("://b/ha", Refusal::NoScheme),
            ("s3:", Refusal::Relative),
            ("s3:b/ha", Refusal::Relative),
            ("file:data/ha", Refusal::Relative),
        ] {
            assert_eq!(Location::parse(value, None), Location::Refused(refusal), "{value}");
        }
        for fine in ["/a:b/ha", "a/b:c", "file:///data/'x'"] {
            assert!(!matches!(Location::parse(fine, None), Location::Refused(_)), "{fine}");
        }
    }

    #[test]
    fn the_default_scheme_takes_what_has_none() {
        let remote = Location::Remote { scheme: "hdfs".to_owned(), rest: "//nn:8020/ha".to_owned() };
        for default in ["hdfs://nn:8020/", "hdfs://nn:8020", "hdfs://nn:8020/base"] {
            assert_eq!(Location::parse("/ha", Some(default)), remote, "{default}");
        }
        for default in ["", "hdfs", "hdfs:", "${FS}"] {
            assert_eq!(Location::parse("/ha", Some(default)), Location::Unresolved, "{default}");
        }
        assert_eq!(Location::parse("/ha", Some("hdfs://${HOST}:8020/")), Location::Unresolved);
        let root = Location::Remote { scheme: "hdfs".to_owned(), rest: "//nn:8020/".to_owned() };
        assert_eq!(Location::parse("//", Some("hdfs://nn:8020/")), root);
        assert_eq!(Location::parse("//", None), Location::Local("/".to_owned()));
        assert_eq!(Location::parse("ha", Some("hdfs://nn:8020/")), Location::Refused(Refusal::Relative));
        assert_eq!(Location::parse("//nn/ha", None), Location::Local("/ha".to_owned()));
        assert_eq!(Location::parse("file:///ha", Some("hdfs://nn:8020/")), Location::Local("/ha".to_owned()));
        assert_eq!(Location::parse("/ha", Some("file:///")), Location::Local("/ha".to_owned()));
        assert_eq!(Location::parse("/ha", Some("${DEFAULT}")), Location::Unresolved);
        assert_eq!(Location::parse("s3://a>b/ha", None), Location::parse("s3://a>b/ha", Some("${DEFAULT}")));
        assert!(!has_placeholder("a>b") && !has_placeholder("a<b") && has_placeholder("<b>"));
    }

    #[test]
    fn a_bucket_is_a_root() {
        for root in ["s3://b", "s3://b/", "s3://b//", "hdfs:///", "file:///", "s3://b/x/.."] {
            assert!(Location::parse(root, None).is_root(), "{root}");
        }
        for below in ["s3://b/x", "s3:///b", "file:/x", "x"] {
            assert!(!Location::parse(below, None).is_root(), "{below}");
        }
    }

    #[test]
    fn placeholders_are_not_paths() {
        for value in ["${S3}/ha", "$HA_DIR/ha", "$(DIR)/ha", "s3://<bucket>/ha", "{{ .Values.dir }}"] {
            assert_eq!(Location::parse(value, None), Location::Unresolved, "{value}");
        }
    }

    #[test]
    fn a_neighbour_with_a_common_prefix_is_not_below() {
        assert!(is_below("/data/ha", "/data") && is_below("/data", "/data") && is_below("/x", "/"));
        assert!(!is_below("/database", "/data"));
    }
}
