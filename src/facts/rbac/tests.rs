use serde_json::{Value, json};

use crate::facts::offline::{Assume, Offline};
use crate::facts::{Access, Account, Answer, FactKey};

/// An input of objects of the RBAC group, each `(kind, namespace, name, rest)`.
fn input(objects: &[(&str, &str, &str, Value)]) -> Offline {
    let mut input = Offline::new(Assume::Shown);
    for (kind, namespace, name, rest) in objects {
        let mut object =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}});
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input.put(&object, if namespace.is_empty() { "default" } else { namespace });
    }
    input
}

fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> Value {
    json!({"rules": [{"verbs": verbs, "apiGroups": groups, "resources": resources}]})
}

fn binding(kind: &str, role: &str, subject: Value) -> Value {
    json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}, "subjects": [subject]})
}

fn account(name: &str, namespace: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
}

fn access(verb: &'static str, group: &'static str, resource: &'static str) -> Access {
    let account = Account { namespace: "shop".into(), name: "flink".into() };
    Access { account, namespace: Some("shop".into()), verb, group, resource, name: None }
}

fn answer(input: &Offline, access: Access) -> Answer {
    input.answer(&FactKey::Access(access))
}

/// What an account with `role`, bound in its namespace, is told.
fn with_role(role: Value, access: Access) -> Answer {
    let bound = binding("Role", "r", account("flink", "shop"));
    answer(&input(&[("Role", "shop", "r", role), ("RoleBinding", "shop", "b", bound)]), access)
}

fn is_allowed(answer: &Answer) -> Option<bool> {
    match answer {
        Answer::Allowed(_) => Some(true),
        Answer::Forbidden(_) => Some(false),
        _ => None,
    }
}

#[test]
fn rules_match_as_the_authorizer_matches_them() {
    let patch = || access("patch", "", "configmaps");
    let finalizers = || access("update", "apps", "deployments/finalizers");
    for (role, access, expected) in [
        (rule(&["patch"], &[""], &["configmaps"]), patch(), true),
        (rule(&["*"], &["*"], &["*"]), patch(), true),
        (rule(&["*"], &["*"], &["*"]), finalizers(), true),
        (rule(&["update"], &[""], &["configmaps"]), patch(), false),
        (rule(&["patch"], &["apps"], &["configmaps"]), patch(), false),
        (rule(&["patch"], &[], &["configmaps"]), patch(), false),
        (rule(&["patch"], &[""], &["pods", "secrets"]), patch(), false),
        (rule(&["update"], &["apps"], &["deployments"]), finalizers(), false),
        (rule(&["update"], &["apps"], &["deployments/*"]), finalizers(), false),
        (rule(&["update"], &["apps"], &["*/finalizers"]), finalizers(), true),
        (rule(&["update"], &["apps"], &["deployments/finalizers"]), finalizers(), true),
        (rule(&["get"], &["apps"], &["deployments/finalizers"]), access("get", "apps", "deployments"), false),
        (json!({"rules": null}), patch(), false),
        (json!({"rules": [7, {"verbs": "patch", "apiGroups": [""], "resources": ["configmaps"]}]}), patch(), false),
    ] {
        assert_eq!(is_allowed(&with_role(role.clone(), access.clone())), Some(expected), "{role} {access}");
    }
}

#[test]
fn names_limit_what_has_a_name() {
    let mut role = rule(&["*"], &[""], &["configmaps"]);
    role["rules"][0]["resourceNames"] = json!(["orders-cluster-config-map"]);
    let named = |verb, name: Option<&str>| {
        let access = Access { name: name.map(str::to_owned), ..access(verb, "", "configmaps") };
        is_allowed(&with_role(role.clone(), access))
    };
    assert_eq!(named("patch", Some("orders-cluster-config-map")), Some(true));
    assert_eq!(named("patch", Some("other-cluster-config-map")), Some(false));
    assert_eq!(named("patch", None), None, "it may be the name in question");
    assert_eq!(named("list", None), None, "a list may ask for one name by its field");
    assert_eq!(named("create", None), Some(false), "the name stands in the body");
    assert_eq!(named("deletecollection", None), Some(false));
}

#[test]
fn bindings_name_accounts_users_and_groups() {
    let all = || rule(&["*"], &["*"], &["*"]);
    let patch = || access("patch", "", "configmaps");
    for (subject, expected) in [
        (account("flink", "shop"), true),
        (json!({"kind": "ServiceAccount", "name": "flink"}), true),
        (account("flink", "warehouse"), false),
        (account("default", "shop"), false),
        (json!({"kind": "User", "name": "system:serviceaccount:shop:flink"}), true),
        (json!({"kind": "User", "name": "flink"}), false),
        (json!({"kind": "Group", "name": "system:serviceaccounts"}), true),
        (json!({"kind": "Group", "name": "system:serviceaccounts:shop"}), true),
        (json!({"kind": "Group", "name": "system:serviceaccounts:warehouse"}), false),
        (json!({"kind": "Group", "name": "system:authenticated"}), true),
        (json!({"kind": "Group", "name": "system:unauthenticated"}), false),
        (json!({"name": "flink", "namespace": "shop"}), false),
    ] {
        let objects =
            [("Role", "shop", "r", all()), ("RoleBinding", "shop", "b", binding("Role", "r", subject.clone()))];
        assert_eq!(is_allowed(&answer(&input(&objects), patch())), Some(expected), "{subject}");
    }
    // A ClusterRoleBinding has no namespace that could stand for the account's.
    let objects = [
        ("ClusterRole", "", "r", all()),
        (
            "ClusterRoleBinding",
            "",
            "b",
            binding("ClusterRole", "r", json!({"kind": "ServiceAccount", "name": "flink"})),
        ),
    ];
    assert_eq!(is_allowed(&answer(&input(&objects), patch())), Some(false));
}

#[test]
fn a_binding_reaches_as_far_as_its_kind() {
    let all = || rule(&["*"], &["*"], &["*"]);
    let ours = || account("flink", "shop");
    let everywhere = |verb| Access { namespace: None, ..access(verb, "", "secrets") };
    let elsewhere = Access { namespace: Some("warehouse".into()), ..access("get", "", "secrets") };
    let of_namespace =
        input(&[("ClusterRole", "", "r", all()), ("RoleBinding", "shop", "b", binding("ClusterRole", "r", ours()))]);
    assert_eq!(answer(&of_namespace, access("get", "", "secrets")), Answer::Allowed("RoleBinding `b`".into()));
    assert_eq!(is_allowed(&answer(&of_namespace, everywhere("get"))), Some(false));
    assert_eq!(is_allowed(&answer(&of_namespace, elsewhere.clone())), Some(false));
    let of_cluster =
        input(&[("ClusterRole", "", "r", all()), ("ClusterRoleBinding", "", "b", binding("ClusterRole", "r", ours()))]);
    assert_eq!(is_allowed(&answer(&of_cluster, everywhere("get"))), Some(true));
    assert_eq!(is_allowed(&answer(&of_cluster, elsewhere)), Some(true));
    let all_of_secrets = || Access { namespace: None, ..access("*", "*", "*") };
    assert_eq!(is_allowed(&answer(&of_cluster, all_of_secrets())), Some(true));
    let reads = input(&[
        ("ClusterRole", "", "r", rule(&["get", "list"], &[""], &["secrets"])),
        ("ClusterRoleBinding", "", "b", binding("ClusterRole", "r", ours())),
    ]);
    assert_eq!(is_allowed(&answer(&reads, all_of_secrets())), Some(false));
}

#[test]
fn a_refusal_has_its_cause() {
    let patch = || access("patch", "", "configmaps");
    let other = input(&[("RoleBinding", "shop", "b", binding("Role", "r", account("other", "shop")))]);
    assert_eq!(answer(&other, patch()), Answer::Forbidden(Some("no binding names it".into())));
    let dangling = input(&[("RoleBinding", "shop", "b", binding("Role", "r", account("flink", "shop")))]);
    let why = "RoleBinding `b` names Role `r`, which is not there";
    assert_eq!(answer(&dangling, patch()), Answer::Forbidden(Some(why.into())));
    // The Role of another namespace is none of this one's, and neither is a Role of a ClusterRoleBinding.
    let foreign = input(&[
        ("Role", "warehouse", "r", rule(&["*"], &["*"], &["*"])),
        ("RoleBinding", "shop", "b", binding("Role", "r", account("flink", "shop"))),
        ("ClusterRoleBinding", "", "b", binding("Role", "r", account("flink", "shop"))),
    ]);
    assert_eq!(answer(&foreign, patch()), Answer::Forbidden(Some(why.into())));
    assert_eq!(with_role(rule(&["get"], &[""], &["configmaps"]), patch()), Answer::Forbidden(None));
}

#[test]
fn what_the_input_cannot_show_is_unknown() {
    let patch = || access("patch", "", "configmaps");
    let bound_to = |role: &str| binding("ClusterRole", role, account("flink", "shop"));
    let unknown = [
        vec![("RoleBinding", "shop", "b", bound_to("flink-of-the-platform"))],
        vec![("RoleBinding", "shop", "b", bound_to("view"))],
        vec![
            ("ClusterRole", "", "sum", json!({"aggregationRule": {"clusterRoleSelectors": []}, "rules": []})),
            ("RoleBinding", "shop", "b", bound_to("sum")),
        ],
        vec![
            ("Role", "shop", "r", rule(&["*"], &["*"], &["*"])),
            ("RoleBinding", "shop", "b", binding("Role", "r", account("flink", "${NAMESPACE}"))),
        ],
        vec![("RoleBinding", "shop", "b", binding("Role", "<role>", account("flink", "shop")))],
    ];
    for objects in &unknown {
        assert_eq!(is_allowed(&answer(&input(objects), patch())), None, "{objects:?}");
    }
    assert_eq!(is_allowed(&answer(&Offline::new(Assume::Shown), patch())), None, "a repository without RBAC");
    assert_eq!(is_allowed(&answer(&Offline::new(Assume::Complete), patch())), Some(false));
    // What is granted is granted, whatever else there may be.
    let granted = [
        ("RoleBinding", "shop", "a", bound_to("flink-of-the-platform")),
        ("Role", "shop", "r", rule(&["patch"], &[""], &["configmaps"])),
        ("RoleBinding", "shop", "b", binding("Role", "r", account("flink", "shop"))),
    ];
    assert_eq!(is_allowed(&answer(&input(&granted), patch())), Some(true));
}

#[test]
fn every_cluster_has_some_roles() {
    let bound_to =
        |role: &str| input(&[("ClusterRoleBinding", "", "b", binding("ClusterRole", role, account("flink", "shop")))]);
    let told = |role: &str, access: Access| is_allowed(&answer(&bound_to(role), access));
    for verb in ["get", "list", "watch", "create", "update", "patch", "delete"] {
        for role in ["edit", "admin", "cluster-admin"] {
            assert_eq!(told(role, access(verb, "", "configmaps")), Some(true), "{role} {verb}");
        }
    }
    assert_eq!(told("edit", access("update", "apps", "deployments/finalizers")), None);
    assert_eq!(told("cluster-admin", access("update", "apps", "deployments/finalizers")), Some(true));
    assert_eq!(told("view", access("get", "", "configmaps")), Some(true));
    assert_eq!(told("view", access("get", "", "secrets")), None);
    assert_eq!(told("edit", access("create", "", "pods/exec")), Some(true));
    assert_eq!(told("admin", access("create", "rbac.authorization.k8s.io", "rolebindings")), Some(true));
    // A Role may have the same name.
    let own = input(&[("RoleBinding", "shop", "b", binding("Role", "edit", account("flink", "shop")))]);
    assert_eq!(is_allowed(&answer(&own, access("get", "", "configmaps"))), Some(false));
}

#[test]
fn a_manifest_without_a_namespace_may_be_for_any() {
    let patch = |namespace: &str| {
        let account = Account { namespace: namespace.into(), name: "flink".into() };
        Access { account, namespace: Some(namespace.into()), ..access("patch", "", "configmaps") }
    };
    let all = || rule(&["*"], &["*"], &["*"]);
    let by = |subject: Value| binding("Role", "r", subject);
    // Everything without a namespace belongs together.
    let bare =
        [("Role", "", "r", all()), ("RoleBinding", "", "b", by(json!({"kind": "ServiceAccount", "name": "flink"})))];
    assert_eq!(is_allowed(&answer(&input(&bare), patch("default"))), Some(true));
    // The pods' namespace is named, that of their Role and its binding is not, or the other way round, or the subject's is.
    let ours = || account("flink", "shop");
    for (objects, of) in [
        (vec![("Role", "", "r", all()), ("RoleBinding", "", "b", by(ours()))], "shop"),
        (vec![("Role", "shop", "r", all()), ("RoleBinding", "", "b", by(ours()))], "shop"),
        (vec![("Role", "", "r", all()), ("RoleBinding", "shop", "b", by(ours()))], "shop"),
        (
            vec![("Role", "shop", "r", all()), ("RoleBinding", "shop", "b", by(ours())), ("Role", "", "x", all())],
            "default",
        ),
        (vec![("Role", "", "r", all()), ("RoleBinding", "", "b", by(ours()))], "default"),
    ] {
        assert_eq!(is_allowed(&answer(&input(&objects), patch(of))), None, "{objects:?}");
    }
    let named = [("Role", "shop", "r", all()), ("RoleBinding", "shop", "b", by(ours()))];
    assert_eq!(is_allowed(&answer(&input(&named), patch("warehouse"))), Some(false));
}
