//! The path of a field inside an object.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// Where a field stands, for people and for patches.
///
/// ```
/// use flink_admission::object::FieldPath;
/// let path = FieldPath::of(&["spec", "flinkConfiguration"]).key("high-availability.type");
/// assert_eq!(path.to_string(), r#"spec.flinkConfiguration["high-availability.type"]"#);
/// assert_eq!(path.pointer(), "/spec/flinkConfiguration/high-availability.type");
/// ```
#[derive(Clone, Default)]
pub struct FieldPath(Option<Arc<Step>>);

/// The last step of a path, behind the steps above it, which many paths share.
struct Step {
    above: FieldPath,
    segment: Segment,
}

impl FieldPath {
    /// The path of `keys`, from the root of the object.
    #[must_use]
    pub fn of(keys: &[&str]) -> Self {
        Self::default().keys(keys)
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// This path and several keys more.
    #[must_use]
    pub fn keys(&self, keys: &[&str]) -> Self {
        keys.iter().fold(self.clone(), |path, key| path.key(key))
    }

    /// This path and one position more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        Self(Some(Arc::new(Step { above: self.clone(), segment })))
    }

    /// The steps from the root.
    #[must_use]
    pub fn segments(&self) -> Vec<&Segment> {
        let mut segments: Vec<&Segment> = self.steps().map(|step| &step.segment).collect();
        segments.reverse();
        segments
    }

    /// The steps, the last one first.
    fn steps(&self) -> impl Iterator<Item = &Step> {
        std::iter::successors(self.0.as_deref(), |step| step.above.0.as_deref())
    }

    /// The path without its last step, and that step; `None` at the root.
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, &Segment)> {
        self.0.as_deref().map(|step| (step.above.clone(), &step.segment))
    }

    /// The last key; empty at the root and behind a position.
    #[must_use]
    pub fn last_key(&self) -> &str {
        match self.0.as_deref().map(|step| &step.segment) {
            Some(Segment::Key(key)) => key,
            Some(Segment::Index(_)) | None => "",
        }
    }

    /// This path and the ones above it, the root last.
    pub fn and_above(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |path| path.0.as_deref().map(|step| &step.above))
    }

    /// The value at this path of `value`; `None` where there is none.
    #[must_use]
    pub fn value_in<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let Some(step) = self.0.as_deref() else { return Some(value) };
        let parent = step.above.value_in(value)?;
        match &step.segment {
            Segment::Key(key) => parent.as_object()?.get(key),
            Segment::Index(index) => parent.as_array()?.get(*index),
        }
    }

    /// As a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        self.segments().into_iter().fold(String::new(), |mut pointer, segment| {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
            }
            pointer
        })
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<T: IntoIterator<Item = Segment>>(segments: T) -> Self {
        segments.into_iter().fold(Self::default(), |path, segment| path.with(segment))
    }
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two) || (one.segment == two.segment && one.above == two.above),
            _ => false,
        }
    }
}

impl Eq for FieldPath {}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.segments().cmp(&other.segments())
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldPath({self})")
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments().into_iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) && position == 0 => f.write_str(key)?,
                Segment::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_and_people_get_brackets() {
        let path = FieldPath::of(&["metadata", "annotations"]).key("a/b~c").index(3);
        assert_eq!(path.pointer(), "/metadata/annotations/a~1b~0c/3");
        assert_eq!(path.to_string(), r#"metadata.annotations["a/b~c"][3]"#);
    }
}
