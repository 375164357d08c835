//! What of an AdmissionReview has been read so far.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::inject::may_be_recorded;
use crate::workload::may_be_flink;

use super::{API_VERSION, GroupVersionKind, KIND, Operation, Review};

/// The fields of the envelope, each as the text that stands in the body.
#[derive(Default)]
pub(super) struct Draft<'de> {
    api_version: Option<&'de RawValue>,
    kind: Option<&'de RawValue>,
    has_request: bool,
    uid: Option<&'de RawValue>,
    object_kind: Option<&'de RawValue>,
    resource: Option<&'de RawValue>,
    sub_resource: Option<&'de RawValue>,
    namespace: Option<&'de RawValue>,
    name: Option<&'de RawValue>,
    operation: Option<&'de RawValue>,
    user_info: Option<&'de RawValue>,
    dry_run: Option<&'de RawValue>,
    object: Option<&'de RawValue>,
    old_object: Option<&'de RawValue>,
}

impl Draft<'_> {
    /// `request.uid` as far as it could be read.
    pub(super) fn uid(&self) -> Option<String> {
        text(self.uid, "").ok().flatten()
    }

    /// The review, or what is wrong with it and where.
    pub(super) fn finish(self) -> Result<Review, String> {
        let version = text(self.api_version, "apiVersion")?.unwrap_or_default();
        let kind = text(self.kind, "kind")?.unwrap_or_default();
        if version != API_VERSION || kind != KIND {
            return Err(format!(
                "the body is `{}` of `{}`, and only `{KIND}` of `{API_VERSION}` is understood here",
                shown(&kind),
                shown(&version)
            ));
        }
        let uid = text(self.uid, "request.uid")?.ok_or("request.uid: there is none, so no reply can name it")?;
        let operation = match text(self.operation, "request.operation")?.as_deref() {
            Some("CREATE") => Operation::Create,
            Some("UPDATE") => Operation::Update,
            Some("DELETE") => Operation::Delete,
            Some("CONNECT") => Operation::Connect,
            other => {
                let other = shown(other.unwrap_or_default());
                return Err(format!("request.operation: `{other}` is none of CREATE, UPDATE, DELETE and CONNECT"));
            }
        };
        let kind: KindFields = fields(self.object_kind, "request.kind", "an object with group, version and kind")?;
        let resource: ResourceFields = fields(self.resource, "request.resource", "an object with resource")?;
        let user: UserFields = fields(self.user_info, "request.userInfo", "an object with username")?;
        let is_there = self.object.is_some_and(|raw| raw.get() != "null");
        let was_completed = self.old_object.is_some_and(|old| may_be_recorded(old.get()));
        let object = object(self.object, was_completed)?;
        if !is_there && matches!(operation, Operation::Create | Operation::Update) {
            return Err(format!("request.object: there is none, and {} reviews carry one", operation.word()));
        }
        Ok(Review {
            uid,
            kind: GroupVersionKind { group: kind.group, version: kind.version, kind: kind.kind },
            resource: resource.resource,
            sub_resource: text(self.sub_resource, "request.subResource")?,
            namespace: text(self.namespace, "request.namespace")?,
            name: text(self.name, "request.name")?,
            operation,
            user: user.username,
            dry_run: parsed(self.dry_run, "request.dryRun", "true or false")?,
            object,
            old_object: self.old_object.filter(|raw| raw.get() != "null").map(ToOwned::to_owned),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KindFields {
    group: String,
    version: String,
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceFields {
    resource: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserFields {
    username: String,
}

/// A string; `None` where it is absent, null or empty.
fn text(raw: Option<&RawValue>, path: &str) -> Result<Option<String>, String> {
    let text: String = parsed(raw, path, "a string")?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The value of one field; what is absent or null has its default. The error does not quote the value.
fn parsed<'de, T: Default + Deserialize<'de>>(
    raw: Option<&'de RawValue>,
    path: &str,
    expected: &str,
) -> Result<T, String> {
    let Some(raw) = raw else { return Ok(T::default()) };
    serde_json::from_str::<Option<T>>(raw.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| format!("{path}: this is not {expected}"))
}

/// Like [`parsed`], and an array in place of the object is no struct here, which it is to serde.
fn fields<'de, T: Default + Deserialize<'de>>(
    raw: Option<&'de RawValue>,
    path: &str,
    expected: &str,
) -> Result<T, String> {
    if raw.is_some_and(|raw| raw.get().starts_with('[')) {
        return Err(format!("{path}: this is not {expected}"));
    }
    parsed(raw, path, expected)
}

/// The object; `None` where it is not worth to be read, unless it `was_completed` by us.
fn object(raw: Option<&RawValue>, was_completed: bool) -> Result<Option<Value>, String> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(None) };
    if !raw.starts_with('{') {
        return Err("request.object: this is not an object".to_owned());
    }
    if !was_completed && !may_be_flink(raw) {
        return Ok(None);
    }
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    let object = Lean(Within::Object).deserialize(&mut deserializer);
    object.map(Some).map_err(|error| format!("request.object: it cannot be read: {error}"))
}

/// Reads an object without its `metadata.managedFields`.
struct Lean(Within);

/// How deep in the object.
enum Within {
    Object,
    Metadata,
}

impl<'de> DeserializeSeed<'de> for Lean {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Lean {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = match (&self.0, key.as_str()) {
                (Within::Metadata, "managedFields") => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                (Within::Object, "metadata") => metadata(map.next_value()?).map_err(A::Error::custom)?,
                _ => map.next_value()?,
            };
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Metadata of an unexpected shape stays as it is.
fn metadata(raw: &RawValue) -> serde_json::Result<Value> {
    if !raw.get().starts_with('{') {
        return serde_json::from_str(raw.get());
    }
    Lean(Within::Metadata).deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
}

/// At most 64 characters of what a stranger sent.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_default).collect()
}

/// Reads the outer object into the draft.
pub(super) struct Envelope<'d, 'de>(pub(super) &'d mut Draft<'de>);

/// Reads `request` into the draft.
struct Request<'d, 'de>(&'d mut Draft<'de>);

impl<'de> DeserializeSeed<'de> for Envelope<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let draft = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" => keep(&mut draft.api_version, &mut map, "apiVersion")?,
                "kind" => keep(&mut draft.kind, &mut map, "kind")?,
                "request" if draft.has_request => return Err(A::Error::custom("`request` stands in it twice")),
                "request" => {
                    draft.has_request = true;
                    map.next_value_seed(Request(draft))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Request<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let draft = self.0;
        while let Some(key) = map.next_key::<String>()? {
            let (slot, key) = match key.as_str() {
                "uid" => (&mut draft.uid, "request.uid"),
                "kind" => (&mut draft.object_kind, "request.kind"),
                "resource" => (&mut draft.resource, "request.resource"),
                "subResource" => (&mut draft.sub_resource, "request.subResource"),
                "namespace" => (&mut draft.namespace, "request.namespace"),
                "name" => (&mut draft.name, "request.name"),
                "operation" => (&mut draft.operation, "request.operation"),
                "userInfo" => (&mut draft.user_info, "request.userInfo"),
                "dryRun" => (&mut draft.dry_run, "request.dryRun"),
                "object" => (&mut draft.object, "request.object"),
                "oldObject" => (&mut draft.old_object, "request.oldObject"),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            keep(slot, &mut map, key)?;
        }
        Ok(())
    }
}

/// Takes the next value into `slot`; a key that stands twice could mean two things and is refused.
fn keep<'de, A: MapAccess<'de>>(slot: &mut Option<&'de RawValue>, map: &mut A, key: &str) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(de::Error::custom(format_args!("`{key}` stands in it twice")));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}
