//! The proxies that are compared, each set up to do the least it can: one worker, keep-alive, no logs, no buffering.

use crate::cases::{Case, Transport, Wire};
use crate::process::Process;
use crate::upstream::Upstream;
use anyhow::bail;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Which program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// The reference.
    Nginx,
    /// Ours.
    Sidecar(PathBuf),
    /// Another plain proxy.
    Haproxy,
}

impl Proxy {
    /// By its name on the command line.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        match name {
            "haproxy" => Ok(Self::Haproxy),
            other => bail!("'{other}' is none of: haproxy"),
        }
    }

    /// What it is called in the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Sidecar(_) => "pillion",
            Self::Haproxy => "haproxy",
        }
    }

    /// Whether it can carry the case: plain proxies do not speak HTTP/2 to their upstreams.
    pub(crate) fn carries(&self, case: &Case) -> bool {
        matches!(self, Self::Sidecar(_)) || case.transport != Transport::TlsH2
    }

    /// The client's format that goes through it: a plain proxy relays the provider's own.
    pub(crate) fn wire(&self, case: &Case) -> Wire {
        if matches!(self, Self::Sidecar(_)) { case.client } else { case.provider }
    }

    /// Starts it before `upstream`, its files in `folder`.
    pub(crate) async fn start(&self, case: &Case, upstream: &Upstream, folder: &Path) -> anyhow::Result<Process> {
        let port = free_port().await?;
        let folder = folder.join(self.name());
        std::fs::create_dir_all(&folder)?;
        let command = match self {
            Self::Nginx => nginx(case, upstream, port, &folder)?,
            Self::Sidecar(binary) => sidecar(binary, case, upstream, port, &folder).await?,
            Self::Haproxy => haproxy(case, upstream, port, &folder)?,
        };
        Process::start(self.name(), command, port, &folder.join("log")).await
    }
}

async fn free_port() -> anyhow::Result<u16> {
    Ok(tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port())
}

fn nginx(case: &Case, upstream: &Upstream, port: u16, folder: &Path) -> anyhow::Result<Command> {
    let scheme = if case.transport == Transport::Plain { "http" } else { "https" };
    let here = folder.display();
    let config = format!(
        "daemon on; worker_processes 1; pid {here}/pid; error_log {here}/error.log crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
           access_log off; client_max_body_size 64m; client_body_buffer_size 2m; keepalive_requests 1000000;\n\
           client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/f;\n\
           uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;\n\
           upstream provider {{ server 127.0.0.1:{}; keepalive 1024; keepalive_requests 1000000; }}\n\
           server {{ listen 127.0.0.1:{port};\n\
             location / {{ proxy_pass {scheme}://provider; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
               proxy_buffering off; proxy_read_timeout 300s; proxy_ssl_server_name on; proxy_ssl_name localhost; }} }}\n\
         }}\n",
        upstream.port
    )
    .replace("daemon on", "daemon off");
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).arg("-e").arg(folder.join("error.log"));
    Ok(command)
}

fn haproxy(case: &Case, upstream: &Upstream, port: u16, folder: &Path) -> anyhow::Result<Command> {
    let tls = if case.transport == Transport::Plain { "" } else { " ssl verify none alpn http/1.1" };
    let config = format!(
        "global\n  nbthread 1\n  maxconn 4096\n\
         defaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n  http-reuse always\n\
         frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n\
         backend b\n  server s 127.0.0.1:{}{tls}\n",
        upstream.port
    );
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, config)?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    Ok(command)
}

async fn sidecar(binary: &Path, case: &Case, upstream: &Upstream, port: u16, folder: &Path) -> anyhow::Result<Command> {
    let scheme = if case.transport == Transport::Plain { "http" } else { "https" };
    let kind = if case.provider == Wire::OpenAI { "OpenAI" } else { "Anthropic" };
    let version = if case.provider == Wire::OpenAI { "/v1" } else { "" };
    let objects = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: bench}}\n\
         spec: {{type: {kind}, endpoint: '{scheme}://localhost:{}{version}', allowInsecure: true, auth: {{type: APIKey, apiKey: {{mounted: {{key: bench}}}}}}}}\n\
         ---\n\
         apiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: bench}}\n\
         spec: {{rules: [{{name: all, backends: [{{provider: {{name: bench}}}}]}}]}}\n\
         ---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: pillion-credentials}}\nstringData: {{bench: bench-key}}\n",
        upstream.port
    );
    // A folder of its own: the sidecar watches it, and must not wake up for its own log.
    let watched = folder.join("objects");
    std::fs::create_dir_all(&watched)?;
    let file = watched.join("objects.yaml");
    std::fs::write(&file, objects)?;
    let mut command = Command::new(binary);
    command.arg("run").arg("-f").arg(file);
    command.arg("--data-address").arg(format!("127.0.0.1:{port}"));
    for flag in ["--health-address", "--admin-address"] {
        command.arg(flag).arg(format!("127.0.0.1:{}", free_port().await?));
    }
    if let Some(authority) = &upstream.authority {
        let file = folder.join("authority.pem");
        std::fs::write(&file, authority)?;
        command.arg("--ca-file").arg(file);
    }
    Ok(command)
}
