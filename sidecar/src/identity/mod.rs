//! Turns a provider's auth into headers or a query parameter of the upstream request. The only place that touches a
//! credential's value.
//!
//! ```text
//! authorise ─┬─ key, mounted or streamed ─────────────────▶ header or query
//!            ├─ the client's own ─────────────────────────▶ header
//!            └─ cloud ── engine ── lifecycle (pure) ──────▶ bearer, or signature over the final request
//!                          └─ exchange ── aws | azure | gcp (build, read: pure) ── transport
//! ```

mod authorise;
mod aws;
mod azure;
mod clock;
mod credential;
mod engine;
mod error;
mod exchange;
mod gcp;
mod hosts;
mod jwt;
mod keys;
mod lifecycle;
mod lifetime;
#[cfg(test)]
mod matrix;
mod projected;
mod reply;
mod secret;
mod source;
mod state;
mod told;
mod transport;

pub(crate) use authorise::{AuthError, Identity, Outgoing, Stamp};
pub(crate) use clock::Clock;
pub(crate) use engine::Engine;
pub(crate) use exchange::{Exchanger, Skews};
pub(crate) use keys::Keys;
pub(crate) use source::{Source, redact};
pub(crate) use told::CredentialStates;
pub(crate) use transport::Transport;

/// The variables that clouds' own webhooks set and that are read where a provider does not say.
pub(crate) fn variables() -> impl Iterator<Item = &'static str> {
    aws::VARIABLES.into_iter().chain(azure::VARIABLES)
}
