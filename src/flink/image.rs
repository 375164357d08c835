//! Container image references.

use crate::flink::version::FlinkVersion;

/// An image reference in its parts.
///
/// ```
/// let image = flink_admission::flink::image::Image::parse("registry.example.net:5000/mirror/flink:1.20.1-java17");
/// assert_eq!((image.repository, image.tag), ("registry.example.net:5000/mirror/flink", Some("1.20.1-java17")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'a> {
    /// Registry and repository, without tag and digest.
    pub repository: &'a str,
    /// The tag; a port of the registry is not one.
    pub tag: Option<&'a str>,
    /// The digest: `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Splits `reference`; any text gives an answer.
    #[must_use]
    pub fn parse(reference: &'a str) -> Self {
        let (rest, digest) = match reference.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (reference, None),
        };
        match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => Self { repository, tag: Some(tag), digest },
            _ => Self { repository: rest, tag: None, digest },
        }
    }

    /// Whether this is the official image or one of its `mirrors` (repositories from `images.stock`).
    ///
    /// A tag that the official image does not have is one of the user's own, built on their machine: `flink:1.19-kafka`.
    ///
    /// Source: docker.io official image `flink`, and `apache/flink`.
    #[must_use]
    pub fn is_stock(&self, mirrors: &[String]) -> bool {
        const OFFICIAL: [&str; 6] = [
            "flink",
            "apache/flink",
            "docker.io/flink",
            "docker.io/library/flink",
            "docker.io/apache/flink",
            "index.docker.io/library/flink",
        ];
        let is_official = OFFICIAL.contains(&self.repository) && self.tag.is_none_or(is_official_tag);
        is_official || mirrors.iter().any(|mirror| mirror == self.repository)
    }

    /// The Flink version that the tag names; a digest names none.
    ///
    /// Only a repository called `flink`, or a tag with the suffix of the official ones for Scala, counts in Flink's versions:
    /// the tag of another image counts the builds of the user's own program, and that of a `flink` of their own may do so.
    #[must_use]
    pub fn version(&self) -> Option<FlinkVersion> {
        let tag = self.tag?;
        let counts = self.repository.rsplit('/').next() == Some("flink") || tag.contains("-scala_");
        let version = counts.then(|| FlinkVersion::from_tag(tag))??;
        (self.is_stock(&[]) || version.at_least(1, OLDEST_OF_OWN)).then_some(version)
    }

    /// The Flink release that the tag names to its last number; `1.20` and `latest` are others tomorrow.
    #[must_use]
    pub fn release(&self) -> Option<FlinkVersion> {
        self.version().filter(|version| version.patch.is_some())
    }
}

/// No Flink before 1.9 is built into images any more; a smaller number counts something else.
const OLDEST_OF_OWN: u16 = 9;

/// Whether the official image has tags of this form: `1.20.1-scala_2.12-java17`, `latest`, once `1.9-hadoop27-alpine`.
fn is_official_tag(tag: &str) -> bool {
    const WORDS: [&str; 7] = ["scala_", "java", "hadoop", "alpine", "latest", "preview", "rc"];
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    tag.split('-').all(|part| {
        let rest = WORDS.iter().find_map(|word| part.strip_prefix(word));
        !part.is_empty() && is_number(rest.unwrap_or(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_ones_own_is_no_official_image() {
        for tag in [
            "1",
            "1.20",
            "1.20.1-java17",
            "1.13.2-scala_2.11-java8",
            "java11",
            "latest",
            "2.0-preview1",
            "1.7-hadoop28-alpine",
        ] {
            assert!(Image::parse(&format!("flink:{tag}")).is_stock(&[]), "{tag}");
        }
        for tag in ["1.19-kafka", "1.20.1-java17-s3", "prod", "v4", "1.20-", "latest-jobs"] {
            assert!(!Image::parse(&format!("flink:{tag}")).is_stock(&[]), "{tag}");
        }
        assert!(Image::parse("flink").is_stock(&[]) && Image::parse("flink@sha256:00").is_stock(&[]));
        assert!(Image::parse("example.net/flink:1.20-hardened").is_stock(&["example.net/flink".to_owned()]));
    }

    #[test]
    fn a_port_is_not_a_tag_and_a_digest_ends_the_tag() {
        assert_eq!(Image::parse("r.example.net:5000/flink").tag, None);
        let image = Image::parse("flink:1.20.1@sha256:00");
        assert_eq!((image.tag, image.digest), (Some("1.20.1"), Some("sha256:00")));
        assert_eq!(Image::parse("example.net/turbines:1.4.2").version(), None);
        assert!(Image::parse("example.net/turbines:1.19.2-scala_2.12-java17").version().is_some());
        assert_eq!(Image::parse("example.net/turbines:2.3.1-java17").version(), None, "of a program that runs on Java");
        assert_eq!(Image::parse("example.net/flink:1.4.0").version(), None, "no Flink that anybody builds upon");
        assert!(Image::parse("flink:1.4.0").version().is_some());
        assert!(image.is_stock(&[]) && !Image::parse("example.net/flink:1.20").is_stock(&[]));
        assert!(Image::parse("example.net/flink:1.20").is_stock(&["example.net/flink".to_owned()]));
    }
}
