//! Which options hold credentials, by Flink's own rule.

/// Whether the value of `key` must not be shown.
///
/// Flink hides a value in logs and in its REST API when the key, in lower case, contains one of these words
/// (`GlobalConfiguration.isSensitive`, Flink 2.1).
///
/// ```
/// use flink_admission::flink::sensitive::is_sensitive;
/// assert!(is_sensitive("s3.secret-key"));
/// assert!(!is_sensitive("state.checkpoints.dir"));
/// ```
#[must_use]
pub fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

/// What is shown in place of a hidden value.
pub const HIDDEN: &str = "***";

const WORDS: [&str; 11] = [
    "password",
    "secret",
    "fs.azure.account.key",
    "apikey",
    "api-key",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "jaas.config",
    "http-headers",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_place_do_not_matter() {
        for key in ["S3.Secret-Key", "security.ssl.rest.key-password", "fs.azure.account.key.x.blob.core.windows.net"] {
            assert!(is_sensitive(key), "{key}");
        }
        for key in ["high-availability.storageDir", "s3.access-key", "kubernetes.cluster-id"] {
            assert!(!is_sensitive(key), "{key}");
        }
    }
}
