//! The Secret that the replicas share: the authority's certificate and key.
//!
//! The leader makes it, the others read it. One that vanished or is of no use (edited, restored from a half-made backup) is
//! filled with the authority that the leader knows, so that nobody has to trust another one; under the resource version that
//! was read, so that of two leaders one wins and the other reads what it wrote.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use super::client::explain;
use super::installation::{FIELD_MANAGER, ROTATE_ANNOTATION};
use crate::tls::{Authority, Unusable};

/// Keys of a Secret of type `kubernetes.io/tls`.
const CERTIFICATE: &str = "tls.crt";
const PRIVATE_KEY: &str = "tls.key";
/// Label that says who made it.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Each try loses against another writer; five losses in a row are no race any more.
const TRIES: usize = 5;

/// The Secret of an authority.
#[derive(Clone)]
pub struct AuthoritySecret {
    api: Api<Secret>,
    namespace: String,
    name: String,
}

/// What the leader wants to stand in the Secret.
#[derive(Default)]
pub struct Wish {
    /// The authority that is in use, which comes back where the Secret has none.
    pub known: Option<Arc<Authority>>,
    /// How long a new authority is valid.
    pub life: Duration,
    /// With whom the Secret goes.
    pub owner: Option<OwnerReference>,
}

impl Wish {
    /// The authority in use where it still serves, else a new one.
    fn authority(&self, now: SystemTime) -> Result<Authority, Unusable> {
        let known = self.known.as_ref().map(|known| Authority::read(known.certificate_pem(), known.key_pem(), now));
        known.and_then(Result::ok).map_or_else(|| Authority::generate(now, self.life), Ok)
    }
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
    /// It holds none, and this replica is not the one to make one.
    #[error("Secret `{secret}` holds no usable authority yet, which the leader makes: {why}")]
    Missing {
        /// Namespace and name.
        secret: String,
        /// What is wrong with it.
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

    /// The authority that all replicas share.
    ///
    /// # Errors
    /// The Secret cannot be read, or holds none that can be used.
    pub async fn read(&self) -> Result<Authority, SecretError> {
        let missing = |why: String| SecretError::Missing { secret: self.path(), why };
        let secret = self.found().await?.ok_or_else(|| missing("there is no such Secret".to_owned()))?;
        read(&secret, SystemTime::now()).map_err(|why| missing(why.to_string()))
    }

    /// The same for the leader, who makes one where there is none, and a new one where the old grows old or somebody asks for
    /// it by an annotation.
    ///
    /// # Errors
    /// The Secret can be neither read nor written.
    pub async fn ensure(&self, wish: &Wish) -> Result<Authority, SecretError> {
        for _ in 0..TRIES {
            let now = SystemTime::now();
            let written = match self.found().await? {
                None => self.create(wish.authority(now)?, wish).await?,
                Some(secret) => match read(&secret, now) {
                    Ok(authority) if is_due(&secret, &authority, now) => {
                        tracing::info!(secret = %self.path(), "the certificate authority is replaced by a new one");
                        self.refill(secret, Authority::generate(now, wish.life)?).await?
                    }
                    Ok(authority) => match wish.owner.as_ref().filter(|_| is_orphan(&secret)) {
                        Some(owner) => self.adopt(secret, authority, owner).await?,
                        None => return Ok(authority),
                    },
                    Err(why) => {
                        tracing::warn!(secret = %self.path(), %why, "the Secret holds no usable authority; it is filled anew");
                        self.refill(secret, wish.authority(now)?).await?
                    }
                },
            };
            if let Some(authority) = written {
                tracing::info!(secret = %self.path(), "wrote the Secret of the certificate authority");
                return Ok(authority);
            }
        }
        Err(SecretError::Contended(self.path()))
    }

    async fn found(&self) -> Result<Option<Secret>, SecretError> {
        self.api.get_opt(&self.name).await.map_err(|error| self.failed(&error, "get"))
    }

    /// `None` when another replica was faster.
    async fn create(&self, authority: Authority, wish: &Wish) -> Result<Option<Authority>, SecretError> {
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(BTreeMap::from([(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned())])),
                owner_references: wish.owner.clone().map(|owner| vec![owner]),
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
    async fn refill(&self, mut secret: Secret, authority: Authority) -> Result<Option<Authority>, SecretError> {
        secret.data.get_or_insert_default().extend(data(&authority));
        secret.metadata.managed_fields = None;
        if let Some(annotations) = &mut secret.metadata.annotations {
            annotations.remove(ROTATE_ANNOTATION);
        }
        won(self.api.replace(&self.name, &params(), &secret).await, authority)
            .map_err(|error| self.failed(&error, "update"))
    }

    /// Lets the Secret go with `owner`.
    async fn adopt(
        &self,
        mut secret: Secret,
        authority: Authority,
        owner: &OwnerReference,
    ) -> Result<Option<Authority>, SecretError> {
        secret.metadata.owner_references = Some(vec![owner.clone()]);
        self.refill(secret, authority).await
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

/// Whether it was made by this program while there was nothing that it could go with.
fn is_orphan(secret: &Secret) -> bool {
    let is_ours =
        secret.metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == FIELD_MANAGER);
    is_ours && secret.metadata.owner_references.as_ref().is_none_or(Vec::is_empty)
}

fn is_due(secret: &Secret, authority: &Authority, now: SystemTime) -> bool {
    let asked = secret.metadata.annotations.as_ref().is_some_and(|own| own.contains_key(ROTATE_ANNOTATION));
    asked || now >= authority.replace_at()
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

    const YEAR: Duration = Duration::from_hours(365 * 24);

    #[test]
    fn what_is_written_can_be_read() {
        let now = SystemTime::now();
        let authority = Authority::generate(now, YEAR).unwrap();
        let mut secret = Secret { data: Some(data(&authority)), ..Secret::default() };
        assert_eq!(read(&secret, now).unwrap().certificate_pem(), authority.certificate_pem());
        assert!(!is_due(&secret, &authority, now + YEAR / 2));
        assert!(is_due(&secret, &authority, now + YEAR * 3 / 4));
        secret.metadata.annotations = Some(BTreeMap::from([(ROTATE_ANNOTATION.to_owned(), "now".to_owned())]));
        assert!(is_due(&secret, &authority, now));
    }

    #[test]
    fn an_emptied_secret_is_unusable() {
        assert!(read(&Secret::default(), SystemTime::now()).is_err());
        let bytes = BTreeMap::from([(CERTIFICATE.to_owned(), ByteString(vec![0xff, 0xfe]))]);
        assert!(read(&Secret { data: Some(bytes), ..Secret::default() }, SystemTime::now()).is_err());
    }
}
