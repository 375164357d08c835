//! What becomes of a job that fails.

/// The restart strategies that may end a job at an early failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartStrategy {
    /// No restart at all.
    Off,
    /// A number of restarts.
    FixedDelay,
    /// A number of restarts within a time.
    FailureRate,
}

impl RestartStrategy {
    /// The one that `value` of the option names; `None` for one that goes on, and for what Flink refuses.
    ///
    /// Source: Flink `RestartBackoffTimeStrategyFactoryLoader`, executed for 1.13 to 2.3; case does not matter.
    ///
    /// ```
    /// use flink_admission::flink::restart_strategy::RestartStrategy;
    /// assert_eq!(RestartStrategy::of("Disable"), Some(RestartStrategy::Off));
    /// assert_eq!(RestartStrategy::of("exponential-delay"), None);
    /// ```
    #[must_use]
    pub fn of(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "none" | "off" | "disable" => Some(Self::Off),
            "fixed-delay" | "fixeddelay" => Some(Self::FixedDelay),
            "failure-rate" | "failurerate" => Some(Self::FailureRate),
            _ => None,
        }
    }
}
