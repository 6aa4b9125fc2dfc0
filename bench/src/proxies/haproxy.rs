//! haproxy, another plain proxy, and one that speaks HTTP/2 to its upstream.

use super::install::version_of;
use super::{Place, Proxy};
use crate::cases::{Case, Transport, Wire};
use tokio::process::Command;

pub(super) struct Haproxy;

impl Proxy for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn install(&self) -> anyhow::Result<String> {
        version_of("haproxy", "-v", "haproxy")
    }

    fn carries(&self, _case: &Case) -> bool {
        true
    }

    fn wire(&self, case: &Case) -> Wire {
        case.provider
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let Place { case, upstream, port, folder } = place;
        let mut tls = String::new();
        if let Some(authority) = upstream.authority_file(folder)? {
            let alpn = if case.transport == Transport::TlsH2 { "h2" } else { "http/1.1" };
            tls = format!(
                " ssl ssl-min-ver TLSv1.3 verify required verifyhost localhost sni str(localhost) ca-file {} alpn {alpn}",
                authority.display()
            );
        }
        let config = format!(
            "global\n  nbthread 1\n  maxconn 4096\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n  http-reuse always\n  option http-no-delay\n\
             frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n\
             backend b\n  server s 127.0.0.1:{}{tls}\n",
            upstream.port
        );
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, config)?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(file);
        Ok(Some(command))
    }
}
