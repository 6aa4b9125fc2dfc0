//! AWS: keys from the pod's own identity, the node's or a file, then roles that are assumed one after the other.

mod files;
pub(crate) mod hosts;
mod imds;
mod pod;
mod sigv4;
mod sts;

pub(super) use files::read as read_static;
pub(crate) use sigv4::{Scope, SignError, offset_after, sign, tells_bad_keys, tells_skew};

use super::credential::{AwsKeys, Credential, Habit, Issued};
use super::error::{ExchangeError, Pace};
use super::exchange::Exchanger;
use super::lifetime::{Expiry, Received};
use super::projected;
use super::secret::Secret;
use pillion_snapshot::{AssumeRole, AwsIdentity, AwsSource, TokenFile};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What EKS's own webhooks set.
const ROLE_ARN: &str = "AWS_ROLE_ARN";
const WEB_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const POD_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const POD_AGENT: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// All of them.
pub(super) const VARIABLES: [&str; 4] = [ROLE_ARN, WEB_TOKEN_FILE, POD_TOKEN_FILE, POD_AGENT];

/// Keys as a service gave them.
#[derive(Debug)]
struct Given {
    keys: AwsKeys,
    expiry: Expiry,
}

impl Given {
    fn issued(self, received: &Received, habit: Habit) -> Result<Issued, ExchangeError> {
        let deadline = received.deadline(self.expiry)?;
        Ok(Issued { credential: Credential::Aws(Arc::new(self.keys)), deadline, refresh_in: None, habit })
    }
}

pub(super) async fn exchange(exchanger: &Exchanger, identity: &AwsIdentity) -> Result<Issued, ExchangeError> {
    let mut issued = first(exchanger, identity).await?;
    for role in &identity.assume_roles {
        issued = assume(exchanger, &identity.region, role, &issued.credential).await?;
    }
    Ok(issued)
}

async fn first(exchanger: &Exchanger, identity: &AwsIdentity) -> Result<Issued, ExchangeError> {
    let role_of_webhook = exchanger.variable(ROLE_ARN);
    match &identity.source {
        AwsSource::WebIdentity { role_arn } => {
            let role = role_arn.as_deref().or(role_of_webhook).ok_or_else(|| {
                ExchangeError::misconfigured("no role: set auth.aws.roleArn, or annotate the pod's service account with eks.amazonaws.com/role-arn")
            })?;
            web_identity(exchanger, &identity.region, role).await
        }
        AwsSource::Auto { role_arn } => match role_arn.as_deref().or(role_of_webhook) {
            Some(role) if !has_only_pod_identity(exchanger) => web_identity(exchanger, &identity.region, role).await,
            _ => pod_identity(exchanger).await,
        },
        AwsSource::PodIdentity => pod_identity(exchanger).await,
        AwsSource::InstanceMetadata => instance(exchanger).await,
        AwsSource::Static { credential } => {
            let keys = read_static(&exchanger.document(credential)?)?;
            // The file is read again at each exchange that follows from these keys.
            let deadline = Instant::now() + Duration::from_secs(3600);
            let credential = Credential::Aws(Arc::new(keys));
            Ok(Issued { credential, deadline, refresh_in: None, habit: Habit::default() })
        }
    }
}

/// The files of the pod's tokens, ours before those of EKS's webhooks.
pub(super) fn token_files(exchanger: &Exchanger, source: &AwsSource) -> Vec<PathBuf> {
    let web = || exchanger.token_file(&TokenFile::aws(), WEB_TOKEN_FILE);
    let pod = || exchanger.token_file(&TokenFile::eks(), POD_TOKEN_FILE);
    match source {
        AwsSource::WebIdentity { .. } => vec![web()],
        AwsSource::PodIdentity => vec![pod()],
        AwsSource::Auto { .. } => vec![web(), pod()],
        AwsSource::InstanceMetadata | AwsSource::Static { .. } => vec![],
    }
}

/// Whether the pod has a token for EKS Pod Identity's agent and none for the Security Token Service.
fn has_only_pod_identity(exchanger: &Exchanger) -> bool {
    let pod = exchanger.token_file(&TokenFile::eks(), POD_TOKEN_FILE);
    let web = exchanger.token_file(&TokenFile::aws(), WEB_TOKEN_FILE);
    pod.exists() && !web.exists()
}

async fn web_identity(exchanger: &Exchanger, region: &str, role: &str) -> Result<Issued, ExchangeError> {
    let file = exchanger.token_file(&TokenFile::aws(), WEB_TOKEN_FILE);
    let exchange = |token: Secret| async move {
        let ask = sts::web_identity(region, role, &exchanger.session_name, &token)?;
        let reply = exchanger.transport.ask(ask).await?;
        sts::read(&reply)?.issued(&reply.received, Habit::default())
    };
    exchanger.with_token(&file, exchange).await
}

async fn pod_identity(exchanger: &Exchanger) -> Result<Issued, ExchangeError> {
    let file = exchanger.token_file(&TokenFile::eks(), POD_TOKEN_FILE);
    let token = projected::read(&file, exchanger.clock.now())?;
    let reply = exchanger.transport.ask(pod::ask(exchanger.variable(POD_AGENT), &token)).await.map_err(|error| {
        ExchangeError::from(error).hint("EKS Pod Identity needs its agent on the node (add-on eks-pod-identity-agent)")
    })?;
    pod::read(&reply)?.issued(&reply.received, Habit::default())
}

async fn instance(exchanger: &Exchanger) -> Result<Issued, ExchangeError> {
    let unreachable = |error: super::transport::AskError| {
        ExchangeError::from(error).hint("the node's hop limit for IMDSv2 must be at least 2 for pods to reach it")
    };
    let reply = exchanger.transport.ask(imds::session()).await.map_err(unreachable)?;
    let session = imds::read_session(&reply)?;
    let reply = exchanger.transport.ask(imds::role(&session)).await.map_err(unreachable)?;
    let role = imds::read_role(&reply)?;
    let reply = exchanger.transport.ask(imds::keys(&session, &role)?).await.map_err(unreachable)?;
    imds::read_keys(&reply)?.issued(&reply.received, imds::HABIT)
}

async fn assume(
    exchanger: &Exchanger,
    region: &str,
    role: &AssumeRole,
    with: &Credential,
) -> Result<Issued, ExchangeError> {
    let Credential::Aws(keys) = with else {
        return Err(ExchangeError::new("internal", Pace::Rarely, "roles are assumed with keys of AWS only"));
    };
    let mut corrected = false;
    loop {
        let mut ask = sts::assume_role(region, role, &exchanger.session_name)?;
        let host = ask.url.host().unwrap_or_default().to_owned();
        let now = exchanger.skews.now_at(&host, &exchanger.clock);
        let scope = Scope { region, service: "sts" };
        sign(&ask.method, &ask.url, &mut ask.headers, &ask.body, keys, &scope, now).map_err(|error| {
            ExchangeError::misconfigured(format!("the request for a role cannot be signed: {error}"))
        })?;
        let reply = exchanger.transport.ask(ask).await?;
        match sts::read(&reply) {
            Ok(given) => return given.issued(&reply.received, Habit::default()),
            Err(error) => {
                let by_clock = sts::code(&reply).is_some_and(|code| tells_skew(&code));
                let offset = offset_after(reply.received.date, reply.received.wall, exchanger.skews.offset(&host));
                match offset.filter(|_| by_clock && !corrected) {
                    Some(offset) => exchanger.skews.learn(&host, offset),
                    None => return Err(error),
                }
                corrected = true;
            }
        }
    }
}
