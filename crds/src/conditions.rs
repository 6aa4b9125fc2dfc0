//! Condition types and reasons: the closed lists that docs, status and tests share.

/// The spec makes sense.
pub const ACCEPTED: &str = "Accepted";
/// All it refers to is there.
pub const RESOLVED_REFS: &str = "ResolvedRefs";
/// The sidecars concerned have the credential that its calls need; of AIProviders only.
pub const CREDENTIALS_READY: &str = "CredentialsReady";
/// The sidecars concerned serve this generation.
pub const PROGRAMMED: &str = "Programmed";
/// All of the above.
pub const READY: &str = "Ready";
/// Only when true: a rule can never be reached.
pub const OVERRIDDEN: &str = "Overridden";

/// Reasons, by condition. The first of each is the one of `True`.
pub mod reason {
    /// `Accepted` is true.
    pub const ACCEPTED: &str = "Accepted";
    /// `Accepted` is false: the spec contradicts itself.
    pub const INVALID: &str = "Invalid";
    /// `Accepted` is false: the provider type is of a newer operator.
    pub const UNSUPPORTED_TYPE: &str = "UnsupportedType";
    /// `Accepted` is false: the stored object does not parse.
    pub const UNPARSEABLE: &str = "Unparseable";
    /// `ResolvedRefs` is true.
    pub const RESOLVED_REFS: &str = "ResolvedRefs";
    /// `ResolvedRefs` is false: no such provider, or one that is not accepted.
    pub const BACKEND_NOT_FOUND: &str = "BackendNotFound";
    /// `ResolvedRefs` is false: no such Secret, or no such key in it.
    pub const SECRET_NOT_FOUND: &str = "SecretNotFound";
    /// `ResolvedRefs` is false: what the Secret holds is no key.
    pub const INVALID_SECRET_VALUE: &str = "InvalidSecretValue";
    /// `ResolvedRefs` is false: the operator may not read the Secret.
    pub const REF_NOT_PERMITTED: &str = "RefNotPermitted";
    /// `CredentialsReady` is true: every sidecar concerned has one that is valid.
    pub const CREDENTIALS_READY: &str = "CredentialsReady";
    /// `CredentialsReady` is true since calls carry no credential of the provider's.
    pub const NOT_NEEDED: &str = "NotNeeded";
    /// `CredentialsReady` is true, and at some sidecars the last try to renew it failed.
    pub const NOT_RENEWED: &str = "NotRenewed";
    /// `CredentialsReady` is false: some sidecars have none, and calls of theirs fail.
    pub const CREDENTIAL_UNAVAILABLE: &str = "CredentialUnavailable";
    /// `Programmed` is true.
    pub const PROGRAMMED: &str = "Programmed";
    /// `Programmed` and `CredentialsReady` are true since no running pod is concerned.
    pub const NO_SIDECARS: &str = "NoSidecars";
    /// `Programmed` is false: some sidecars do not serve this generation yet. `CredentialsReady` is unknown: some have
    /// not said yet.
    pub const PENDING: &str = "Pending";
    /// `Programmed` is false: a sidecar refused it.
    pub const REFUSED: &str = "Refused";
    /// `Programmed` is unknown: a sidecar has not been heard of for 30 s.
    pub const SIDECARS_UNREACHABLE: &str = "SidecarsUnreachable";
    /// `Ready` is true.
    pub const READY: &str = "Ready";
    /// `Overridden` is true.
    pub const OVERRIDDEN: &str = "Overridden";
}
