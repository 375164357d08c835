//! Small changes of an object, driven by bytes: what a person, a template or an attacker may have made of it.

use serde_json::{Map, Value};

use crate::Bytes;
use crate::golden::{CASES, KEYS, VALUES};

/// Most nodes that an object grows to.
const MOST: usize = 5_000;

/// Changes `value` once as the next of `bytes` say.
pub fn edit(value: &mut Value, bytes: &mut Bytes<'_>) {
    let operation = bytes.byte() % 14;
    let places = places(value);
    let place = &places[bytes.below(places.len())];
    let grown = places.len() > MOST;
    match operation {
        0 | 1 => put(value, place, dictionary(bytes)),
        2 => put(value, place, Value::from(bytes.text())),
        3 => remove(value, place),
        4 => rename(value, place, bytes),
        5 if !grown => insert(value, place, bytes),
        6 if !grown => {
            let from = &places[bytes.below(places.len())];
            let copy = value.pointer(from).cloned().unwrap_or_default();
            put(value, place, copy);
        }
        7 if !grown => graft(value, place, bytes),
        8 if !grown => repeat(value, place, bytes),
        9 => turn(value, place, bytes),
        10 | 11 => retype(value, place, bytes),
        12 => splice(value, place, bytes),
        _ => swap(value, place, bytes),
    }
}

/// Pointers of everything in `value`, itself among them.
#[must_use]
pub fn places(value: &Value) -> Vec<String> {
    fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
        found.push(pointer.to_owned());
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    collect(value, &format!("{pointer}/{}", escaped(key)), found);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    collect(value, &format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn dictionary(bytes: &mut Bytes<'_>) -> Value {
    VALUES[bytes.below(VALUES.len())].clone()
}

fn key(bytes: &mut Bytes<'_>) -> String {
    match bytes.byte() % 8 {
        0 => bytes.text(),
        _ => KEYS[bytes.below(KEYS.len())].clone(),
    }
}

fn put(value: &mut Value, place: &str, new: Value) {
    if let Some(old) = value.pointer_mut(place) {
        *old = new;
    }
}

/// The map or list that holds `place`, and what it calls it.
fn parent<'v>(value: &'v mut Value, place: &str) -> Option<(&'v mut Value, String)> {
    let (parent, last) = place.rsplit_once('/')?;
    Some((value.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn remove(value: &mut Value, place: &str) {
    match parent(value, place) {
        Some((Value::Object(map), key)) => {
            map.shift_remove(&key);
        }
        Some((Value::Array(items), index)) => {
            items.remove(index.parse().expect("it is an index"));
        }
        _ => {}
    }
}

/// Calls a field something else; it keeps its place.
fn rename(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let Some((Value::Object(map), old)) = parent(value, place) else { return };
    let new = key(bytes);
    *map = std::mem::take(map)
        .into_iter()
        .map(|(key, value)| (if key == old { new.clone() } else { key }, value))
        .collect();
}

fn insert(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    match value.pointer_mut(place) {
        Some(Value::Object(map)) => {
            map.insert(key(bytes), dictionary(bytes));
        }
        Some(Value::Array(items)) => items.insert(bytes.below(items.len() + 1), dictionary(bytes)),
        Some(scalar) => *scalar = Value::from(vec![scalar.clone(), dictionary(bytes)]),
        None => {}
    }
}

/// Puts a piece of another case in.
fn graft(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let other = &CASES[bytes.below(CASES.len())].input.object;
    let piece = if bytes.byte() % 2 == 0 {
        other.pointer(place).cloned()
    } else {
        let places = places(other);
        other.pointer(&places[bytes.below(places.len())]).cloned()
    };
    if let Some(piece) = piece {
        put(value, place, piece);
    }
}

/// Says something more than once: the element of a list, or a field under further names.
fn repeat(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let times = 1 << (bytes.byte() % 8);
    match parent(value, place) {
        Some((Value::Object(map), key)) => {
            for number in 0..times {
                let copy = map.get(&key).cloned().unwrap_or_default();
                map.insert(format!("{key}{number}"), copy);
            }
        }
        Some((Value::Array(items), index)) => {
            let index: usize = index.parse().expect("it is an index");
            let copy = items[index].clone();
            items.splice(index..index, std::iter::repeat_n(copy, times));
        }
        _ => {}
    }
}

/// Puts the members of a map or list into another order.
fn turn(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    match value.pointer_mut(place) {
        Some(Value::Object(map)) => {
            let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
            let by = bytes.below(entries.len() + 1);
            entries.rotate_left(by);
            entries.reverse();
            *map = Map::from_iter(entries);
        }
        Some(Value::Array(items)) => {
            let by = bytes.below(items.len() + 1);
            items.rotate_left(by);
        }
        _ => {}
    }
}

fn retype(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let Some(old) = value.pointer_mut(place) else { return };
    let was = old.take();
    *old = match (bytes.byte() % 6, was) {
        (0, was) => Value::from(vec![was]),
        (1, was) => Value::Object(Map::from_iter([(key(bytes), was)])),
        (2, Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::Null),
        (2 | 3, was) => Value::from(was.to_string()),
        (4, Value::Array(items)) => {
            items.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        (4, Value::Object(map)) => map.into_iter().map(|(_, item)| item).collect(),
        // Dotted keys in the place of maps, and maps in the place of dotted keys.
        (5, Value::Object(map)) if bytes.byte() % 2 == 0 => {
            map.into_iter().flat_map(|(key, value)| joined(&key, value)).collect()
        }
        (5, Value::Object(map)) => {
            let mut nested = Value::Object(Map::new());
            for (key, item) in map {
                let at = key.split('.').fold(&mut nested, |at, part| {
                    if !at.is_object() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut().expect("it is a map").entry(part).or_insert(Value::Null)
                });
                *at = item;
            }
            nested
        }
        (_, was) => Value::from(was.as_str().map_or_else(|| was.to_string(), str::to_uppercase)),
    };
}

fn joined(key: &str, value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(map) => map.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)).collect(),
        other => vec![(key.to_owned(), other)],
    }
}

/// Puts a few characters into a text, or takes some out.
fn splice(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let Some(Value::String(text)) = value.pointer_mut(place) else { return };
    let mut characters: Vec<char> = text.chars().collect();
    let start = bytes.below(characters.len() + 1);
    let end = characters.len().min(start + usize::from(bytes.byte() % 8));
    let new =
        if bytes.byte() % 2 == 0 { bytes.text() } else { dictionary(bytes).as_str().unwrap_or_default().to_owned() };
    characters.splice(start..end, new.chars());
    *text = characters.into_iter().collect();
}

/// Exchanges two pieces of the object.
fn swap(value: &mut Value, place: &str, bytes: &mut Bytes<'_>) {
    let all = places(value);
    let other = &all[bytes.below(all.len())];
    let (Some(one), Some(two)) = (value.pointer(place).cloned(), value.pointer(other).cloned()) else { return };
    // One may be inside of the other.
    put(value, place, two);
    put(value, other, one);
}
