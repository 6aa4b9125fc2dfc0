//! AIProvider → Provider: nothing is left to default.

use crate::account::AccountIdentity;
use crate::check::check_provider;
use crate::finding::{Findings, ObjectKey};
use crate::{identity, key};
use pillion_crds::conditions::reason;
use pillion_crds::{AIProvider, ApiKey, AuthType};
use pillion_llm::{Descriptor, Options};
use pillion_snapshot::{ApiKeyPlacement, Auth, Provider};
use serde_json::{Map, Value};

/// A provider as pods of a service account use it: what it leaves out is filled by what the account claims. `None` where
/// a check finds fault.
#[must_use]
pub fn provider_for(object: &AIProvider, account: &AccountIdentity) -> Option<Provider> {
    let mut provider = compile(object).0?;
    account.fill(&mut provider.auth);
    Some(provider)
}

/// A provider that no check finds fault with, and what the checks found.
pub(crate) fn compile(object: &AIProvider) -> (Option<Provider>, Findings) {
    let wrong = check_provider(object);
    let mut findings = Findings::new(&wrong, &[]);
    let Some(descriptor) = pillion_llm::provider(&object.spec.r#type) else {
        findings.accepted.reason = reason::UNSUPPORTED_TYPE;
        return (None, findings);
    };
    let resolved = if wrong.is_empty() { resolve(object, descriptor) } else { None };
    (resolved, findings)
}

/// `None` only where a check finds fault.
fn resolve(object: &AIProvider, descriptor: &Descriptor) -> Option<Provider> {
    let options = options(object);
    let default = Options::read(&options).ok().and_then(|options| descriptor.endpoint(&options));
    let endpoint = object.spec.endpoint.as_deref().or(default.as_deref()).unwrap_or_default();
    Some(Provider {
        name: object.metadata.name.clone().unwrap_or_default(),
        kind: object.spec.r#type.clone(),
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        auth: authentication(object, descriptor, endpoint)?,
        options,
    })
}

/// The options of the object's type, under their own names.
pub(crate) fn options(object: &AIProvider) -> Map<String, Value> {
    let spec = &object.spec;
    let members = [
        spec.azure_openai.as_ref().map(serde_json::to_value),
        spec.vertex_ai.as_ref().map(serde_json::to_value),
        spec.bedrock.as_ref().map(serde_json::to_value),
    ];
    let objects = members.into_iter().flatten().filter_map(|value| match value {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    });
    objects.flatten().collect()
}

fn authentication(object: &AIProvider, descriptor: &Descriptor, endpoint: &str) -> Option<Auth> {
    let Some(auth) = &object.spec.auth else { return Some(Auth::None) };
    let namespace = ObjectKey::of_provider(object).namespace;
    Some(match auth.r#type {
        AuthType::None => Auth::None,
        AuthType::Passthrough => Auth::Passthrough,
        AuthType::APIKey => {
            let key = auth.api_key.as_ref()?;
            let source = key::source(&namespace, key.mounted.as_ref(), key.secret_ref.as_ref())?;
            Auth::ApiKey { source, placement: placement(key, descriptor) }
        }
        AuthType::AWS => Auth::Aws(identity::aws(auth.aws.as_ref()?, &namespace, endpoint)?),
        AuthType::Azure => Auth::Azure(identity::azure(auth.azure.as_ref()?, &namespace)?),
        AuthType::GCP => Auth::Gcp(identity::gcp(auth.gcp.as_ref()?, &namespace)?),
    })
}

fn placement(key: &ApiKey, descriptor: &Descriptor) -> ApiKeyPlacement {
    if let Some(name) = &key.query_parameter {
        return ApiKeyPlacement::Query { name: name.clone() };
    }
    let name = key.header.as_deref().unwrap_or(descriptor.api_key.header).to_ascii_lowercase();
    let usual_prefix = if name == descriptor.api_key.header { descriptor.api_key.prefix } else { "" };
    let prefix = key.prefix.as_deref().unwrap_or(usual_prefix).to_owned();
    ApiKeyPlacement::Header { name, prefix }
}
