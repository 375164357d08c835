//! Flink versions, and where an object says which one it runs.

use std::fmt;

/// A Flink release, as far as it is known: `1.20` or `1.20.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlinkVersion {
    /// Major number.
    pub major: u16,
    /// Minor number.
    pub minor: u16,
    /// Patch number, where the source names it.
    pub patch: Option<u16>,
}

impl FlinkVersion {
    /// `major.minor` without a patch number.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: None }
    }

    /// Whether this release is `major.minor` or later.
    #[must_use]
    pub const fn at_least(self, major: u16, minor: u16) -> bool {
        self.major > major || (self.major == major && self.minor >= minor)
    }

    /// Whether both are of the same minor release.
    #[must_use]
    pub const fn same_minor(self, other: Self) -> bool {
        self.major == other.major && self.minor == other.minor
    }

    /// From `flinkVersion` of a FlinkDeployment: `v1_20`.
    #[must_use]
    pub fn from_field(text: &str) -> Option<Self> {
        let (major, minor) = text.strip_prefix('v')?.split_once('_')?;
        Some(Self::new(number(major)?, number(minor)?))
    }

    /// From dotted text: `1.20`, `1.20.1`.
    #[must_use]
    pub fn from_dotted(text: &str) -> Option<Self> {
        let mut numbers = text.split('.');
        let (major, minor) = (number(numbers.next()?)?, number(numbers.next()?)?);
        let patch = match numbers.next() {
            Some(patch) => Some(number(patch)?),
            None => None,
        };
        numbers.next().is_none().then_some(Self { major, minor, patch })
    }

    /// From the tag of an image that follows Flink's own scheme: `1.20.1-scala_2.12-java17`.
    ///
    /// `latest`, `java17`, digests and anything else that names no version give `None`, as does a number that no
    /// Flink release has had, since a tag such as `7.3.1` counts the builds of the user's own program.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let version = Self::from_dotted(tag.split('-').next()?)?;
        (version.major == 1 || version.major == 2).then_some(version)
    }
}

fn number(text: &str) -> Option<u16> {
    (!text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

impl fmt::Display for FlinkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_objects_and_images_say() {
        assert_eq!(FlinkVersion::from_field("v1_20"), Some(FlinkVersion::new(1, 20)));
        assert_eq!(FlinkVersion::from_field("1.20"), None);
        assert_eq!(
            FlinkVersion::from_tag("1.20.1-scala_2.12-java17").map(|v| v.to_string()).as_deref(),
            Some("1.20.1")
        );
        assert_eq!(FlinkVersion::from_tag("2.0-java21"), Some(FlinkVersion::new(2, 0)));
        for unknown in ["latest", "java17", "", "7.3.1", "1", "1.", "1.x", "1.2.3.4", "99999.1", "1.1000", "1.+2"] {
            assert_eq!(FlinkVersion::from_tag(unknown), None, "{unknown}");
        }
        assert!(FlinkVersion::new(2, 0).at_least(1, 17) && !FlinkVersion::new(1, 16).at_least(1, 17));
    }
}
