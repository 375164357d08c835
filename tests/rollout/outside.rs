//! Watches from outside whether what each replica serves verifies against the bundle in the live configurations, as the API
//! server verifies it.
//!
//! A look reads the bundles, takes the chain of a replica, and reads the bundles again: a chain must verify by the ones or
//! the others. One that verifies by the later alone is counted as close: an API server that heard of the change a moment
//! later would have refused it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::{Api, Client};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::balancer::Balancer;
use super::release::Release;

/// Between two looks at all replicas.
const PERIOD: Duration = Duration::from_millis(300);
/// For one step of a look; a replica that ends takes no more connections.
const STEP: Duration = Duration::from_secs(5);

/// The watch; dropping it ends it.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Chains that were looked at.
    pub looks: usize,
    /// Chains that verify by the later bundle alone.
    pub close: usize,
    /// Chains that the API server would have refused, in words.
    pub refused: Vec<String>,
    /// The leaf that each replica served last, and all that were served by any.
    pub leaves: BTreeMap<String, Vec<u8>>,
    pub all_leaves: BTreeSet<Vec<u8>>,
    /// The sets of bundles that the configurations held, in their order.
    pub bundles: Vec<BTreeSet<Vec<u8>>>,
}

impl Watch {
    /// Watches the replicas that `balancer` sends connections to, by the configurations of `release`.
    pub fn start(runtime: &Runtime, release: &Release, balancer: &Arc<Balancer>) -> Self {
        let client = runtime.block_on(crate::connected::to(release.plane.kubeconfig()));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (name, host) = (release.name.clone(), format!("{}.{}.svc", release.name, release.namespace));
        let look = Look { client, name, host, balancer: Arc::clone(balancer), seen: Arc::clone(&seen) };
        Self { seen, task: runtime.spawn(look.run()) }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Look {
    client: Client,
    name: String,
    host: String,
    balancer: Arc<Balancer>,
    seen: Arc<Mutex<Seen>>,
}

impl Look {
    async fn run(self) {
        let mut before = BTreeSet::new();
        loop {
            for (replica, address) in self.balancer.routed() {
                // While the API server is away it verifies by what it knew.
                before = self.bundles().await.unwrap_or(before);
                let Ok(Some(chain)) = timeout(STEP, chain(address, &self.host)).await else { continue };
                let after = self.bundles().await.unwrap_or_else(|| before.clone());
                self.judge(&replica, &chain, &before, &after);
                before = after;
            }
            sleep(PERIOD).await;
        }
    }

    fn judge(
        &self,
        replica: &str,
        chain: &[CertificateDer<'_>],
        before: &BTreeSet<Vec<u8>>,
        after: &BTreeSet<Vec<u8>>,
    ) {
        let by_all =
            |bundles: &BTreeSet<Vec<u8>>| bundles.iter().try_for_each(|bundle| verify(chain, bundle, &self.host));
        let mut seen = lock(&self.seen);
        seen.looks += 1;
        if let (Err(earlier), later) = (by_all(before), by_all(after)) {
            match later {
                Ok(()) => seen.close += 1,
                Err(later) => seen.refused.push(format!("{replica}: {earlier}, {later}")),
            }
        }
        let leaf = chain.first().map(|leaf| leaf.to_vec()).unwrap_or_default();
        seen.leaves.insert(replica.to_owned(), leaf.clone());
        seen.all_leaves.insert(leaf);
        for bundles in [before, after] {
            if seen.bundles.last() != Some(bundles) {
                seen.bundles.push(bundles.clone());
            }
        }
    }

    /// The bundles of all entries of both configurations; `None` where they cannot be had.
    async fn bundles(&self) -> Option<BTreeSet<Vec<u8>>> {
        let mutating = Api::<MutatingWebhookConfiguration>::all(self.client.clone());
        let validating = Api::<ValidatingWebhookConfiguration>::all(self.client.clone());
        let mutating = mutating.get(&self.name).await.ok()?.webhooks.unwrap_or_default();
        let validating = validating.get(&self.name).await.ok()?.webhooks.unwrap_or_default();
        let mutating = mutating.into_iter().map(|entry| entry.client_config);
        let clients = mutating.chain(validating.into_iter().map(|entry| entry.client_config));
        Some(clients.map(|client| client.ca_bundle.unwrap_or_default().0).collect())
    }
}

/// Whether a client that trusts `bundle` takes `chain` for `host`, and why not.
pub fn verify(chain: &[CertificateDer<'_>], bundle: &[u8], host: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|error| format!("the bundle holds no PEM: {error}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    let verifier = verifier.build().map_err(|error| error.to_string())?;
    let (leaf, rest) = chain.split_first().ok_or("no certificate")?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let judged = verifier.verify_server_cert(leaf, rest, &name, &[], UnixTime::now());
    judged.map(drop).map_err(|error| error.to_string())
}

/// What is served at `address` to a client that asks for `host`.
pub async fn chain(address: SocketAddr, host: &str) -> Option<Vec<CertificateDer<'static>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let stream = connector().connect(name, stream).await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?.iter().map(|certificate| certificate.clone().into_owned()).collect())
}

/// A client that takes every certificate.
pub fn connector() -> TlsConnector {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.expect("versions of TLS").dangerous().with_custom_certificate_verifier(Arc::new(Anything));
    TlsConnector::from(Arc::new(config.with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes every certificate: it is verified afterwards, by more than one bundle.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
