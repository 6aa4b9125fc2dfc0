//! What one object proves wrong by itself. The API server's schema refuses most of it already; this holds offline too,
//! and for objects that were stored under another schema.

mod identity;
mod provider;
mod route;

pub use identity::is_pool_provider;
pub(crate) use identity::{is_domain, is_email, is_guid, is_region, is_role};
pub use provider::check_provider;
pub use route::check_route;

/// Whether `text` can stand as a header's name.
fn is_header_name(text: &str) -> bool {
    http::HeaderName::from_bytes(text.as_bytes()).is_ok()
}
