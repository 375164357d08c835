//! A certificate authority, and the leaves that it signs.
//!
//! The replicas of an installation share one, which lives long; each mints its leaves in memory and for days, so their keys
//! are never stored. An authority that was read is tried before it is used: a leaf that it signs must verify.
//!
//! ```
//! use flink_admission::tls::Authority;
//! use std::time::{Duration, SystemTime};
//!
//! let (now, day) = (SystemTime::now(), Duration::from_hours(24));
//! let made = Authority::generate(now, 365 * day)?;
//! let read = Authority::read(made.certificate_pem(), made.key_pem(), now)?;
//! let leaf = read.mint(&["flink-admission.flink-system.svc"], now, 7 * day)?;
//! assert_eq!(leaf.fingerprint, made.fingerprint());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use time::OffsetDateTime;
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

use crate::tls::{self, Served};

/// Clocks of nodes differ, and jump: a certificate that begins now would be refused by an API server that is behind.
const CLOCK_SKEW: Duration = Duration::from_hours(24);

/// A certificate authority that has proved to work.
pub struct Authority {
    certificate_pem: String,
    key_pem: String,
    fingerprint: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// What a replica serves with.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// What the listener serves.
    pub served: Served,
    /// The fingerprint of the authority that signed it.
    pub fingerprint: String,
    /// When it was minted.
    pub minted_at: SystemTime,
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
    /// A new authority (ECDSA P-256), valid for `life` from `now`.
    ///
    /// # Errors
    /// No key or certificate could be made.
    pub fn generate(now: SystemTime, life: Duration) -> Result<Self, Unusable> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Unusable::Signing)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "flink-admission authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = OffsetDateTime::from(now - CLOCK_SKEW);
        params.not_after = OffsetDateTime::from(now + life);
        let certificate = params.self_signed(&key).map_err(Unusable::Signing)?;
        Self::read(&certificate.pem(), &key.serialize_pem(), now)
    }

    /// The authority of a certificate and its key, both in PEM, once it has proved to work at `now`.
    ///
    /// # Errors
    /// One of them cannot be read, they do not belong together, or the certificate has ended or not begun.
    pub fn read(certificate_pem: &str, key_pem: &str, now: SystemTime) -> Result<Self, Unusable> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| Unusable::Certificate(error.to_string()))?;
        let (_, parsed) =
            X509Certificate::from_der(&certificate).map_err(|error| Unusable::Certificate(error.to_string()))?;
        // Our own verification would not mind, the API server's does.
        if !parsed.is_ca() {
            return Err(Unusable::Certificate("it is not the certificate of an authority".to_owned()));
        }
        let validity = parsed.validity();
        let (not_before, not_after) = (time_of(validity.not_before)?, time_of(validity.not_after)?);
        // Nor would it mind this.
        if !(not_before..not_after).contains(&now) {
            return Err(Unusable::Certificate("it has ended, or not begun".to_owned()));
        }
        let key = KeyPair::from_pem(key_pem).map_err(Unusable::Key)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(Unusable::Signing)?;
        let authority = Self {
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned(),
            fingerprint: fingerprint_of(&certificate),
            certificate,
            issuer,
            not_before,
            not_after,
        };
        authority.try_out(now)?;
        Ok(authority)
    }

    /// Its certificate, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key, in PEM.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The SHA-256 of its certificate, in hexadecimal digits.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// When its certificate ends.
    pub const fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// When another one should take its place: after two thirds of its life.
    pub fn replace_at(&self) -> SystemTime {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        self.not_after - life / 3
    }

    /// A leaf for servers of these names and addresses (ECDSA P-256), valid for `life` from `now` and never longer than its
    /// authority, to be minted anew after about two thirds of that: not all replicas do so at one moment.
    ///
    /// # Errors
    /// A name is no host name, or no certificate could be made.
    pub fn mint(&self, names: &[&str], now: SystemTime, life: Duration) -> Result<Leaf, Unusable> {
        let life = life.min(self.not_after.duration_since(now).unwrap_or_default());
        let (certificate, key) = self.sign(names, now, life)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let jitter = life / 10 / 100 * u32::try_from(RandomState::new().hash_one(now) % 100).unwrap_or_default();
        Ok(Leaf {
            served: Served::new(vec![certificate], key)?,
            fingerprint: self.fingerprint.clone(),
            minted_at: now,
            renew_at: now + life * 2 / 3 - jitter,
        })
    }

    /// A certificate like that of [`Self::mint`] and its key, both in PEM, for files.
    ///
    /// # Errors
    /// Like [`Self::mint`].
    pub fn issue(&self, names: &[&str], now: SystemTime, life: Duration) -> Result<(String, String), Unusable> {
        let (certificate, key) = self.sign(names, now, life)?;
        Ok((pem_of(&certificate), key.serialize_pem()))
    }

    fn sign(
        &self,
        names: &[&str],
        now: SystemTime,
        life: Duration,
    ) -> Result<(CertificateDer<'static>, KeyPair), Unusable> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Unusable::Signing)?;
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(Unusable::Signing)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        // Clients read the alternative names alone; a common name is limited to 64 characters, which a Service's may exceed.
        params.distinguished_name.push(DnType::CommonName, "flink-admission webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = OffsetDateTime::from((now - CLOCK_SKEW).max(self.not_before));
        params.not_after = OffsetDateTime::from(now + life);
        let certificate = params.signed_by(&key, &self.issuer).map_err(Unusable::Signing)?;
        Ok((certificate.der().clone(), key))
    }

    /// Verifies a leaf as a client would that trusts this authority alone: certificate and key belong together, and it may
    /// sign.
    fn try_out(&self, now: SystemTime) -> Result<(), Unusable> {
        let not_accepted = |error: &dyn std::fmt::Display| Unusable::NotAccepted(error.to_string());
        let (leaf, _) = self.sign(&["trial.invalid"], now, Duration::from_hours(1))?;
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

fn time_of(time: ASN1Time) -> Result<SystemTime, Unusable> {
    let seconds = u64::try_from(time.timestamp())
        .map_err(|_| Unusable::Certificate("its validity lies before 1970".to_owned()))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A certificate in PEM.
pub fn pem_of(certificate: &CertificateDer<'_>) -> String {
    let block = pem::Pem::new("CERTIFICATE", certificate.to_vec());
    pem::encode_config(&block, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}

/// The SHA-256 of a certificate, in hexadecimal digits.
pub fn fingerprint_of(certificate: &CertificateDer<'_>) -> String {
    sha256_of(certificate)
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256_of(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn authority(now: SystemTime) -> Authority {
        Authority::generate(now, 90 * DAY).unwrap()
    }

    #[test]
    fn what_was_generated_can_be_read_again() {
        let now = SystemTime::now();
        let made = authority(now);
        let read = Authority::read(made.certificate_pem(), made.key_pem(), now).unwrap();
        assert_eq!(read.mint(&["a.b.svc"], now, DAY).unwrap().fingerprint, made.fingerprint());
    }

    #[test]
    fn a_key_of_another_authority_is_refused() {
        let now = SystemTime::now();
        let refused = Authority::read(authority(now).certificate_pem(), authority(now).key_pem(), now).err().unwrap();
        assert!(matches!(refused, Unusable::NotAccepted(_)), "{refused}");
    }

    #[test]
    fn an_authority_serves_from_its_beginning_to_its_end() {
        let now = SystemTime::now();
        let made = authority(now);
        let read = |at: SystemTime| Authority::read(made.certificate_pem(), made.key_pem(), at);
        assert!(read(now + 89 * DAY).is_ok());
        for at in [now + 91 * DAY, now - 2 * DAY] {
            let refused = read(at).err().unwrap().to_string();
            assert_eq!(refused, "the certificate cannot be used: it has ended, or not begun");
        }
        assert!(made.replace_at() > now + 58 * DAY && made.replace_at() < now + 61 * DAY);
    }

    #[test]
    fn a_leaf_is_renewed_in_time_and_ends_with_its_authority() {
        let now = SystemTime::now();
        let made = authority(now);
        let end = |leaf: &Leaf| u64::try_from(leaf.served.not_after()).unwrap();
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let leaf = made.mint(&["a.b.svc", "127.0.0.1"], now, 3 * DAY).unwrap();
        assert_eq!(end(&leaf), seconds(now + 3 * DAY));
        assert!(leaf.renew_at > now + DAY && leaf.renew_at <= now + 2 * DAY);
        let last = made.mint(&["a.b.svc"], now + 89 * DAY, 3 * DAY).unwrap();
        assert_eq!(end(&last), seconds(made.not_after()));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let now = SystemTime::now();
        let made = authority(now);
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
        let params = CertificateParams::new(["a.b.svc".to_owned()]).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let refused = Authority::read(&pem, &key.serialize_pem(), now).err().unwrap();
        assert_eq!(refused.to_string(), "the certificate cannot be used: it is not the certificate of an authority");
    }
}
