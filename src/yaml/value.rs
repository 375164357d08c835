//! Builds a JSON value from any parser, as the API server would see it, within bounds.
//!
//! Numbers follow Go's `encoding/json`, by which kubectl sends what it read: `1.0` becomes `1`, keys become strings.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::reason::{NOT_FINITE, too_deep};

/// What one document may still cost, and why it was refused.
#[derive(Debug)]
pub(super) struct Limits {
    bytes: Cell<usize>,
    refused: RefCell<Option<String>>,
    repeated: RefCell<BTreeSet<String>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: Cell::new(MAX_EXPANDED_BYTES), refused: RefCell::default(), repeated: RefCell::default() }
    }
}

impl Limits {
    /// Where to begin.
    pub(super) const fn seed(&self) -> Seed<'_> {
        Seed { limits: self, depth: 0 }
    }

    /// The reason of our own for which the document was refused, without the parser's words around it.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.borrow().clone()
    }

    /// The keys that stood twice in one mapping; the last one was kept.
    pub(super) fn into_repeated(self) -> BTreeSet<String> {
        self.repeated.into_inner()
    }

    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        // A node of the tree weighs more than its text: `[0,0,0]` must not become a hundred times its size.
        match self.bytes.get().checked_sub(bytes.saturating_add(NODE_BYTES)) {
            Some(left) => {
                self.bytes.set(left);
                Ok(())
            }
            None => Err(self.refuse(format!(
                "the document grows beyond {} MiB when its aliases are expanded",
                MAX_EXPANDED_BYTES / (1024 * 1024)
            ))),
        }
    }

    fn refuse<E: Error>(&self, reason: String) -> E {
        let error = E::custom(&reason);
        self.refused.borrow_mut().get_or_insert(reason);
        error
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Seed<'a> {
    limits: &'a Limits,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.limits.refuse(too_deep()));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.limits.spend(0)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.limits.spend(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.limits.spend(0)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.limits.spend(0)?;
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.limits.spend(0)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        if value.fract() == 0.0 && value.abs() <= EXACT {
            return Ok(Value::from(value as i64));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.limits.refuse(NOT_FINITE.to_owned()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.limits.spend(value.len())?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.limits.spend(value.len())?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.limits.spend(0)?;
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = access.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.limits.spend(0)?;
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(inner)? {
            let key = match key {
                Value::String(key) => key,
                Value::Bool(_) | Value::Number(_) | Value::Null => key.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(self.limits.refuse("a list or a mapping cannot be the key of a mapping".to_owned()));
                }
            };
            let value = access.next_value_seed(inner)?;
            if map.contains_key(&key) {
                self.limits.repeated.borrow_mut().insert(key.clone());
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// Deepest nesting of mappings and lists. API objects stay below 30; the parser needs up to 20 KiB of stack a level.
pub(super) const MAX_DEPTH: usize = 64;
/// What one document may become in memory.
const MAX_EXPANDED_BYTES: usize = 512 * 1024 * 1024;
/// What a node costs besides its text.
const NODE_BYTES: usize = 32;
/// Whole numbers up to here are exact in a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;
