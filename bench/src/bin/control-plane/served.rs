//! From the change of an AIRoute to the first answer that follows it: a real sidecar, asked over and over.

use crate::world::{Operator, World, route_to};
use anyhow::ensure;
use pillion_tests::apiserver::free_ports;
use pillion_tests::process::{Process, Spec};
use pillion_tests::{client, wait};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

const NAMESPACE: &str = "served";
const ROUTE: &str = "chat";
/// What a change may take at most.
const LONGEST: Duration = Duration::from_secs(30);

/// Milliseconds of each of `changes` changes, from before the request to the API server until an answer names the
/// route's new model.
pub(crate) async fn measure(
    world: &World,
    operator: &Operator,
    binary: &Path,
    changes: usize,
) -> anyhow::Result<Vec<f64>> {
    let pod = world.team(NAMESPACE, "AIProvider", "echo", json!({"type": "Echo"})).await?;
    world.create(NAMESPACE, "AIRoute", ROUTE, route_to("echo", "model-0")).await?;
    let (_process, port) = start(world, operator, binary, &pod.token).await?;
    until_model(port, "model-0").await?;
    let mut times = vec![];
    for i in 1..=changes {
        let model = format!("model-{i}");
        let begun = Instant::now();
        world.change(NAMESPACE, ROUTE, route_to("echo", &model)).await?;
        until_model(port, &model).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

async fn start(world: &World, operator: &Operator, binary: &Path, token: &str) -> anyhow::Result<(Process, u16)> {
    let folder = world.folder().join("sidecar");
    for name in ["state", "credentials"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::write(folder.join("token"), token)?;
    let file = |name: &str| folder.join(name).display().to_string();
    let [data, admin, health] = free_ports()?;
    let address = |port: u16| format!("127.0.0.1:{port}");
    let spec = Spec::new("sidecar", binary)
        .args(["serve".to_owned(), "--config-url".into(), format!("https://localhost:{}", operator.port)])
        .args(["--token-file".to_owned(), file("token"), "--state-dir".into(), file("state")])
        .args(["--credentials-dir".to_owned(), file("credentials"), "--data-address".into(), address(data)])
        .args(["--admin-address".to_owned(), address(admin), "--health-address".into(), address(health)])
        .env("PILLION_CA", operator.authority.clone());
    let process = Process::start(&spec, &folder)?;
    wait::until("a started sidecar", LONGEST, || async move {
        let reply = client::get(&format!("http://127.0.0.1:{health}/healthz/started")).await?;
        wait::holds(reply.status.is_success(), reply.text())
    })
    .await?;
    Ok((process, data))
}

async fn until_model(port: u16, model: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ask = json!({"model": "any", "messages": [{"role": "user", "content": "hi"}]});
    loop {
        let reply = client::post(&format!("http://127.0.0.1:{port}/v1/chat/completions"), &ask).await?;
        if reply.status.is_success() && reply.header("x-pillion-model") == model {
            return Ok(());
        }
        ensure!(begun.elapsed() < LONGEST, "{model} is not served after {LONGEST:?}: {}", reply.text());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
