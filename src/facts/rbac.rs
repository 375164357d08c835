//! What Roles and their bindings allow, decided as Kubernetes decides it.
//!
//! Sources: Kubernetes 1.34 `plugin/pkg/auth/authorizer/rbac/rbac.go` (`RuleAllows`), `pkg/apis/rbac/v1/evaluation_helpers.go`
//! (what `*` stands for), `pkg/registry/rbac/validation/rule.go` (`appliesToUser`). A test against a real API server compares
//! the two. What the authorizer would see and the input does not show is unknown, never a refusal.

mod defaults;

use serde_json::Value;

use super::{Access, Account, Answer};
use crate::flink::location::has_placeholder;
use crate::object::{list, name, text};

/// A RoleBinding or ClusterRoleBinding that may matter to an access.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    /// The object.
    pub(super) object: &'a Value,
    /// Namespace of a RoleBinding; `None` for a ClusterRoleBinding.
    pub(super) namespace: Option<&'a str>,
    /// Whether it is known to be bound where the access is: a manifest that names no namespace may be applied to any.
    pub(super) is_certain: bool,
}

/// A role that a binding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleName<'a> {
    /// A ClusterRole.
    Cluster(&'a str),
    /// A Role of that namespace.
    Namespaced(&'a str, &'a str),
}

/// What is known of a role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Held<'a> {
    /// The object.
    Shown(&'a Value),
    /// It may be there, and is not shown.
    Open,
    /// It does not exist.
    Missing,
}

/// The objects that an access is decided by, besides the bindings.
pub(super) trait Roles<'a> {
    /// The role called so.
    fn role(&self, name: RoleName<'_>) -> Held<'a>;

    /// Whether `account` may be one of another namespace, since its pods name none.
    fn may_be_elsewhere(&self, account: &Account) -> bool;
}

/// What something says to an access.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Grant {
    Yes,
    Perhaps(String),
    No,
}

/// Whether `bindings`, which must be all that could matter, allow `access`.
pub(super) fn decide<'a>(
    access: &Access,
    bindings: impl IntoIterator<Item = Binding<'a>>,
    roles: &impl Roles<'a>,
) -> Answer {
    let mut open = None;
    let mut is_bound = false;
    let mut dangling = None;
    for binding in bindings {
        let names_it = subjects(&binding, &access.account, roles);
        if names_it == Grant::No {
            continue;
        }
        is_bound = true;
        let Some(role) = role_of(&binding) else { continue };
        let Some(granted) = granted_by(role, access, roles) else {
            dangling.get_or_insert_with(|| dangles(&binding, role));
            continue;
        };
        match (granted, names_it) {
            (Grant::No, _) => {}
            (Grant::Yes, Grant::Yes) if binding.is_certain => return Answer::Allowed(title(binding.object)),
            (Grant::Perhaps(why), _) | (Grant::Yes, Grant::Perhaps(why)) => open = open.or(Some(why)),
            (Grant::Yes, _) => {
                let why = format!("{} may be for another namespace", title(binding.object));
                open = open.or(Some(why));
            }
        }
    }
    match open {
        Some(why) => Answer::Unknown(why),
        None if !is_bound => Answer::Forbidden(Some("no binding names it".to_owned())),
        None => Answer::Forbidden(dangling),
    }
}

/// Whether `binding` names `account`.
fn subjects<'a>(binding: &Binding<'a>, account: &Account, roles: &impl Roles<'a>) -> Grant {
    let mut grant = Grant::No;
    for subject in list(binding.object, &["subjects"]) {
        match is_meant(subject, binding.namespace, account, roles) {
            Grant::Yes => return Grant::Yes,
            Grant::No => {}
            perhaps @ Grant::Perhaps(_) => grant = perhaps,
        }
    }
    grant
}

fn is_meant<'a>(subject: &Value, namespace: Option<&str>, account: &Account, roles: &impl Roles<'a>) -> Grant {
    let Some(called) = name(subject) else { return Grant::No };
    let of_subject = text(subject, &["namespace"]).filter(|namespace| !namespace.is_empty());
    if has_placeholder(called) || of_subject.is_some_and(has_placeholder) {
        return Grant::Perhaps(format!("a binding names `{called}`, of which it is not known what it will be"));
    }
    let is_it = match text(subject, &["kind"]) {
        Some("User") => called == account.user(),
        Some("Group") => account.groups().iter().any(|group| group == called),
        Some("ServiceAccount") => {
            let is_there = of_subject.or(namespace) == Some(account.namespace.as_str());
            if called == account.name && !is_there && of_subject.is_some() && roles.may_be_elsewhere(account) {
                return Grant::Perhaps("it is not known in which namespace the pods will run".to_owned());
            }
            called == account.name && is_there
        }
        _ => false,
    };
    if is_it { Grant::Yes } else { Grant::No }
}

/// The role that `binding` names.
fn role_of<'a>(binding: &Binding<'a>) -> Option<RoleName<'a>> {
    let called = text(binding.object, &["roleRef", "name"])?;
    match (text(binding.object, &["roleRef", "kind"])?, binding.namespace) {
        ("ClusterRole", _) => Some(RoleName::Cluster(called)),
        ("Role", Some(namespace)) => Some(RoleName::Namespaced(namespace, called)),
        _ => None,
    }
}

/// What the role called `name` says to `access`; `None` where there is none.
fn granted_by<'a>(name: RoleName<'_>, access: &Access, roles: &impl Roles<'a>) -> Option<Grant> {
    let held = roles.role(name);
    if let Held::Shown(role) = held {
        return Some(of_role(role, access));
    }
    let (RoleName::Cluster(called) | RoleName::Namespaced(_, called)) = name;
    match defaults::grant(called, access).filter(|_| name == RoleName::Cluster(called)) {
        Some(true) => Some(Grant::Yes),
        // Other ClusterRoles may add to it.
        Some(false) => Some(is_open(called)),
        None if held == Held::Open || has_placeholder(called) => Some(is_open(called)),
        None => None,
    }
}

fn is_open(role: &str) -> Grant {
    Grant::Perhaps(format!("the input does not show all that the role `{role}` allows"))
}

fn of_role(role: &Value, access: &Access) -> Grant {
    if role.get("aggregationRule").is_some_and(|rule| !rule.is_null()) {
        // A controller writes its rules, whatever stands there.
        return is_open(role.get("metadata").and_then(name).unwrap_or_default());
    }
    let mut grant = Grant::No;
    for rule in list(role, &["rules"]) {
        match of_rule(rule, access) {
            Grant::Yes => return Grant::Yes,
            Grant::No => {}
            perhaps @ Grant::Perhaps(_) => grant = perhaps,
        }
    }
    grant
}

fn of_rule(rule: &Value, access: &Access) -> Grant {
    let words = |field| list(rule, &[field]).iter().filter_map(Value::as_str);
    let subresource = access.resource.split_once('/').map(|(_, subresource)| subresource);
    let is_resource = |word: &str| {
        word == "*" || word == access.resource || (subresource.is_some() && word.strip_prefix("*/") == subresource)
    };
    let matches = words("verbs").any(|word| word == "*" || word == access.verb)
        && words("apiGroups").any(|word| word == "*" || word == access.group)
        && words("resources").any(is_resource);
    let mut names = words("resourceNames").peekable();
    match &access.name {
        _ if !matches => Grant::No,
        _ if names.peek().is_none() => Grant::Yes,
        Some(wanted) if names.any(|name| name == wanted) => Grant::Yes,
        // The name of what is created stands in the body, which no authorizer reads.
        None if !matches!(access.verb, "create" | "deletecollection") => {
            Grant::Perhaps("`resourceNames` of its role may be the names in question, or not".to_owned())
        }
        Some(_) | None => Grant::No,
    }
}

fn dangles(binding: &Binding<'_>, role: RoleName<'_>) -> String {
    let (kind, called) = match role {
        RoleName::Cluster(called) => ("ClusterRole", called),
        RoleName::Namespaced(_, called) => ("Role", called),
    };
    format!("{} names {kind} `{called}`, which is not there", title(binding.object))
}

/// ``RoleBinding `flink` ``.
fn title(object: &Value) -> String {
    let kind = text(object, &["kind"]).unwrap_or("binding");
    format!("{kind} `{}`", object.get("metadata").and_then(name).unwrap_or_default())
}

#[cfg(test)]
mod tests;
