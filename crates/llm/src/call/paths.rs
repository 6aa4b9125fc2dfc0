//! The table of paths: what each vendor's paths ask for, and whose a path without prefix is.

use super::{Asked, percent_decoded};
use crate::framing::Framing;
use crate::{Dialect, Format};
use http::{HeaderMap, Method};

/// What a vendor's path asks for.
pub(super) fn asked(dialect: Dialect, method: &Method, path: &str, query: Option<&str>) -> Asked {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let path = unversioned(path);
    if method == Method::GET && !matches!(dialect, Dialect::Bedrock) {
        let path = path.strip_prefix("/openai").filter(|_| dialect == Dialect::AzureOpenAI).map_or(path, unversioned);
        return match path.strip_prefix("/models") {
            Some("") => Asked::MODELS,
            Some(id) if id.starts_with('/') => Asked { model: Some(percent_decoded(&id[1..])), ..Asked::MODELS },
            _ => Asked::NATIVE,
        };
    }
    if method != Method::POST {
        return Asked::NATIVE;
    }
    match dialect {
        Dialect::OpenAI => openai(path),
        Dialect::AzureOpenAI => azure(path),
        Dialect::Anthropic if path == "/messages" => Asked::chat(Format::AnthropicMessages),
        Dialect::Gemini | Dialect::VertexAI => google(path, query),
        Dialect::Bedrock => bedrock(path),
        Dialect::Cohere if path == "/chat" => Asked::chat(Format::CohereChat),
        Dialect::Anthropic | Dialect::Cohere => Asked::NATIVE,
    }
}

/// A path without its version. Cohere's `/v1` is another API than its `/v2` and stays.
fn unversioned(path: &str) -> &str {
    let version = ["/v1", "/v1beta", "/v1beta1", "/v1alpha", "/v2"].into_iter();
    let rest = version.filter_map(|version| path.strip_prefix(version)).find(|rest| rest.starts_with('/'));
    match rest {
        Some(_) if path == "/v1/chat" => path,
        Some(rest) => rest,
        None => path,
    }
}

fn openai(path: &str) -> Asked {
    match path {
        "/chat/completions" => Asked::chat(Format::OpenAIChat),
        "/responses" => Asked::chat(Format::OpenAIResponses),
        _ => Asked::NATIVE,
    }
}

/// `/openai/deployments/{d}/chat/completions`, `/openai/responses`, `/openai/v1/…`, `/anthropic/v1/messages`.
fn azure(path: &str) -> Asked {
    // Claude on Foundry.
    if path == "/anthropic/v1/messages" || path == "/anthropic/messages" {
        return Asked::chat(Format::AnthropicMessages);
    }
    let path = path.strip_prefix("/openai").map_or(path, unversioned);
    match path.strip_prefix("/deployments/").and_then(|rest| rest.split_once('/')) {
        Some((deployment, rest)) => {
            let asked = openai(&format!("/{rest}"));
            Asked { model: Some(percent_decoded(deployment)), ..asked }
        }
        None => openai(path),
    }
}

/// `…/models/{m}:generateContent`, also behind `projects/…/publishers/{p}`, and tuned models' `endpoints/{id}`.
fn google(path: &str, query: Option<&str>) -> Asked {
    let Some((before, method)) = path.rsplit_once(':') else { return Asked::NATIVE };
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return Asked::NATIVE,
    };
    // The kind of what is no plain model is part of its name: it stands so in the path of the call that is made.
    let named = [("/models/", ""), ("/endpoints/", "endpoints/"), ("/tunedModels/", "tunedModels/")].into_iter();
    let found = named.filter_map(|(kind, prefix)| Some((prefix, before.rsplit_once(kind)?.1))).next();
    let Some((prefix, name)) = found else { return Asked::NATIVE };
    let model = [prefix, &percent_decoded(name)].concat();
    let sse = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let framing = stream.then_some(if sse { Framing::Sse } else { Framing::JsonArray });
    let asked = Asked::chat(Format::GeminiGenerateContent);
    Asked { model: Some(model), stream: Some(stream), framing, ..asked }
}

/// `/model/{id}/converse`; the id may hold encoded slashes, and some clients do not encode them.
fn bedrock(path: &str) -> Asked {
    let Some((id, action)) = path.strip_prefix("/model/").and_then(|rest| rest.rsplit_once('/')) else {
        return Asked::NATIVE;
    };
    let stream = match action {
        "converse" => false,
        "converse-stream" => true,
        _ => return Asked::NATIVE,
    };
    let framing = stream.then_some(Framing::EventStream);
    let asked = Asked::chat(Format::BedrockConverse);
    Asked { model: Some(percent_decoded(id)), stream: Some(stream), framing, ..asked }
}

/// The dialect of a path without prefix. Paths that one vendor alone has come first; then, in this order, a SigV4
/// signature, `anthropic-version`, `api-key` or `api-version`, `x-goog-api-key` or `key`, else OpenAI.
pub(super) fn bare_dialect(path: &str, query: Option<&str>, headers: &HeaderMap) -> Dialect {
    let asked = unversioned(path);
    if let Some(dialect) = by_path(path, asked) {
        return dialect;
    }
    let has_query =
        |name: &str| query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some(name)));
    if signed_by_aws(headers) {
        Dialect::Bedrock
    } else if headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else if headers.contains_key("api-key") || has_query("api-version") {
        Dialect::AzureOpenAI
    } else if headers.contains_key("x-goog-api-key") || has_query("key") {
        Dialect::Gemini
    } else {
        Dialect::OpenAI
    }
}

fn by_path(path: &str, asked: &str) -> Option<Dialect> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if asked == "/messages" || asked.starts_with("/messages/") || asked == "/complete" {
        return Some(Dialect::Anthropic);
    }
    if begins(&["/openai/", "/anthropic/"]) {
        return Some(Dialect::AzureOpenAI);
    }
    if begins(&["/model/", "/async-invoke", "/guardrail/"]) {
        return Some(Dialect::Bedrock);
    }
    if begins(&["/v1/projects/", "/v1beta1/"]) || asked.starts_with("/publishers/") {
        return Some(Dialect::VertexAI);
    }
    if begins(&["/v1beta/", "/v1alpha/", "/upload/v1beta/"]) || asked.starts_with("/models/") && asked.contains(':') {
        return Some(Dialect::Gemini).filter(|_| !asked.starts_with("/models/ft:"));
    }
    if begins(&["/v2/"]) || path == "/v1/chat" {
        return Some(Dialect::Cohere);
    }
    (asked.starts_with("/chat/") || asked == "/responses" || asked.starts_with("/responses/"))
        .then_some(Dialect::OpenAI)
}

fn signed_by_aws(headers: &HeaderMap) -> bool {
    headers.get(http::header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256"))
}
