//! What the program tells of itself: log lines and metrics.

pub mod logs;
mod metrics;

pub use metrics::{Metrics, Reviewed};
