//! What the listener shows to its clients: one certificate that may be replaced while connections are open.
//!
//! Whoever makes certificates (an [`Authority`] in memory, [`files`], a Secret of the cluster) calls
//! [`ServingCertificate::replace`]; the next handshake uses it.

mod authority;
pub(crate) mod certificate;
pub mod files;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use authority::{Authority, Leaf, Unusable, fingerprint_of, pem_of, sha256_of};

/// Why a certificate cannot be made, read or served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("`{path}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has no certificate or key in it.
    #[error("`{path}` holds no {what} in PEM: {reason}")]
    NotPem {
        /// The file.
        path: String,
        /// `certificate` or `private key`.
        what: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// The chain is empty or its first certificate is broken.
    #[error("the serving certificate cannot be parsed: {0}")]
    Certificate(String),
    /// Key and certificate are no pair, or the key is of no known kind.
    #[error("the private key does not serve: {0}")]
    Key(rustls::Error),
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
    /// Nobody could be trusted by what a file holds.
    /// The API server would refuse it.
    #[error("`{path}`: the certificate {why}")]
    Refused {
        /// The file.
        path: String,
        /// Why, in words that go on from "the certificate".
        why: String,
    },
    /// Nobody could connect.
    #[error("clients cannot be verified by `{path}`: {reason}")]
    Clients {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A certificate chain with its key, checked to be a pair.
#[derive(Debug, Clone)]
pub struct Served {
    key: Arc<CertifiedKey>,
    not_after: i64,
}

impl Served {
    /// The pair of `chain` (leaf first) and `key`.
    ///
    /// # Errors
    /// [`Error::Certificate`] for an empty or broken chain, [`Error::Key`] for a key of no use or of another certificate.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        let leaf = chain.first().ok_or_else(|| Error::Certificate("the chain is empty".to_owned()))?;
        let (_, leaf) = X509Certificate::from_der(leaf).map_err(|error| Error::Certificate(error.to_string()))?;
        let not_after = leaf.validity().not_after.timestamp();
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(Error::Key)?;
        Ok(Self { key: Arc::new(key), not_after })
    }

    /// When it ends, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether one who trusts `roots`, or where these are not known whoever signed it, takes it for the server `name` now.
    ///
    /// # Errors
    /// Why not, in words that go on from "the certificate".
    pub fn is_fit(&self, name: &str, roots: Option<&[CertificateDer<'static>]>) -> Result<(), String> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let own = self.key.cert.get(..1).unwrap_or_default();
        certificate::verify(
            &self.key.cert,
            roots.unwrap_or(own),
            name,
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        )
    }
}

/// The certificate in use; handshakes fail while there is none.
#[derive(Debug, Default)]
pub struct ServingCertificate {
    current: ArcSwapOption<Served>,
}

impl ServingCertificate {
    /// Serves `served` from the next handshake on.
    pub fn replace(&self, served: Served) {
        self.current.store(Some(Arc::new(served)));
    }

    /// The certificate in use.
    pub fn current(&self) -> Option<Arc<Served>> {
        self.current.load_full()
    }

    /// When the certificate in use ends, in seconds since 1970; `None` while there is none.
    pub fn not_after(&self) -> Option<i64> {
        self.current.load().as_ref().map(|served| served.not_after)
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load().as_ref().map(|served| Arc::clone(&served.key))
    }
}

/// Who may connect, by the certificates of the authorities in a file; everybody without one.
#[derive(Debug, Clone, Default)]
pub struct Clients(Option<Arc<dyn ClientCertVerifier>>);

impl Clients {
    /// Those with a certificate of an authority in `file` (PEM).
    ///
    /// # Errors
    /// [`Error::Unreadable`] or [`Error::Clients`] with the path.
    pub fn of_file(file: &Path) -> Result<Self, Error> {
        let path = || file.display().to_string();
        let pem = std::fs::read(file).map_err(|source| Error::Unreadable { path: path(), source })?;
        let refused = |reason: String| Error::Clients { path: path(), reason };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| refused(error.to_string()))?;
            roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Ok(Self(Some(verifier.map_err(|error| refused(error.to_string()))?)))
    }
}

/// TLS 1.2 and 1.3 for `clients`, and `http/1.1` as the only protocol: the API server's webhook client speaks no other
/// (k8s.io/apiserver 1.34, `pkg/util/webhook/client.go`).
///
/// # Errors
/// [`Error::Setup`] where the TLS library was built without the versions.
pub fn server_config(certificate: Arc<ServingCertificate>, clients: &Clients) -> Result<Arc<ServerConfig>, Error> {
    let config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(Error::Setup)?;
    let config = match &clients.0 {
        Some(verifier) => config.with_client_cert_verifier(Arc::clone(verifier)),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
