//! All that talks to the API server: controllers, webhooks, config server, certificates; and what the command line
//! `pillion` does offline.
//!
//! ```text
//!   watches ──▶ index ──▶ compile ──▶ config_server ──▶ sidecars
//!                 │           └─────▶ status ◀── acks ──┘
//!                 └──▶ webhooks (inject, validate) ◀── API server
//! ```

pub mod config;
pub mod inject;
pub mod manifests;
pub mod quantity;
