//! What clouds take as proof: a bearer token, or keys to sign with. Whose it is and how long it lasts stand beside it.

use super::secret::Secret;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A credential of a cloud. `Debug` shows its kind only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    Bearer(Secret),
    Aws(Arc<AwsKeys>),
}

/// Keys that AWS requests are signed with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AwsKeys {
    pub(crate) access_key_id: Secret,
    pub(crate) secret_access_key: Secret,
    pub(crate) session_token: Option<Secret>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(redacted)",
            Self::Aws(_) => "Aws(redacted)",
        })
    }
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsKeys(redacted)")
    }
}

/// A credential as an exchange gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) credential: Credential,
    /// It must not be used from here on.
    pub(crate) deadline: Instant,
    /// When its issuer wants to be asked for the next one.
    pub(crate) refresh_in: Option<Duration>,
    pub(crate) habit: Habit,
}

/// What is peculiar to an issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habit {
    /// It gives the same credential again until so long before its end.
    pub(crate) keeps_until: Option<Duration>,
    /// Its credentials may be used for so long after their end while it cannot be reached: the cloud extends them when
    /// its own metadata service is in trouble ("static stability").
    pub(crate) grace: Duration,
}
