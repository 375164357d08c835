//! What Flink does: versions, options, configuration, pod templates, file systems.

pub mod arguments;
pub mod cluster;
pub mod config_file;
pub mod configuration;
pub mod deployment;
pub mod duration;
pub mod fields;
pub mod identity;
pub mod image;
pub mod location;
pub mod memory;
pub mod options;
pub mod placeholder;
pub mod plugins;
pub mod pod;
pub mod raw;
pub mod rest;
pub mod rights;
pub mod sensitive;
pub mod session_job;
pub mod spelling;
pub mod spread;
pub mod template;
pub mod uploads;
pub mod user;
pub mod version;
