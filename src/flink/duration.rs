//! Lengths of time, as Flink writes them.

/// The nanoseconds that `text` means to Flink: digits and a unit in any case; no unit is milliseconds.
///
/// `None` for what Flink refuses, an ISO 8601 length included. Source: Flink `TimeUtils.parseDuration`, executed for 1.20.5.
///
/// ```
/// use flink_admission::flink::duration::nanoseconds;
/// assert_eq!(nanoseconds("15 s"), nanoseconds("15000"));
/// assert_eq!(nanoseconds("PT15S"), None);
/// ```
#[must_use]
pub fn nanoseconds(text: &str) -> Option<u128> {
    let text = text.trim();
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let factor: u128 = match unit.trim().to_lowercase().as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "minute" | "minutes" => 60 * 1_000_000_000,
        "h" | "hour" | "hours" => 3_600 * 1_000_000_000,
        "d" | "day" | "days" => 86_400 * 1_000_000_000,
        _ => return None,
    };
    let number = digits.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok())?;
    Some(u128::from(number) * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_flink_reads_them() {
        for (text, expected) in [
            ("15 s", 15_000_000_000_u128),
            ("20", 20_000_000),
            (" 1 m ", 60_000_000_000),
            ("2minutes", 120_000_000_000),
            ("3 h", 10_800_000_000_000),
            ("1hour", 3_600_000_000_000),
            ("1 d", 86_400_000_000_000),
            ("5 SECS", 5_000_000_000),
            ("7µs", 7_000),
            ("9ns", 9),
        ] {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
        for text in ["", "s", "PT15S", "1.5 s", "-1 s", "1 week", "${LEASE}", "9223372036854775808"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
