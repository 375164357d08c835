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

/// Whether the value of the option `key` opens an object store: the secret half of a pair of keys, or the key of an account.
///
/// Names are those of Flink's file systems and of Hadoop's, which Flink takes with and without their prefix and with dots or
/// dashes (`S3FileSystemFactory`, `HadoopConfigLoader`); `containerized.<role>.env.<NAME>` sets a variable.
///
/// ```
/// use flink_admission::flink::sensitive::is_key_of_a_store;
/// assert!(is_key_of_a_store("s3.secret.key") && is_key_of_a_store("fs.oss.accessKeySecret"));
/// assert!(!is_key_of_a_store("s3.access-key") && !is_key_of_a_store("security.ssl.rest.key-password"));
/// ```
#[must_use]
pub fn is_key_of_a_store(key: &str) -> bool {
    for role in ["containerized.master.env.", "containerized.taskmanager.env."] {
        if let Some(variable) = key.strip_prefix(role) {
            return is_variable_of_a_store(variable);
        }
    }
    let key = key.to_ascii_lowercase().replace('-', ".");
    let key = key.strip_prefix("flink.hadoop.").unwrap_or(&key);
    let key = key.strip_prefix("fs.").unwrap_or(key);
    let Some((store, rest)) = key.split_once('.') else { return false };
    match store {
        "s3" | "s3a" | "s3n" | "s3p" => {
            rest == "secret.key" || rest.ends_with(".secret.key") || rest == "awssecretaccesskey"
        }
        "presto" | "hive" => matches!(rest, "s3.secret.key" | "s3.aws.secret.key"),
        "oss" => matches!(rest, "accesskeysecret" | "access.key.secret"),
        "cosn" => rest == "userinfo.secretkey",
        "obs" => rest == "secret.key",
        "azure" => rest.starts_with("account.key.") || rest.starts_with("account.oauth2.client.secret"),
        "gs" => rest == "auth.service.account.private.key",
        _ => false,
    }
}

/// Whether the environment variable `name` holds what [`is_key_of_a_store`] of an option, by the clients' own names for it.
#[must_use]
pub fn is_variable_of_a_store(name: &str) -> bool {
    VARIABLES.contains(&name)
}

const VARIABLES: [&str; 8] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "S3_SECRET_ACCESS_KEY",
    "S3_SECRET_KEY",
    "MINIO_SECRET_KEY",
    "OSS_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "AZURE_CLIENT_SECRET",
];

/// Schemes of the store that the secret under `name` opens, an option's or a variable's for which [`is_key_of_a_store`] or
/// [`is_variable_of_a_store`] says yes; each may go on, as `s3a` and `s3p` do.
///
/// ```
/// use flink_admission::flink::sensitive::schemes_of;
/// assert_eq!(schemes_of("fs.azure.account.key.orders.blob.core.windows.net"), ["abfs", "wasb"]);
/// assert_eq!(schemes_of("AWS_SECRET_ACCESS_KEY"), ["s3"]);
/// ```
#[must_use]
pub fn schemes_of(name: &str) -> &'static [&'static str] {
    let name = name.to_ascii_lowercase().replace(['-', '_'], ".");
    let mut words = name.split('.').filter(|word| !matches!(*word, "flink" | "hadoop" | "fs"));
    let words = match words.next() {
        // `containerized.<role>.env.<NAME>`
        Some("containerized") => words.nth(2),
        first => first,
    };
    match words {
        Some("oss" | "alibaba") => &["oss"],
        Some("azure") => &["abfs", "wasb"],
        Some("cosn") => &["cosn"],
        Some("obs") => &["obs"],
        Some("gs") => &["gs"],
        _ => &["s3"],
    }
}

/// Whether the value of the option `key` is a secret itself: [`is_sensitive`] hides what only speaks of one, too, such as
/// `kubernetes.secrets` or `security.delegation.tokens.enabled`.
///
/// ```
/// use flink_admission::flink::sensitive::is_secret;
/// assert!(is_secret("security.ssl.rest.keystore-password") && is_secret("metrics.reporter.dd.apikey"));
/// assert!(!is_secret("kubernetes.secrets") && !is_secret("kubernetes.env.secretKeyRef"));
/// ```
#[must_use]
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let names_one = WORDS.iter().any(|word| key.ends_with(word));
    names_one || (key.contains("secret") && [".key", "-key", "_key"].iter().any(|end| key.ends_with(end)))
}

/// Whether the environment variable `name` holds a secret, by the end of its name.
#[must_use]
pub fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASSWORD", "SECRET", "SECRET_KEY", "TOKEN"].iter().any(|word| name.ends_with(word))
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

    #[test]
    fn what_only_speaks_of_a_secret_is_none() {
        for key in ["kubernetes.secrets", "kubernetes.env.secretKeyRef", "security.delegation.tokens.enabled"] {
            assert!(is_sensitive(key) && !is_secret(key), "{key}");
        }
        for key in ["security.ssl.internal.key-password", "app.secret-key", "containerized.master.env.DB_PASSWORD"] {
            assert!(is_secret(key), "{key}");
        }
        assert!(is_secret_variable("KAFKA_SASL_PASSWORD") && is_secret_variable("s3_secret_key"));
        assert!(!is_secret_variable("SECRET_NAME") && !is_secret_variable("TOKEN_FILE"));
    }

    #[test]
    fn a_store_is_known_by_its_key() {
        for (name, schemes) in [
            ("flink.hadoop.fs.s3a.secret.key", ["s3"].as_slice()),
            ("s3.secret-key", &["s3"]),
            ("presto.s3.secret-key", &["s3"]),
            ("containerized.master.env.AZURE_CLIENT_SECRET", &["abfs", "wasb"]),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &["oss"]),
            ("fs.oss.accessKeySecret", &["oss"]),
            ("fs.gs.auth.service.account.private.key", &["gs"]),
            ("fs.cosn.userinfo.secretKey", &["cosn"]),
            ("fs.obs.secret.key", &["obs"]),
        ] {
            assert_eq!(schemes_of(name), schemes, "{name}");
        }
    }

    #[test]
    fn keys_of_stores_are_known_by_all_their_names() {
        for key in [
            "s3.secret-key",
            "s3.secret.key",
            "fs.s3a.secret.key",
            "flink.hadoop.fs.s3a.secret.key",
            "s3a.bucket.orders.secret.key",
            "presto.s3.secret-key",
            "fs.oss.accessKeySecret",
            "fs.azure.account.key.orders.blob.core.windows.net",
            "fs.cosn.userinfo.secretKey",
            "fs.obs.secret.key",
            "fs.gs.auth.service.account.private.key",
            "containerized.master.env.AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(is_key_of_a_store(key), "{key}");
        }
        for key in [
            "s3.access-key",
            "s3.endpoint",
            "secret.key",
            "security.ssl.rest.keystore-password",
            "metrics.reporter.dd.apikey",
            "containerized.master.env.AWS_ACCESS_KEY_ID",
            "fs.azure.account.auth.type",
            "fs.cosn.userinfo.secretId",
            "fs.obs.access.key",
            "fs.gs.auth.service.account.email",
        ] {
            assert!(!is_key_of_a_store(key), "{key}");
        }
    }
}
