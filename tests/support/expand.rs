//! `$(NAME)` in commands, arguments and values of variables, as the kubelet replaces it: a RE-ENACTMENT.
//!
//! Source: Kubernetes `third_party/forked/golang/expansion`.

use std::collections::BTreeMap;

/// `text` with the values of `variables`: a name that is not among them stays as it is, and `$$` is a `$` that begins nothing.
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some((name, behind)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match variables.get(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.extend(["$(", name, ")"]),
            }
            rest = behind;
        } else {
            expanded.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    expanded + rest
}

#[test]
fn replaces_what_it_knows_and_nothing_else() {
    let variables = BTreeMap::from([("POD_IP".to_owned(), "10.250.0.10".to_owned())]);
    for (text, expected) in [
        ("$(POD_IP)", "10.250.0.10"),
        ("a=$(POD_IP):$(OTHER)", "a=10.250.0.10:$(OTHER)"),
        ("$$(POD_IP) $POD_IP $", "$(POD_IP) $POD_IP $"),
        ("$(POD_IP", "$(POD_IP"),
        ("$(A$(POD_IP))", "$(A$(POD_IP))"),
    ] {
        assert_eq!(expand(text, &variables), expected);
    }
}
