//! What Flink does: versions, options, configuration, pod templates, file systems.

pub mod cluster;
pub mod configuration;
pub mod deployment;
pub mod image;
pub mod location;
pub mod options;
pub mod pod;
pub mod sensitive;
pub mod template;
pub mod version;
