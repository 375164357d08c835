//! The effective configuration of each role, each value with its origin and what it took precedence over.

use std::io::{self, Write};

use serde::Serialize;

use super::{masked, paint, plain};
use crate::cli::review::Object;
use crate::flink::configuration::{EffectiveConfig, Overridden, Setting};
use crate::policy::Role;

/// One object with the configuration of its roles.
#[derive(Debug)]
pub struct Explained<'a> {
    /// The object.
    pub object: &'a Object,
    /// What each role works with.
    pub roles: Vec<(Role, EffectiveConfig)>,
}

/// Writes the configurations as text: `key: value`, then where it comes from.
///
/// # Errors
/// Those of `output`.
pub fn text(explained: &[Explained<'_>], output: &mut dyn Write) -> io::Result<()> {
    for (position, Explained { object, roles }) in explained.iter().enumerate() {
        let (strong, faint) = (paint::STRONG, paint::FAINT);
        let gap = if position > 0 { "\n" } else { "" };
        writeln!(output, "{gap}{strong}{}{strong:#}", plain(&object.title()))?;
        writeln!(output, "{faint}{}{faint:#}", plain(&object.source.to_string()))?;
        // The roles of a FlinkDeployment read one configuration; saying it twice helps nobody.
        for same in roles.chunk_by(|(_, one), (_, other)| one == other) {
            let Some((_, config)) = same.first() else { continue };
            let names: Vec<_> = same.iter().map(|(role, _)| role.to_string()).collect();
            writeln!(output, "\n  {strong}{}{strong:#}", names.join(" and "))?;
            if config.iter().next().is_none() {
                writeln!(output, "    nothing is set; Flink's defaults apply")?;
            }
            for (key, setting) in config.iter() {
                setting_text(key, setting, output)?;
            }
        }
    }
    if explained.is_empty() {
        writeln!(output, "no object of Flink in the input")?;
    }
    Ok(())
}

fn setting_text(key: &str, setting: &Setting, output: &mut dyn Write) -> io::Result<()> {
    let (place, faint) = (paint::PLACE, paint::FAINT);
    let value = masked(key, &setting.value).replace('\n', "\n      ");
    writeln!(output, "    {place}{}{place:#}: {}", plain(key), plain(&value))?;
    writeln!(output, "      {faint}from {}{faint:#}", plain(&setting.origin))?;
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
    roles: Vec<RoleEntry<'a>>,
}

#[derive(Serialize)]
struct RoleEntry<'a> {
    role: String,
    settings: Vec<SettingEntry<'a>>,
}

#[derive(Serialize)]
struct SettingEntry<'a> {
    key: &'a str,
    value: &'a str,
    origin: &'a str,
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
        let roles = explained.roles.iter().map(|(role, config)| RoleEntry {
            role: role.to_string(),
            settings: config.iter().map(|(key, setting)| SettingEntry::of(key, setting)).collect(),
        });
        Self { place: super::json::Place::of(explained.object), roles: roles.collect() }
    }
}

impl<'a> SettingEntry<'a> {
    fn of(key: &'a str, setting: &'a Setting) -> Self {
        let overrode = setting.overrode.iter().map(|Overridden { key, value, origin }| OverriddenEntry {
            key,
            value: masked(key, value),
            origin,
        });
        Self {
            key,
            value: masked(key, &setting.value),
            origin: &setting.origin,
            path: setting.path.to_string(),
            overrode: overrode.collect(),
        }
    }
}
