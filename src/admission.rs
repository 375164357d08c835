//! The wire between the API server and us: AdmissionReview v1 in, AdmissionReview v1 out.

mod reply;
mod review;

pub use reply::{encode, encode_malformed};
pub use review::{GroupVersionKind, Malformed, Operation, Review, decode};
