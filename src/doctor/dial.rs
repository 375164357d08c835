//! Looks at the certificate that a server shows, whether or not it can be trusted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The chain, leaf first, that `address` shows to one who asks for `name`.
///
/// # Errors
/// There was no connection, or no certificate, within `patience`; in words.
pub(super) async fn chain_of(
    address: &str,
    name: &str,
    patience: Duration,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let witness = Arc::new(Witness { provider: aws_lc_rs::default_provider(), shown: Mutex::default() });
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).map_err(|_| format!("`{name}` is no host name"))?;
    let handshake = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(server, stream).await
    };
    let done = timeout(patience, handshake).await;
    // A server that wants a client's certificate ends the handshake, but has shown its own by then.
    let shown = std::mem::take(&mut *witness.shown.lock().unwrap_or_else(PoisonError::into_inner));
    if !shown.is_empty() {
        return Ok(shown);
    }
    Err(match done {
        Err(_) => format!("no answer within {patience:?}"),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(_)) => "it showed no certificate".to_owned(),
    })
}

/// Takes any certificate and remembers it. Nothing is ever sent over such a connection.
#[derive(Debug)]
struct Witness {
    provider: CryptoProvider,
    shown: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(leaf).chain(intermediates);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) =
            chain.map(|certificate| certificate.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
