//! A certificate authority that lives in memory and never writes its key.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use super::{Error, Served};

/// An ECDSA P-256 authority for one run of the program.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Authority {
    /// A new authority named `name`, valid for a year; an hour back, for clocks that are late.
    ///
    /// # Errors
    /// [`Error::Making`] where the machine gives no randomness.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let now = OffsetDateTime::now_utc();
        let (not_before, not_after) = (now - Duration::hours(1), now + Duration::days(365));
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (not_before, not_after);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?;
        Ok(Self { issuer, not_before, not_after })
    }

    /// Its certificate, for clients to trust.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A serving certificate for `names` (host names and IP addresses) with a key of its own.
    ///
    /// # Errors
    /// [`Error::Making`] for a name that is none.
    pub fn issue(&self, names: &[&str]) -> Result<Served, Error> {
        let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "flink-admission");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (self.not_before, self.not_after);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Served::new(vec![leaf.der().clone()], key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_ends_with_its_authority() {
        let authority = Authority::generate("test").unwrap();
        let served = authority.issue(&["localhost", "127.0.0.1", "::1"]).unwrap();
        assert_eq!(served.not_after(), authority.not_after.unix_timestamp());
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let authority = Authority::generate("test").unwrap();
        let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(other.serialize_der()));
        let refused = Served::new(vec![authority.issuer.der().clone()], key).unwrap_err();
        assert!(matches!(refused, Error::Key(_)), "{refused}");
    }
}
