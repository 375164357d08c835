//! What becomes of a job that fails: without a strategy of its own, and with checkpoints, it is restarted without end.

use crate::flink::options::{FAILURE_RATE_MAX, FIXED_DELAY_ATTEMPTS};

/// The restart strategies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartStrategy {
    /// No restart at all.
    Off,
    /// A number of restarts.
    FixedDelay,
    /// A number of restarts within a time.
    FailureRate,
    /// Restarts without end, each later than the one before.
    ExponentialDelay,
}

impl RestartStrategy {
    /// The one that `value` of the option names; `None` for what Flink refuses.
    ///
    /// Source: Flink `RestartBackoffTimeStrategyFactoryLoader`, executed for 1.13 to 2.3; case does not matter.
    ///
    /// ```
    /// use flink_admission::flink::restart_strategy::RestartStrategy;
    /// assert_eq!(RestartStrategy::of("Disable"), Some(RestartStrategy::Off));
    /// assert_eq!(RestartStrategy::of("exponential"), None);
    /// ```
    #[must_use]
    pub fn of(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "none" | "off" | "disable" => Some(Self::Off),
            "fixed-delay" | "fixeddelay" => Some(Self::FixedDelay),
            "failure-rate" | "failurerate" => Some(Self::FailureRate),
            "exponential-delay" | "exponentialdelay" => Some(Self::ExponentialDelay),
            _ => None,
        }
    }
    /// The option that says how often it restarts a job, once where it is not set; `None` where a job is restarted never,
    /// or without end.
    #[must_use]
    pub const fn limit(self) -> Option<&'static str> {
        match self {
            Self::FixedDelay => Some(FIXED_DELAY_ATTEMPTS),
            Self::FailureRate => Some(FAILURE_RATE_MAX),
            Self::Off | Self::ExponentialDelay => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_has_several_names() {
        for (names, strategy) in [
            (["off", "NONE"], RestartStrategy::Off),
            (["fixed-delay", "FixedDelay"], RestartStrategy::FixedDelay),
            (["failure-rate", "failurerate"], RestartStrategy::FailureRate),
            (["Exponential-Delay", "exponentialdelay"], RestartStrategy::ExponentialDelay),
        ] {
            assert_eq!(names.map(RestartStrategy::of), [Some(strategy); 2], "{names:?}");
        }
    }
}
