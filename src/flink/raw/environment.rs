//! The environment of a container, as far as its manifest tells it, and the variables in texts.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{list, name, text};

/// The variables of a container.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Their values by name; `None` where a value comes from elsewhere.
    variables: BTreeMap<String, Option<String>>,
    /// Whether there are more that the manifest does not name (`envFrom`).
    open: bool,
    /// By how many bytes texts may still grow: values that use each other grow without end.
    growth: Cell<usize>,
}

/// What is known of one variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable<'a> {
    /// It has this value.
    Known(&'a str),
    /// It is set, or may be, by something outside of the manifest.
    Elsewhere,
    /// The manifest does not set it.
    Unset,
}

impl Environment {
    /// The environment of `container`.
    ///
    /// A value may use the variables before it; of two with one name the later one counts (Kubernetes `EnvVar`).
    #[must_use]
    pub fn of(container: &Value) -> Self {
        let open = !list(container, &["envFrom"]).is_empty();
        let mut environment = Self { variables: BTreeMap::new(), open, growth: Cell::new(MOST_GROWTH) };
        for (index, variable) in list(container, &["env"]).iter().enumerate() {
            let Some(name) = name(variable) else { continue };
            let is_from_elsewhere = variable.get("valueFrom").is_some_and(|source| !source.is_null());
            let is_read = index < MOST_VARIABLES && !is_from_elsewhere;
            let value = is_read.then(|| environment.expand(text(variable, &["value"]).unwrap_or_default()));
            environment.variables.insert(name.to_owned(), value);
        }
        environment
    }

    /// What is known of the variable `name`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Variable<'_> {
        match self.variables.get(name) {
            Some(Some(value)) => Variable::Known(value),
            Some(None) => Variable::Elsewhere,
            None if self.open => Variable::Elsewhere,
            None => Variable::Unset,
        }
    }

    /// `text` with `$(NAME)` replaced as the kubelet replaces it in arguments and values: a variable that is not set stays as
    /// it is written, and so does one whose value is not known; `$$` is a dollar sign.
    #[must_use]
    pub fn expand(&self, text: &str) -> String {
        self.bounded(text, Self::expand_all)
    }

    /// `text` with `$NAME` and `${NAME}` replaced as `envsubst` in the image's entry point does. What the manifest does not
    /// set stays: the image may set it.
    #[must_use]
    pub fn substitute(&self, text: &str) -> String {
        self.bounded(text, Self::substitute_all)
    }

    /// What `replace` makes of `text`, or `text` as it is where that outgrows the bounds.
    fn bounded(&self, text: &str, replace: impl Fn(&Self, &str, &mut Bounded)) -> String {
        let mut made =
            Bounded { text: String::new(), most: text.len().saturating_add(self.growth.get()), is_full: false };
        replace(self, text, &mut made);
        if made.is_full {
            return text.to_owned();
        }
        self.growth.set(self.growth.get().saturating_sub(made.text.len().saturating_sub(text.len())));
        made.text
    }

    fn expand_all(&self, text: &str, expanded: &mut Bounded) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            if let Some(escaped) = after.strip_prefix('$') {
                expanded.push_str("$");
                rest = escaped;
                continue;
            }
            if let Some((name, behind)) = after.strip_prefix('(').and_then(|inner| until(inner, ')')) {
                match self.variable(name) {
                    Variable::Known(value) => expanded.push_str(value),
                    Variable::Elsewhere | Variable::Unset => expanded.push_all(&["$(", name, ")"]),
                }
                rest = behind;
            } else {
                expanded.push_str("$");
                rest = after;
            }
        }
        expanded.push_str(rest);
    }

    fn substitute_all(&self, text: &str, substituted: &mut Bounded) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            substituted.push_str(before);
            let (name, behind) = match after.strip_prefix('{').and_then(|inner| until(inner, '}')) {
                Some((name, behind)) => (name, behind),
                None => after.split_at(after.find(|c: char| !is_of_name(c)).unwrap_or(after.len())),
            };
            if let (true, Variable::Known(value)) = (is_name(name), self.variable(name)) {
                substituted.push_str(value);
                rest = behind;
            } else {
                substituted.push_str("$");
                rest = after;
            }
        }
        substituted.push_str(rest);
    }
}

/// The names that `text` refers to as `$(NAME)`, in order.
///
/// ```
/// use flink_admission::flink::raw::references;
/// assert_eq!(references("$(POD_NAME).flink:$$(A)").collect::<Vec<_>>(), ["POD_NAME"]);
/// ```
pub fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            let found = after.strip_prefix('(').and_then(|inner| until(inner, ')'));
            rest = found.map_or_else(|| after.strip_prefix('$').unwrap_or(after), |(_, behind)| behind);
            if let Some((name, _)) = found {
                return Some(name);
            }
        }
    })
}

/// A text that grows up to a bound.
struct Bounded {
    text: String,
    most: usize,
    is_full: bool,
}

impl Bounded {
    fn push_str(&mut self, part: &str) {
        self.is_full |= self.text.len().saturating_add(part.len()) > self.most;
        if !self.is_full {
            self.text.push_str(part);
        }
    }

    fn push_all(&mut self, parts: &[&str]) {
        for part in parts {
            self.push_str(part);
        }
    }
}

/// What stands in `text` before `end` and behind it; no name is so long that one would have to look further than this.
fn until(text: &str, end: char) -> Option<(&str, &str)> {
    let (position, _) = text.char_indices().take(LONGEST_NAME).find(|(_, c)| *c == end)?;
    let (name, behind) = text.split_at_checked(position)?;
    Some((name, behind.get(end.len_utf8()..)?))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_of_name) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// No container has so many; of what comes behind them the names are read, and no value is known.
const MOST_VARIABLES: usize = 1_000;
/// Longest name of a variable.
const LONGEST_NAME: usize = 64;
/// By how many bytes all texts of a container may grow. `FLINK_PROPERTIES` has a few kilobytes.
const MOST_GROWTH: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment() -> Environment {
        Environment::of(&json!({"env": [
            {"name": "BUCKET", "value": "orders"},
            {"name": "DIR", "value": "s3://$(BUCKET)/ha"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "EMPTY"},
            {"name": "MY_DIR", "value": "ha"},
            {"name": "my.dir", "value": "x"},
            {"name": "1st", "value": "x"},
        ]}))
    }

    #[test]
    fn the_kubelet_replaces_what_it_knows() {
        for (text, expected) in [
            ("-Dhigh-availability.storageDir=$(DIR)", "-Dhigh-availability.storageDir=s3://orders/ha"),
            ("$(POD_IP) $(UNSET) ${BUCKET} $BUCKET", "$(POD_IP) $(UNSET) ${BUCKET} $BUCKET"),
            ("$$(BUCKET) $", "$(BUCKET) $"),
            ("a$(EMPTY)b$(", "ab$("),
        ] {
            assert_eq!(environment().expand(text), expected);
        }
    }

    #[test]
    fn references_are_those_that_the_kubelet_replaces() {
        for (text, expected) in [
            ("$(POD_IP)", vec!["POD_IP"]),
            ("a$(B)c$(D)", vec!["B", "D"]),
            ("$$(POD_IP)", vec![]),
            ("$$$(POD_IP)", vec!["POD_IP"]),
            ("$POD_IP ${POD_IP} $", vec![]),
            ("$(POD_IP", vec![]),
            ("$x$(Y)", vec!["Y"]),
        ] {
            assert_eq!(references(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn the_entry_point_replaces_what_it_knows() {
        for (text, expected) in [
            ("s3://${BUCKET}/ha $BUCKET", "s3://orders/ha orders"),
            ("${POD_IP} $UNSET ${BUCKET", "${POD_IP} $UNSET ${BUCKET"),
            ("$(BUCKET) $$BUCKET", "$(BUCKET) $orders"),
            ("$BUCKET/$MY_DIR/${MY_DIR}", "orders/ha/ha"),
            ("${my.dir} ${1st} $1st", "${my.dir} ${1st} $1st"),
        ] {
            assert_eq!(environment().substitute(text), expected);
        }
    }

    #[test]
    fn variables_that_use_each_other_stay_small() {
        let doubled =
            |level: usize| json!({"name": format!("V{level}"), "value": format!("$(V{0})$(V{0})", level - 1)});
        let variables: Vec<_> =
            std::iter::once(json!({"name": "V0", "value": "x".repeat(1000)})).chain((1..60).map(doubled)).collect();
        let environment = Environment::of(&json!({"env": variables}));
        assert!((0..100).map(|_| environment.expand("$(V59) $(V9)").len()).sum::<usize>() <= 2 * MOST_GROWTH);
    }

    #[test]
    fn a_variable_behind_too_many_has_a_value_that_is_not_known() {
        let filler = (0..MOST_VARIABLES).map(|index| json!({"name": format!("V{index}"), "value": "x"}));
        let behind = ["POD_IP", "V0"].map(|name| json!({"name": name, "value": "y"}));
        let environment = Environment::of(&json!({"env": filler.chain(behind).collect::<Vec<_>>()}));
        assert_eq!(environment.variable("POD_IP"), Variable::Elsewhere);
        assert_eq!(environment.variable("V0"), Variable::Elsewhere, "the later one of a name counts");
        assert_eq!(environment.variable("V1"), Variable::Known("x"));
        assert_eq!(environment.variable("W"), Variable::Unset);
    }

    #[test]
    fn what_comes_from_elsewhere_is_not_unset() {
        let open = Environment::of(&json!({"envFrom": [{"configMapRef": {"name": "x"}}]}));
        assert_eq!(open.variable("A"), Variable::Elsewhere);
        assert_eq!(environment().variable("A"), Variable::Unset);
        assert_eq!(environment().variable("POD_IP"), Variable::Elsewhere);
        assert_eq!(environment().variable("EMPTY"), Variable::Known(""));
    }

    #[test]
    fn a_text_grows_up_to_its_bound() {
        let mut text = Bounded { text: String::new(), most: 3, is_full: false };
        text.push_all(&["ab", "c"]);
        assert_eq!((text.text.as_str(), text.is_full), ("abc", false));
        text.push_str("d");
        assert_eq!((text.text.as_str(), text.is_full), ("abc", true));
    }
}
