//! What stands in a configuration, beside what should.

use json_patch::merge;
use k8s_openapi::ByteString;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::wanted::{Standing, failure_policy};
use crate::cluster::bundle::Bundle;
use crate::cluster::installation::{ENTRIES, PROVED_ANNOTATION};
use crate::object::{annotation, at, list, named, text};

/// Whom the API server trusts, by each entry of ours in the configuration `live`.
pub fn bundles(live: &Value) -> impl Iterator<Item = Bundle> {
    list(live, &["webhooks"]).iter().filter(|entry| is_ours(entry)).map(bundle_of)
}

/// Whether an entry is of this program, in whichever version.
fn is_ours(entry: &Value) -> bool {
    text(entry, &["name"]).is_some_and(|name| name.ends_with(ENTRIES))
}

/// Since when requests are known to come through by the configuration `live`; `None` while that is not known.
#[must_use]
pub fn proved(live: &Value) -> Option<&str> {
    annotation(live, PROVED_ANNOTATION).filter(|since| !since.is_empty())
}

fn bundle_of(entry: &Value) -> Bundle {
    let bytes = entry.pointer("/clientConfig/caBundle").and_then(|text| ByteString::deserialize(text).ok());
    Bundle::read(&bytes.unwrap_or_default().0)
}

/// The strategic merge patch (entries merge by their name) for what is ours and stands otherwise in `live`, under the
/// resource version that was read; `None` where nothing does.
pub(super) fn fields_of_ours(live: &Value, wanted: Option<&Value>, standing: &Standing<'_>) -> Option<Value> {
    let of_ours = |entry: &Value| {
        if !is_ours(entry) {
            return None;
        }
        let name = text(entry, &["name"])?;
        let mut own = json!({"name": name});
        if let Some(bundle) = standing.bundle.filter(|bundle| **bundle != bundle_of(entry)) {
            merge(&mut own, &json!({"clientConfig": {"caBundle": ByteString(bundle.pem().into_bytes())}}));
        }
        // An entry that the file does not know is of another version, which knows what it wants.
        if let Some((_, wanted)) = wanted.and_then(|wanted| named(list(wanted, &["webhooks"]), name)) {
            let policy = failure_policy(wanted, standing.proved.is_some());
            if text(entry, &["failurePolicy"]) != Some(policy) {
                merge(&mut own, &json!({"failurePolicy": policy}));
            }
        }
        own.as_object().is_some_and(|own| own.len() > 1).then_some(own)
    };
    let entries: Vec<Value> = list(live, &["webhooks"]).iter().filter_map(of_ours).collect();
    let says_otherwise = wanted.is_some() && proved(live) != standing.proved;
    if entries.is_empty() && !says_otherwise {
        return None;
    }
    let mut patch = json!({"metadata": {"resourceVersion": text(live, &["metadata", "resourceVersion"])}});
    if says_otherwise {
        merge(
            &mut patch,
            &json!({"metadata": {"annotations": {PROVED_ANNOTATION: standing.proved.unwrap_or_default()}}}),
        );
    }
    if !entries.is_empty() {
        merge(&mut patch, &json!({"webhooks": entries}));
    }
    Some(patch)
}

/// Whether everything that `ours` says stands in `live`, which may say more: defaults, and expressions that a platform adds
/// to each namespace selector.
pub(super) fn is_within(ours: &Value, live: &Value) -> bool {
    match (ours, live) {
        (Value::Object(ours), Value::Object(live)) => ours.iter().all(|(key, ours)| match (live.get(key), ours) {
            (Some(Value::Array(live)), Value::Array(ours)) if key == "matchExpressions" => {
                ours.iter().all(|own| live.iter().any(|live| is_within(own, live)))
            }
            (Some(Value::Array(live)), Value::Array(ours)) if key == "webhooks" => ours.iter().all(|own| {
                let same = text(own, &["name"]).and_then(|name| named(live, name));
                same.is_some_and(|(_, live)| {
                    is_within(own, live) && SELECTORS.iter().all(|selector| are_same(own, live, selector))
                })
            }),
            (Some(live), ours) => is_within(ours, live),
            (None, ours) => ours.is_null() || ours.as_object().is_some_and(serde_json::Map::is_empty),
        }),
        (Value::Array(ours), Value::Array(live)) => {
            ours.len() == live.len() && ours.iter().zip(live).all(|(ours, live)| is_within(ours, live))
        }
        _ => ours == live,
    }
}

/// What chooses objects, but for the expressions that a platform may add.
const SELECTORS: [&[&str]; 2] = [&["objectSelector"], &["namespaceSelector", "matchLabels"]];

/// Whether both say the same at `keys`, where an empty map says nothing.
fn are_same(ours: &Value, live: &Value, keys: &[&str]) -> bool {
    let said = |entry| at(entry, keys).filter(|said| said.as_object().is_none_or(|said| !said.is_empty()));
    said(ours) == said(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Installation;
    use crate::cluster::configurations::{KINDS, Kind, Wanted};
    use std::time::{Duration, SystemTime};

    use crate::tls::Authority;

    const SINCE: &str = "2026-01-01T00:00:00Z";

    fn bundle() -> Bundle {
        let authority = Authority::generate(SystemTime::now(), Duration::from_hours(1)).unwrap();
        Bundle::read(authority.certificate_pem().as_bytes())
    }

    fn wanted() -> Wanted {
        let entry = |name: &str, policy: &str| {
            json!({"name": name, "failurePolicy": policy, "clientConfig": {"service": {"name": "x", "namespace": "y"}},
                "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}})
        };
        let of = |kind: Kind| {
            json!({"kind": kind.name(), "metadata": {"name": "x"},
                "webhooks": [entry("clusters.flink-admission.io", "Fail"), entry("probe.flink-admission.io", "Ignore")]})
        };
        let text = KINDS.map(|kind| of(kind).to_string()).join("\n---\n");
        Wanted::read(&text).unwrap()
    }

    fn whole(bundle: &Bundle, proved: Option<&str>) -> Value {
        let installation = Installation::of_service("webhook", "flink");
        wanted().whole(Kind::Mutating, &installation, &Standing { bundle: Some(bundle), proved, owner: None })
    }

    fn policies(configuration: &Value) -> Vec<&str> {
        list(configuration, &["webhooks"]).iter().filter_map(|entry| text(entry, &["failurePolicy"])).collect()
    }

    #[test]
    fn nothing_is_refused_for_our_sake_before_it_is_proved() {
        let bundle = bundle();
        assert_eq!(policies(&whole(&bundle, None)), ["Ignore", "Fail"]);
        assert_eq!(policies(&whole(&bundle, Some(SINCE))), ["Fail", "Fail"]);
        assert!(bundles(&whole(&bundle, None)).eq([bundle.clone(), bundle]));
    }

    #[test]
    fn what_a_platform_adds_to_a_selector_is_left_there() {
        let (bundle, other) = (bundle(), bundle());
        let ours = whole(&bundle, None);
        let mut live = ours.clone();
        live["webhooks"][0]["timeoutSeconds"] = json!(10);
        let expressions = live["webhooks"][0]["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
        expressions.insert(0, json!({"key": "control-plane", "operator": "DoesNotExist"}));
        live["webhooks"].as_array_mut().unwrap().insert(0, json!({"name": "somebody-elses"}));
        assert!(is_within(&ours, &live));
        assert!(!is_within(&whole(&other, None), &live), "another bundle");
        assert!(!is_within(&whole(&bundle, Some(SINCE)), &live), "another policy");
        for (selector, labels) in [("objectSelector", json!({"a": "b"})), ("namespaceSelector", json!({"a": "b"}))] {
            let mut narrowed = live.clone();
            narrowed["webhooks"][1][selector]["matchLabels"] = labels;
            assert!(!is_within(&ours, &narrowed), "the entry calls for less");
        }
        live["webhooks"][1]["objectSelector"] = json!({});
        assert!(is_within(&ours, &live));
        live["webhooks"][1]["namespaceSelector"]["matchExpressions"] = json!([]);
        assert!(!is_within(&ours, &live), "the selector is gone");
    }

    #[test]
    fn only_what_is_ours_and_differs_is_written() {
        let (bundle, other) = (bundle(), bundle());
        let mut live = whole(&bundle, None);
        live["metadata"]["resourceVersion"] = json!("7");
        live["webhooks"].as_array_mut().unwrap().push(json!({"name": "guard.example.org"}));
        let wanted = wanted();
        let of = |standing: Standing<'_>| fields_of_ours(&live, Some(wanted.of(Kind::Mutating)), &standing);
        assert_eq!(of(Standing { bundle: Some(&bundle), proved: None, owner: None }), None);
        assert_eq!(of(Standing { bundle: None, proved: None, owner: None }), None);
        let patch = of(Standing { bundle: None, proved: Some(SINCE), owner: None }).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"resourceVersion": "7", "annotations": {PROVED_ANNOTATION: SINCE}},
                "webhooks": [{"failurePolicy": "Fail", "name": "clusters.flink-admission.io"}]})
        );
        let patch = of(Standing { bundle: Some(&other), proved: None, owner: None }).unwrap();
        assert_eq!(list(&patch, &["webhooks"]).len(), 2);
    }
}
