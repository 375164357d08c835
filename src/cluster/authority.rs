//! The certificate authority of the webhook, and the leaf that a replica serves with.
//!
//! The authority is shared by the replicas and lives long; a leaf is minted in memory by each replica and lives for weeks,
//! so its key is never stored. An authority that was read is tried before it is used: a leaf that it signs must verify.
//!
//! ```
//! use flink_admission::cluster::Authority;
//! use std::time::SystemTime;
//!
//! let now = SystemTime::now();
//! let made = Authority::generate(now)?;
//! let read = Authority::read(made.certificate_pem(), made.key_pem(), now)?;
//! let leaf = read.mint(&["flink-admission.flink-system.svc".to_owned()], now)?;
//! assert_eq!(leaf.authority_pem, made.certificate_pem());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::tls::{self, Served};

/// How long an authority is valid.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * DAY);
/// An authority with less than this left is replaced, long before a leaf of it could be refused.
const AUTHORITY_REST: Duration = Duration::from_secs(60 * DAY);
/// How long a leaf is valid.
const LEAF_LIFE: Duration = Duration::from_secs(30 * DAY);
/// Age at which a leaf is minted anew: two thirds of its life remain for the trouble that keeps us from it.
const LEAF_AGE: Duration = Duration::from_secs(10 * DAY);
/// Clocks of nodes differ; a certificate that begins now would be refused by an API server that is a little behind.
const CLOCK_SKEW: Duration = Duration::from_hours(1);
const DAY: u64 = 24 * 60 * 60;

/// A certificate authority that has proved to work.
pub struct Authority {
    certificate_pem: String,
    key_pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a replica serves with.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// What the listener serves.
    pub served: Served,
    /// The certificate of the authority that signed it, in PEM: what belongs into `caBundle`.
    pub authority_pem: String,
    /// When it should be minted anew.
    pub renew_at: SystemTime,
}

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The private key is none, or of a sort that is not supported.
    #[error("the private key cannot be read: {0}")]
    Key(#[source] rcgen::Error),
    /// The certificate is none, or not one of an authority.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// It is valid, but not for long enough.
    #[error("the certificate is valid for less than {} days", AUTHORITY_REST.as_secs() / DAY)]
    Expiring,
    /// A certificate could not be signed.
    #[error("no certificate could be made: {0}")]
    Signing(#[source] rcgen::Error),
    /// What was signed does not serve.
    #[error(transparent)]
    Leaf(#[from] tls::Error),
    /// A leaf that it signs would be refused by the API server.
    #[error("what the authority signs is not accepted: {0}")]
    NotAccepted(String),
}

impl Authority {
    /// A new authority (ECDSA P-256), valid for ten years.
    ///
    /// # Errors
    /// No key or certificate could be made.
    pub fn generate(now: SystemTime) -> Result<Self, Unusable> {
        let key = KeyPair::generate().map_err(Unusable::Signing)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "flink-admission authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, now, AUTHORITY_LIFE);
        let certificate = params.self_signed(&key).map_err(Unusable::Signing)?;
        Self::read(&certificate.pem(), &key.serialize_pem(), now)
    }

    /// The authority of a certificate and its key, both in PEM, once it has proved to work.
    ///
    /// # Errors
    /// One of them cannot be read, they do not belong together, or the certificate is about to expire.
    pub fn read(certificate_pem: &str, key_pem: &str, now: SystemTime) -> Result<Self, Unusable> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| Unusable::Certificate(error.to_string()))?;
        let (_, parsed) =
            X509Certificate::from_der(&certificate).map_err(|error| Unusable::Certificate(error.to_string()))?;
        if parsed.validity().not_after.timestamp() < (OffsetDateTime::from(now) + AUTHORITY_REST).unix_timestamp() {
            return Err(Unusable::Expiring);
        }
        // Our own verification would not mind, the API server's does.
        if !parsed.is_ca() {
            return Err(Unusable::Certificate("it is not the certificate of an authority".to_owned()));
        }
        let key = KeyPair::from_pem(key_pem).map_err(Unusable::Key)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(Unusable::Signing)?;
        let authority =
            Self { certificate_pem: certificate_pem.to_owned(), key_pem: key_pem.to_owned(), certificate, issuer };
        authority.try_out(now)?;
        Ok(authority)
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key, in PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// A leaf for servers of these names (ECDSA P-256), valid for thirty days.
    ///
    /// # Errors
    /// A name is no host name, or no certificate could be made.
    pub fn mint(&self, names: &[String], now: SystemTime) -> Result<Leaf, Unusable> {
        let (certificate, key) = self.sign(names, now)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Leaf {
            served: Served::new(vec![certificate], key)?,
            authority_pem: self.certificate_pem.clone(),
            renew_at: now + LEAF_AGE,
        })
    }

    fn sign(&self, names: &[String], now: SystemTime) -> Result<(CertificateDer<'static>, KeyPair), Unusable> {
        let key = KeyPair::generate().map_err(Unusable::Signing)?;
        let mut params = CertificateParams::new(names).map_err(Unusable::Signing)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        // Clients read the alternative names alone; a common name is limited to 64 characters, which a Service's may exceed.
        params.distinguished_name.push(DnType::CommonName, "flink-admission webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now, LEAF_LIFE);
        let certificate = params.signed_by(&key, &self.issuer).map_err(Unusable::Signing)?;
        Ok((certificate.der().clone(), key))
    }

    /// Verifies a leaf as a client would that trusts this authority alone: certificate and key belong together, and it may
    /// sign.
    fn try_out(&self, now: SystemTime) -> Result<(), Unusable> {
        let not_accepted = |error: &dyn std::fmt::Display| Unusable::NotAccepted(error.to_string());
        let (leaf, _) = self.sign(&["trial.invalid".to_owned()], now)?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(|error| not_accepted(&error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| not_accepted(&error))?;
        let name = ServerName::try_from("trial.invalid").map_err(|error| not_accepted(&error))?;
        let now = UnixTime::since_unix_epoch(
            now.duration_since(SystemTime::UNIX_EPOCH).map_err(|error| not_accepted(&error))?,
        );
        verifier.verify_server_cert(&leaf, &[], &name, &[], now).map_err(|error| not_accepted(&error))?;
        Ok(())
    }
}

fn set_validity(params: &mut CertificateParams, now: SystemTime, life: Duration) {
    params.not_before = OffsetDateTime::from(now - CLOCK_SKEW);
    params.not_after = OffsetDateTime::from(now + life);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_generated_can_be_read_again() {
        let now = SystemTime::now();
        let made = Authority::generate(now).unwrap();
        let read = Authority::read(made.certificate_pem(), made.key_pem(), now).unwrap();
        assert_eq!(read.mint(&["a.b.svc".to_owned()], now).unwrap().authority_pem, made.certificate_pem());
    }

    #[test]
    fn a_key_of_another_authority_is_refused() {
        let now = SystemTime::now();
        let (one, other) = (Authority::generate(now).unwrap(), Authority::generate(now).unwrap());
        let refused = Authority::read(one.certificate_pem(), other.key_pem(), now).err().unwrap();
        assert!(matches!(refused, Unusable::NotAccepted(_)), "{refused}");
    }

    #[test]
    fn an_authority_is_replaced_before_it_expires() {
        let now = SystemTime::now();
        let made = Authority::generate(now).unwrap();
        let later = now + AUTHORITY_LIFE - AUTHORITY_REST + Duration::from_secs(DAY);
        let refused = Authority::read(made.certificate_pem(), made.key_pem(), later).err().unwrap();
        assert!(matches!(refused, Unusable::Expiring), "{refused}");
        assert!(Authority::read(made.certificate_pem(), made.key_pem(), later - Duration::from_secs(2 * DAY)).is_ok());
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let now = SystemTime::now();
        let made = Authority::generate(now).unwrap();
        for certificate in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", made.key_pem()] {
            let refused = Authority::read(certificate, made.key_pem(), now).err().unwrap();
            assert!(matches!(refused, Unusable::Certificate(_)), "{refused}");
        }
        let refused = Authority::read(made.certificate_pem(), "", now).err().unwrap();
        assert!(matches!(refused, Unusable::Key(_)), "{refused}");
    }

    #[test]
    fn a_leaf_is_no_authority() {
        let now = SystemTime::now();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.b.svc".to_owned()]).unwrap();
        set_validity(&mut params, now, AUTHORITY_LIFE);
        let pem = params.self_signed(&key).unwrap().pem();
        let refused = Authority::read(&pem, &key.serialize_pem(), now).err().unwrap();
        assert_eq!(refused.to_string(), "the certificate cannot be used: it is not the certificate of an authority");
    }
}
