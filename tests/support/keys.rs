//! Keys and certificates of a test cluster, made anew for each start.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, Error, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

/// A certificate authority that the API server trusts for clients, and its clients for the API server.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, in PEM.
pub struct Credentials {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    /// A new authority; `name` is its common name.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let mut params = subject(name, None)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// The authority's certificate in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A client certificate: Kubernetes reads the common name as the user and the organization as the group.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Credentials, Error> {
        self.issue(subject(user, group)?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A server certificate for these DNS names and IP addresses.
    pub fn server(&self, names: &[&str]) -> Result<Credentials, Error> {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        params.distinguished_name = named("server", None);
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn issue(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Result<Credentials, Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Credentials { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Credentials {
    /// Writes `<name>.crt` and `<name>.key` into `directory`.
    pub fn write(&self, directory: &Path, name: &str) -> std::io::Result<(PathBuf, PathBuf)> {
        let (certificate, key) = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
        std::fs::write(&certificate, &self.certificate)?;
        std::fs::write(&key, &self.key)?;
        Ok((certificate, key))
    }
}

/// A private and a public key in PEM, as the API server signs and checks ServiceAccount tokens.
pub fn token_keys() -> Result<(String, String), Error> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn subject(name: &str, group: Option<&str>) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named(name, group);
    Ok(params)
}

fn named(name: &str, group: Option<&str>) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    if let Some(group) = group {
        full.push(DnType::OrganizationName, group);
    }
    full.push(DnType::CommonName, name);
    full
}
