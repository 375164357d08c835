//! Certificates with the dates and names that a test wants.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// From when and until when, in days from now.
pub(crate) type Days = (i64, i64);
/// A week that began yesterday.
pub(crate) const CURRENT: Days = (-1, 6);
/// For an authority: a year that began yesterday.
pub(crate) const YEAR: Days = (-1, 364);

/// An authority that signs.
pub(crate) struct Signer {
    pub(crate) pem: String,
    pub(crate) key: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Signer {
    pub(crate) fn new(days: Days) -> Self {
        let mut params = params(&[], days);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, key: key.serialize_pem(), issuer: Issuer::new(params, key) }
    }

    /// A certificate for the server `name`.
    pub(crate) fn sign(&self, name: &str, days: Days) -> Pair {
        let mut params = params(&[name.to_owned()], days);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

fn params(names: &[String], (from, until): Days) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    // Two authorities of one name would differ in their keys alone, which is another refusal.
    params.distinguished_name.push(DnType::CommonName, format!("doctor {names:?} {}", OffsetDateTime::now_utc()));
    // An hour more, so that whole days stay whole while the test runs.
    let now = OffsetDateTime::now_utc() + Duration::hours(1);
    (params.not_before, params.not_after) = (now + Duration::days(from), now + Duration::days(until));
    params
}
