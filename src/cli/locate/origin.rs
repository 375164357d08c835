//! What the words of an origin say of the place: `ConfigMap flink-config, key config.yaml, line 12`.

/// The place that an origin names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// Name of a ConfigMap, and the key in it.
    pub(super) config_map: Option<(&'a str, &'a str)>,
    /// The line in the text that is meant, from 1.
    pub(super) line: Option<usize>,
    /// Whether it is a word of a command line.
    pub(super) is_argument: bool,
}

impl<'a> Origin<'a> {
    /// Reads `text`. Names of ConfigMaps and of their keys have no commas.
    pub(super) fn parse(text: &'a str) -> Self {
        let (before, line) = match text.rsplit_once(", line ") {
            Some((before, line)) => (before, line.parse().ok()),
            None => (text, None),
        };
        let config_map = before.rsplit_once("ConfigMap ").and_then(|(_, named)| named.split_once(", key "));
        Self { config_map, line, is_argument: text.starts_with("argument ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_they_are_written() {
        for (text, config_map, line) in [
            ("ConfigMap c, key config.yaml, line 12", Some(("c", "config.yaml")), Some(12)),
            ("ConfigMap c, key flink-conf.yaml", Some(("c", "flink-conf.yaml")), None),
            ("Deployment a/jm, ConfigMap c.d, key config.yaml, line 1", Some(("c.d", "config.yaml")), Some(1)),
            ("environment variable FLINK_PROPERTIES, line 3", None, Some(3)),
            ("argument 3", None, None),
            ("spec.flinkConfiguration", None, None),
            ("", None, None),
        ] {
            let is_argument = text == "argument 3";
            assert_eq!(Origin::parse(text), Origin { config_map, line, is_argument }, "{text}");
        }
    }
}
