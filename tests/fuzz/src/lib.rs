//! What the fuzz targets share: the cases that they begin with, the changes they make to them, and what must hold of every
//! answer.
//!
//! A target panics where something does not hold; the panic names the object, so that it can become a test.

pub mod edits;
pub mod golden;
pub mod holds;
#[path = "../../manifests.rs"]
pub mod manifests;

/// The bytes of an input, taken from the front; zero where there are no more.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// Whether all were taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        if bound == 0 { 0 } else { number % bound }
    }

    /// A text of up to 63 bytes.
    pub fn text(&mut self) -> String {
        let length = self.byte() & 63;
        let (text, rest) = self.0.split_at(usize::from(length).min(self.0.len()));
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}
