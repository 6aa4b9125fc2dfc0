//! Signatures judged by botocore's own signer, and keys from an STS that is not ours (moto).

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pillion_sidecar::{Running, Settings, Sidecar, Source};
use pillion_snapshot::Snapshot;
use pillion_tests::apiserver::{free_ports, fresh_folder};
use pillion_tests::pki::Authority;
use pillion_tests::process::{Process, Spec};
use pillion_tests::provider::{Options, Received, RecordedProvider};
use pillion_tests::{client, tools, wait, workspace};
use serde_json::{Value, json};

const BEDROCK: &str = "bedrock-runtime.us-east-1.amazonaws.com";
const MANTLE: &str = "bedrock-mantle.us-east-1.api.aws";
const STS: &str = "sts.us-east-1.amazonaws.com";

/// Paths of Bedrock's, of models and of whatever else may stand in a URL.
const PATHS: [&str; 12] = [
    "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
    "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x-v1%3A0/invoke",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabc/converse-stream",
    "/model/arn:aws:bedrock:us-east-1:123456789012:prompt/P1:2/converse",
    "/guardrail/gr-1/version/1/apply",
    "/openai/v1/chat/completions",
    "/model/a%20b/invoke",
    "/model/%E1%88%B4/invoke",
    "/model/a+b~c_d.e-f/invoke",
    "/model/a%2Bb%25c/invoke",
    "/model/x//y/",
];

struct World {
    provider: RecordedProvider,
    running: Running,
}

impl World {
    /// A sidecar whose provider is at `host` and proves who it is so. Other hosts are where `hosts` says.
    async fn start(
        host: &str,
        auth: Value,
        keys: &Path,
        hosts: &[(&str, SocketAddr)],
        authority: &str,
    ) -> Result<Self> {
        let options = Options { keys: vec![], tls_names: vec![host.into()], specs: None, ..Options::default() };
        let options = Options { folders: vec![workspace::samples()], ..options };
        let provider = RecordedProvider::start(options).await?;
        let ca = keys.join("ca.pem");
        std::fs::write(&ca, format!("{}\n{authority}", provider.authority().context("it speaks TLS")?))?;
        let snapshot: Snapshot = serde_json::from_value(json!({
            "rules": [{
                "name": {"route": "team-a/all", "rule": "all"},
                "backends": [{"provider": "p", "weight": 1, "priority": 0}],
                "timeouts": {"connect": 5000, "firstByte": 60000, "streamIdle": 60000, "request": 60000},
                "retry": {"attempts": 1, "on": []},
            }],
            "providers": {"p": {"name": "p", "kind": "OpenAICompatible", "endpoint": format!("https://{host}/v1"), "auth": auth}},
        }))?;
        let mut names: BTreeMap<String, SocketAddr> = [(host.to_owned(), provider.address())].into();
        names.extend(hosts.iter().map(|(name, address)| ((*name).to_owned(), *address)));
        let running = Sidecar::start(Settings {
            credentials_dir: Some(keys.into()),
            tokens_dir: keys.into(),
            hosts: names,
            ca_file: Some(ca),
            session_name: "team-a.pod-1".into(),
            ..Settings::new(Source::Fixed(Box::new(snapshot.seal())))
        })
        .await?;
        Ok(Self { provider, running })
    }

    async fn post(&self, path: &str, body: &str) -> Result<()> {
        let url = format!("http://{}/-/openai/v1{path}", self.running.data);
        let headers = [("content-type", "application/json")];
        let reply = client::send(http::Method::POST, &url, &headers, body.to_owned()).await?;
        // The provider has no case for most paths, and says so; what matters is how it was asked.
        ensure!(reply.header("x-pillion-attempts") == "1", "{path}: {} {}", reply.status, reply.text());
        Ok(())
    }
}

/// A request as the oracle wants it.
fn case(received: &Received, host: &str, service: &str, keys: &Value) -> Value {
    json!({
        "method": received.method, "host": host, "path": received.path, "headers": received.headers,
        "body": received.body, "region": "us-east-1", "service": service, "keys": keys,
    })
}

/// What botocore finds wrong; nothing for a good signature.
fn judge(cases: &[Value]) -> Result<Vec<Option<String>>> {
    let script = workspace::root().join("tools/aws-oracle/verify.py");
    let mut python = Command::new(tools::python_tool("aws-oracle", "python")?);
    let mut child = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(json!(cases).to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the oracle failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn mounted(key: &str) -> Value {
    json!({"from": "static", "credential": {"from": "mounted", "key": key}})
}

#[tokio::test]
async fn botocore_would_have_signed_every_request_the_same() -> Result<()> {
    let mut cases = Vec::new();
    let bodies = ["{}".to_owned(), r#"{"text":"Grüße, 世界"}"#.to_owned(), "x".repeat(300_000)];
    for (host, service) in [(BEDROCK, "bedrock"), (MANTLE, "bedrock-mantle")] {
        for session in [None, Some("IQoJb3JpZ2luX2VjE/+==")] {
            let folder = fresh_folder("botocore")?;
            let keys = json!({"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                "sessionToken": session});
            let file = json!({"AccessKeyId": keys["accessKeyId"], "SecretAccessKey": keys["secretAccessKey"],
                "SessionToken": session});
            std::fs::write(folder.join("aws"), file.to_string())?;
            let auth = json!({"type": "Aws", "region": "us-east-1", "source": mounted("aws")});
            let world = World::start(host, auth, &folder, &[], "").await?;
            for (i, path) in PATHS.iter().enumerate() {
                world.post(path, &bodies[i % bodies.len()]).await?;
            }
            let received = world.provider.received();
            ensure!(received.len() == PATHS.len(), "{} requests arrived", received.len());
            cases.extend(received.iter().map(|received| case(received, host, service, &keys)));
        }
    }
    let faults = judge(&cases)?;
    let wrong: Vec<_> = faults.iter().flatten().collect();
    ensure!(wrong.is_empty() && faults.len() == cases.len(), "{wrong:#?}");
    println!("botocore agrees with {} signatures", faults.len());

    // The judge can tell: one byte, one header, one date.
    for (pointer, value) in [("/body", json!("{} ")), ("/path", json!("/other")), ("/keys/secretAccessKey", json!("s"))]
    {
        let mut broken = cases[0].clone();
        *broken.pointer_mut(pointer).context("it is there")? = value;
        ensure!(judge(&[broken])?[0].is_some(), "a broken {pointer} was not found");
    }
    Ok(())
}

/// moto's STS over TLS, under the name of the real one.
async fn moto(folder: &Path, authority: &Authority) -> Result<(Process, SocketAddr)> {
    authority.server(&[STS])?.write(folder, "sts")?;
    let [port] = free_ports::<1>()?;
    let spec = Spec::new("moto_server", tools::python_tool("aws-oracle", "moto_server")?)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned))
        .args(["-c".to_owned(), folder.join("sts.crt").display().to_string()])
        .args(["-k".to_owned(), folder.join("sts.key").display().to_string()]);
    let mut process = Process::start(&spec, folder)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    wait::until("moto", Duration::from_secs(60), || {
        let alive = process.alive();
        async move {
            alive?;
            tokio::net::TcpStream::connect(address).await.map(drop).map_err(Into::into)
        }
    })
    .await?;
    Ok((process, address))
}

#[tokio::test]
async fn an_sts_that_is_not_ours_gives_keys_for_the_pods_token_and_for_a_chain_of_roles() -> Result<()> {
    let folder = fresh_folder("moto")?;
    let authority = Authority::new("moto")?;
    let (process, sts) = moto(&folder, &authority).await?;
    std::fs::write(folder.join("aws-sts"), "e30.e30.c2ln\n")?;
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let source = json!({"from": "webIdentity", "roleArn": role("first")});
    let roles = json!([
        {"roleArn": role("second"), "externalId": "e-1", "tags": {"team": "a b"}},
        {"roleArn": role("third"), "sessionName": "named"},
    ]);
    for assumed in [json!([]), roles] {
        let auth = json!({"type": "Aws", "region": "us-east-1", "source": source, "assumeRoles": assumed});
        let world = World::start(BEDROCK, auth, &folder, &[(STS, sts)], &authority.pem()).await?;
        world.post("/model/x/invoke", "{}").await.with_context(|| process.tail())?;
        let received = world.provider.only_request();
        let authorization = received.header("authorization").context("signed")?;
        ensure!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=ASIA"), "{authorization}");
        ensure!(received.header("x-amz-security-token").is_some_and(|token| token.len() > 100), "no session token");
        let page = client::get(&format!("http://{}/credentials", world.running.admin)).await?.text();
        let page: Value = serde_json::from_str(&page)?;
        ensure!(page[0]["state"] == "Ready", "{page:#}");
        let lasts = page[0]["expiresInSeconds"].as_i64().context("it ends")?;
        ensure!((3500..=3600).contains(&lasts), "{page:#}");
    }
    Ok(())
}
