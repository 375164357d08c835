//! Keys that stand twice in one mapping.

use std::ops::Range;

use super::{Content, Located};

impl Located {
    /// Where `key` stands for the first and for the second time in one mapping: of the first such mapping of the text.
    ///
    /// ```
    /// use flink_admission::yaml::Located;
    /// let text = "a: {b: 1}\nb: 2\na: 3\n";
    /// assert_eq!(Located::parse(text).unwrap().repeated("a"), Some([0..1, 15..16]));
    /// assert_eq!(Located::parse(text).unwrap().repeated("b"), None);
    /// ```
    #[must_use]
    pub fn repeated(&self, key: &str) -> Option<[Range<usize>; 2]> {
        match &self.content {
            Content::Map(map) => {
                let mut places = map.iter().filter(|entry| entry.key == key).map(|entry| entry.key_range.clone());
                let own = places.next().zip(places.next()).map(|(first, second)| [first, second]);
                own.or_else(|| map.iter().find_map(|entry| entry.value.repeated(key)))
            }
            Content::List(list) => list.iter().find_map(|element| element.repeated(key)),
            // What an alias stands for has its own place.
            Content::Scalar(_) | Content::Alias(_) => None,
        }
    }
}
