//! What the offline commands make of Roles and bindings, beside what the API server's own authorizer makes of them.

use std::time::Duration;

use flink_admission::facts::offline::{Assume, Offline};
use flink_admission::facts::{Access, Account, Answer, FactKey};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::connected;
use crate::support::ControlPlane;

const VERBS: [&str; 9] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"];
const RESOURCES: [(&str, &str); 8] = [
    ("", "configmaps"),
    ("", "secrets"),
    ("", "pods"),
    ("", "pods/exec"),
    ("apps", "deployments"),
    ("apps", "deployments/finalizers"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("*", "*"),
];

/// An object of the RBAC group; `namespace` is empty for one of the whole cluster.
fn object(kind: &str, namespace: &str, name: &str, rest: Value) -> Value {
    let mut metadata = json!({"name": name});
    if !namespace.is_empty() {
        metadata = json!({"name": name, "namespace": namespace});
    }
    let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata});
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

fn rules(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"rules": [{"apiGroups": [group], "resources": resources, "verbs": verbs}]})
}

fn bind(kind: &str, role: &str, subject: Value) -> Value {
    json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}, "subjects": [subject]})
}

fn account(name: &str, namespace: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

async fn is_allowed(client: &Client, access: &Access) -> bool {
    let (resource, subresource) = match access.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (access.resource, None),
    };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(access.account.user()),
            groups: Some(access.account.groups().into()),
            resource_attributes: Some(ResourceAttributes {
                namespace: access.namespace.clone(),
                verb: Some(access.verb.to_owned()),
                group: Some(access.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource: subresource.map(str::to_owned),
                name: access.name.clone(),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answered =
        Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await.unwrap();
    answered.status.unwrap().allowed
}

/// The authorizer sees what was applied a moment later.
async fn wait_for(client: &Client, access: &Access) {
    for _ in 0..200 {
        if is_allowed(client, access).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never allowed: {access}");
}

#[tokio::test]
async fn the_offline_answer_is_the_authorizers() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (shop, other) = (plane.create_namespace("rights"), plane.create_namespace("rights"));
    let cluster_role = |name: &str| format!("{shop}-{name}");
    let six = ["get", "create", "delete", "update", "list", "watch"];
    let rule = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"], "resourceNames": ["a"]});
    let one_name = json!({"rules": [rule]});
    let roles = [
        object("Role", &shop, "documented", rules("", &["configmaps"], &six)),
        object("Role", &shop, "named", one_name),
        object("Role", &shop, "stars", rules("*", &["*"], &["*"])),
        object("Role", &shop, "subresources", rules("apps", &["*/finalizers", "deployments/*"], &["update"])),
        object("ClusterRole", "", &cluster_role("reader"), rules("", &["secrets", "pods"], &["get", "list"])),
        object("ClusterRole", "", &cluster_role("all"), rules("*", &["*"], &["*"])),
    ];
    let group = |name: String| json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name});
    let user = format!("system:serviceaccount:{shop}:by-user");
    let bindings = [
        object("RoleBinding", &shop, "1", bind("Role", "documented", account("documented", &shop))),
        object("RoleBinding", &shop, "2", bind("Role", "named", account("named", &shop))),
        object("RoleBinding", &shop, "3", bind("Role", "stars", json!({"kind": "ServiceAccount", "name": "stars"}))),
        object("RoleBinding", &shop, "4", bind("Role", "subresources", account("subresources", &shop))),
        object("RoleBinding", &shop, "5", bind("Role", "documented", group(format!("system:serviceaccounts:{other}")))),
        object("RoleBinding", &shop, "6", bind("Role", "gone", account("dangling", &shop))),
        object("RoleBinding", &shop, "7", bind("ClusterRole", &cluster_role("reader"), account("reads-here", &shop))),
        object(
            "RoleBinding",
            &shop,
            "8",
            bind("Role", "stars", json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user})),
        ),
        object(
            "ClusterRoleBinding",
            "",
            &cluster_role("1"),
            bind("ClusterRole", &cluster_role("reader"), account("reads-everywhere", &shop)),
        ),
        object(
            "ClusterRoleBinding",
            "",
            &cluster_role("2"),
            bind("ClusterRole", &cluster_role("all"), account("administrator", &shop)),
        ),
        object(
            "ClusterRoleBinding",
            "",
            &cluster_role("3"),
            bind("ClusterRole", "cluster-admin", account("cluster-admin", &shop)),
        ),
    ];
    let mut input = Offline::new(Assume::Complete);
    for object in roles.iter().chain(&bindings) {
        input.put(object, object["metadata"]["namespace"].as_str().unwrap_or_default());
    }
    let items: Vec<_> = roles.iter().chain(&bindings).collect();
    plane.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()).succeeded();
    let client = connected::to(plane.kubeconfig()).await;
    let ask = |name: &str, namespace: &str| Access {
        account: Account { namespace: namespace.to_owned(), name: name.to_owned() },
        namespace: Some(shop.clone()),
        verb: "get",
        group: "",
        resource: "pods",
        name: None,
    };
    for last in ["stars", "by-user", "reads-here", "reads-everywhere", "administrator", "cluster-admin"] {
        wait_for(&client, &ask(last, &shop)).await;
    }
    let of_last_role =
        Access { verb: "update", group: "apps", resource: "deployments/finalizers", ..ask("subresources", &shop) };
    wait_for(&client, &of_last_role).await;

    let accounts = [
        "documented",
        "named",
        "stars",
        "subresources",
        "dangling",
        "reads-here",
        "by-user",
        "reads-everywhere",
        "administrator",
        "cluster-admin",
        "nobody",
    ];
    let mut allowed = 0;
    for account in accounts.iter().map(|name| (*name, &shop)).chain([("stars", &other), ("nobody", &other)]) {
        for (group, resource) in RESOURCES {
            for verb in VERBS {
                for (namespace, name) in
                    [(Some(&shop), None), (Some(&shop), Some("a")), (Some(&other), None), (None, None)]
                {
                    let (namespace, name) = (namespace.cloned(), name.map(str::to_owned));
                    let access = Access { namespace, verb, group, resource, name, ..ask(account.0, account.1) };
                    let theirs = is_allowed(&client, &access).await;
                    allowed += u32::from(theirs);
                    match input.answer(&FactKey::Access(access.clone())) {
                        Answer::Allowed(_) => assert!(theirs, "{access}"),
                        Answer::Forbidden(_) => assert!(!theirs, "{access}"),
                        // Of the names that a rule is limited to, none was asked for.
                        _ => assert!(account.0 == "named" && access.name.is_none() && !theirs, "{access}"),
                    }
                }
            }
        }
    }
    assert!(allowed > 100, "only {allowed} of all are allowed");
}

#[tokio::test]
async fn what_every_cluster_allows_is_what_is_built_in() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("built-in");
    let client = connected::to(plane.kubeconfig()).await;
    // Nothing here sums these ClusterRoles up, so an account is bound to the summands of each.
    for (role, summands) in
        [("view", &["view"][..]), ("edit", &["view", "edit"]), ("admin", &["view", "edit", "admin"])]
    {
        let mut input = Offline::new(Assume::Complete);
        input.put(
            &object("RoleBinding", &namespace, role, bind("ClusterRole", role, account(role, &namespace))),
            &namespace,
        );
        for summand in summands {
            let name = format!("{role}-{summand}");
            let role_name = format!("system:aggregate-to-{summand}");
            let binding =
                object("RoleBinding", &namespace, &name, bind("ClusterRole", &role_name, account(role, &namespace)));
            plane.apply(&binding.to_string()).succeeded();
        }
        let account = Account { namespace: namespace.clone(), name: role.to_owned() };
        let ask = |verb, group, resource| {
            let (account, namespace) = (account.clone(), Some(namespace.clone()));
            Access { account, namespace, verb, group, resource, name: None }
        };
        for sentinel in
            [ask("get", "", "configmaps")].into_iter().chain((role != "view").then(|| ask("get", "", "secrets")))
        {
            wait_for(&client, &sentinel).await;
        }
        if role == "admin" {
            wait_for(&client, &ask("get", "rbac.authorization.k8s.io", "roles")).await;
        }
        let mut known = 0;
        for (group, resource) in RESOURCES {
            for verb in VERBS {
                let access = ask(verb, group, resource);
                let ours = input.answer(&FactKey::Access(access.clone()));
                let theirs = is_allowed(&client, &access).await;
                known += u32::from(theirs);
                assert_eq!(matches!(ours, Answer::Allowed(_)), theirs, "{role}: {access}");
                assert!(theirs || matches!(ours, Answer::Unknown(_)), "{role}: {access}: {ours:?}");
            }
        }
        assert!(known > 5, "{role} allows {known}");
    }
}
