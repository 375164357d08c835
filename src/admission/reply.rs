//! Writes an AdmissionReview v1 reply.
//!
//! The API server (k8s.io/apiserver 1.34, `webhook/request/admissionreview.go`) refuses a reply whose version, kind or
//! uid differ from its request, that has `patch` without `patchType` or the reverse, or that has either for a
//! validating webhook. Of a denial it passes the whole `status` on to the client, the message with
//! `admission webhook "…" denied the request: ` before it (`webhook/errors/statuserror.go`).
//!
//! ```
//! use flink_admission::{admission::encode, verdict::Decision};
//!
//! let reply = String::from_utf8(encode("7", &Decision::allow())).unwrap();
//! assert_eq!(
//!     reply,
//!     r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"7","allowed":true}}"#
//! );
//! ```

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::review::{API_VERSION, KIND, Malformed};
use crate::verdict::Decision;

/// The reply to the review `uid`, as JSON bytes.
///
/// A `patch` is written only where the object passes and something changes; a decision of `validate` has none.
#[must_use]
pub fn encode(uid: &str, decision: &Decision) -> Vec<u8> {
    let patch = Some(&decision.patch)
        .filter(|patch| decision.allowed && !patch.0.is_empty())
        .and_then(|patch| serde_json::to_vec(patch).ok())
        .map(|patch| STANDARD.encode(patch));
    let causes = decision.causes.iter();
    let causes = causes.map(|cause| Cause { reason: &cause.reason, message: &cause.message, field: &cause.field });
    write(&Response {
        uid,
        allowed: decision.allowed,
        status: (!decision.allowed).then(|| Status {
            outcome: "Failure",
            message: &decision.message,
            reason: "Forbidden",
            details: Some(Details { causes: causes.collect() }).filter(|details| !details.causes.is_empty()),
            code: 403,
        }),
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch,
        audit_annotations: &decision.audit,
        warnings: &decision.warnings,
    })
}

/// The reply to a body that could not be read, which goes with the HTTP status `malformed.code`.
///
/// A status other than 200 becomes the webhook's `failurePolicy`: what happens to objects that could not be judged is
/// the choice of the cluster's owner. The body names the uid and the reason for whoever reads the exchange.
#[must_use]
pub fn encode_malformed(uid: &str, malformed: &Malformed) -> Vec<u8> {
    write(&Response {
        uid,
        allowed: false,
        status: Some(Status {
            outcome: "Failure",
            message: &malformed.reason,
            reason: if malformed.code == 400 { "BadRequest" } else { "Invalid" },
            details: None,
            code: malformed.code,
        }),
        patch_type: None,
        patch: None,
        audit_annotations: &BTreeMap::new(),
        warnings: &[],
    })
}

fn write(response: &Response<'_>) -> Vec<u8> {
    // Strings and maps with string keys always serialise; an empty body would be a failed call, not a wrong answer.
    serde_json::to_vec(&Envelope { api_version: API_VERSION, kind: KIND, response }).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: &'a Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    outcome: &'static str,
    message: &'a str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    code: u16,
}

#[derive(Serialize)]
struct Details<'a> {
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'a str,
    message: &'a str,
    field: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::verdict;

    fn reply(decision: &Decision) -> Value {
        serde_json::from_slice(&encode("0c9a", decision)).unwrap()
    }

    fn patch() -> json_patch::Patch {
        serde_json::from_value(json!([{"op": "add", "path": "/spec/serviceAccount", "value": "flink"}])).unwrap()
    }

    fn denial() -> Decision {
        Decision {
            message: "spec: no".into(),
            causes: vec![verdict::Cause {
                field: "spec".into(),
                reason: "ha-required".into(),
                message: "spec: no".into(),
            }],
            warnings: vec!["mind the gap".into()],
            audit: BTreeMap::from([("policy".into(), "platform".into())]),
            patch: patch(),
            ..Decision::default()
        }
    }

    #[test]
    fn a_change_is_base64_of_a_json_patch() {
        let reply = reply(&Decision { patch: patch(), ..Decision::allow() });
        assert_eq!(reply["response"]["patchType"], "JSONPatch");
        let bytes = STANDARD.decode(reply["response"]["patch"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<json_patch::Patch>(&bytes).unwrap(), patch());
    }

    #[test]
    fn a_denial_has_its_causes_and_never_a_patch() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&reply(&denial())).unwrap());
    }

    #[test]
    fn a_body_that_could_not_be_read_is_answered_with_its_uid() {
        let malformed = Malformed { reason: "request.object: there is none".into(), uid: None, code: 422 };
        let reply: Value = serde_json::from_slice(&encode_malformed("0c9a", &malformed)).unwrap();
        assert_eq!(reply["response"]["uid"], "0c9a");
        assert_eq!(reply["response"]["allowed"], false);
        assert_eq!(reply["response"]["status"]["code"], 422);
    }

    /// kube's types hold `patch` as a list of numbers and want a `status` in every reply, so the patch is compared
    /// above, and an allowed reply is given an empty status before kube reads it.
    #[test]
    fn kube_reads_the_reply_as_it_was_meant() {
        use kube::core::DynamicObject;
        use kube::core::admission::AdmissionReview;

        for decision in [Decision::allow(), Decision { patch: patch(), ..Decision::allow() }, denial()] {
            let mut ours = reply(&decision);
            let response = ours["response"].as_object_mut().unwrap();
            response.remove("patch");
            response.entry("status").or_insert(json!({}));
            let theirs: AdmissionReview<DynamicObject> = serde_json::from_value(ours).unwrap();
            assert_eq!((theirs.types.api_version.as_str(), theirs.types.kind.as_str()), (API_VERSION, KIND));
            let theirs = theirs.response.unwrap();
            assert_eq!((theirs.uid.as_str(), theirs.allowed), ("0c9a", decision.allowed));
            assert_eq!(theirs.warnings.unwrap_or_default(), decision.warnings);
            assert_eq!(theirs.audit_annotations.len(), decision.audit.len());
            if !decision.allowed {
                assert_eq!((theirs.result.code, theirs.result.message.as_str()), (403, "spec: no"));
                let causes = theirs.result.details.unwrap().causes;
                assert_eq!((causes[0].field.as_str(), causes[0].reason.as_str()), ("spec", "ha-required"));
            }
        }
    }
}
