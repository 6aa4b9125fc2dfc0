//! Which SDK asks which provider for what, as data; and what must come of it, at both ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::exchange::Exchange;
use super::program::{Bases, Program};
use crate::provider::{Behaviour, Options, Received, RecordedProvider};
use crate::standalone::Standalone;
use crate::{wait, workspace};

/// A provider behind the sidecar.
#[derive(Debug, Clone, Copy)]
pub struct Upstream {
    /// The name of its `AIProvider`, and what stands in its key.
    pub name: &'static str,
    /// The `AIProvider`'s further members, in YAML's flow style.
    spec: &'static str,
    /// Its model; models that begin with it misbehave.
    pub model: &'static str,
    /// How the paths of its requests begin.
    paths: &'static [&'static str],
}

/// Every upstream.
const UPSTREAMS: &[Upstream] = &[
    Upstream {
        name: "openai",
        spec: "type: OpenAI",
        model: "gpt-4o-mini",
        paths: &["/v1/chat/completions", "/v1/responses"],
    },
    Upstream { name: "anthropic", spec: "type: Anthropic", model: "claude-sonnet-4-6", paths: &["/v1/messages"] },
    Upstream {
        name: "gemini",
        spec: "type: Gemini",
        model: "gemini-3-flash-preview",
        paths: &["/v1beta/models/gemini-3-flash-preview"],
    },
    Upstream {
        name: "vertex",
        spec: "type: VertexAI, vertexAI: {project: my-project, location: us-central1}",
        model: "gemini-2.5-flash",
        paths: &["/v1/projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash"],
    },
    Upstream {
        name: "bedrock",
        spec: "type: Bedrock, bedrock: {region: us-east-1}",
        model: "us.anthropic.claude-sonnet-4-6-v1:0",
        paths: &["/model/us.anthropic.claude-sonnet-4-6-v1%3A0"],
    },
    Upstream { name: "cohere", spec: "type: Cohere", model: "command-a-03-2025", paths: &["/v2/chat"] },
    Upstream {
        name: "azure",
        spec: "type: AzureOpenAI, azureOpenAI: {apiVersion: 2025-04-01-preview}",
        model: "gpt-5-mini",
        paths: &["/openai/deployments/gpt-5-mini", "/openai/responses"],
    },
];

/// The SDKs of a program.
pub struct Matrix {
    /// The program.
    pub program: Program,
    /// Each SDK's name, and the upstream whose API it speaks.
    pub sdks: &'static [(&'static str, &'static str)],
    /// What is left out, and why: SDK, upstream or `*`, mode or fault.
    pub except: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

/// What is asked of a model that behaves.
const MODES: &[&str] = &["chat", "stream", "tools", "tools-stream", "structured", "structured-stream"];

/// Models that misbehave, by what stands behind their names, and what is asked of them.
const FAULTS: &[(&str, &[&str])] =
    &[("-refused", &["chat", "stream"]), ("-broken", &["stream"]), ("-endless", &["cancel"])];

/// After so many events of a stream its text has begun, in every format.
const BEGUN: usize = 8;

impl Matrix {
    /// Every SDK reaches every upstream through a sidecar.
    ///
    /// # Errors
    /// All that is wrong, at both ends.
    pub async fn holds_through_a_sidecar(&self) -> Result<()> {
        let provider = provider(UPSTREAMS, &["injected-by-pillion"]).await?;
        let sidecar = Standalone::start(&objects(&provider.url())).await?;
        let pairs = self.sdks.iter().flat_map(|(sdk, _)| UPSTREAMS.iter().map(move |upstream| (*sdk, *upstream)));
        let told = self.check(&Bases::of_sidecar(&sidecar), &provider, &pairs.collect::<Vec<_>>()).await;
        told.with_context(|| format!("the sidecar complained:\n{}", complaints(&sidecar.log())))
    }

    /// Every SDK reaches its own vendor's API without a sidecar: what fails here is no fault of ours.
    ///
    /// # Errors
    /// As above.
    pub async fn holds_directly(&self) -> Result<()> {
        let provider = provider(&[], &[]).await?;
        let home = |name: &str| UPSTREAMS.iter().copied().find(|upstream| upstream.name == name);
        let pairs: Option<Vec<_>> = self.sdks.iter().map(|(sdk, at)| Some((*sdk, home(at)?))).collect();
        self.check(&Bases::of_provider(&provider), &provider, &pairs.context("an upstream has this name")?).await
    }

    async fn check(&self, bases: &Bases, provider: &RecordedProvider, pairs: &[(&str, Upstream)]) -> Result<()> {
        let asked: Vec<_> = pairs.iter().flat_map(|(sdk, upstream)| self.arguments(sdk, upstream)).collect();
        let exchanges = self.program.chat(bases, "chat", &asked).await?;
        let mut faults: Vec<String> =
            exchanges.iter().filter_map(|exchange| fault(exchange).err()).map(|error| format!("{error:#}")).collect();
        let wanted: usize =
            asked.iter().map(|argument| argument.split('/').next().unwrap_or_default().split(',').count()).sum();
        if exchanges.len() != wanted {
            faults.push(format!("{wanted} exchanges were asked for, and {} came", exchanges.len()));
        }
        faults.extend(provider.received().iter().flat_map(upstream_faults));
        faults.extend(unnoticed_cancellations(provider).await.err().map(|error| format!("{error:#}")));
        ensure!(faults.is_empty(), "{} faults of {wanted} exchanges:\n{}", faults.len(), faults.join("\n"));
        Ok(())
    }

    /// What the program is told about one pair: `MODES/SDK:MODEL`.
    fn arguments(&self, sdk: &str, upstream: &Upstream) -> Vec<String> {
        let left_out = |mode: &str| {
            self.except
                .iter()
                .any(|(of, at, what, _)| *of == sdk && (*at == "*" || *at == upstream.name) && *what == mode)
        };
        let modes_of =
            |modes: &[&str]| modes.iter().copied().filter(|mode| !left_out(mode)).collect::<Vec<_>>().join(",");
        let models = std::iter::once((String::new(), MODES))
            .chain(FAULTS.iter().map(|(fault, modes)| ((*fault).to_owned(), *modes)));
        models
            .filter(|(fault, _)| !left_out(fault.trim_start_matches('-')))
            .map(|(fault, modes)| (fault, modes_of(modes)))
            .filter(|(_, modes)| !modes.is_empty())
            .map(|(fault, modes)| format!("{modes}/{sdk}:{}{fault}", upstream.model))
            .collect()
    }
}

/// A provider that plays all the upstreams, each with a key of its own, and misbehaves for the models that are named so.
async fn provider(keys_of: &[Upstream], forbidden: &[&str]) -> Result<RecordedProvider> {
    let usual = Options::default();
    let keys = keys_of.iter().map(|upstream| key(upstream.name)).chain(usual.keys.clone()).collect();
    let forbidden = forbidden.iter().map(|text| (*text).to_owned()).collect();
    // Our own samples only: what this rung needs is in the repository.
    let provider =
        RecordedProvider::start(Options { folders: vec![workspace::samples()], keys, forbidden, ..usual }).await?;
    for upstream in UPSTREAMS {
        let model = |fault: &str| format!("{}{fault}", upstream.model);
        provider.behave(Behaviour::refuses_with(REFUSAL).of_model(model("-refused")));
        let broken = Behaviour { error_after_events: Some(BEGUN), ..Behaviour::default() };
        provider.behave(broken.of_model(model("-broken")));
        let endless = Behaviour { stall_after_events: Some(BEGUN), ..Behaviour::default() };
        provider.behave(endless.of_model(model("-endless")));
    }
    Ok(provider)
}

const REFUSAL: u16 = 400;

fn key(name: &str) -> String {
    format!("sk-recorded-{name}-key")
}

fn fault(exchange: &Exchange) -> Result<()> {
    match FAULTS.iter().find(|(fault, _)| exchange.model.ends_with(fault)) {
        Some(("-refused", _)) => exchange.is_refused(REFUSAL, "told to refuse"),
        Some(("-broken", _)) => exchange.is_broken(),
        _ => exchange.is_complete(),
    }
}

/// What is wrong with a request that came out: what the vendor refuses, and where it went.
fn upstream_faults(request: &Received) -> Vec<String> {
    let credential = |(name, value): &(String, String)| {
        let is_key = ["authorization", "x-api-key", "api-key", "x-goog-api-key"].contains(&name.as_str());
        is_key.then(|| UPSTREAMS.iter().find(|upstream| value.contains(&key(upstream.name)))).flatten()
    };
    let upstream = request.headers.iter().find_map(credential);
    let misled = upstream.is_some_and(|upstream| !upstream.paths.iter().any(|path| request.path.starts_with(path)));
    let misled = misled.then(|| "the path is not its vendor's".to_owned());
    let problems = request.problems.iter().cloned().chain(misled);
    problems.map(|problem| format!("upstream {}: {problem}: {}", request.path, excerpt(&request.body))).collect()
}

fn excerpt(body: &str) -> String {
    body.chars().take(1500).collect()
}

/// Waits until each stream that a client left was also left upstream.
async fn unnoticed_cancellations(provider: &RecordedProvider) -> Result<()> {
    wait::until("the end of cancelled streams upstream", Duration::from_secs(10), || async {
        let endless = |request: &Received| {
            let model = request.json().get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
            model.ends_with("-endless") || request.path.contains("-endless")
        };
        let open: Vec<_> =
            provider.received().into_iter().filter(|request| endless(request) && !request.aborted).collect();
        ensure!(
            open.is_empty(),
            "{} streams are still open: {:?}",
            open.len(),
            open.iter().map(|request| &request.path).collect::<Vec<_>>()
        );
        Ok(())
    })
    .await
}

fn complaints(log: &str) -> String {
    let worse = |line: &&str| ["\"WARN\"", "\"ERROR\""].iter().any(|level| line.contains(level));
    log.lines().filter(worse).take(20).collect::<Vec<_>>().join("\n")
}

/// The configuration: each upstream, and a route that reaches it by its models' names.
fn objects(provider: &str) -> String {
    let keys: Vec<_> = UPSTREAMS.iter().map(|upstream| format!("{}: {}", upstream.name, key(upstream.name))).collect();
    let keys = keys.join(", ");
    let mut objects =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: pillion-credentials}}\nstringData: {{{keys}}}\n");
    for Upstream { name, spec, .. } in UPSTREAMS {
        objects.push_str(&format!(
            "---\napiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: {name}}}\n\
             spec: {{{spec}, endpoint: '{provider}', allowInsecure: true, \
             auth: {{type: APIKey, apiKey: {{mounted: {{key: {name}}}}}}}}}\n"
        ));
    }
    objects.push_str("---\napiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {name: all}\nspec:\n  rules:\n");
    for Upstream { name, model, .. } in UPSTREAMS {
        objects.push_str(&format!(
            "  - {{name: {name}, matches: [{{models: ['{model}*']}}], backends: [{{provider: {{name: {name}}}}}]}}\n"
        ));
    }
    objects
}
