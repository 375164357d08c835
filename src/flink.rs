//! What Flink does: versions, options, configuration, file systems.

pub mod configuration;
pub mod sensitive;
