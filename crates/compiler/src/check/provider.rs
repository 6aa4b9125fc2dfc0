//! Checks of an AIProvider.

use super::identity::{check_aws, check_azure, check_gcp};
use super::is_header_name;
use crate::finding::Finding;
use crate::key as keys;
use pillion_crds::{AIProvider, ApiKey, Auth, AuthType};
use pillion_llm::{Descriptor, Options};

/// Headers that HTTP itself uses: a key in them would break the call, not authorise it.
const HTTP_HEADERS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "accept-encoding",
];

/// What an AIProvider proves wrong by itself; empty: it is accepted.
#[must_use]
pub fn check_provider(object: &AIProvider) -> Vec<Finding> {
    let Some(descriptor) = pillion_llm::provider(&object.spec.r#type) else {
        let known: Vec<&str> = pillion_llm::providers().iter().map(|descriptor| descriptor.id).collect();
        let message = format!("unsupported type '{}': this version knows {}", object.spec.r#type, known.join(", "));
        return vec![Finding::new("spec.type", message)];
    };
    let mut findings = check_endpoint(object, descriptor);
    findings.extend(check_options(object, descriptor));
    if let Some(auth) = &object.spec.auth {
        let default = default_endpoint(object, descriptor);
        let endpoint = object.spec.endpoint.as_deref().or(default.as_deref()).unwrap_or_default();
        findings.extend(check_auth(auth, descriptor, endpoint));
    }
    findings
}

fn check_endpoint(object: &AIProvider, descriptor: &Descriptor) -> Vec<Finding> {
    let finding = |message: String| vec![Finding::new("spec.endpoint", message)];
    let kind = descriptor.id;
    match (&object.spec.endpoint, descriptor.local) {
        (Some(_), true) => finding(format!("type {kind} answers inside the sidecar: remove spec.endpoint")),
        (None, false) if default_endpoint(object, descriptor).is_none() => finding(format!(
            "type {kind} has no default endpoint: set spec.endpoint, such as https://llm.example.com/v1"
        )),
        (Some(endpoint), false) => {
            let insecure = object.spec.allow_insecure.unwrap_or_default();
            wrong_with_url(endpoint, insecure).map(finding).unwrap_or_default()
        }
        (None, _) => vec![],
    }
}

fn default_endpoint(object: &AIProvider, descriptor: &Descriptor) -> Option<String> {
    let options = Options::read(&crate::provider::options(object)).ok()?;
    // An option that is missing has its own finding.
    let missing = descriptor.required_options.iter().any(|name| !crate::provider::options(object).contains_key(*name));
    descriptor.endpoint(&options).or_else(|| missing.then(String::new))
}

fn check_options(object: &AIProvider, descriptor: &Descriptor) -> Vec<Finding> {
    let options = crate::provider::options(object);
    let foreign = options.keys().filter(|name| !descriptor.options.contains(&name.as_str()));
    let mut findings: Vec<Finding> = foreign
        .map(|name| Finding::new("spec", format!("'{name}' is no option of type {}: remove it", descriptor.id)))
        .collect();
    let missing = descriptor.required_options.iter().filter(|name| !options.contains_key(**name));
    findings.extend(
        missing.map(|name| Finding::new("spec", format!("type {} needs the option '{name}': set it", descriptor.id))),
    );
    findings
}

/// What is wrong with a base URL, if anything.
fn wrong_with_url(endpoint: &str, allow_insecure: bool) -> Option<String> {
    let malformed = || {
        Some(format!(
            "'{}' is not a URL such as https://api.example.com/v1, without user info, query or fragment",
            endpoint.rsplit('@').next().unwrap_or_default()
        ))
    };
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return malformed() };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return malformed() };
    if uri.query().is_some() || authority.as_str().contains('@') || endpoint.contains('#') {
        return malformed();
    }
    match scheme {
        "https" => None,
        "http" if allow_insecure || is_cluster_host(authority.host()) => None,
        "http" => Some(format!(
            "'{}' is plain http outside this cluster: use https, or set spec.allowInsecure to true if prompts and \
             credentials may travel in the clear",
            authority.host()
        )),
        _ => malformed(),
    }
}

/// Whether a host can only be a Service of this cluster.
fn is_cluster_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let single_label = !host.contains(['.', ':']) && host != "localhost";
    single_label || host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}

fn check_auth(auth: &Auth, descriptor: &Descriptor, endpoint: &str) -> Vec<Finding> {
    let mut findings = vec![];
    if descriptor.local && auth.r#type != AuthType::None {
        findings.push(Finding::new(
            "spec.auth",
            format!(
                "type {} answers inside the sidecar and takes no credential: remove spec.auth or set its type to None",
                descriptor.id
            ),
        ));
    }
    for (name, set, wanted) in [
        ("apiKey", auth.api_key.is_some(), AuthType::APIKey),
        ("aws", auth.aws.is_some(), AuthType::AWS),
        ("azure", auth.azure.is_some(), AuthType::Azure),
        ("gcp", auth.gcp.is_some(), AuthType::GCP),
    ] {
        if set != (auth.r#type == wanted) {
            let message = format!("{name} must be set exactly when type is {wanted:?}");
            findings.push(Finding::new("spec.auth", message));
        }
    }
    let of_a_cloud = matches!(auth.r#type, AuthType::AWS | AuthType::Azure | AuthType::GCP);
    if of_a_cloud && endpoint.starts_with("http://") {
        findings.push(Finding::new("spec.endpoint", "credentials of a cloud travel over https only: use https"));
    }
    findings.extend(auth.api_key.iter().flat_map(check_api_key));
    findings.extend(auth.aws.iter().flat_map(|aws| check_aws(aws, endpoint)));
    findings.extend(auth.azure.iter().flat_map(check_azure));
    findings.extend(auth.gcp.iter().flat_map(check_gcp));
    findings
}

fn check_api_key(key: &ApiKey) -> Vec<Finding> {
    let mut findings = vec![];
    let mut wrong = |field: &str, message: &str| {
        let dot = if field.is_empty() { "" } else { "." };
        findings.push(Finding::new(format!("spec.auth.apiKey{dot}{field}"), message));
    };
    if key.mounted.is_none() && key.secret_ref.is_none() {
        wrong("", "set one of mounted and secretRef");
    }
    for (field, message) in keys::check(key.mounted.as_ref(), key.secret_ref.as_ref()) {
        wrong(field, message);
    }
    if key.query_parameter.is_some() && key.header.is_some() {
        wrong("header", "the key goes into a header or into a query parameter: set one of header and queryParameter");
    }
    if key.query_parameter.is_some() && key.prefix.is_some() {
        wrong("prefix", "prefix belongs to a header: remove it or queryParameter");
    }
    if let Some(header) = &key.header {
        if !is_header_name(header) {
            wrong("header", "must be a header name");
        } else if HTTP_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
            wrong("header", "must not be a header that HTTP itself uses");
        }
    }
    if key.prefix.as_ref().is_some_and(|prefix| !prefix.bytes().all(|byte| (b' '..=b'~').contains(&byte))) {
        wrong("prefix", "must be printable ASCII");
    }
    let plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
    if key.query_parameter.as_ref().is_some_and(|name| name.is_empty() || !plain(name)) {
        wrong("queryParameter", "must be a name of letters, digits, '.', '_', '~' and '-'");
    }
    findings
}
