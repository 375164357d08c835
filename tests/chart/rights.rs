//! What the chart allows the program: as `doctor` asks for it, and as the API server decides it for the program's own
//! ServiceAccount.

use std::collections::BTreeSet;
use std::time::Duration;

use flink_admission::doctor::{Names, Right};
use serde_json::{Value, json};

use super::rendered::{objects, of_kind, render};
use crate::support::{Client, ControlPlane, Outcome, wait_until};

/// A ServiceAccount with the roles of a release.
struct Account<'a> {
    admin: &'a Client,
    namespace: String,
    objects: Vec<Value>,
}

impl<'a> Account<'a> {
    /// Applies the roles of the release `name`, which no other test has.
    fn of(plane: &'a ControlPlane, name: &str, values: &[&str]) -> Self {
        let namespace = plane.create_namespace(name);
        let objects = render(plane.admin(), name, &namespace, values);
        for kind in ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"] {
            for object in of_kind(&objects, kind) {
                plane.apply(&object.to_string()).succeeded();
            }
        }
        let account = Self { admin: plane.admin(), namespace, objects };
        // The authorizer sees a new binding a moment later, and each of the two by itself.
        for sentinel in [&["get", "namespaces"][..], &["create", "configmaps"]] {
            let seen = wait_until(Duration::from_secs(30), || account.may(sentinel).then_some(()));
            assert!(seen.is_some(), "never allowed: {sentinel:?}");
        }
        account
    }

    fn user(&self) -> String {
        let [account] = of_kind(&self.objects, "ServiceAccount")[..] else { panic!("one ServiceAccount") };
        format!("--as=system:serviceaccount:{}:{}", self.namespace, account["metadata"]["name"].as_str().unwrap())
    }

    fn may(&self, question: &[&str]) -> bool {
        let user = self.user();
        let args = [&["auth", "can-i", "--namespace", &self.namespace, &user][..], question].concat();
        self.admin.kubectl(&args).success
    }

    /// Applies an object on the server's side, as the program does.
    fn apply(&self, object: &Value) -> Outcome {
        let manager = "--field-manager=flink-admission";
        let args = ["apply", "--server-side", manager, &self.user(), "-f", "-"];
        self.admin.kubectl_with(&args, &object.to_string())
    }

    /// What the program is given to write.
    fn configurations(&self) -> Vec<Value> {
        let mut texts = of_kind(&self.objects, "ConfigMap").into_iter();
        objects(texts.find_map(|object| object["data"]["webhooks.yaml"].as_str()).unwrap())
    }
}

/// One thing that may be done: in which namespace (empty for all), API group, resource, name (empty for any), verb.
type Grant = [String; 5];

/// What the roles of a release in `namespace` give, one by one.
fn given(objects: &[Value], namespace: &str) -> BTreeSet<Grant> {
    let words = |rule: &Value, key: &str| -> Vec<String> {
        let words = rule[key].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut given = BTreeSet::new();
    for (kind, place) in [("Role", namespace), ("ClusterRole", "")] {
        for rule in of_kind(objects, kind).into_iter().flat_map(|role| role["rules"].as_array().unwrap()) {
            let names =
                if rule["resourceNames"].is_null() { vec![String::new()] } else { words(rule, "resourceNames") };
            for group in words(rule, "apiGroups") {
                for resource in words(rule, "resources") {
                    for (name, verb) in
                        names.iter().flat_map(|name| words(rule, "verbs").into_iter().map(move |verb| (name, verb)))
                    {
                        given.insert([place, &group, &resource, name, &verb].map(str::to_owned));
                    }
                }
            }
        }
    }
    given
}

#[test]
fn doctor_asks_for_what_the_roles_give_and_for_nothing_else() {
    let Some(plane) = ControlPlane::shared() else { return };
    let names = Names::new("flink-system", "flink-admission");
    let given =
        |values: &[&str]| given(&render(plane.admin(), &names.service, &names.namespace, values), &names.namespace);
    let needed = |owns_authority: bool, writes_configurations: bool| -> BTreeSet<Grant> {
        let needed = Right::needed(&names, owns_authority, writes_configurations).into_iter();
        let grants = needed
            .map(|right| [&right.namespace, right.group, right.resource, &right.name, right.verb].map(str::to_owned));
        grants.collect()
    };
    let files = "certificates.source=files,certificates.secretName=own";
    let cert_manager = "certificates.source=cert-manager";
    for (values, owns_authority) in [(&[][..], true), (&[files], false), (&[cert_manager], false)] {
        for by in ["program", "chart"] {
            let by_value = format!("webhooks.managedBy={by}");
            let given = given(&[values, &[by_value.as_str()]].concat());
            let needed = needed(owns_authority, by == "program");
            let differ: Vec<&Grant> = given.symmetric_difference(&needed).collect();
            assert!(differ.is_empty(), "{values:?}, {by_value}: either given or asked for: {differ:#?}");
        }
    }
    // On OpenShift one more, which the program never uses.
    let (openshift, usual) = (given(&["openshift=true"]), given(&[]));
    assert!(usual.is_subset(&openshift));
    let more: Vec<String> =
        openshift.difference(&usual).map(|[.., resource, name, verb]| format!("{verb} {resource}/{name}")).collect();
    let owned = ["mutatingwebhookconfigurations/flink-admission", "validatingwebhookconfigurations/flink-admission"];
    let owned = [owned[0], owned[1], "secrets/flink-admission-authority"].map(|object| format!("delete {object}"));
    assert_eq!(more, owned);
}

#[test]
fn the_program_may_write_its_own_configurations_and_no_others() {
    let Some(plane) = ControlPlane::shared() else { return };
    let account = Account::of(plane, "flink-admission-writes", &[]);
    for mut configuration in account.configurations() {
        // Made, and then changed: neither needs the right to update.
        account.apply(&configuration).succeeded();
        configuration["webhooks"][0]["timeoutSeconds"] = json!(7);
        account.apply(&configuration).succeeded();
        let (kind, name) = (configuration["kind"].as_str().unwrap(), "flink-admission-writes");
        let kind = format!("{}s.admissionregistration.k8s.io", kind.to_lowercase());
        let (user, one) = (account.user(), format!("--field-selector=metadata.name={name}"));
        let get = ["get", kind.as_str(), &user, "-o", "name"];
        plane.kubectl(&[&get[..], &[&one]].concat()).succeeded();
        let by_name = format!("{kind}/{name}");
        assert!(account.may(&["watch", &by_name]) && !account.may(&["watch", &kind]), "{kind}");
        // A second installation can be seen, and not touched.
        plane.kubectl(&get).succeeded();
        configuration["metadata"]["name"] = json!("somebody-elses");
        assert!(account.apply(&configuration).refused().contains("cannot patch resource"), "{kind}");
        assert!(!account.may(&["update", &by_name]) && !account.may(&["delete", &by_name]), "{kind}");
        plane.kubectl(&["delete", &kind, name]).succeeded();
    }
}

#[test]
fn rights_are_those_that_are_needed() {
    let Some(plane) = ControlPlane::shared() else { return };
    let usual = Account::of(plane, "flink-admission-usual", &[]);
    let files = ["certificates.source=files,certificates.secretName=own,webhooks.managedBy=chart"];
    let files = Account::of(plane, "flink-admission-files", &files);
    let openshift = Account::of(plane, "flink-admission-ids", &["openshift=true"]);
    let configuration = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
    let cases = |name: &str| -> Vec<(Vec<String>, [bool; 3])> {
        let secret = format!("secrets/{name}-authority");
        let anchor = format!("clusterroles.rbac.authorization.k8s.io/{name}-installation");
        let mut cases: Vec<([&str; 2], [bool; 3])> = Vec::new();
        for verb in ["get", "list", "watch", "update"] {
            cases.push(([verb, &secret], [true, false, true]));
            cases.push(([verb, "secrets"], [false; 3]));
        }
        cases.extend([
            (["patch", secret.as_str()], [false; 3]),
            (["delete", &secret], [false, false, true]),
            (["create", "secrets"], [true, false, true]),
            (["get", &anchor], [true; 3]),
            (["get", "clusterroles.rbac.authorization.k8s.io"], [false; 3]),
            (["create", "events.events.k8s.io"], [true; 3]),
            (["patch", "events.events.k8s.io"], [true; 3]),
            (["create", "configmaps"], [true; 3]),
            (["update", "configmaps"], [false; 3]),
            (["list", configuration], [true; 3]),
            (["create", configuration], [false; 3]),
            (["delete", configuration], [false; 3]),
            (["create", "pods"], [false; 3]),
        ]);
        for verb in ["list", "create", "patch", "delete"] {
            cases.push(([verb, "leases.coordination.k8s.io"], [true; 3]));
        }
        let leader = format!("leases.coordination.k8s.io/{name}-leader");
        let (service, deployment) = (format!("services/{name}"), format!("deployments.apps/{name}"));
        cases.extend([
            (["get", leader.as_str()], [true; 3]),
            (["get", "leases.coordination.k8s.io"], [false; 3]),
            (["get", &service], [true; 3]),
            (["list", "services"], [false; 3]),
            (["get", &deployment], [true; 3]),
            (["patch", &deployment], [false; 3]),
            (["list", "endpointslices.discovery.k8s.io"], [true; 3]),
        ]);
        cases.into_iter().map(|(question, allowed)| (question.map(str::to_owned).to_vec(), allowed)).collect()
    };
    for (number, account) in [usual, files, openshift].iter().enumerate() {
        let name = account.user();
        let name = name.rsplit(':').next().unwrap();
        for (question, allowed) in cases(name) {
            let question: Vec<&str> = question.iter().map(String::as_str).collect();
            assert_eq!(account.may(&question), allowed[number], "{name}: {question:?}");
        }
        let by_name = format!("{configuration}/{name}");
        assert!(account.may(&["get", &by_name]) && account.may(&["patch", &by_name]), "{name}");
        assert_eq!(account.may(&["create", &by_name]), number != 1, "{name}");
        assert_eq!(account.may(&["delete", &by_name]), number == 2, "{name}");
        // Nothing of another namespace, but for what a review asks.
        let user = account.user();
        for question in [["create", "configmaps"], ["list", "endpointslices.discovery.k8s.io"], ["get", "services"]] {
            let elsewhere = [&["auth", "can-i", "--namespace=default", &user][..], &question].concat();
            assert!(!plane.kubectl(&elsewhere).success, "{name}: {question:?}");
        }
    }
}
