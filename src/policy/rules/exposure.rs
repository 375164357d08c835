//! Rules on what a cluster lets others do: with its REST API, its version's known holes, its pods' rights on the node.

pub(super) mod credentials_in_plain_text;
pub(super) mod flink_known_vulnerable;
pub(super) mod jar_upload_open;
pub(super) mod pod_privileged;
mod rest;
pub(super) mod rest_exposed_by_ingress;
pub(super) mod rest_exposed_by_service;
