//! The proxies that are compared, one file each, set up to do the least they can: one worker, keep-alive, no logs, no
//! buffering.
//!
//! Gateways (ours, LiteLLM, Portkey, smg) are asked in the client's format and translate where they can; plain proxies
//! (nginx, haproxy) relay the provider's own. What comes from a registry of packages is pinned here and installed into
//! the cache outside the workspace.

mod direct;
mod haproxy;
mod install;
mod litellm;
mod nginx;
mod portkey;
mod sidecar;
mod smg;

use crate::cases::{Case, Wire};
use crate::load::Client;
use crate::process::{Counted, Process};
use crate::upstream::Upstream;
use anyhow::Context;
use http::HeaderMap;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// What every ratio is taken to.
pub(crate) const REFERENCE: &str = "nginx";
/// Ours.
pub(crate) const OURS: &str = "pillion";
/// No proxy: the load asks the upstream.
pub(crate) const DIRECT: &str = "direct";

/// Where a proxy is to listen, what stands behind it, and a folder for its files.
pub(crate) struct Place<'a> {
    pub(crate) case: &'a Case,
    pub(crate) upstream: &'a Upstream,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

/// One program, and how it is set up.
pub(crate) trait Proxy {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// Installs it where it is missing, and says its version.
    fn install(&self) -> anyhow::Result<String>;

    /// Whether it can carry the case.
    fn carries(&self, case: &Case) -> bool;

    /// The client's format that goes through it.
    fn wire(&self, case: &Case) -> Wire {
        case.client
    }

    /// Headers that it wants from a client.
    fn headers(&self, _case: &Case, _upstream: &Upstream) -> HeaderMap {
        HeaderMap::new()
    }

    /// Whose cost counts.
    fn counted(&self) -> Counted {
        Counted::All
    }

    /// How it is started; none where no process stands between.
    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>>;
}

/// nginx, ours at `sidecar`, and those of `names`.
pub(crate) fn choose(sidecar: &Path, names: &[String]) -> anyhow::Result<Vec<Box<dyn Proxy>>> {
    let mut chosen: Vec<Box<dyn Proxy>> = vec![Box::new(nginx::Nginx), Box::new(sidecar::Sidecar(sidecar.to_owned()))];
    for name in names {
        let others: [Box<dyn Proxy>; 5] = [
            Box::new(direct::Direct),
            Box::new(haproxy::Haproxy),
            Box::new(litellm::LiteLLM),
            Box::new(portkey::Portkey),
            Box::new(smg::Smg),
        ];
        let known: Vec<_> = others.iter().map(|proxy| proxy.name()).collect();
        let unknown = format!("'{name}' is none of: {}", known.join(", "));
        let proxy = others.into_iter().find(|proxy| proxy.name() == name).context(unknown)?;
        if chosen.iter().all(|other| other.name() != proxy.name()) {
            chosen.push(proxy);
        }
    }
    Ok(chosen)
}

/// A proxy that serves, and who asks it.
pub(crate) struct Running {
    pub(crate) process: Option<Process>,
    pub(crate) client: Client,
}

/// Starts `proxy` before `upstream`, its files in `folder`.
pub(crate) async fn start(
    proxy: &dyn Proxy,
    case: &Case,
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<Running> {
    let place = Place { case, upstream, port: free_port()?, folder: folder.join(proxy.name()) };
    std::fs::create_dir_all(&place.folder)?;
    let mut client = Client {
        port: place.port,
        wire: proxy.wire(case),
        headers: proxy.headers(case, upstream),
        epoch: upstream.epoch,
    };
    let Some(command) = proxy.command(&place)? else {
        client.port = upstream.port;
        return Ok(Running { process: None, client });
    };
    let process = Process::start(command, place.port, proxy.counted(), &place.folder.join("log")).await?;
    Ok(Running { process: Some(process), client })
}

/// A port that nobody listens on.
fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
