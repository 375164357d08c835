//! FlinkPolicy: what a platform team wants, and the rules that judge by it.

mod finding;

pub use finding::{Finding, Level, Role};

/// The policies that are in force; the one that matches an object's namespace applies whole.
#[derive(Debug, Clone, Default)]
pub struct Policies {}

impl Policies {
    /// The built-in policy alone.
    #[must_use]
    pub fn built_in() -> Self {
        Self {}
    }

    /// One policy from the text of a file, as `--policy` takes it.
    ///
    /// # Errors
    /// The path of the field that is wrong, what is wrong with it and the words that are known.
    pub fn from_text(text: &str) -> Result<Self, Refused> {
        let _ = text;
        Ok(Self {})
    }

    /// Names of the policies, highest priority first, for people: `platform (profile baseline, enforcement enforce)`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether any policy asks for provisioning (`serviceAccount.provision`, `volumes[].provision`).
    #[must_use]
    pub fn asks_for_provisioning(&self) -> bool {
        false
    }
}

/// Why a policy document is refused.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Refused {
    /// Path of the field: `spec.rules["storage-on-empty-dri"]`.
    pub path: String,
    /// What is wrong, and the known words.
    pub reason: String,
}
