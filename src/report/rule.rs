//! The pages of the rules: in Markdown for `docs/rules.md` and code scanning, in colours for a terminal, in JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{link, paint};
use crate::policy::rules::{RULES, Rule};
use crate::policy::{Level, Profile};

/// Writes the page of `rule` for a terminal.
///
/// # Errors
/// Those of `output`.
pub fn page(rule: &Rule, output: &mut dyn Write) -> io::Result<()> {
    let (strong, faint, place) = (paint::STRONG, paint::FAINT, paint::PLACE);
    writeln!(output, "{strong}{}{strong:#}", rule.id)?;
    let levels = PROFILES.map(|(name, profile)| {
        let (level, paint) = (rule.level_in(profile), paint::of(Some(rule.level_in(profile))));
        format!("{name} {paint}{level}{paint:#}")
    });
    writeln!(output, "{faint}levels:{faint:#} {}\n", levels.join(", "))?;
    paragraph(rule.page.what, output)?;
    for (title, text) in parts(rule) {
        writeln!(output, "\n{strong}{title}{strong:#}")?;
        if title == EXAMPLE {
            text.lines().try_for_each(|line| writeln!(output, "    {place}{line}{place:#}"))?;
        } else {
            paragraph(text, output)?;
        }
    }
    match env!("CARGO_PKG_REPOSITORY") {
        "" => Ok(()),
        _ => writeln!(output, "\n{faint}see: {}{faint:#}", link(rule.id)),
    }
}

/// Writes a line for each rule: its levels and what it finds.
///
/// # Errors
/// Those of `output`.
pub fn list(output: &mut dyn Write) -> io::Result<()> {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let strong = paint::STRONG;
    writeln!(output, "{strong}{:<width$}  {:<6}  baseline{strong:#}", "rule", "strict")?;
    for rule in RULES {
        let [strict, baseline] = [rule.strict, rule.baseline].map(|level| (paint::of(Some(level)), level.word()));
        writeln!(
            output,
            "{:<width$}  {}{:<6}{:#}  {}{}{:#}",
            rule.id, strict.0, strict.1, strict.0, baseline.0, baseline.1, baseline.0
        )?;
    }
    writeln!(output, "\n{} rules; `flink-admission explain RULE` prints the page of one", RULES.len())
}

/// Writes `rules` as one JSON object.
///
/// # Errors
/// Those of `output`.
pub fn json<'a>(rules: impl IntoIterator<Item = &'a Rule>, output: &mut dyn Write) -> io::Result<()> {
    let rules = rules.into_iter().map(Entry::of).collect();
    let list = RuleList { api_version: super::json::API_VERSION, kind: "RuleList", rules };
    serde_json::to_writer_pretty(&mut *output, &list)?;
    output.write_all(b"\n")
}

/// Writes `docs/rules.md`.
///
/// # Errors
/// Those of `output`.
pub fn document(output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "# Rules\n")?;
    writeln!(
        output,
        "<!-- Made by `flink-admission rules --output markdown`; what is written here by hand is lost. -->\n"
    )?;
    writeln!(
        output,
        "What `flink-admission` finds in a Flink cluster. A policy's `profile` sets the level of every rule (`permissive` is \
         `baseline` with every denial lowered to a warning), its `rules` that of single ones. The page of one rule: \
         `flink-admission explain RULE`.\n"
    )?;
    writeln!(output, "| rule | strict | baseline |\n|---|---|---|")?;
    for rule in RULES {
        writeln!(output, "| [{0}](#{0}) | {1} | {2} |", rule.id, rule.strict, rule.baseline)?;
    }
    RULES.iter().try_for_each(|rule| write!(output, "\n## {}\n\n{}", rule.id, markdown(rule)))
}

/// The page of `rule` in Markdown, without its heading.
#[must_use]
pub fn markdown(rule: &Rule) -> String {
    let part = |(title, text)| match title {
        EXAMPLE => format!("\n**{title}**\n\n```yaml\n{text}\n```\n"),
        _ => format!("\n**{title}.** {text}\n"),
    };
    let page: String = parts(rule).map(part).concat();
    let what = rule.page.what;
    let levels = PROFILES.map(|(name, profile)| format!("{name} `{}`", rule.level_in(profile)));
    format!("{what}\n{page}\nLevels: {}.\n", levels.join(", "))
}

/// The page of `rule` without any marks.
#[must_use]
pub fn plain(rule: &Rule) -> String {
    let part = |(title, text)| match title {
        EXAMPLE => format!("\n{title}:\n{text}\n"),
        _ => format!("\n{title}: {text}\n"),
    };
    let page = format!("{}\n{}", rule.page.what, parts(rule).map(part).concat());
    page.replace('`', "")
}

const EXAMPLE: &str = "Example";

fn parts(rule: &Rule) -> [(&'static str, &'static str); 4] {
    let page = &rule.page;
    [
        ("Why it hurts", page.why),
        ("What it cannot know", page.limits),
        (EXAMPLE, page.example),
        ("What to do", page.fix),
    ]
}

const PROFILES: [(&str, Profile); 3] =
    [("strict", Profile::Strict), ("baseline", Profile::Baseline), ("permissive", Profile::Permissive)];

/// Writes `text` in lines of at most 100 characters, the same on every terminal; code stands out by its colour.
fn paragraph(text: &str, output: &mut dyn Write) -> io::Result<()> {
    let (mut column, mut is_code) = (0, false);
    let place = paint::PLACE;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            writeln!(output)?;
            column = 0;
        } else if column > 0 {
            write!(output, " ")?;
            column += 1;
        }
        // A colour ends with its line, so that a pager may begin at any of them.
        if is_code {
            write!(output, "{place}")?;
        }
        for (position, piece) in word.split('`').enumerate() {
            if position > 0 {
                is_code = !is_code;
                if is_code { write!(output, "{place}`")? } else { write!(output, "`{place:#}")? }
            }
            write!(output, "{piece}")?;
        }
        if is_code {
            write!(output, "{place:#}")?;
        }
        column += length;
    }
    writeln!(output)
}

/// Longest line of a page.
const WIDTH: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleList {
    api_version: &'static str,
    kind: &'static str,
    rules: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: &'static str,
    levels: Levels,
    what: &'static str,
    why: &'static str,
    limits: &'static str,
    example: &'static str,
    fix: &'static str,
    see: String,
}

#[derive(Serialize)]
struct Levels {
    strict: &'static str,
    baseline: &'static str,
    permissive: &'static str,
}

impl Entry {
    fn of(rule: &Rule) -> Self {
        let level = |profile| Level::word(rule.level_in(profile));
        Self {
            id: rule.id,
            levels: Levels {
                strict: level(Profile::Strict),
                baseline: level(Profile::Baseline),
                permissive: level(Profile::Permissive),
            },
            what: rule.page.what,
            why: rule.page.why,
            limits: rule.page.limits,
            example: rule.page.example,
            fix: rule.page.fix,
            see: link(rule.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = format!("{} `code in {}` end", "word ".repeat(19), "more ".repeat(30));
        let mut output = anstream::StripStream::new(Vec::new());
        paragraph(&text, &mut output).unwrap();
        let printed = String::from_utf8(output.into_inner()).unwrap();
        assert!(printed.lines().all(|line| line.len() <= WIDTH && !line.starts_with(' ')), "{printed}");
        assert_eq!(printed.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
    }
}
