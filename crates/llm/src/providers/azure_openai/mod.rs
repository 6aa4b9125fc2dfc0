//! OpenAI's models as Azure serves them, and Claude on Azure AI Foundry.
//!
//! Sources: <https://learn.microsoft.com/azure/ai-foundry/openai/reference>,
//! <https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>,
//! <https://learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/use-foundry-models-claude>.

mod paths;

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "AzureOpenAI",
    default_endpoint: super::no_endpoint,
    local: false,
    api_key: ApiKeyDefault { header: "api-key", prefix: "" },
    dialects: &[Dialect::AzureOpenAI, Dialect::OpenAI, Dialect::Anthropic],
    docs: "https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    options: &["apiVersion", "deployments"],
    required_options: &[],
    wire: |model, client| match is_claude(model) {
        true => super::nearest(&[Format::AnthropicMessages], client),
        false => super::nearest(&[Format::OpenAIChat, Format::OpenAIResponses], client),
    },
    url: paths::call,
    native_url: paths::native,
    // Older deployments do not know the newer name; that models which think refuse the older one is known by their name.
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: &[
        "anthropic-beta",
        "anthropic-version",
        "openai-beta",
        "x-client-request-id",
        "x-ms-client-request-id",
        "x-ms-oai-image-generation-deployment",
    ],
    // Claude's servers demand it, the others do not look at it.
    required_headers: &[("anthropic-version", "2023-06-01")],
    reply_headers: &[
        "anthropic-ratelimit-",
        "apim-request-id",
        "openai-processing-ms",
        "request-id",
        "x-ms-client-request-id",
        "x-ms-deployment-name",
        "x-ms-rai-invoked",
        "x-ms-region",
        "x-ratelimit-",
        "x-request-id",
    ],
    query: &[
        "after",
        "api-version",
        "before",
        "filter",
        "include",
        "include_obfuscation",
        "limit",
        "metadata",
        "order",
        "purpose",
        "run_id",
        "starting_after",
        "stream",
        "variant",
    ],
};

/// Claude is served in Anthropic's own format alone.
fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}

#[cfg(test)]
mod tests;
