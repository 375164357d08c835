//! Writes settings as people do, and as they should not.

use super::settings::Setting;

/// Bits of a setting's taste, taken one after the other.
struct Taste(u32);

impl Taste {
    /// One of `number` ways.
    fn of(&mut self, number: u32) -> u32 {
        let way = self.0 % number;
        self.0 /= number;
        way
    }
}

/// `settings` as lines of `flink-conf.yaml`.
pub fn legacy(settings: &[Setting]) -> String {
    let mut text = String::new();
    for Setting { key, value, taste } in settings {
        let mut taste = Taste(*taste);
        let before = ["", "", "", "", "", " ", "\t", "  "][taste.of(8) as usize];
        let colon = [": ", ": ", ": ", ": ", ": ", ": ", ":  ", ":", " : ", ":\t", ": \t"][taste.of(11) as usize];
        let quotes = ["", "", "", "", "'", "\""][taste.of(6) as usize];
        let behind = ["", "", "", "", "", " ", " # note", "#note", "\t"][taste.of(9) as usize];
        let end =
            ["\n", "\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n", "\n# note: x\n", "\n---\n"][taste.of(10) as usize];
        text.extend([before, key, colon, quotes, value, quotes, behind, end]);
    }
    text
}

/// What stands behind a key.
enum Node {
    /// A scalar or a list, as it is written.
    Value(String),
    Map(Vec<(String, Node)>),
}

/// `settings` as `config.yaml`: nested, flat or both.
pub fn standard(settings: &[Setting]) -> String {
    let mut root = Vec::new();
    let mut tastes = Vec::new();
    for Setting { key, value, taste } in settings {
        let mut taste = Taste(*taste);
        let written = written(value, &mut taste);
        // Nested, flat, or nested in part.
        let parts: Vec<String> = match taste.of(4) {
            0 => vec![key.clone()],
            1 => key.split_once('.').map_or_else(|| vec![key.clone()], |(a, b)| vec![a.to_owned(), b.to_owned()]),
            2 => key.rsplit_once('.').map_or_else(|| vec![key.clone()], |(a, b)| vec![a.to_owned(), b.to_owned()]),
            _ => key.split('.').map(str::to_owned).collect(),
        };
        let merges = taste.of(16) != 0;
        insert(&mut root, &parts, Node::Value(written), merges);
        tastes.push(taste);
    }
    let mut taste = tastes.pop().unwrap_or(Taste(0));
    let mut text = ["", "", "", "# note\n", "---\n", "\n", "%YAML 1.2\n---\n"][taste.of(7) as usize].to_owned();
    let step = [2, 2, 4, 1][taste.of(4) as usize];
    write(&mut text, &root, 0, step, &mut taste);
    let text = if taste.of(12) == 11 { text.replace('\n', "\r\n") } else { text };
    match taste.of(12) {
        10 => text.trim_end().to_owned(),
        11 => format!("{text}...\n"),
        _ => text,
    }
}

fn insert(map: &mut Vec<(String, Node)>, parts: &[String], value: Node, merges: bool) {
    let Some((first, rest)) = parts.split_first() else { return };
    let former = map.iter_mut().find(|(key, _)| key == first);
    match (former, rest) {
        (Some((_, Node::Map(below))), [_, ..]) if merges => insert(below, rest, value, merges),
        // Of two that would be one the later stays, for most are to be read.
        (Some((_, former)), []) if merges => *former = value,
        (Some((_, former)), _) if merges => {
            let mut below = Vec::new();
            insert(&mut below, rest, value, merges);
            *former = Node::Map(below);
        }
        (_, []) => map.push((first.clone(), value)),
        _ => {
            let mut below = Vec::new();
            insert(&mut below, rest, value, merges);
            map.push((first.clone(), Node::Map(below)));
        }
    }
}

fn write(text: &mut String, map: &[(String, Node)], indent: usize, step: usize, taste: &mut Taste) {
    for (key, node) in map {
        text.push_str(&" ".repeat(indent));
        text.push_str(&key_written(key));
        match node {
            Node::Value(value) => {
                text.push_str(match taste.of(48) {
                    // Where no bits are left, it is always the first way.
                    47 => ":\t",
                    1..6 => ":  ",
                    6..10 => " : ",
                    _ => ": ",
                });
                text.push_str(&value.replace('\u{1}', &" ".repeat(indent + step)));
                text.push_str(["\n", "\n", "\n", " # note\n", "\n\n", "  \n"][taste.of(6) as usize]);
            }
            Node::Map(below) if taste.of(9) == 0 => {
                let pairs: Vec<String> = below.iter().map(flow).collect();
                text.extend([": {", &pairs.join(", "), "}\n"]);
            }
            Node::Map(below) => {
                text.push_str([":\n", ":\n", ":\n", ": # note\n", ": &a\n"][taste.of(5) as usize]);
                write(text, below, indent + step, step, taste);
            }
        }
        // Once the bits are used up, all that is left would be written in one way.
        if taste.0 == 0 {
            *taste =
                Taste(key.bytes().fold(2_166_136_261, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619)));
        }
    }
}

fn flow((key, node): &(String, Node)) -> String {
    match node {
        Node::Value(value) => format!("{}: {}", key_written(key), value.replace('\u{1}', "    ")),
        Node::Map(below) => {
            format!("{}: {{{}}}", key_written(key), below.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key in quotes where it would be none without.
fn key_written(key: &str) -> String {
    let is_plain = key.chars().all(|c| c.is_alphanumeric() || "-_./~<".contains(c)) && !key.starts_with('-');
    if is_plain && !key.is_empty() { key.to_owned() } else { format!("\"{}\"", escaped(key)) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A value in one of the ways of YAML; `\u{1}` stands for the indentation of a line below its key.
fn written(value: &str, taste: &mut Taste) -> String {
    let is_plain = value.chars().all(|c| c.is_alphanumeric() || "-_./ +%=".contains(c))
        && !value.is_empty()
        && value.trim() == value
        && !value.starts_with(['-', '%', '='])
        && !["null", "~", "Null", "NULL"].contains(&value);
    let double = || format!("\"{}\"", escaped(value));
    let single = || format!("'{}'", value.replace('\'', "''"));
    match taste.of(48) {
        47 => value.to_owned(),
        1 => format!("[{}, b]", single()),
        2 => format!("\n\u{1}- {}\n\u{1}- {{k: [x, 1.0]}}", double()),
        3 => format!("|\n\u{1}{value}"),
        4 => format!(">-\n\u{1}{value}\n\u{1}more"),
        5 => format!("&a{} {}", value.len(), double()),
        6 => format!("!!str {}", double()),
        7 => format!("\n\u{1}{}", double()),
        8..=10 | 20..=24 => single(),
        11..=12 | 25..=28 => double(),
        13 if taste.of(4) == 0 => format!("!!int {value}"),
        _ if is_plain
            || value.len() > 3
                && !value.contains([
                    ':', '#', '\'', '"', '{', '[', ',', '&', '*', '!', '|', '>', '@', '`', '\t', '\u{2028}', '?',
                ]) =>
        {
            value.trim().to_owned()
        }
        _ => double(),
    }
}
