//! How much was compared, so that a test in which nothing could be does not hold.

use std::cell::Cell;

/// Counts of what was compared, and of what could not be.
#[derive(Debug, Default)]
pub struct Compared {
    /// FlinkDeployments of which the operator makes a configuration.
    pub effective: Count,
    /// Those of which it makes none.
    pub none: Count,
    /// Pairs of pod templates that are merged by position.
    pub by_position: Count,
    /// Pairs that are merged by name.
    pub by_name: Count,
    /// Pod templates that are none to the operator.
    pub unreadable: Count,
}

/// A number that goes up.
#[derive(Debug, Default)]
pub struct Count(Cell<u32>);

impl Compared {
    /// All counts.
    pub fn in_words(&self) -> String {
        let Self { effective, none, by_position, by_name, unreadable } = self;
        format!(
            "{} configurations ({} have none), {} pod templates by position, {} by name ({} are unreadable)",
            effective.get(),
            none.get(),
            by_position.get(),
            by_name.get(),
            unreadable.get()
        )
    }

    /// Of `read` FlinkDeployments.
    pub fn assert_enough(&self, read: u32) {
        let Self { effective, none: _, by_position, by_name, unreadable } = self;
        let is_enough = effective.get() * 2 > read
            && by_position.get() * 20 > read
            && by_name.get() * 40 > read
            && unreadable.get() * 20 < by_position.get() + by_name.get();
        assert!(is_enough, "too little was compared in {read} FlinkDeployments: {}", self.in_words());
    }
}

impl Count {
    /// One more where `yes`.
    pub fn count(&self, yes: bool) {
        self.0.set(self.0.get() + u32::from(yes));
    }

    fn get(&self) -> u32 {
        self.0.get()
    }
}
