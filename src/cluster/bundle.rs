//! A `caBundle`: the certificates that the API server trusts, one behind the other in PEM.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::tls::{fingerprint_of, pem_of};

/// What a bundle may hold at most: the authority of now, and some that replicas still serve leaves of.
const MOST: usize = 8;

/// Certificates to trust, each once, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    certificates: Vec<Trusted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Trusted {
    fingerprint: String,
    der: CertificateDer<'static>,
}

impl Bundle {
    /// The certificates in `pem`; what is none is left out.
    #[must_use]
    pub fn read(pem: &[u8]) -> Self {
        let mut bundle = Self::default();
        // A block that is broken ends what can be read, as it does for the API server.
        for der in CertificateDer::pem_slice_iter(pem).map_while(Result::ok) {
            bundle.push(Trusted { fingerprint: fingerprint_of(&der), der });
        }
        bundle
    }

    /// These, and those of `others` whose fingerprint `is_in_use`.
    #[must_use]
    pub fn with(mut self, others: &Self, is_in_use: impl Fn(&str) -> bool) -> Self {
        for other in others.certificates.iter().filter(|other| is_in_use(&other.fingerprint)) {
            if self.certificates.len() < MOST {
                self.push(other.clone());
            }
        }
        self
    }

    fn push(&mut self, trusted: Trusted) {
        if !self.holds(&trusted.fingerprint) {
            self.certificates.push(trusted);
        }
    }

    /// Whether a certificate with this fingerprint is in it.
    #[must_use]
    pub fn holds(&self, fingerprint: &str) -> bool {
        self.certificates.iter().any(|trusted| trusted.fingerprint == fingerprint)
    }

    /// Whether every certificate of `other` is in it.
    #[must_use]
    pub fn holds_all(&self, other: &Self) -> bool {
        other.certificates.iter().all(|trusted| self.holds(&trusted.fingerprint))
    }

    /// The fingerprint of its first certificate.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.certificates.first().map(|trusted| trusted.fingerprint.as_str())
    }

    /// Whether it trusts nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Its certificates.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.certificates.iter().map(|trusted| trusted.der.clone()).collect()
    }

    /// How many certificates it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Its text, the same for the same certificates.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificates.iter().map(|trusted| pem_of(&trusted.der)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::tls::Authority;

    fn pem() -> String {
        let life = Duration::from_hours(1);
        Authority::generate(SystemTime::now(), life).unwrap().certificate_pem().to_owned()
    }

    #[test]
    fn its_text_is_read_as_it_was_written() {
        let (one, other) = (pem(), pem());
        let bundle = Bundle::read(format!("{one}# a word\n{other}{one}").as_bytes());
        assert_eq!(bundle.len(), 2);
        assert_eq!(Bundle::read(bundle.pem().as_bytes()), bundle);
        assert!(bundle.holds_all(&Bundle::read(other.as_bytes())));
        assert!(Bundle::read(b"not PEM").is_empty());
    }

    #[test]
    fn only_what_is_in_use_is_kept() {
        let (new, old, older) = (pem(), pem(), pem());
        let read = |pem: &str| Bundle::read(pem.as_bytes());
        let live = read(&format!("{old}{older}"));
        let in_use = read(&old).first().unwrap().to_owned();
        let next = read(&new).with(&live, |fingerprint| fingerprint == in_use);
        assert_eq!(next, read(&format!("{new}{old}")));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let many: String = (0..MOST + 3).map(|_| pem()).collect();
        let many = Bundle::read(many.as_bytes());
        assert_eq!(many.len(), MOST + 3, "whom a file names is trusted");
        assert_eq!(Bundle::default().with(&many, |_| true).len(), MOST);
    }
}
