//! What the webhook asks of its cluster and keeps in it: look-ups, the authority's Secret, its webhook configurations.
//!
//! [`Keeper`] keeps what the API server needs to call us, [`LookUps`] answers what a review must know.

mod authority_secret;
mod bundle;
mod client;
mod configurations;
mod election;
mod events;
mod installation;
mod keeper;
mod look_up;
mod members;
mod probe;

pub use authority_secret::{AuthoritySecret, SecretError, Wish};
pub use bundle::Bundle;
pub use client::{ConnectError, client_of, connect, connect_to_watch, explain};
pub use configurations::{
    By, ConfigurationError, Configurations, KINDS, Kept, Kind, NotWanted, Standing, Wanted, bundles, proved,
};
pub use installation::{
    AUTHORITY_ANNOTATION, INSTALLATION_LABEL, Installation, MEMBER_LABEL, NONCE_ANNOTATION, PROBE_LABEL,
    PROVED_ANNOTATION, ROTATE_ANNOTATION, VERSION_ANNOTATION,
};
pub use keeper::{Keeper, Settings, Source, StartError};
pub use look_up::LookUps;
pub use probe::{Probed, probe};
