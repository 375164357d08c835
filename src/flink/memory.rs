//! Sizes of memory, as Flink writes them and as Kubernetes does.
//!
//! ```
//! use flink_admission::flink::memory;
//! assert_eq!(memory::size("1 gb"), Some(1 << 30));
//! assert_eq!(memory::quantity(&serde_json::json!("1G")), Some(1_000_000_000));
//! ```

pub mod process;

use serde_json::Value;

use crate::flink::config_file::trim;

/// Bytes in a mebibyte, Flink's `m`.
pub const MEBIBYTE: u64 = 1 << 20;

/// The bytes that `text` means to Flink: digits and a unit in any case; `1g`, `1 gb` and `1gibibytes` are 2³⁰.
///
/// `None` for what Flink refuses. Source: Flink `MemorySize.parseBytes`, the same from 1.13 to 2.3.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let text = trim(text);
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let power = match trim(unit).to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 1,
        "m" | "mb" | "mebibytes" => 2,
        "g" | "gb" | "gibibytes" => 3,
        "t" | "tb" | "tebibytes" => 4,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(1 << (10 * power))?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

/// The bytes that a Kubernetes quantity means, rounded up; `None` for what is none, or below zero, or beyond 64 bits.
///
/// Source: Kubernetes `resource.Quantity`: `<number><suffix>` with suffix `Ki` to `Ei`, `n` to `E`, or an exponent.
#[must_use]
pub fn quantity(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => quantity_of(text.trim()),
        Value::Number(number) => quantity_of(&number.to_string()),
        _ => None,
    }
}

fn quantity_of(text: &str) -> Option<u64> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_numeral = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let (number, suffix) = text.split_at(text.bytes().take_while(is_numeral).count());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut numerator: u128 = format!("{whole}{fraction}").parse().ok()?;
    let mut exponent = -i32::try_from(fraction.len()).ok()?;
    let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].into_iter().zip((-9..=18).step_by(3));
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter().zip((10_u32..).step_by(10));
    if let Some((_, ten)) = decimal.into_iter().find(|(unit, _)| *unit == suffix) {
        exponent += ten;
    } else if let Some((_, two)) = binary.into_iter().find(|(unit, _)| *unit == suffix) {
        numerator = numerator.checked_mul(1_u128 << two)?;
    } else {
        let written: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        exponent = exponent.checked_add(written)?;
    }
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let bytes = match power {
        Some(power) if exponent >= 0 => numerator.checked_mul(power)?,
        Some(power) => numerator.div_ceil(power),
        None if numerator == 0 => 0,
        None if exponent < 0 => 1,
        None => return None,
    };
    u64::try_from(bytes).ok()
}

/// `bytes` for people: `1600 MiB`, below a mebibyte `2 bytes`.
#[must_use]
pub fn words(bytes: u64) -> String {
    if bytes < MEBIBYTE { format!("{bytes} bytes") } else { format!("{} MiB", bytes / MEBIBYTE) }
}

/// No quantity that means something is longer.
const LONGEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_are_read_as_flink_reads_them() {
        for (text, expected) in [
            ("1600m", 1600 << 20),
            (" 1 gb ", 1 << 30),
            ("1600MB", 1600 << 20),
            ("1GibiBytes", 1 << 30),
            ("2tb", 2 << 40),
            ("3 kibibytes", 3 << 10),
            ("1073741824", 1 << 30),
            ("512b", 512),
            ("0", 0),
        ] {
            assert_eq!(size(text), Some(expected), "{text}");
        }
        for text in
            ["", "m", "1.5g", "1Gi", "-1m", "${SIZE}", "1 m m", "9223372036854775808", "9999999t", "１m", "1m\u{a0}"]
        {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (value, expected) in [
            (json!("2Gi"), 2 << 30),
            (json!("2G"), 2_000_000_000),
            (json!("2048Mi"), 2 << 30),
            (json!("1e9"), 1_000_000_000),
            (json!("1E3"), 1000),
            (json!("1E"), 1_000_000_000_000_000_000),
            (json!(2_147_483_648_u64), 2 << 30),
            (json!(1.5e9), 1_500_000_000),
            (json!("0.5Gi"), 512 << 20),
            (json!("1.7Gi"), 1_825_361_101),
            (json!("1600m"), 2),
            (json!("128974848000m"), 128_974_848),
            (json!("+5k"), 5000),
            (json!("5."), 5),
            (json!("1e-99"), 1),
            (json!("0"), 0),
            (json!("0e99"), 0),
            (json!(".5k"), 500),
            (json!("0".repeat(31) + "7"), 7),
        ] {
            assert_eq!(quantity(&value), Some(expected), "{value}");
        }
        for value in [
            json!(""),
            json!("Gi"),
            json!("."),
            json!("1.2.3"),
            json!("-1"),
            json!("1gb"),
            json!("2 Gi"),
            json!("1e"),
            json!("1e99"),
            json!("1e99999999999"),
            json!("99Ei"),
            json!("${LIMIT}"),
            json!(null),
            json!("0".repeat(32) + "7"),
        ] {
            assert_eq!(quantity(&value), None, "{value}");
        }
    }

    #[test]
    fn words_round_down() {
        assert_eq!((words(2_000_000_000), words(2)), ("1907 MiB".to_owned(), "2 bytes".to_owned()));
        assert_eq!(words(MEBIBYTE), "1 MiB");
    }
}
