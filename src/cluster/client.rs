//! The way to the API server, and its errors in words.

use std::time::Duration;

use kube::{Client, Config};

/// A connection that takes longer is of no use to a review, which has ten seconds in all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer or the sending of a request may take where no deadline of a review cuts it short.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a watch may say nothing; kube asks the API server to end it after 290 s.
const WATCH_TIMEOUT: Duration = Duration::from_mins(5);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor the files and variables of a pod were found.
    #[error(
        "no way to the API server was found, so nothing can be looked up and no certificate kept ({0}); run it in a \
         pod with a ServiceAccount token, set KUBECONFIG, or leave `--cluster` out"
    )]
    Unconfigured(String),
    /// They were found but cannot be used.
    #[error(
        "the way to the API server cannot be used, so nothing can be looked up ({0}); check the kubeconfig or the ServiceAccount token"
    )]
    Unusable(String),
}

/// A client by `KUBECONFIG` or by the ServiceAccount of the pod; no request is made.
///
/// # Errors
/// There is no configuration, or it cannot be used.
pub async fn connect() -> Result<Client, ConnectError> {
    client_of(Config::infer().await.map_err(|error| ConnectError::Unconfigured(error.to_string()))?)
}

/// The same for watches, whose requests last: they end by themselves after five minutes, and are taken up again.
///
/// # Errors
/// Like [`connect`].
pub async fn connect_to_watch() -> Result<Client, ConnectError> {
    let mut config = Config::infer().await.map_err(|error| ConnectError::Unconfigured(error.to_string()))?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(WATCH_TIMEOUT);
    config.write_timeout = Some(TRANSFER_TIMEOUT);
    Client::try_from(config).map_err(|error| ConnectError::Unusable(innermost(&error)))
}

/// A client of `config` whose requests never wait for ever and are not repeated by themselves: look-ups have a deadline,
/// the keeper has a next round.
///
/// # Errors
/// The configuration cannot be used: a certificate or key that cannot be read.
pub fn client_of(mut config: Config) -> Result<Client, ConnectError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(TRANSFER_TIMEOUT);
    config.write_timeout = Some(TRANSFER_TIMEOUT);
    // Without it the time that a pooled connection lay idle would count as waiting for an answer.
    config.reset_reader_on_write = true;
    config.default_retry = false;
    Client::try_from(config).map_err(|error| ConnectError::Unusable(innermost(&error)))
}

/// What went wrong with `verb` on `what`, in one phrase for people: a 403 names the right that is missing.
///
/// `the ServiceAccount of flink-admission may not get configmaps in namespace `flink`; give it that right`
#[must_use]
pub fn explain(error: &kube::Error, verb: &str, what: &str) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            format!("the ServiceAccount of flink-admission may not {verb} {what}; give it that right")
        }
        kube::Error::Api(status) => format!("{verb} {what}: the API server answered {} {}", status.code, status.reason),
        kube::Error::Service(source) => format!("{verb} {what}: {}", innermost(source.as_ref())),
        other => format!("{verb} {what}: {}", innermost(other)),
    }
}

/// The last cause: the outer ones only say that a request failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_named() {
        let status = serde_json::from_value(serde_json::json!({"code": 403, "reason": "Forbidden", "message": "no"}));
        let error = kube::Error::Api(Box::new(status.unwrap()));
        assert_eq!(
            explain(&error, "get", "configmaps in namespace `flink`"),
            "the ServiceAccount of flink-admission may not get configmaps in namespace `flink`; give it that right"
        );
    }

    #[test]
    fn the_innermost_cause_is_told() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused");
        let error = kube::Error::Service(Box::new(refused));
        assert_eq!(explain(&error, "get", "namespaces"), "get namespaces: connection refused");
    }
}
