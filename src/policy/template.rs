//! Templates in policies: `s3://flink/ha/{namespace}/{cluster}`.

use serde::Deserialize;

/// A text with `{namespace}`, `{name}` and `{cluster}` in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    text: String,
}

/// What the words of a template stand for.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// The object's name; `None` while the API server has not made it (`generateName`).
    pub name: Option<&'a str>,
    /// The cluster's id; `None` where none could be derived.
    pub cluster: Option<&'a str>,
}

const WORDS: [&str; 3] = ["namespace", "name", "cluster"];

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').ok_or_else(|| format!("`{text}` has a `{{` without its `}}`"))?;
            if !WORDS.contains(&word) {
                return Err(format!(
                    "unknown word `{{{word}}}` in `{text}`; known are `{{namespace}}`, `{{name}}`, `{{cluster}}`"
                ));
            }
            rest = after;
        }
        Ok(Self { text })
    }
}

impl Template {
    /// The text with its words replaced.
    ///
    /// # Errors
    /// The word whose value is not known, or has a blank in it: no name has, the API server refuses it later, and Flink reads
    /// it otherwise where it is trimmed.
    pub fn fill(&self, names: &Names<'_>) -> Result<String, &'static str> {
        let mut filled = String::new();
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((word, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            let (word, value) = match word {
                "namespace" => ("{namespace}", Some(names.namespace)),
                "name" => ("{name}", names.name),
                _ => ("{cluster}", names.cluster),
            };
            let is_name = |value: &&str| !value.contains(char::is_whitespace);
            filled.push_str(value.filter(is_name).ok_or(word)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn words_are_replaced() {
        let names = Names { namespace: "plants", name: Some("turbines"), cluster: None };
        let filled = |text: &str| template(text).unwrap().fill(&names);
        assert_eq!(filled("s3://b/{namespace}/{name}-{namespace}").as_deref(), Ok("s3://b/plants/turbines-plants"));
        assert_eq!(filled("s3://b"), Ok("s3://b".to_owned()));
        assert_eq!(filled("s3://b/{cluster}"), Err("{cluster}"));
        let blank = Names { namespace: " ", name: Some("a b"), cluster: Some("c") };
        let filled = |text: &str| template(text).unwrap().fill(&blank);
        assert_eq!((filled("{namespace}"), filled("{name}")), (Err("{namespace}"), Err("{name}")));
        assert_eq!(filled("{cluster}").as_deref(), Ok("c"));
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(template("s3://b/{team}").unwrap_err().contains("{cluster}"));
        assert!(template("s3://b/{namespace").is_err());
    }
}
