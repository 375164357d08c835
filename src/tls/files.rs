//! A certificate from files: cert-manager, an own PKI.
//!
//! A mounted Secret changes by a link that is swapped, which watchers of one file miss, and its two files may be read
//! from different generations. So [`follow`] reads both anew every while and compares what is in them; a pair that does
//! not fit is left alone until the next look.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

use super::{Error, Served, ServingCertificate, certificate};

/// Where certificate chain and key stand.
#[derive(Debug, Clone)]
pub struct Pair {
    /// PEM file of the chain, leaf first.
    pub chain: PathBuf,
    /// PEM file of the private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
    /// The name by which it is called, where that is known.
    pub server: Option<String>,
    /// PEM file of the certificates that the API server will trust, where it is given.
    pub ca: Option<PathBuf>,
}

/// Bytes of both files, to see a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    /// What stands in the files now.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with the path.
    pub fn read(&self) -> Result<Content, Error> {
        Ok(Content { chain: read(&self.chain)?, key: read(&self.key)? })
    }

    /// The certificate in `content`.
    ///
    /// # Errors
    /// [`Error::NotPem`] with the path of the file that is wrong, [`Error::Key`] where they are no pair.
    pub fn parse(&self, content: &Content) -> Result<Served, Error> {
        let not_pem =
            |path: &Path, what, reason: String| Error::NotPem { path: path.display().to_string(), what, reason };
        let chain = CertificateDer::pem_slice_iter(&content.chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| not_pem(&self.chain, "certificate", error.to_string()))?;
        if chain.is_empty() {
            return Err(not_pem(&self.chain, "certificate", "there is none in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&content.key)
            .map_err(|error| not_pem(&self.key, "private key", error.to_string()))?;
        Served::new(chain, key)
    }
}

impl Pair {
    /// Whether the API server will take `served`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason, [`Error::Unreadable`] for the certificates to trust.
    pub fn judge(&self, served: &Served) -> Result<(), Error> {
        let Some(name) = &self.server else { return Ok(()) };
        let roots = self.ca.as_deref().map(read).transpose()?.map(|pem| certificate::read(&pem));
        let refused = |why| Error::Refused { path: self.chain.display().to_string(), why };
        served.is_fit(name, roots.as_deref()).map_err(refused)
    }
}

/// Serves what `pair` holds, and what it will hold, looking every `interval`; never returns. `broken` is told of each look
/// whether there is something new that does not serve.
pub async fn follow(
    pair: Pair,
    mut seen: Content,
    certificate: Arc<ServingCertificate>,
    interval: Duration,
    broken: impl Fn(bool),
) {
    let mut said = None;
    loop {
        tokio::time::sleep(interval).await;
        let next = match pair.read() {
            Ok(content) if content == seen => {
                broken(false);
                said = None;
                continue;
            }
            Ok(content) => pair.parse(&content).and_then(|served| {
                pair.judge(&served)?;
                Ok((content, served))
            }),
            Err(error) => Err(error),
        };
        broken(next.is_err());
        match next {
            Ok((content, served)) => {
                tracing::info!(not_after = served.not_after(), "the certificate files changed, and are served now");
                certificate.replace(served);
                (seen, said) = (content, None);
            }
            Err(error) => {
                let error = error.to_string();
                if said.as_ref() != Some(&error) {
                    tracing::warn!(error, "the certificate files changed and do not serve; the old pair stays");
                }
                said = Some(error);
            }
        }
    }
}

/// Hands on what `file` holds, as often as it changes, looking every `interval`; ends when nobody listens any more. A file
/// that cannot be read changes nothing.
pub async fn follow_bytes(file: PathBuf, changed: watch::Sender<Vec<u8>>, interval: Duration) {
    while !changed.is_closed() {
        tokio::time::sleep(interval).await;
        if let Ok(bytes) = read(&file) {
            changed.send_if_modified(|known| {
                let is_new = *known != bytes;
                *known = bytes;
                is_new
            });
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Unreadable { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;
    use crate::tls::Authority;

    /// Two files that are not there yet; they go with the directory.
    fn pair() -> (TempDir, Pair) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let pair = Pair { chain: path("tls.crt"), key: path("tls.key"), server: None, ca: None };
        (directory, pair)
    }

    /// Fills `pair` and serves it.
    fn served(pair: &Pair) -> (Content, Arc<ServingCertificate>) {
        write(pair, 2090);
        let seen = pair.read().unwrap();
        let certificate = Arc::new(ServingCertificate::default());
        certificate.replace(pair.parse(&seen).unwrap());
        (seen, certificate)
    }

    fn write(pair: &Pair, year: i32) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        fs::write(&pair.chain, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&pair.key, key.serialize_pem()).unwrap();
    }

    #[tokio::test]
    async fn a_new_pair_is_served_without_a_restart() {
        let (_directory, pair) = pair();
        let (seen, certificate) = served(&pair);
        let before = certificate.not_after();
        tokio::spawn(follow(pair.clone(), seen, Arc::clone(&certificate), Duration::from_millis(1), |_| {}));
        write(&pair, 2091);
        while certificate.not_after() == before {
            tokio::task::yield_now().await;
        }
        assert!(certificate.not_after() > before);
    }

    #[tokio::test]
    async fn a_broken_pair_is_told_and_the_old_one_stays() {
        let (_directory, pair) = pair();
        let (seen, certificate) = served(&pair);
        let before = certificate.not_after();
        let (tell, mut broken) = watch::channel(false);
        let tell = move |is_broken: bool| {
            let _ = tell.send_replace(is_broken);
        };
        tokio::spawn(follow(pair.clone(), seen, Arc::clone(&certificate), Duration::from_millis(1), tell));
        fs::write(&pair.key, "half of").unwrap();
        broken.wait_for(|is_broken| *is_broken).await.unwrap();
        assert_eq!(certificate.not_after(), before);
        write(&pair, 2091);
        broken.wait_for(|is_broken| !is_broken).await.unwrap();
        assert!(certificate.not_after() > before);
    }

    #[test]
    fn what_the_api_server_would_refuse_is_no_better_than_the_old_one() {
        let (directory, mut pair) = pair();
        let judged = |pair: &Pair| {
            let served = pair.parse(&pair.read().unwrap()).unwrap();
            pair.judge(&served).map_err(|error| error.to_string().rsplit("certificate ").next().unwrap().to_owned())
        };
        write(&pair, 2090);
        pair.server = Some("localhost".to_owned());
        assert_eq!(judged(&pair), Ok(()));
        pair.server = Some("webhook.flink.svc".to_owned());
        assert_eq!(judged(&pair), Err("is for another name".to_owned()));
        write(&pair, 2020);
        assert_eq!(judged(&pair), Err("has expired".to_owned()));

        let authority = || Authority::generate(SystemTime::now(), Duration::from_hours(1)).unwrap();
        let (ours, other) = (authority(), authority());
        let (chain, key) = ours.issue(&["webhook.flink.svc"], SystemTime::now(), Duration::from_hours(1)).unwrap();
        fs::write(&pair.chain, chain).unwrap();
        fs::write(&pair.key, key).unwrap();
        let ca = directory.path().join("ca.crt");
        pair.ca = Some(ca.clone());
        fs::write(&ca, other.certificate_pem()).unwrap();
        assert_eq!(judged(&pair), Err("is of an authority that the caBundle does not hold".to_owned()));
        fs::write(&ca, format!("{}{}", other.certificate_pem(), ours.certificate_pem())).unwrap();
        assert_eq!(judged(&pair), Ok(()));
    }

    #[test]
    fn a_file_without_pem_is_named() {
        let (_directory, pair) = pair();
        fs::write(&pair.chain, "nothing").unwrap();
        assert!(pair.read().unwrap_err().to_string().contains("tls.key` cannot be read"));
        fs::write(&pair.key, "nothing").unwrap();
        let refused = pair.parse(&pair.read().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("tls.crt` holds no certificate"), "{refused}");
    }
}
