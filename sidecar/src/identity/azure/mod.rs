//! Microsoft Entra: tokens for the pod's own identity, the node's managed ones, or an application's. `azure_identity`
//! writes the requests, over our transport; the replies are read here, since it drops what the engine needs
//! (docs/adr/0009-azure-identity.md).

mod certificate;
mod entra;
pub(crate) mod hosts;
mod imds;
mod recorder;

use super::credential::{Credential, Habit, Issued};
use super::error::{ExchangeError, Pace};
use super::exchange::Exchanger;
use super::lifetime::{Expiry, Received};
use super::secret::Secret;
use super::transport::Reply;
use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use certificate::Certificate;
use pillion_snapshot::{AzureCloud, AzureIdentity, AzureSource, CredentialSource, ManagedIdentityId, TokenFile};
use recorder::Recorder;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What Azure's own webhook sets.
const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// All of them.
pub(super) const VARIABLES: [&str; 3] = [TENANT, CLIENT, TOKEN_FILE];

/// Entra's host in each cloud.
fn authority(cloud: AzureCloud) -> &'static str {
    match cloud {
        AzureCloud::Public => "login.microsoftonline.com",
        AzureCloud::USGovernment => "login.microsoftonline.us",
        AzureCloud::China => "login.chinacloudapi.cn",
    }
}

/// What every token is for: Azure's model services take no other, and nothing else takes this one.
fn scope(cloud: AzureCloud) -> &'static str {
    match cloud {
        AzureCloud::Public => "https://cognitiveservices.azure.com/.default",
        AzureCloud::USGovernment => "https://cognitiveservices.azure.us/.default",
        AzureCloud::China => "https://cognitiveservices.azure.cn/.default",
    }
}

/// A token as a service gave it.
#[derive(Debug)]
struct Given {
    token: Secret,
    expiry: Expiry,
    refresh_in: Option<Duration>,
}

impl Given {
    fn issued(self, received: &Received) -> Result<Issued, ExchangeError> {
        let deadline = received.deadline(self.expiry)?;
        let Self { token, refresh_in, .. } = self;
        Ok(Issued { credential: Credential::Bearer(token), deadline, refresh_in, habit: Habit::default() })
    }
}

pub(super) async fn exchange(exchanger: &Exchanger, identity: &AzureIdentity) -> Result<Issued, ExchangeError> {
    let cloud = identity.cloud;
    match &identity.source {
        AzureSource::WorkloadIdentity { tenant_id, client_id } => {
            let tenant = said(exchanger, tenant_id.as_deref(), TENANT, "auth.azure.tenantId")?;
            let client = said(exchanger, client_id.as_deref(), CLIENT, "auth.azure.clientId")?;
            federated(exchanger, cloud, tenant, client).await
        }
        AzureSource::ManagedIdentity { id } => managed(exchanger, cloud, id.as_ref()).await,
        AzureSource::ClientSecret { tenant_id, client_id, credential } => {
            with_secret(exchanger, cloud, tenant_id, client_id, credential).await
        }
        AzureSource::ClientCertificate { tenant_id, client_id, credential } => {
            with_certificate(exchanger, cloud, tenant_id, client_id, credential).await
        }
    }
}

/// The file of the pod's token, ours before that of Azure's webhook.
pub(super) fn token_files(exchanger: &Exchanger, identity: &AzureIdentity) -> Vec<PathBuf> {
    match identity.source {
        AzureSource::WorkloadIdentity { .. } => vec![token_file(exchanger, identity.cloud)],
        _ => vec![],
    }
}

fn token_file(exchanger: &Exchanger, cloud: AzureCloud) -> PathBuf {
    exchanger.token_file(&TokenFile::azure(cloud), TOKEN_FILE)
}

/// What the provider says, else what Azure's webhook says.
fn said<'a>(
    exchanger: &'a Exchanger,
    said: Option<&'a str>,
    variable: &str,
    field: &str,
) -> Result<&'a str, ExchangeError> {
    said.or_else(|| exchanger.variable(variable)).ok_or_else(|| {
        ExchangeError::misconfigured(format!("nothing says which: set {field}"))
            .hint("or annotate the pod's service account: azure.workload.identity/client-id, azure.workload.identity/tenant-id")
    })
}

async fn federated(
    exchanger: &Exchanger,
    cloud: AzureCloud,
    tenant: &str,
    client: &str,
) -> Result<Issued, ExchangeError> {
    let exchange = |token: Secret| async move {
        let reply = assert(exchanger, cloud, tenant, client, token).await?;
        entra::read(&reply)?.issued(&reply.received)
    };
    exchanger.with_token(&token_file(exchanger, cloud), exchange).await
}

async fn with_certificate(
    exchanger: &Exchanger,
    cloud: AzureCloud,
    tenant: &str,
    client: &str,
    credential: &CredentialSource,
) -> Result<Issued, ExchangeError> {
    let certificate = Certificate::read(&exchanger.document(credential)?)?;
    let host = authority(cloud);
    let audience = format!("https://{host}/{tenant}/oauth2/v2.0/token");
    let mut corrected = false;
    loop {
        let now = exchanger.skews.now_at(host, &exchanger.clock);
        let assertion = certificate.assertion(client, &audience, now)?;
        let reply = assert(exchanger, cloud, tenant, client, assertion).await?;
        match entra::read(&reply) {
            Ok(given) => return given.issued(&reply.received),
            Err(error) if error.reason == "token_refused" && !corrected => {
                corrected = exchanger.skews.correct(host, &reply.received);
                if !corrected {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// One exchange of an assertion, whoever signed it.
async fn assert(
    exchanger: &Exchanger,
    cloud: AzureCloud,
    tenant: &str,
    client: &str,
    assertion: Secret,
) -> Result<Reply, ExchangeError> {
    let recorder = Recorder::new(&exchanger.transport, &[]);
    let options = ClientAssertionCredentialOptions { client_options: options(cloud, &recorder) };
    let credential =
        ClientAssertionCredential::new(tenant.to_owned(), client.to_owned(), Assertion(assertion), Some(options))
            .map_err(|_| unwritable())?;
    recorder.heard(credential.get_token(&[scope(cloud)], None)).await
}

async fn with_secret(
    exchanger: &Exchanger,
    cloud: AzureCloud,
    tenant: &str,
    client: &str,
    credential: &CredentialSource,
) -> Result<Issued, ExchangeError> {
    let secret = Secret::parse(exchanger.document(credential)?.as_bytes()).map_err(|why| {
        ExchangeError::new("key_unusable", Pace::Rarely, format!("the client secret cannot be used: {why}"))
    })?;
    let recorder = Recorder::new(&exchanger.transport, &[]);
    let options = ClientSecretCredentialOptions { client_options: options(cloud, &recorder) };
    let secret = AzureSecret::new(secret.expose().to_owned());
    let credential =
        ClientSecretCredential::new(tenant, client.to_owned(), secret, Some(options)).map_err(|_| unwritable())?;
    let reply = recorder.heard(credential.get_token(&[scope(cloud)], None)).await?;
    entra::read(&reply)?.issued(&reply.received)
}

async fn managed(
    exchanger: &Exchanger,
    cloud: AzureCloud,
    id: Option<&ManagedIdentityId>,
) -> Result<Issued, ExchangeError> {
    let recorder = Recorder::new(&exchanger.transport, &imds::REACHES);
    let user_assigned_id = id.cloned().map(|id| match id {
        ManagedIdentityId::ClientId(id) => UserAssignedId::ClientId(id),
        ManagedIdentityId::ObjectId(id) => UserAssignedId::ObjectId(id),
        ManagedIdentityId::ResourceId(id) => UserAssignedId::ResourceId(id),
    });
    let client_options = options(cloud, &recorder);
    let credential =
        ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions { user_assigned_id, client_options }))
            .map_err(|_| unwritable())?;
    let heard = recorder.heard(credential.get_token(&[scope(cloud)], None)).await;
    let reply = heard.map_err(|error| {
        error.hint("pods may be kept from the instance metadata service: use source WorkloadIdentity")
    })?;
    imds::read(&reply)?.issued(&reply.received)
}

fn options(cloud: AzureCloud, recorder: &Arc<Recorder>) -> ClientOptions {
    let cloud = match cloud {
        AzureCloud::Public => CloudConfiguration::AzurePublic,
        AzureCloud::USGovernment => CloudConfiguration::AzureGovernment,
        AzureCloud::China => CloudConfiguration::AzureChina,
    };
    ClientOptions {
        transport: Some(Transport::new(recorder.clone())),
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(cloud)),
        ..ClientOptions::default()
    }
}

/// Parameters that no request can be written with; the checks of an AIProvider refuse them.
fn unwritable() -> ExchangeError {
    ExchangeError::misconfigured("tenantId or clientId is not one that a request can be written with")
}

/// A token that proves who asks: the pod's own, or one that a certificate signed.
#[derive(Debug)]
struct Assertion(Secret);

#[async_trait::async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose().to_owned())
    }
}
