//! Keeps the authorities in the Secret `pillion-ca`, the certificate of this replica fresh, and the bundle in the
//! webhook configurations; asks the API server every few seconds, so that whatever is undone is done again.

use super::{AuthorityError, Keyring, ServingIdentity};
use crate::kubernetes::{CallError, call, status_code};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two looks: what is undone is repaired within 10 s.
const PERIOD: Duration = Duration::from_secs(4);
const FIELD_MANAGER: &str = "pillion-webhook-ca";

/// Names of the objects that are kept.
#[derive(Clone, Debug)]
pub(crate) struct CertificateNames {
    /// Namespace of the Secret.
    pub(crate) namespace: String,
    /// The Secret.
    pub(crate) secret: String,
    /// The MutatingWebhookConfiguration.
    pub(crate) injector: String,
    /// The ValidatingWebhookConfiguration.
    pub(crate) validator: String,
    /// What the server certificate is for.
    pub(crate) server: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("failed to {action}: {source}")]
    Call { action: &'static str, source: CallError },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Runs until `shutdown`; a failure is logged and tried again.
pub(crate) async fn keep(
    client: Client,
    names: CertificateNames,
    identity: watch::Sender<Option<Arc<ServingIdentity>>>,
    shutdown: CancellationToken,
) {
    let mut keeper = Keeper { client, names, held: None, identity };
    loop {
        let period = match keeper.look().await {
            Ok(()) => PERIOD,
            Err(error) => {
                tracing::warn!(%error, "certificates could not be looked after, trying again");
                // Nothing is served before there is a certificate.
                if keeper.identity.borrow().is_none() { Duration::from_secs(1) } else { PERIOD }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
    }
}

struct Keeper {
    client: Client,
    names: CertificateNames,
    /// What was stored last: put back where the Secret is deleted, so that no pod loses its trust.
    held: Option<Keyring>,
    identity: watch::Sender<Option<Arc<ServingIdentity>>>,
}

impl Keeper {
    async fn look(&mut self) -> Result<(), StoreError> {
        let keyring = self.stored_keyring().await?;
        self.held = Some(keyring.clone());
        let now = SystemTime::now();
        let fresh = self.identity.borrow().as_ref().is_some_and(|identity| identity.is_fresh(&keyring, now));
        if !fresh {
            let identity = ServingIdentity::issue(&keyring, &self.names.server, now)?;
            tracing::info!("serving with a new certificate");
            self.identity.send_replace(Some(Arc::new(identity)));
        }
        let bundle = keyring.bundle();
        repair::<MutatingWebhookConfiguration>(&self.client, &self.names.injector, &bundle).await?;
        repair::<ValidatingWebhookConfiguration>(&self.client, &self.names.validator, &bundle).await
    }

    /// The keyring that is stored once this returns: of several replicas that start at once, one stores its own and
    /// the others take it.
    async fn stored_keyring(&self) -> Result<Keyring, StoreError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.names.namespace);
        for _ in 0..5 {
            let found = call(secrets.get_opt(&self.names.secret))
                .await
                .map_err(|source| StoreError::Call { action: "read the Secret of the authorities", source })?;
            let (wanted, former) = match found {
                None => (self.held_or_new()?, None),
                Some(secret) => match read(&secret) {
                    Ok(keyring) => match keyring.rotated(SystemTime::now())? {
                        None => return Ok(keyring),
                        Some(rotated) => (rotated, Some(secret)),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "the Secret of the authorities is broken and is written anew");
                        (self.held_or_new()?, Some(secret))
                    }
                },
            };
            let secret = self.secret(&wanted, former.as_ref());
            let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..Default::default() };
            let written = match former {
                None => call(secrets.create(&params, &secret)).await,
                Some(_) => call(secrets.replace(&self.names.secret, &params, &secret)).await,
            };
            match written {
                Ok(_) => return Ok(wanted),
                Err(error) if matches!(status_code(&error), Some(404 | 409)) => {}
                Err(source) => return Err(StoreError::Call { action: "store the authorities", source }),
            }
        }
        let source = CallError::Timeout;
        Err(StoreError::Call { action: "agree on the authorities with the other replicas", source })
    }

    fn held_or_new(&self) -> Result<Keyring, AuthorityError> {
        self.held.clone().map_or_else(|| Keyring::generate(SystemTime::now()), Ok)
    }

    fn secret(&self, keyring: &Keyring, former: Option<&Secret>) -> Secret {
        let mut secret = former.cloned().unwrap_or_default();
        secret.metadata.name = Some(self.names.secret.clone());
        secret.metadata.namespace = Some(self.names.namespace.clone());
        secret.metadata.managed_fields = None;
        let labels = secret.metadata.labels.get_or_insert_default();
        labels.insert("app.kubernetes.io/managed-by".into(), "pillion-operator".into());
        secret.data = Some(keyring.to_data().into_iter().map(|(key, text)| (key, ByteString(text.into()))).collect());
        secret
    }
}

fn read(secret: &Secret) -> Result<Keyring, AuthorityError> {
    let data: BTreeMap<String, String> = secret
        .data
        .iter()
        .flatten()
        .map(|(key, bytes)| (key.clone(), String::from_utf8_lossy(&bytes.0).into_owned()))
        .collect();
    Keyring::from_data(&data)
}

/// Puts the bundle into each webhook of a configuration that has another one. A configuration that is not there is
/// no failure: it comes with the chart, or its owner does without.
async fn repair<K>(client: &Client, name: &str, bundle: &str) -> Result<(), StoreError>
where
    K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let configurations: Api<K> = Api::all(client.clone());
    let found = call(configurations.get_opt(name))
        .await
        .map_err(|source| StoreError::Call { action: "read a webhook configuration", source })?;
    let Some(found) = found else {
        return Ok(());
    };
    let json = serde_json::to_value(found).unwrap_or_default();
    let Some(patch) = bundle_patch(&json, bundle) else {
        return Ok(());
    };
    tracing::info!(configuration = name, kind = %K::kind(&()), "writing the CA bundle");
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..Default::default() };
    match call(configurations.patch(name, &params, &Patch::Strategic(patch))).await {
        Ok(_) => Ok(()),
        // It changed meanwhile; the next look sees how.
        Err(error) if matches!(status_code(&error), Some(404 | 409 | 422)) => Ok(()),
        Err(source) => Err(StoreError::Call { action: "write the CA bundle", source }),
    }
}

/// Strategic merge patch that sets the bundle where it is another; entries are found by name, so that a list that
/// changed meanwhile is not patched at the wrong place.
fn bundle_patch(configuration: &Value, bundle: &str) -> Option<Value> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bundle);
    let wrong: Vec<Value> = configuration
        .get("webhooks")?
        .as_array()?
        .iter()
        .filter(|webhook| webhook["clientConfig"]["caBundle"] != encoded.as_str())
        .map(|webhook| json!({"name": webhook["name"], "clientConfig": {"caBundle": encoded}}))
        .collect();
    (!wrong.is_empty()).then(|| json!({"webhooks": wrong}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_with_another_bundle_are_patched() {
        let configuration = json!({"webhooks": [
            {"name": "a", "clientConfig": {"caBundle": "UEVN"}},
            {"name": "b", "clientConfig": {"url": "https://x"}},
        ]});
        let patch = bundle_patch(&configuration, "PEM").unwrap();
        assert_eq!(patch, json!({"webhooks": [{"name": "b", "clientConfig": {"caBundle": "UEVN"}}]}));
        assert_eq!(bundle_patch(&json!({"webhooks": [{"clientConfig": {"caBundle": "UEVN"}}]}), "PEM"), None);
    }
}
