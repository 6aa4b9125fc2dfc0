//! Amazon Bedrock: every model by Converse, Claude for Anthropic's clients by InvokeModel in Anthropic's own body.

use super::{ApiKeyDefault, Ask, Descriptor, Options};
use crate::formats::ServerRules;
use crate::{Dialect, Envelope, Format, Wire};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Bedrock",
    default_endpoint: |options| options.region.as_deref().and_then(endpoint),
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::Bedrock],
    docs: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    options: &["region"],
    required_options: &["region"],
    wire,
    url,
    native_url,
    // Its streams tell their usage unasked.
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: false, cloud: false },
    request_headers: &[
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-request-metadata",
        "x-amzn-bedrock-service-tier",
        "x-amzn-bedrock-trace",
    ],
    required_headers: &[],
    reply_headers: &["x-amzn-bedrock-", "x-amzn-errortype", "x-amzn-requestid"],
    query: &["maxResults", "nextToken", "sortBy", "sortOrder", "statusEquals", "submitTimeAfter", "submitTimeBefore"],
};

/// The runtime of a region, under the domain of its partition.
fn endpoint(region: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || !region.bytes().all(plain) {
        return None;
    }
    const PARTITIONS: &[(&str, &str)] = &[
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
    ];
    let partition = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    let domain = partition.map_or("amazonaws.com", |(_, domain)| *domain);
    Some(format!("https://bedrock-runtime.{region}.{domain}"))
}

/// An id names Claude with any region before it, and within an ARN; that of an application's profile does not.
fn wire(model: &str, client: Format) -> Wire {
    if client == Format::AnthropicMessages && model.contains("anthropic.claude") {
        return Wire { format: client, envelope: Envelope::BedrockInvoke };
    }
    Format::BedrockConverse.into()
}

/// The model is one segment, whatever it holds: colons, and an ARN's slashes.
fn url(endpoint: &str, ask: &Ask<'_>) -> String {
    let action = match (ask.wire.envelope, ask.stream) {
        (Envelope::BedrockInvoke, false) => "invoke",
        (Envelope::BedrockInvoke, true) => "invoke-with-response-stream",
        (_, false) => "converse",
        (_, true) => "converse-stream",
    };
    format!("{}/model/{}/{action}", endpoint.trim_end_matches('/'), super::url::segment(ask.model))
}

/// Paths of the service's other endpoints go to their hosts, where the endpoint is Amazon's own.
fn native_url(endpoint: &str, path: &str, _: &Options) -> String {
    const HOSTS: &[(&str, &str)] = &[
        ("/rerank", "bedrock-agent-runtime"),
        ("/retrieveAndGenerate", "bedrock-agent-runtime"),
        ("/foundation-models", "bedrock"),
        ("/inference-profiles", "bedrock"),
        ("/model-invocation-job", "bedrock"),
    ];
    let endpoint = endpoint.trim_end_matches('/');
    let host = HOSTS.iter().find(|(prefix, _)| path.starts_with(prefix)).map(|(_, host)| *host);
    match (host, endpoint.split_once("://bedrock-runtime.")) {
        (Some(host), Some((scheme, rest))) => format!("{scheme}://{host}.{rest}{path}"),
        _ => format!("{endpoint}{path}"),
    }
}

#[cfg(test)]
mod tests;
