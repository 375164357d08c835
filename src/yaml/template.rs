//! Texts that are no YAML yet, since a program such as Helm makes YAML of them.

/// The first mark of a template in `text`, with its line from 0: a line or a value that begins with `{{` or `{%`.
///
/// Marks inside of quotes or of a word are text to YAML, and may be meant for a program that reads the manifest later.
pub(super) fn mark(text: &str) -> Option<(usize, String)> {
    let begins = |part: &str| part.starts_with("{{") || part.starts_with("{%");
    let of_line = |line: &str| {
        let line = line.trim_start();
        let value = line.split_once(": ").map(|(_, value)| value.trim_start());
        let element = line.strip_prefix("- ").map(str::trim_start);
        [Some(line), value, element].into_iter().flatten().find(|part| begins(part)).map(excerpt)
    };
    text.lines().enumerate().find_map(|(number, line)| Some((number, of_line(line)?)))
}

/// The first mark of Helm in `text` that YAML takes for text, with its line from 0: `"{{ .Values.image }}"`.
pub(super) fn quoted_mark(text: &str) -> Option<(usize, String)> {
    const OF_HELM: [&str; 4] = [".Values", ".Release", ".Chart", "include "];
    let of_line = |line: &str| {
        let (_, behind) = line.split_once("{{")?;
        let (inside, _) = behind.split_once("}}")?;
        OF_HELM.iter().any(|word| inside.contains(word)).then(|| excerpt(&format!("{{{{{behind}")))
    };
    text.lines().enumerate().find_map(|(number, line)| Some((number, of_line(line)?)))
}

/// The mark that `text` begins with, not too long for a message.
fn excerpt(text: &str) -> String {
    let end = ["}}", "%}"].iter().filter_map(|end| text.find(end)).min().map_or(text.len(), |end| end + 2);
    let mark = text.get(..end).unwrap_or(text);
    let plain: String = mark.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    crate::policy::shortened(&plain, LONGEST)
}

const LONGEST: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_text() {
        for (text, expected) in [
            ("a: 1\n  {{- if .Values.on }}\n", Some((1, "{{- if .Values.on }}"))),
            ("image: {{ .Values.image }}:1\n", Some((0, "{{ .Values.image }}"))),
            ("- {{ x }}\n", Some((0, "{{ x }}"))),
            ("{% for a in b %}\n", Some((0, "{% for a in b %}"))),
            ("a: \"{{ .Values.x }}\"\nb: 'up {{ $labels.x }}'\nc: x{{ y }}\nd: {a: {b: 1}}\n", None),
        ] {
            assert_eq!(mark(text), expected.map(|(line, mark)| (line, mark.to_owned())), "{text}");
        }
        assert_eq!(quoted_mark("a: 1\nb: \"x-{{ .Values.x }}\"\n"), Some((1, "{{ .Values.x }}".to_owned())));
        assert_eq!(quoted_mark("b: 'up {{ $labels.x }}'\n"), None);
    }
}
