//! `pillion doctor`: what a cluster and the clouds lack for each other, read with the caller's own kubeconfig.

use super::{CommandError, put};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use pillion_compiler::{AccountIdentity, provider_for};
use pillion_crds::AIProvider;
use pillion_crds::conditions::CREDENTIALS_READY;
use pillion_operator::doctor::{Account, Use, advise};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    about: About,
}

#[derive(Debug, clap::Subcommand)]
enum About {
    /// Print issuer, subject and audience of a pod's tokens, and the commands by which a cloud trusts them
    Identity(Identity),
}

#[derive(Debug, clap::Args)]
struct Identity {
    /// Namespace of the pod
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The pod's service account
    #[arg(long, default_value = "default")]
    service_account: String,
    /// A pod, whose service account it is, and whose sidecar is looked at
    #[arg(long, conflicts_with = "service_account")]
    pod: Option<String>,
    /// This AIProvider only
    #[arg(long)]
    provider: Option<String>,
}

/// Prints the page.
pub(super) fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let About::Identity(identity) = arguments.about;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start the runtime", &error))?;
    put(&runtime.block_on(page(identity))?)?;
    Ok(ExitCode::SUCCESS)
}

async fn page(asked: Identity) -> Result<String, CommandError> {
    let client = Client::try_default().await.map_err(|error| failed("find the API server", &error))?;
    let namespace = asked.namespace;
    let pod = match &asked.pod {
        Some(name) => {
            let pods = Api::<Pod>::namespaced(client.clone(), &namespace);
            Some(pods.get(name).await.map_err(|error| failed("read the pod", &error))?)
        }
        None => None,
    };
    let name = match &pod {
        Some(pod) => account_of(pod),
        None => asked.service_account,
    };
    let account = Api::<ServiceAccount>::namespaced(client.clone(), &namespace)
        .get(&name)
        .await
        .map_err(|error| failed("read the service account", &error))?;
    let (claims, wrong) = AccountIdentity::read(account.annotations());
    let providers = Api::<AIProvider>::namespaced(client.clone(), &namespace)
        .list(&ListParams::default())
        .await
        .map_err(|error| failed("list AIProviders", &error))?;
    let named = |provider: &AIProvider| asked.provider.as_ref().is_none_or(|name| *name == provider.name_any());
    let used = |provider: &AIProvider| Some(Use { provider: provider_for(provider, &claims)?, state: state(provider) });
    let uses: Vec<Use> = providers.iter().filter(|provider| named(provider)).filter_map(used).collect();
    if let (Some(provider), true) = (&asked.provider, uses.is_empty()) {
        let problem = format!("there is no AIProvider {namespace}/{provider} that is accepted: see its status");
        return Err(CommandError::Run { action: "find the AIProvider", problem });
    }
    let account = Account { issuer: issuer(&client).await?, namespace, name };
    let mounted = pod.as_ref().map(mounted);
    let mut page = advise(&account, &uses, mounted.as_deref());
    for finding in wrong {
        page += &format!("\nnot used: ServiceAccount {}/{}: {finding}\n", account.namespace, account.name);
    }
    Ok(page)
}

/// `iss` of the cluster's tokens, in its own words.
async fn issuer(client: &Client) -> Result<String, CommandError> {
    let request = http::Request::get("/.well-known/openid-configuration")
        .body(vec![])
        .map_err(|error| failed("ask for the issuer", &error))?;
    let document: serde_json::Value =
        client.request(request).await.map_err(|error| failed("read /.well-known/openid-configuration", &error))?;
    document["issuer"].as_str().map(str::to_owned).ok_or_else(|| failed("read the issuer", &"the cluster names none"))
}

fn account_of(pod: &Pod) -> String {
    let name = pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone());
    name.unwrap_or_else(|| "default".into())
}

/// Audiences of the tokens that injection has mounted.
fn mounted(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let tokens = volumes.filter(|volume| volume.name == "pillion-tokens");
    tokens
        .filter_map(|volume| volume.projected.as_ref())
        .flat_map(|projected| projected.sources.iter().flatten())
        .filter_map(|source| source.service_account_token.as_ref()?.audience.clone())
        .collect()
}

fn state(provider: &AIProvider) -> Option<String> {
    let conditions = &provider.status.as_ref()?.conditions;
    let condition = conditions.iter().find(|condition| condition.type_ == CREDENTIALS_READY)?;
    Some(format!("{}: {}", condition.status, condition.message))
}

fn failed(action: &'static str, problem: &dyn std::fmt::Display) -> CommandError {
    CommandError::Run { action, problem: problem.to_string() }
}
