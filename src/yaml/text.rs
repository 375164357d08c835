//! Writes a value as YAML that every reader takes for the same value.

use serde_json::Value;

/// `value` as YAML text, as people write it: block style, strings quoted only where they must be.
#[must_use]
pub fn to_text(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::yaml::documents;

    fn read(text: &str) -> Value {
        let mut found = documents(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(found.len(), 1, "{text}");
        found.remove(0).value
    }

    #[test]
    fn strings_that_look_like_something_else_stay_strings() {
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "null",
            "~",
            "",
            " ",
            "1",
            "0755",
            "0x1F",
            "1e3",
            "1_000",
            ".inf",
            "true",
            "TRUE",
            "2001-01-01",
            "1:30",
            "- a",
            "a: b",
            "#a",
            "a #b",
            "---",
            "...",
            "--- a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{a",
            "[a",
            "?",
            "? a",
            "<<",
            "=",
            "a\n",
            "\na",
            "a\n\n",
            "a\nb\n",
            "  a\nb",
            "a\n  b\n",
            "\ta",
            "a\tb",
            "a\\n",
            "'a'",
            "\"a\"",
            "a\u{0}b",
            "a\r\nb",
            "a\u{85}b",
            "a\u{2028}b",
            "\u{feff}a",
            "é",
            "😀",
            "a ",
            "\n",
            "\n\n",
            " \n",
            "a\n ",
            "a\n \n",
            "#\n",
            "a\n#b\n",
        ] {
            let value = json!({"v": text, "l": [text, [text]], text: text, "o": {"p": {"q": text}}});
            let written = to_text(&value);
            assert_eq!(read(&written), value, "{text:?} became\n{written}");
        }
    }

    #[test]
    fn reads_as_people_write() {
        let value =
            json!({"a": {"args": ["-D", "x=y"], "script": "one\n  two\n", "on": 1, "s": "1", "e": {}, "l": []}});
        assert_eq!(
            to_text(&value),
            "a:\n  args:\n  - -D\n  - x=y\n  script: |\n    one\n      two\n  \"on\": 1\n  s: \"1\"\n  e: {}\n  l: []\n"
        );
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            // Whole floats become integers on the way, as with kubectl.
            (any::<i32>(), 1..9_i32).prop_map(|(whole, tenth)| Value::from(f64::from(whole) + f64::from(tenth) / 16.0)),
            "\\PC*".prop_map(Value::from),
            "[-?:,\\[\\]{}#&*!|>'\"%@` \n\t\r~<0-9a-cyneouFf.+_\\\\]{0,12}".prop_map(Value::from),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        let key = "[-?:,\\[\\]{}#&*!|>'\"%@` \n\t~<0-9a-cyn.]{0,6}|\\PC{0,4}";
        scalar().prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in value()) {
            let value = json!({"v": value});
            let written = to_text(&value);
            prop_assert_eq!(read(&written), value, "{}", written);
        }
    }
}
