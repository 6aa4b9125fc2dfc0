//! Shows Pillion working: standalone with what lies in `examples/demo`, or on a real one-node cluster.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use pillion_tests::apiserver::fresh_folder;
use pillion_tests::build;
use pillion_tests::installed::{Installed, ROUND, TEAM};
use pillion_tests::process::{Process, Spec};
use pillion_tests::sdk::Exchange;
use pillion_tests::{client, tools, wait, workspace};

use crate::{install, shell};

const DATA: &str = "http://127.0.0.1:15400";
/// As `examples/demo/providers.yaml` has it.
const PROVIDER: &str = "127.0.0.1:15480";
const KEYS: [&str; 2] = ["demo-key-openai", "demo-key-anthropic"];

/// The show; it goes on serving until Ctrl-C, unless `once`.
pub(crate) fn run(cluster: bool, once: bool) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async { if cluster { on_a_cluster(once).await } else { standalone(once).await } })
}

async fn standalone(once: bool) -> Result<()> {
    println!("building the sidecar and the demo's provider");
    let [sidecar, provider] = build::for_the_demo()?;
    let folder = fresh_folder("demo")?;
    let mut spec = Spec::new("recorded-provider", provider).args(["--listen", PROVIDER, "--folder"]);
    spec = spec.arg(workspace::samples().display().to_string());
    for key in KEYS {
        spec = spec.args(["--key", key]);
    }
    let mut provider = Process::start(&spec, &folder)?;
    ready("the provider", &format!("http://{PROVIDER}/_healthz"), &mut provider).await?;
    let objects = workspace::root().join("examples/demo");
    let spec =
        Spec::new("pillion-sidecar", sidecar).args(["run".to_owned(), "-f".to_owned(), objects.display().to_string()]);
    let mut sidecar = Process::start(&spec, &folder)?;
    ready("the sidecar", "http://127.0.0.1:15401/healthz/started", &mut sidecar).await?;

    println!("\nThe sidecar serves {} at {DATA}; its log is {}\n", objects.display(), sidecar.log().display());
    show("OpenAI's API, answered by Echo", "/-/openai/v1/chat/completions", "echo")?;
    show("OpenAI's API, answered by a provider that speaks OpenAI's", "/-/openai/v1/chat/completions", "gpt-4o-mini")?;
    show(
        "OpenAI's API, answered by a provider that speaks Anthropic's",
        "/-/openai/v1/chat/completions",
        "claude-sonnet-4-5",
    )?;
    show("Anthropic's API, answered by a provider that speaks OpenAI's", "/-/anthropic/v1/messages", "gpt-4o-mini")?;
    println!(
        "The vendors' SDKs need two variables, which injection sets in a pod, and nothing in the code:
  export OPENAI_BASE_URL={DATA}/-/openai/v1 OPENAI_API_KEY=none
  export ANTHROPIC_BASE_URL={DATA}/-/anthropic ANTHROPIC_API_KEY=none
  python3 -c 'from openai import OpenAI; print(OpenAI().chat.completions.create(model=\"claude-sonnet-4-5\", messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}]).choices[0].message.content)'
Metrics: curl http://127.0.0.1:15401/metrics    What it runs: curl http://127.0.0.1:15402/config"
    );
    linger(once, "Edit the files under examples/demo: changes are served at once.").await
}

/// Prints a curl line, and runs it.
fn show(title: &str, path: &str, model: &str) -> Result<()> {
    let limit = if path.contains("anthropic") { r#""max_tokens": 256, "# } else { "" };
    let body = format!(
        r#"{{"model": "{model}", "stream": true, {limit}"messages": [{{"role": "user", "content": "Say hello."}}]}}"#
    );
    println!("── {title}\n$ curl --no-buffer {DATA}{path} --header 'content-type: application/json' --data '{body}'");
    let curl = tools::find("curl").context("curl is not installed; run: apt-get install curl")?;
    let url = format!("{DATA}{path}");
    shell::run(Command::new(curl).args([
        "--silent",
        "--show-error",
        "--fail-with-body",
        "--no-buffer",
        &url,
        "--header",
        "content-type: application/json",
        "--data",
        &body,
    ]))?;
    println!();
    Ok(())
}

async fn ready(what: &str, url: &str, process: &mut Process) -> Result<()> {
    wait::until(what, Duration::from_secs(20), || {
        let alive = process.alive();
        async move {
            alive?;
            let reply = client::get(url).await?;
            wait::holds(reply.status.is_success(), reply.text())
        }
    })
    .await
}

async fn on_a_cluster(once: bool) -> Result<()> {
    install::tools(&[])?;
    println!("building images (minutes, when cold), then starting a cluster");
    let installed = Installed::start().await?;
    installed.start_team().await?;
    installed.serves("the application's first round").await?;
    for arguments in [&["get", "pods", "--all-namespaces"][..], &["get", "airoutes,aiproviders", "--namespace", TEAM]] {
        println!("$ kubectl {}\n{}", arguments.join(" "), installed.cluster().kubectl(arguments.iter().copied())?);
    }
    println!("$ kubectl logs --namespace {TEAM} deployment/assistant --container app");
    installed.exchanges()?.iter().take(ROUND).for_each(say);
    println!(
        "\nexport KUBECONFIG={}\nexport PATH={}:$PATH",
        installed.cluster().api().kubeconfig().display(),
        tools::go_tool("kubectl")?.parent().context("a program has a folder")?.display()
    );
    linger(once, "The cluster is gone when this ends.").await
}

fn say(exchange: &Exchange) {
    let calls: Vec<_> = exchange.tools.iter().map(|call| format!("{}{}", call.name, call.arguments)).collect();
    println!(
        "{:9} SDK → {:18} {:12} {:3} pieces  {}  {}",
        exchange.sdk,
        exchange.model,
        exchange.mode,
        exchange.deltas,
        exchange.text.lines().next().unwrap_or_default(),
        calls.join(" ")
    );
}

async fn linger(once: bool, note: &str) -> Result<()> {
    if !once {
        println!("\n{note} Ctrl-C ends the demo.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}
