//! Rules on what the policy wants filled in.

pub(super) mod ha_not_added;
pub(super) mod ha_required;
pub(super) mod injected_value_missing;
pub(super) mod volume_conflict;
