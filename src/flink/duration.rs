//! Lengths of time, as Flink writes them.

use crate::flink::config_file::trim;
use crate::flink::version::FlinkVersion;

/// The nanoseconds that `text` means to Flink: digits and a unit in any case; no unit is milliseconds. From 2.0 on the
/// number may have more than 64 bits, from 2.1 on the whole may be an ISO 8601 length.
///
/// `None` for what Flink refuses. Source: Flink `TimeUtils.parseDuration`, executed for 1.13 to 2.3.
///
/// ```
/// use flink_admission::flink::duration::nanoseconds;
/// use flink_admission::flink::version::FlinkVersion;
/// assert_eq!(nanoseconds("15 s", None), nanoseconds("15000", None));
/// assert_eq!(nanoseconds("PT15S", None), None);
/// assert_eq!(nanoseconds("PT15S", Some(FlinkVersion::new(2, 1))), nanoseconds("15 s", None));
/// ```
#[must_use]
pub fn nanoseconds(text: &str, version: Option<FlinkVersion>) -> Option<u128> {
    let text = trim(text);
    let is_since = |minor| version.is_some_and(|version| version.at_least(2, minor));
    if let Some(length) = iso_8601(text).filter(|_| is_since(1)) {
        return Some(length);
    }
    let (digits, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let factor: u128 = match trim(unit).to_lowercase().as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        // Not of 1.13; which of 1.14 and 1.15 brought it was not seen.
        "m" if version.is_some_and(|version| !version.at_least(1, 15)) => return None,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hour" | "hours" => 3_600 * SECOND,
        "d" | "day" | "days" => 86_400 * SECOND,
        _ => return None,
    };
    let number = digits.parse::<u128>().ok().filter(|number| is_since(0) || i64::try_from(*number).is_ok())?;
    bounded(number.checked_mul(factor)?)
}

/// `P1DT2H3M4.5S`, in any case, each number with a sign if it has one; together they are not below zero.
fn iso_8601(text: &str) -> Option<u128> {
    let text = text.to_ascii_uppercase();
    let (sign, rest) = signed(&text);
    let (date, time) =
        rest.strip_prefix('P')?.split_once('T').map_or((rest.strip_prefix('P')?, None), |(d, t)| (d, Some(t)));
    let mut length = 0_i128;
    let mut read = |mut rest: String, units: &[(char, u128)]| -> Option<bool> {
        let is_empty = rest.is_empty();
        for (unit, factor) in units {
            let Some((number, behind)) = rest.split_once(*unit) else { continue };
            let (sign, number) = signed(number);
            // Only seconds have a fraction, and Java takes a comma for a point.
            let (whole, fraction) = number.split_once(['.', ',']).filter(|_| *unit == 'S').unwrap_or((number, ""));
            let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
                return None;
            }
            let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
            let whole = whole.parse::<i64>().ok()?;
            length += sign * (i128::from(whole) * i128::try_from(*factor).ok()? + nanos);
            rest = behind.to_owned();
        }
        rest.is_empty().then_some(is_empty)
    };
    let has_no_date = read(date.to_owned(), &[('D', 86_400 * SECOND)])?;
    let has_no_time = match time {
        Some(time) => read(time.to_owned(), &[('H', 3_600 * SECOND), ('M', 60 * SECOND), ('S', SECOND)])?,
        None => false,
    };
    if has_no_time || (has_no_date && time.is_none()) {
        return None;
    }
    bounded(u128::try_from(sign * length).ok()?)
}

fn signed(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Java counts whole seconds in 64 bits.
fn bounded(length: u128) -> Option<u128> {
    (length / SECOND <= u128::from(i64::MAX.unsigned_abs())).then_some(length)
}

const SECOND: u128 = 1_000_000_000;

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
            assert_eq!(nanoseconds(text, None), Some(expected), "{text}");
        }
        for text in
            ["", "s", "PT15S", "1.5 s", "-1 s", "1 week", "${LEASE}", "9223372036854775808", "9223372036854775807 d"]
        {
            assert_eq!(nanoseconds(text, None), None, "{text}");
        }
    }

    /// Each was given to `Configuration.get` of 2.1.3 and 2.3.0; up to 2.0.2 all of them are refused.
    #[test]
    fn from_2_1_on_a_length_may_be_one_of_iso_8601() {
        let of = |minor| Some(FlinkVersion::new(2, minor));
        for (text, expected) in [
            ("PT15S", 15 * SECOND),
            (" pt1m ", 60 * SECOND),
            ("P1D", 86_400 * SECOND),
            ("P1DT2H", 93_600 * SECOND),
            ("PT1,5S", 1_500_000_000),
            ("PT0.001S", 1_000_000),
            ("+PT1S", SECOND),
            ("PT+1S", SECOND),
            ("PT1.S", SECOND),
            ("PT0.000000001S", 1),
        ] {
            assert_eq!((nanoseconds(text, of(1)), nanoseconds(text, of(0))), (Some(expected), None), "{text}");
        }
        let refused = "PT P P1W PT1M30 PT-1S -PT1S P-1D PT1.5M PTS 1D2 PT++1S PT1.+5S PT.5S PT0.0000000001S";
        for text in refused.split(' ') {
            assert_eq!(nanoseconds(text, of(3)), None, "{text}");
        }
    }

    #[test]
    fn up_to_1_14_a_minute_is_no_m() {
        let of = |text, minor| nanoseconds(text, Some(FlinkVersion::new(1, minor)));
        assert_eq!([of("1 m", 13), of("1 m", 14), of("1 m", 15)], [None, None, Some(60 * SECOND)]);
        assert_eq!([of("1 min", 13), of("1 ms", 13)], [Some(60 * SECOND), Some(1_000_000)]);
    }
}
