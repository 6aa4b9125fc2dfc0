//! The recorded provider as a program: a pod of the test cluster, and the provider of the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use pillion_tests::provider::{KEY, Options, RecordedProvider};

/// Answers the vendors' calls with recorded replies. `GET /_received` shows the requests, `POST /_behave` makes it misbehave.
#[derive(Parser)]
struct Line {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:18080")]
    listen: SocketAddr,
    /// Folder of recorded cases; may be given again. Default: the project's samples, then the corpus
    #[arg(long = "folder")]
    folders: Vec<PathBuf>,
    /// Folder of the vendors' schemas to check requests with
    #[arg(long)]
    specs: Option<PathBuf>,
    /// An API key that requests may carry; may be given again
    #[arg(long = "key", default_values = [KEY])]
    keys: Vec<String>,
    /// Text that no request may carry in a header; may be given again
    #[arg(long = "forbid", default_values = ["injected-by-pillion"])]
    forbidden: Vec<String>,
    /// Serve HTTPS for this name; may be given again
    #[arg(long = "tls-name")]
    tls_names: Vec<String>,
    /// Where to write the certificate of the authority made for HTTPS
    #[arg(long)]
    authority: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let line = Line::parse();
    let usual = Options::default();
    let server = RecordedProvider::start(Options {
        address: line.listen,
        folders: if line.folders.is_empty() { usual.folders } else { line.folders },
        specs: line.specs.or(usual.specs),
        keys: line.keys,
        forbidden: line.forbidden,
        tls_names: line.tls_names,
    })
    .await?;
    if let (Some(file), Some(authority)) = (line.authority, server.authority()) {
        std::fs::write(file, authority)?;
    }
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = ended.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}
