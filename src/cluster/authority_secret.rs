//! The Secret that the replicas share: the authority's certificate and key.
//!
//! Whoever comes first creates it, the others read it. One that is empty or of no use (edited, restored from a half-made
//! backup, expiring) is filled anew, under the resource version that was read, so that of two replicas one wins and the
//! other reads what it wrote.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use super::authority::{Authority, Unusable};
use super::client::explain;

/// Keys of a Secret of type `kubernetes.io/tls`.
const CERTIFICATE: &str = "tls.crt";
const PRIVATE_KEY: &str = "tls.key";
/// Each try loses against another writer; five losses in a row are no race any more.
const TRIES: usize = 5;
/// Written on what we make, so that its origin can be seen.
const FIELD_MANAGER: &str = "flink-admission";

/// The Secret of an authority.
#[derive(Clone)]
pub struct AuthoritySecret {
    api: Api<Secret>,
    namespace: String,
    name: String,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The API server refused or did not answer.
    #[error(
        "the certificate authority cannot be had from Secret `{secret}`, so the API server would not trust this webhook: {why}"
    )]
    Api {
        /// Namespace and name.
        secret: String,
        /// What went wrong.
        why: String,
    },
    /// No authority could be made.
    #[error("no certificate authority could be made: {0}")]
    Generation(#[from] Unusable),
    /// Others kept writing.
    #[error("Secret `{0}` was changed by others at every attempt to write it; see who writes it")]
    Contended(String),
}

impl AuthoritySecret {
    /// The Secret `name` in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self { api: Api::namespaced(client, namespace), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The authority that all replicas share, made if there is none.
    ///
    /// # Errors
    /// The Secret can be neither read nor written.
    pub async fn ensure(&self) -> Result<Authority, SecretError> {
        for _ in 0..TRIES {
            let now = SystemTime::now();
            let found = self.api.get_opt(&self.name).await.map_err(|error| self.failed(&error, "get"))?;
            let written = match found {
                None => self.create(now).await?,
                Some(secret) => match read(&secret, now) {
                    Ok(authority) => return Ok(authority),
                    Err(why) => {
                        tracing::warn!(secret = %self.path(), %why, "the Secret holds no usable authority; it is made anew");
                        self.refill(secret, now).await?
                    }
                },
            };
            if let Some(authority) = written {
                tracing::info!(secret = %self.path(), "made a certificate authority");
                return Ok(authority);
            }
        }
        Err(SecretError::Contended(self.path()))
    }

    /// `None` when another replica was faster.
    async fn create(&self, now: SystemTime) -> Result<Option<Authority>, SecretError> {
        let authority = Authority::generate(now)?;
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned())])),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(data(&authority)),
            ..Secret::default()
        };
        won(self.api.create(&params(), &secret).await, authority).map_err(|error| self.failed(&error, "create"))
    }

    /// Keeps what else is in the Secret, its type (which cannot be changed) and its resource version, which makes the API
    /// server refuse this when somebody was faster.
    async fn refill(&self, mut secret: Secret, now: SystemTime) -> Result<Option<Authority>, SecretError> {
        let authority = Authority::generate(now)?;
        secret.data.get_or_insert_default().extend(data(&authority));
        secret.metadata.managed_fields = None;
        won(self.api.replace(&self.name, &params(), &secret).await, authority)
            .map_err(|error| self.failed(&error, "update"))
    }

    fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn failed(&self, error: &kube::Error, verb: &str) -> SecretError {
        SecretError::Api { secret: self.path(), why: explain(error, verb, "secrets") }
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// A conflict, a Secret that exists after all, and one that vanished meanwhile are lost races, not errors.
fn won<T>(written: Result<Secret, kube::Error>, authority: T) -> Result<Option<T>, kube::Error> {
    match written {
        Ok(_) => Ok(Some(authority)),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
        Err(error) => Err(error),
    }
}

fn data(authority: &Authority) -> BTreeMap<String, ByteString> {
    BTreeMap::from([
        (CERTIFICATE.to_owned(), ByteString(authority.certificate_pem().as_bytes().to_vec())),
        (PRIVATE_KEY.to_owned(), ByteString(authority.key_pem().as_bytes().to_vec())),
    ])
}

fn read(secret: &Secret, now: SystemTime) -> Result<Authority, Unusable> {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key)).map(|value| value.0.as_slice());
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    };
    Authority::read(text(CERTIFICATE), text(PRIVATE_KEY), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let now = SystemTime::now();
        let authority = Authority::generate(now).unwrap();
        let secret = Secret { data: Some(data(&authority)), ..Secret::default() };
        assert_eq!(read(&secret, now).unwrap().certificate_pem(), authority.certificate_pem());
    }

    #[test]
    fn an_emptied_secret_is_unusable() {
        assert!(read(&Secret::default(), SystemTime::now()).is_err());
        let bytes = BTreeMap::from([(CERTIFICATE.to_owned(), ByteString(vec![0xff, 0xfe]))]);
        assert!(read(&Secret { data: Some(bytes), ..Secret::default() }, SystemTime::now()).is_err());
    }
}
