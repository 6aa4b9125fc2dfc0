//! All that talks to the API server: controllers, webhooks, config server, certificates; and what the command line
//! `pillion` does offline.
//!
//! ```text
//!   watches ──▶ index ──▶ controllers (compile) ──▶ config_server ──▶ sidecars
//!                 │              └────────────────▶ status ◀── acks ──┘
//!                 └──▶ webhooks (inject, validate) ◀── API server
//! ```

pub mod certs;
pub mod config;
mod config_server;
mod controllers;
pub mod doctor;
mod events;
mod health;
mod index;
pub mod inject;
mod kubernetes;
mod leader;
pub mod manifests;
mod metrics;
pub mod quantity;
mod run;
mod secrets;
mod serve;
mod status;
pub mod webhooks;

pub use run::{Addresses, Listeners, RunError, Settings, run};
