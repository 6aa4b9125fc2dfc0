//! No proxy at all: the load asks the upstream, which shows what both of them give when nothing stands between.
//!
//! Its CPU time is that of this program, load and upstream together. While more requests a second go this way than
//! through any proxy, and deltas arrive in time, the upstream is not what a proxy waits for.

use super::{DIRECT, Place, Proxy};
use crate::cases::{Case, Transport, Wire};
use tokio::process::Command;

pub(super) struct Direct;

impl Proxy for Direct {
    fn name(&self) -> &'static str {
        DIRECT
    }

    fn install(&self) -> anyhow::Result<String> {
        Ok(env!("CARGO_PKG_VERSION").to_owned())
    }

    /// The load speaks no TLS.
    fn carries(&self, case: &Case) -> bool {
        case.transport == Transport::Plain
    }

    fn wire(&self, case: &Case) -> Wire {
        case.provider
    }

    fn command(&self, _place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        Ok(None)
    }
}
