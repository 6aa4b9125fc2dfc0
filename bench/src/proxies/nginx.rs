//! nginx's `proxy_pass`, the reference: the least that a proxy of HTTP costs.

use super::install::version_of;
use super::{Place, Proxy, REFERENCE};
use crate::cases::{Case, Transport, Wire};
use crate::process::Counted;
use tokio::process::Command;

pub(super) struct Nginx;

impl Proxy for Nginx {
    fn name(&self) -> &'static str {
        REFERENCE
    }

    fn install(&self) -> anyhow::Result<String> {
        version_of("nginx", "-v", "nginx-light")
    }

    /// HTTP/1.1 where the upstream offers HTTP/2: it does not speak that to one.
    fn carries(&self, _case: &Case) -> bool {
        true
    }

    fn wire(&self, case: &Case) -> Wire {
        case.provider
    }

    fn counted(&self) -> Counted {
        Counted::Worker
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let Place { case, upstream, port, folder } = place;
        let here = folder.display();
        let scheme = if case.transport == Transport::Plain { "http" } else { "https" };
        // As the sidecar does it: TLS 1.3, the certificate verified, sessions resumed. 1.22 would choose 1.2.
        let mut tls = String::new();
        if let Some(authority) = upstream.authority_file(folder)? {
            tls = format!(
                "proxy_ssl_protocols TLSv1.3; proxy_ssl_server_name on; proxy_ssl_name localhost; proxy_ssl_verify on;\n\
                 proxy_ssl_trusted_certificate {};\n",
                authority.display()
            );
        }
        let config = format!(
            "daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log crit;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n\
               access_log off; client_max_body_size 64m; client_body_buffer_size 2m; keepalive_requests 1000000;\n\
               client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/f;\n\
               uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;\n\
               upstream provider {{ server 127.0.0.1:{}; keepalive 1024; keepalive_requests 1000000; }}\n\
               server {{ listen 127.0.0.1:{port};\n\
                 location / {{ proxy_pass {scheme}://provider; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
                   proxy_buffering off; proxy_read_timeout 300s;\n{tls}}} }}\n\
             }}\n",
            upstream.port
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(file).arg("-e").arg(folder.join("error.log"));
        Ok(Some(command))
    }
}
