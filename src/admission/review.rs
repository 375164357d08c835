//! Reads an AdmissionReview v1 request.
//!
//! The envelope is read field by field into a draft that survives a failure, so a body that is cut off or broken
//! behind `request.uid` still tells its uid:
//!
//! ```
//! let cut = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"7","ki"#;
//! let refused = flink_admission::admission::decode(cut).unwrap_err();
//! assert_eq!(refused.uid.as_deref(), Some("7"));
//! assert_eq!(refused.code, 400);
//! ```

use serde::de::DeserializeSeed as _;
use serde_json::Value;
use serde_json::value::RawValue;

use draft::{Draft, Envelope};

mod draft;

/// A request of the API server to look at one object.
#[derive(Debug)]
pub struct Review {
    /// `request.uid`, echoed in the reply.
    pub uid: String,
    /// `request.kind`: the kind of `object`.
    pub kind: GroupVersionKind,
    /// `request.resource.resource`, plural: `flinkdeployments`.
    pub resource: String,
    /// `request.subResource`: `status`, `scale`; `None` for the object itself.
    pub sub_resource: Option<String>,
    /// `request.namespace`; `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// `request.name`; `None` on a CREATE with `generateName`.
    pub name: Option<String>,
    /// `request.operation`.
    pub operation: Operation,
    /// `request.userInfo.username`, for logs only.
    pub user: String,
    /// `request.dryRun`.
    pub dry_run: bool,
    /// `request.object` without `metadata.managedFields`, of which nothing here reads a word and which may be longer than
    /// the rest. `None` on DELETE, and unparsed `None` where its text shows that it is nothing of Flink's
    /// ([`crate::workload::may_be_flink`]). Of a key that stands twice the last one counts, as in the API server.
    pub object: Option<Value>,
    /// `request.oldObject`, not parsed until something needs it.
    pub old_object: Option<Box<RawValue>>,
}

/// Group, version and kind of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupVersionKind {
    /// API group; empty for the core group.
    pub group: String,
    /// API version: `v1beta1`.
    pub version: String,
    /// Kind: `FlinkDeployment`.
    pub kind: String,
}

/// What the client asked the API server to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an existing one.
    Update,
    /// A removal.
    Delete,
    /// A connection to a subresource such as `exec`.
    Connect,
}

impl Operation {
    /// The word of the API: `CREATE`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// Why a body is not an AdmissionReview that can be answered.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// What is wrong and where.
    pub reason: String,
    /// The uid, where the broken body still shows one.
    pub uid: Option<String>,
    /// The HTTP status that says it: 400 for what is not JSON, 422 for JSON that is no review we can read.
    pub code: u16,
}

/// `apiVersion` of the only version that is spoken here.
pub(super) const API_VERSION: &str = "admission.k8s.io/v1";
/// `kind` of requests and replies.
pub(super) const KIND: &str = "AdmissionReview";

/// Reads `body` as an AdmissionReview v1 request.
///
/// # Errors
/// [`Malformed`] for anything else; it carries the uid where that could be read.
pub fn decode(body: &[u8]) -> Result<Review, Malformed> {
    let mut draft = Draft::default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = Envelope(&mut draft).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    let uid = draft.uid();
    match read {
        Ok(()) => draft.finish().map_err(|reason| Malformed { reason, uid, code: 422 }),
        Err(error) if error.is_data() => {
            Err(Malformed { reason: format!("the body is no AdmissionReview: {error}"), uid, code: 422 })
        }
        Err(error) => Err(Malformed { reason: format!("the body is not JSON: {error}"), uid, code: 400 }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "0c9a", "kind": {"group": "flink.apache.org", "version": "v1beta1", "kind": "FlinkDeployment"},
                "resource": {"group": "flink.apache.org", "version": "v1beta1", "resource": "flinkdeployments"},
                "subResource": "", "name": "orders", "namespace": "shop", "operation": "UPDATE",
                "userInfo": {"username": "ada", "groups": ["x"]}, "dryRun": true, "options": null,
                "object": {"kind": "FlinkDeployment", "spec": {}}, "oldObject": {"kind": "FlinkDeployment"}
            }
        })
    }

    fn with(pointer: &str, value: Value) -> Vec<u8> {
        let mut review = valid();
        *review.pointer_mut(pointer).unwrap() = value;
        serde_json::to_vec(&review).unwrap()
    }

    #[test]
    fn reads_every_field_of_a_review() {
        let review = decode(&serde_json::to_vec(&valid()).unwrap()).unwrap();
        assert_eq!(review.uid, "0c9a");
        assert_eq!(review.kind.kind, "FlinkDeployment");
        assert_eq!(review.resource, "flinkdeployments");
        assert_eq!((review.name.as_deref(), review.namespace.as_deref()), (Some("orders"), Some("shop")));
        assert_eq!((review.sub_resource, review.operation, review.dry_run), (None, Operation::Update, true));
        assert_eq!(review.user, "ada");
        assert_eq!(review.object, Some(json!({"kind": "FlinkDeployment", "spec": {}})));
        assert_eq!(review.old_object.unwrap().get(), r#"{"kind":"FlinkDeployment"}"#);
    }

    #[test]
    fn says_what_is_wrong_and_keeps_the_uid() {
        let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let text = String::from_utf8(with("/request/object", json!("HERE"))).unwrap();
        let cases: Vec<(&str, Vec<u8>, u16, bool)> = vec![
            ("version", with("/apiVersion", json!("admission.k8s.io/v1beta1")), 422, true),
            ("kind", with("/kind", json!("Pod")), 422, true),
            ("uid empty", with("/request/uid", json!("")), 422, false),
            ("uid number", with("/request/uid", json!(7)), 422, false),
            ("operation", with("/request/operation", json!("FROB")), 422, true),
            ("object null", with("/request/object", Value::Null), 422, true),
            ("object text", with("/request/object", json!("text")), 422, true),
            ("request null", with("/request", Value::Null), 422, false),
            ("request kind", with("/request/kind", json!([])), 422, true),
            ("name", with("/request/name", json!({})), 422, true),
            ("nested", text.replace("\"HERE\"", &format!("{{\"Flink\":{nested}}}")).into_bytes(), 422, true),
            ("huge number", text.replace("\"HERE\"", "{\"Flink\":1e999}").into_bytes(), 422, true),
            ("duplicate", text.replace("\"name\":", "\"uid\":\"1\",\"name\":").into_bytes(), 422, true),
            ("array", b"[]".to_vec(), 422, false),
            ("empty", Vec::new(), 400, false),
            ("trailing", [serde_json::to_vec(&valid()).unwrap(), b"{}".to_vec()].concat(), 400, true),
            ("utf-8", b"{\"kind\":\"\xff\"}".to_vec(), 400, false),
        ];
        let mut said = Vec::new();
        for (name, body, code, uid) in cases {
            let refused = decode(&body).expect_err(name);
            assert_eq!((refused.code, refused.uid.is_some()), (code, uid), "{name}: {refused}");
            said.push(format!("{name}: {refused}"));
        }
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_key_that_stands_twice_in_the_object_counts_as_the_api_server_counts_it() {
        let text = String::from_utf8(with("/request/object", json!("HERE"))).unwrap();
        let review = decode(text.replace("\"HERE\"", r#"{"Flink":1,"Flink":2}"#).as_bytes()).unwrap();
        assert_eq!(review.object, Some(json!({"Flink": 2})));
    }

    #[test]
    fn what_nothing_reads_is_not_kept() {
        let object = json!({"kind": "Deployment", "metadata": {"name": "web", "managedFields": [{"manager": "x"}]}});
        assert_eq!(decode(&with("/request/object", object)).unwrap().object, None, "nothing of Flink's");
        let object = json!({"kind": "FlinkDeployment", "spec": {"metadata": {"managedFields": [1]}, "list": [{}, 1.5]},
            "metadata": {"managedFields": [{"manager": "x"}], "name": "x"}});
        let mut kept = object.clone();
        kept["metadata"].as_object_mut().unwrap().remove("managedFields");
        assert_eq!(decode(&with("/request/object", object)).unwrap().object, Some(kept));
        let odd = json!({"kind": "FlinkDeployment", "metadata": [{"managedFields": 1}]});
        assert_eq!(decode(&with("/request/object", odd.clone())).unwrap().object, Some(odd));
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(body in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = decode(&body);
        }

        #[test]
        fn any_damage_to_a_review_gets_an_answer(
            at in any::<prop::sample::Index>(), cut in 0usize..40, put in proptest::collection::vec(any::<u8>(), 0..12),
        ) {
            let mut body = serde_json::to_vec(&valid()).unwrap();
            let start = at.index(body.len());
            let end = body.len().min(start + cut);
            body.splice(start..end, put);
            if let Ok(review) = decode(&body) {
                prop_assert!(!review.uid.is_empty());
                prop_assert!(review.object.is_none_or(|object| object.is_object()));
            }
        }

        #[test]
        fn a_review_cut_behind_its_uid_still_tells_it(at in any::<prop::sample::Index>()) {
            let body = serde_json::to_vec(&valid()).unwrap();
            let behind = body.windows(6).position(|six| six == b"\"0c9a\"").unwrap() + 6;
            let end = behind + 1 + at.index(body.len() - behind - 1);
            let refused = decode(&body[..end]).unwrap_err();
            prop_assert_eq!(refused.uid.as_deref(), Some("0c9a"));
            prop_assert_eq!(refused.code, 400);
        }
    }
}
