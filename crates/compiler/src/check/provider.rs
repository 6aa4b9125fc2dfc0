//! Checks of an AIProvider.

use super::is_header_name;
use crate::finding::Finding;
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
        findings.extend(check_auth(auth, descriptor));
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

fn check_auth(auth: &Auth, descriptor: &Descriptor) -> Vec<Finding> {
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
    match (auth.r#type, &auth.api_key) {
        (AuthType::APIKey, Some(key)) => findings.extend(check_api_key(key)),
        (AuthType::APIKey, None) | (_, Some(_)) => {
            findings.push(Finding::new("spec.auth", "apiKey must be set exactly when type is APIKey"));
        }
        _ => {}
    }
    findings
}

fn check_api_key(key: &ApiKey) -> Vec<Finding> {
    let mut findings = vec![];
    let mut wrong = |field: &str, message: &str| {
        findings.push(Finding::new(format!("spec.auth.apiKey.{field}"), message));
    };
    let name = &key.mounted.key;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if name.is_empty() || !plain || name == "." || name.starts_with("..") {
        wrong("mounted.key", "must be a key of a Secret: letters, digits, '-', '_' and '.'");
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
