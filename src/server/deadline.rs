//! How long look-ups of one review may take.

use std::time::Duration;

/// The time for look-ups: three quarters of what the request has.
///
/// `query` may hold `timeout=10s`, which the API server rounds up to whole seconds; where it is below `configured`, part
/// of the time is already gone and up to a second of it may be due to the rounding, which is taken off.
pub(super) fn for_look_ups(query: Option<&str>, configured: Duration) -> Duration {
    let asked = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(parse_duration)
        .filter(|&asked| asked < configured);
    match asked {
        Some(asked) => (asked * 3 / 4).saturating_sub(Duration::from_secs(1)),
        None => configured * 3 / 4,
    }
}

/// Reads a duration as Go writes it: `10s`, `1m30s`, `1.5s`, `250ms`; at most a day. `None` for anything else.
///
/// ```
/// use std::time::Duration;
/// use flink_admission::server::parse_duration;
///
/// assert_eq!(parse_duration("1m30s"), Some(Duration::from_secs(90)));
/// assert_eq!(parse_duration("soon"), None);
/// ```
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|&duration| duration <= Duration::from_hours(24))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIGURED: Duration = Duration::from_secs(10);

    #[test]
    fn the_whole_time_gives_three_quarters_and_less_gives_a_second_less() {
        let cases = [
            (None, 7500),
            (Some("timeout=10s"), 7500),
            (Some("timeout=30s"), 7500),
            (Some("a=b&timeout=8s"), 5000),
            (Some("timeout=1s"), 0),
            (Some("timeout=rubbish"), 7500),
        ];
        for (query, millis) in cases {
            assert_eq!(for_look_ups(query, CONFIGURED), Duration::from_millis(millis), "{query:?}");
        }
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(parse_duration("1h0m0.5s"), Some(Duration::from_millis(3_600_500)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "10", "s", "-1s", "1x", "1..2s", "99999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_query_gives_less_time_than_configured(query in ".*") {
            prop_assert!(for_look_ups(Some(&query), CONFIGURED) < CONFIGURED);
        }
    }
}
