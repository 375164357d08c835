//! What certificates say, and whether the API server would take them.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The dates and names of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    /// From when, in seconds since 1970.
    pub(crate) not_before: i64,
    /// Until when.
    pub(crate) not_after: i64,
    /// Its DNS names.
    pub(crate) names: Vec<String>,
}

/// The certificates in `pem`; empty where it holds none.
pub(crate) fn read(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).map_while(Result::ok).collect()
}

/// What stands in `certificate`; `None` where it cannot be parsed.
pub(crate) fn contents(certificate: &CertificateDer<'_>) -> Option<Contents> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let names = alternatives.into_iter().flat_map(|alternatives| &alternatives.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    Some(Contents {
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
        names: names.collect(),
    })
}

/// Whether one who trusts `roots` takes `chain` (leaf first) for the server `name` at `time`, in seconds since 1970.
///
/// # Errors
/// Why not, in words that go on from "the certificate".
pub(crate) fn verify(
    chain: &[CertificateDer<'static>],
    roots: &[CertificateDer<'static>],
    name: &str,
    time: i64,
) -> Result<(), String> {
    let Some((leaf, intermediates)) = chain.split_first() else { return Err("is missing".to_owned()) };
    let unreadable = |error: &dyn std::fmt::Display| format!("cannot be judged: {error}");
    let server = ServerName::try_from(name.to_owned()).map_err(|error| unreadable(&error))?;
    // Go, in which the API server is written, trusts a certificate that is itself among the roots.
    if roots.contains(leaf) {
        return is_valid_itself(leaf, &server, time);
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    if store.is_empty() {
        return Err("is trusted by nothing: the caBundle holds no certificate".to_owned());
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(aws_lc_rs::default_provider()))
            .build()
            .map_err(|error| unreadable(&error))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time).unwrap_or_default()));
    verifier.verify_server_cert(leaf, intermediates, &server, &[], now).map(|_| ()).map_err(|error| in_words(&error))
}

fn is_valid_itself(leaf: &CertificateDer<'_>, server: &ServerName<'_>, time: i64) -> Result<(), String> {
    let Some(contents) = contents(leaf) else { return Err("cannot be parsed".to_owned()) };
    if time > contents.not_after {
        return Err("has expired".to_owned());
    }
    if time < contents.not_before {
        return Err("is not valid yet".to_owned());
    }
    let parsed = ParsedCertificate::try_from(leaf).map_err(|error| in_words(&error))?;
    verify_server_name(&parsed, server).map_err(|error| in_words(&error))
}

fn in_words(error: &Error) -> String {
    let Error::InvalidCertificate(why) = error else { return format!("is refused: {error}") };
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is of an authority that the caBundle does not hold".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".to_owned()
        }
        other => format!("is refused: {other}"),
    }
}
