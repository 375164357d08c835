//! Asks for everything that the checks judge.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::api::{Api, METADATA};
use super::dial;
use super::endpoints::{self, Target};
use super::injected::scan;
use super::names::{INSTALLATION, MEMBER, NONCE, Names, PROBE, PROBE_ENTRY};
use super::rights::{self, Right};
use super::seen::{Cluster, Dialled, Listed, Probed, Reach, Seen};
use super::settings::Settings;
use crate::cluster::Kind;
use crate::object::{is_dns_label, list, text};

/// Endpoints that are dialled; more replicas than these tell nothing new.
const DIALLED: usize = 8;
/// An endpoint that is in reach answers much sooner.
const DIAL: Duration = Duration::from_secs(3);
/// Other installations whose namespace is looked for; there should be none.
const OTHERS: usize = 20;
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/";
/// How a refusal of ours begins.
const REFUSED: &str = "denied the request";
/// How the API server tells that a webhook could not be called.
const NOT_CALLED: &str = "failed calling webhook";
/// How its proxy tells that nobody answered. It goes by Endpoints whose Pods it knows (registry/core/service/storage,
/// Kubernetes 1.34), so that finding none of these says nothing of webhooks, which are called by EndpointSlices.
const UNREACHABLE: &str = "error trying to reach service";

/// Everything about the installation `names`; nothing is waited for longer than `patience`. `Err` where the API server
/// cannot be asked at all.
pub(super) async fn gather(
    client: Client,
    names: &Names,
    is_inside: bool,
    patience: Duration,
) -> Result<Cluster, String> {
    let api = Api::new(client, patience);
    let (version, headers) = version(&api).await?;
    let now = Timestamp::now();
    let namespace = format!("/api/v1/namespaces/{}", names.namespace);
    let of_group = |group: &str| format!("/apis/{group}/namespaces/{}", names.namespace);
    let one = |path: String| {
        let api = api.clone();
        async move { api.get(&path).await }
    };
    let many = |path: String, selector: String, accept| {
        let api = api.clone();
        async move { api.list(&path, &selector, accept).await }
    };
    let selected = |label: &str| format!("&labelSelector={label}%3D{}", names.service);
    let (anchor, service, deployment, secret, file, leader) = tokio::join!(
        one(format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{}", names.anchor())),
        one(format!("{namespace}/services/{}", names.service)),
        one(format!("{}/deployments/{}", of_group("apps/v1"), names.service)),
        one(format!("{namespace}/secrets/{}", names.secret())),
        one(format!("{namespace}/configmaps/{}", names.webhooks())),
        one(format!("{}/leases/{}", of_group("coordination.k8s.io/v1"), names.leader())),
    );
    let json = "application/json";
    let (slices, members, mutating, validating, namespaces, flink, injected) = tokio::join!(
        many(
            format!("{}/endpointslices", of_group("discovery.k8s.io/v1")),
            selected("kubernetes.io%2Fservice-name"),
            json
        ),
        many(format!("{}/leases", of_group("coordination.k8s.io/v1")), selected(&MEMBER.replace('/', "%2F")), json),
        configurations(&api, names, Kind::Mutating),
        configurations(&api, names, Kind::Validating),
        many("/api/v1/namespaces".to_owned(), String::new(), METADATA),
        one("/apis/flink.apache.org".to_owned()),
        scan(&api),
    );
    let settings = Settings::of(deployment.known());
    let account = settings.account(names);
    let configurations = [mutating.0, validating.0];
    let probes = [probe(&api, names, Kind::Mutating).await, probe(&api, names, Kind::Validating).await];
    let reach =
        if probes.iter().all(|probed| *probed == Probed::Answered) { Reach::Reached } else { reach(&api, names).await };
    let others = both(mutating.1, validating.1);
    let gone = gone(&api, &others, names).await;
    let rights = ask_rights(&api, names, &settings, &account).await;
    let mut cluster = Cluster {
        names: names.clone(),
        is_inside,
        version,
        date: date(&headers),
        now,
        anchor,
        service,
        deployment,
        slices,
        secret,
        file,
        leader,
        members,
        configurations,
        others,
        gone,
        namespaces,
        flink: flink.map(|group| versions(&group)),
        rights,
        probes,
        reach,
        dialled: Vec::new(),
        injected,
    };
    cluster.dialled = dial_all(&cluster, patience.min(DIAL)).await;
    Ok(cluster)
}

/// The version, and the headers with the API server's time.
async fn version(api: &Api) -> Result<(Seen<(u32, u32, String)>, HeaderMap), String> {
    let said = api.send(Method::GET, "/version", "application/json", &Value::Null).await?;
    if said.status == StatusCode::UNAUTHORIZED {
        return Err("the API server does not accept these credentials (401)".to_owned());
    }
    let number = |key: &str| {
        let digits: String = text(&said.body, &[key])?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let version = match (number("major"), number("minor"), text(&said.body, &["gitVersion"])) {
        (Some(major), Some(minor), Some(whole)) => Seen::Known((major, minor, whole.to_owned())),
        _ => Seen::Unknown(format!("/version was answered with {}", said.status)),
    };
    Ok((version, said.headers))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(headers.get("date")?.as_bytes()).ok()
}

/// Our configuration of `kind`, and all of that kind. Where they cannot be listed, ours alone.
async fn configurations(api: &Api, names: &Names, kind: Kind) -> (Seen<Value>, Seen<Vec<(Kind, Value)>>) {
    let path = format!("{CONFIGURATIONS}{}", kind.plural());
    match api.list(&path, "", "application/json").await {
        Seen::Known(listed) => {
            let ours = listed.items.iter().find(|item| text(item, &["metadata", "name"]) == Some(&names.service));
            let ours = ours.map_or(Seen::Absent, |ours| Seen::Known(ours.clone()));
            (ours, Seen::Known(listed.items.into_iter().map(|item| (kind, item)).collect()))
        }
        Seen::Absent => (Seen::Absent, Seen::Absent),
        Seen::Unknown(why) => (api.get(&format!("{path}/{}", names.service)).await, Seen::Unknown(why)),
    }
}

fn both(one: Seen<Vec<(Kind, Value)>>, other: Seen<Vec<(Kind, Value)>>) -> Seen<Vec<(Kind, Value)>> {
    match (one, other) {
        (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => Seen::Unknown(why),
        (Seen::Known(mut one), Seen::Known(other)) => {
            one.extend(other);
            Seen::Known(one)
        }
        _ => Seen::Absent,
    }
}

/// The namespaces of `others` that are not there any more. A namespace is asked for by its name, which needs no right to list.
async fn gone(api: &Api, others: &Seen<Vec<(Kind, Value)>>, names: &Names) -> BTreeSet<String> {
    let others = others.known().map_or(&[][..], Vec::as_slice).iter();
    let installed = others.filter_map(|(_, configuration)| Some(installation(configuration)?.namespace));
    let installed: BTreeSet<String> = installed.filter(|namespace| *namespace != names.namespace).collect();
    let mut gone = BTreeSet::new();
    for namespace in installed.into_iter().take(OTHERS) {
        if api.get(&format!("/api/v1/namespaces/{namespace}")).await == Seen::Absent {
            gone.insert(namespace);
        }
    }
    gone
}

fn versions(group: &Value) -> Vec<String> {
    list(group, &["versions"]).iter().filter_map(|version| text(version, &["version"])).map(str::to_owned).collect()
}

/// Asks the API server to pretend to store a ConfigMap that only our entry refuses.
async fn probe(api: &Api, names: &Names, kind: Kind) -> Probed {
    let nonce = format!("{:x}-{}", Timestamp::now().as_nanosecond(), kind.word());
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": format!("{}-probe-{nonce}", names.service),
        "labels": {PROBE: kind.word()}, "annotations": {NONCE: nonce}}});
    let path = format!("/api/v1/namespaces/{}/configmaps?dryRun=All", names.namespace);
    let said = match api.send(Method::POST, &path, "application/json", &map).await {
        Ok(said) => said,
        Err(why) => return Probed::Unknown(why),
    };
    let message = said.message().to_owned();
    if said.status.is_success() {
        return Probed::LetThrough;
    }
    if message.contains(NOT_CALLED) && message.contains(super::names::ENTRIES) {
        return Probed::NotCalled(message);
    }
    // The name of the ConfigMap holds the nonce too, and stands in other refusals.
    match message.split_once(REFUSED) {
        Some((who, why)) if who.contains(PROBE_ENTRY) && why.contains(&nonce) => Probed::Answered,
        _ => Probed::Unknown(format!("the API server answered {}: {message}", said.status.as_u16())),
    }
}

/// Asks the API server to dial the Service itself, which is from where webhooks are called.
async fn reach(api: &Api, names: &Names) -> Reach {
    let path = format!("/api/v1/namespaces/{}/services/https:{}:443/proxy/healthz", names.namespace, names.service);
    match api.send(Method::GET, &path, "*/*", &Value::Null).await {
        Err(why) => Reach::Unknown(why),
        Ok(said) => {
            let message = said.message();
            let is_of_api_server = text(&said.body, &["kind"]) == Some("Status");
            if is_of_api_server && message.contains(UNREACHABLE) {
                Reach::Unreachable(message.to_owned())
            } else if is_of_api_server {
                Reach::Unknown(format!("the API server answered {}: {message}", said.status.as_u16()))
            } else {
                Reach::Reached
            }
        }
    }
}

/// What `account` may do of all that is needed.
async fn ask_rights(api: &Api, names: &Names, settings: &Settings, account: &str) -> Vec<(Right, Seen<bool>)> {
    let own = names.namespace.as_str();
    let us = api
        .ask(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}),
        )
        .await;
    let is_us = us.known().and_then(|review| text(review, &["status", "userInfo", "username"])) == Some(account);
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{own}"),
        "system:authenticated".to_owned(),
    ];
    let mut asked = JoinSet::new();
    let wanted = {
        let known = settings.is_known();
        Right::needed(names, known && settings.owns_authority(), known && settings.writes_configurations())
    };
    for (position, right) in wanted.into_iter().enumerate() {
        let (path, review) = if is_us {
            ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", right.review(None))
        } else {
            ("/apis/authorization.k8s.io/v1/subjectaccessreviews", right.review(Some((account, &groups))))
        };
        let api = api.clone();
        asked.spawn(async move { (position, right, rights::allowed(api.ask(path, &review).await)) });
    }
    let mut answered = asked.join_all().await;
    answered.sort_by_key(|(position, ..)| *position);
    answered.into_iter().map(|(_, right, answer)| (right, answer)).collect()
}

/// Looks at the certificates of all addresses that the configurations name.
async fn dial_all(cluster: &Cluster, patience: Duration) -> Vec<Dialled> {
    let configurations = cluster.configurations.iter().filter_map(Seen::known);
    let entries = configurations.flat_map(|configuration| list(configuration, &["webhooks"]));
    let mut targets: BTreeSet<Target> =
        entries.flat_map(|entry| endpoints::targets(entry, cluster)).take(DIALLED).collect();
    // Without a configuration it is still worth knowing what is served.
    if targets.is_empty() {
        targets.extend(endpoints::of_service(cluster, 443).into_iter().take(DIALLED));
    }
    let mut dials = JoinSet::new();
    for target in targets {
        dials.spawn(async move {
            let chain = dial::chain_of(&target.address, &target.name, patience).await;
            Dialled { address: target.address, name: target.name, is_url: target.is_url, chain }
        });
    }
    let mut dialled = dials.join_all().await;
    dialled.sort_by(|one, other| one.address.cmp(&other.address));
    dialled
}

/// The installation that `configuration` says it belongs to.
pub(super) fn owner(configuration: &Value) -> Option<&str> {
    crate::object::label(configuration, INSTALLATION)
}

/// The same, by its namespace and its Service. A label that was too long was shortened, and then the entries say whom they call.
pub(super) fn installation(configuration: &Value) -> Option<Names> {
    let label = owner(configuration)?;
    let called = list(configuration, &["webhooks"]).iter().find_map(|entry| {
        let word = |key: &str| text(entry, &["clientConfig", "service", key]);
        Some(Names::new(word("namespace")?, word("name")?))
    });
    let (namespace, service) = label.split_once('.').unwrap_or_default();
    let told = Names::new(namespace, service);
    let installation = called.filter(|called| called.label() == label).unwrap_or(told);
    // It goes into the path of a request, and into a command.
    (is_dns_label(&installation.namespace) && is_dns_label(&installation.service)).then_some(installation)
}

/// The items of a list that is known.
pub(super) fn items(listed: &Seen<Listed>) -> &[Value] {
    listed.known().map_or(&[], |listed| listed.items.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(label: &str, namespace: &str, service: &str) -> Option<Names> {
        let client = json!({"service": {"namespace": namespace, "name": service}});
        installation(&json!({"metadata": {"labels": {INSTALLATION: label}}, "webhooks": [{"clientConfig": client}]}))
    }

    #[test]
    fn a_shortened_label_is_read_by_whom_the_entries_call() {
        let long = Names::new(&"n".repeat(60), "webhook");
        assert_eq!(labelled(&long.label(), &long.namespace, "webhook"), Some(long.clone()));
        assert_eq!(labelled(&long.label(), "flink", "webhook"), None);
        // Where they call somebody else, the label counts.
        assert_eq!(labelled("team.webhook", "flink", "other"), Some(Names::new("team", "webhook")));
        assert_eq!(labelled("../x.webhook", "flink", "other"), None);
    }
}
