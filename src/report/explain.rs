//! The effective configuration of each role, each value with its origin and what it took precedence over.

use std::io::{self, Write};

use serde::Serialize;

use super::{masked, paint, plain};
use crate::cli::review::Object;
use crate::flink::configuration::{Overridden, Setting};
use crate::flink::raw::Unknown;
use crate::inject::Record;
use crate::verdict::{Explanation, RoleConfiguration};

/// One object with the configuration of its roles.
#[derive(Debug)]
pub struct Explained<'a> {
    /// The object.
    pub object: &'a Object,
    /// What each role works with.
    pub explanation: Explanation,
    /// What was filled in.
    pub filled_in: FilledIn,
}

/// What was filled in, as the annotation on the object tells it.
#[derive(Debug, Default)]
pub struct FilledIn {
    /// The values.
    pub record: Record,
    /// The policy that wants them; `None` where they stood in the input already.
    pub policy: Option<String>,
}

impl FilledIn {
    /// By what `key` has the value of `setting`, where that was filled in.
    fn says_of(&self, key: &str, setting: &Setting) -> Option<String> {
        let by = self.policy.as_ref().map_or_else(|| "a policy".to_owned(), |policy| format!("policy `{policy}`"));
        self.record.holds(key, &setting.value).then(|| format!("filled in by {by}"))
    }
}

/// Writes the configurations as text: `key: value`, then where it comes from.
///
/// # Errors
/// Those of `output`.
pub fn text(explained: &[Explained<'_>], output: &mut dyn Write) -> io::Result<()> {
    for (position, Explained { object, explanation, filled_in }) in explained.iter().enumerate() {
        let (strong, faint) = (paint::STRONG, paint::FAINT);
        let gap = if position > 0 { "\n" } else { "" };
        writeln!(output, "{gap}{strong}{}{strong:#}", plain(&object.title()))?;
        writeln!(output, "{faint}{}{faint:#}", plain(&object.source.to_string()))?;
        if let Some(undecided) = &explanation.undecided {
            writeln!(output, "{}", plain(undecided))?;
        }
        // The roles of a FlinkDeployment read one configuration; saying it twice helps nobody.
        let says_same = |one: &RoleConfiguration, other: &RoleConfiguration| {
            one.config == other.config && one.unknown == other.unknown
        };
        for same in explanation.roles.chunk_by(says_same) {
            let Some(RoleConfiguration { config, unknown, .. }) = same.first() else { continue };
            let names: Vec<_> = same.iter().map(|one| one.role.to_string()).collect();
            writeln!(output, "\n  {strong}{}{strong:#}", names.join(" and "))?;
            let is_bare = config.iter().next().is_none();
            match unknown {
                Some(why) => {
                    let what = if is_bare { "what is set" } else { "what else is set" };
                    writeln!(output, "    {what} is not known: {}", plain(why.in_words()))?;
                }
                None if is_bare => writeln!(output, "    nothing is set; Flink's defaults apply")?,
                None => {}
            }
            for (key, setting) in config.iter() {
                setting_text(key, setting, filled_in, output)?;
            }
        }
    }
    if explained.is_empty() {
        writeln!(output, "no object of Flink in the input")?;
    }
    Ok(())
}

fn setting_text(key: &str, setting: &Setting, filled_in: &FilledIn, output: &mut dyn Write) -> io::Result<()> {
    let (place, faint) = (paint::PLACE, paint::FAINT);
    let value = masked(key, &setting.value).replace('\n', "\n      ");
    writeln!(output, "    {place}{}{place:#}: {}", plain(key), plain(&value))?;
    let by = filled_in.says_of(key, setting).map(|by| format!("{by}, ")).unwrap_or_default();
    writeln!(output, "      {faint}{}from {}{faint:#}", plain(&by), plain(&setting.origin))?;
    for Overridden { key, value, origin } in &setting.overrode {
        let value = masked(key, value).replace('\n', "\n        ");
        writeln!(output, "      {faint}instead of {}: {} from {}{faint:#}", plain(key), plain(&value), plain(origin))?;
    }
    Ok(())
}

/// Writes the configurations as one JSON object of kind `ExplainReport`.
///
/// # Errors
/// Those of `output`.
pub fn json(explained: &[Explained<'_>], output: &mut dyn Write) -> io::Result<()> {
    let objects = explained.iter().map(Entry::of).collect();
    let report = ExplainReport { api_version: super::json::API_VERSION, kind: "ExplainReport", objects };
    serde_json::to_writer_pretty(&mut *output, &report)?;
    output.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplainReport<'a> {
    api_version: &'static str,
    kind: &'static str,
    objects: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    place: super::json::Place<'a>,
    /// What the policy wants to know and cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided: Option<&'a str>,
    roles: Vec<RoleEntry<'a>>,
}

#[derive(Serialize)]
struct RoleEntry<'a> {
    role: String,
    /// Why there may be more settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    settings: Vec<SettingEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SettingEntry<'a> {
    key: &'a str,
    value: &'a str,
    origin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filled_in: Option<String>,
    path: String,
    overrode: Vec<OverriddenEntry<'a>>,
}

#[derive(Serialize)]
struct OverriddenEntry<'a> {
    key: &'a str,
    value: &'a str,
    origin: &'a str,
}

impl<'a> Entry<'a> {
    fn of(explained: &'a Explained<'a>) -> Self {
        let Explanation { roles, undecided } = &explained.explanation;
        let roles = roles.iter().map(|RoleConfiguration { role, config, unknown }| RoleEntry {
            role: role.to_string(),
            unknown: unknown.as_ref().map(Unknown::in_words),
            settings: config
                .iter()
                .map(|(key, setting)| SettingEntry::of(key, setting, &explained.filled_in))
                .collect(),
        });
        let place = super::json::Place::of(explained.object);
        Self { place, undecided: undecided.as_deref(), roles: roles.collect() }
    }
}

impl<'a> SettingEntry<'a> {
    fn of(key: &'a str, setting: &'a Setting, filled_in: &FilledIn) -> Self {
        let overrode = setting.overrode.iter().map(|Overridden { key, value, origin }| OverriddenEntry {
            key,
            value: masked(key, value),
            origin,
        });
        Self {
            filled_in: filled_in.says_of(key, setting),
            key,
            value: masked(key, &setting.value),
            origin: &setting.origin,
            path: setting.path.to_string(),
            overrode: overrode.collect(),
        }
    }
}
