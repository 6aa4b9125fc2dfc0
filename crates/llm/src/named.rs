//! Fields under the names that the client wrote. The model's encoders name what they refuse and what they lose by OpenAI
//! Chat's paths, which most of the model speaks; whoever asked in another format should read its own.

use crate::{BodyError, Format};
use serde_json::Value;
use std::fmt::Write as _;

/// Paths of OpenAI Chat and the client's, longer ones before those that they begin with.
type Names = &'static [(&'static str, &'static str)];

/// A field of the client's body.
pub(crate) fn named(client: Format, field: &str) -> String {
    for (theirs, own) in names(client) {
        if let Some(rest) = field.strip_prefix(theirs)
            && (rest.is_empty() || rest.starts_with(['.', '[']))
        {
            return format!("{own}{rest}");
        }
    }
    field.to_owned()
}

/// The same of what is wrong with it: where it stands in the body, else under the client's name.
pub(crate) fn named_error(client: Format, body: &[u8], mut error: BodyError) -> BodyError {
    let place = error.within.take().and_then(|within| {
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut place = String::new();
        find(&body, &within.thing, &mut place).then(|| match within.member.as_str() {
            "" => place,
            member => format!("{place}.{member}"),
        })
    });
    error.param = place.or(error.param.map(|param| named(client, &param)));
    error
}

/// Writes the path of a thing within another one.
fn find(value: &Value, thing: &Value, path: &mut String) -> bool {
    if value == thing {
        return true;
    }
    let before = path.len();
    let mut step = |inner: &Value, step: std::fmt::Arguments<'_>| {
        _ = path.write_fmt(step);
        find(inner, thing, path) || {
            path.truncate(before);
            false
        }
    };
    match value {
        Value::Array(items) => items.iter().enumerate().any(|(nth, item)| step(item, format_args!("[{nth}]"))),
        Value::Object(members) => members.iter().any(|(name, inner)| match before {
            0 => step(inner, format_args!("{name}")),
            _ => step(inner, format_args!(".{name}")),
        }),
        _ => false,
    }
}

fn names(client: Format) -> Names {
    match client {
        Format::OpenAIChat => &[],
        Format::OpenAIResponses => RESPONSES,
        Format::AnthropicMessages => ANTHROPIC,
        Format::GeminiGenerateContent => GEMINI,
        Format::BedrockConverse => BEDROCK,
        Format::CohereChat => COHERE,
    }
}

const RESPONSES: Names = &[
    ("cache_control", "prompt_cache_breakpoint"),
    ("messages[].annotations", "input[].content[].annotations"),
    ("messages[].content[].image_url.url", "input[].content[].image_url"),
    ("messages[].content[].file.file_data", "input[].content[].file_data"),
    ("messages[].content[].file.filename", "input[].content[].filename"),
    ("messages[].content[].file", "input[].content[].file_data"),
    ("messages[].content[].tool_result.content", "input[].output"),
    ("messages[].content[].tool_result", "input[].output"),
    ("messages[].tool_calls[].function.arguments", "input[].arguments"),
    ("messages[].tool_calls[]", "input[]"),
    ("messages[].tool_call_id", "input[].call_id"),
    ("messages[].reasoning_content", "input[].reasoning"),
    ("messages[]", "input[]"),
    ("messages", "input"),
    ("tools[].function.parameters", "tools[].parameters"),
    ("max_completion_tokens", "max_output_tokens"),
    ("max_tokens", "max_output_tokens"),
    ("response_format.json_schema", "text.format"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
];

const ANTHROPIC: Names = &[
    ("messages[].annotations", "messages[].content[].citations"),
    ("messages[].content[].image_url.url", "messages[].content[].source"),
    ("messages[].content[].image_url", "messages[].content[].source"),
    ("messages[].content[].file.file_data", "messages[].content[].source"),
    ("messages[].content[].file.filename", "messages[].content[].title"),
    ("messages[].content[].file", "messages[].content[].source"),
    ("messages[].content[].tool_result.content", "messages[].content[].content"),
    ("messages[].tool_calls[].function.arguments", "messages[].content[].input"),
    ("messages[].tool_calls[]", "messages[].content[]"),
    ("messages[].tool_call_id", "messages[].content[].tool_result"),
    ("messages[].reasoning_content", "messages[].content[].thinking"),
    ("tools[].function.parameters", "tools[].input_schema"),
    ("response_format.json_schema", "output_config.format"),
    ("response_format", "output_config.format"),
    ("reasoning_effort", "output_config.effort"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("stop", "stop_sequences"),
    ("user", "metadata.user_id"),
];

const GEMINI: Names = &[
    ("messages[].content[].is_error", "contents[].parts[].functionResponse.response"),
    ("messages[].content[].image_url.url", "contents[].parts[].fileData"),
    ("messages[].content[].image_url", "contents[].parts[].inlineData"),
    ("messages[].content[].file.filename", "contents[].parts[].inlineData.displayName"),
    ("messages[].content[].file.file_data", "contents[].parts[].fileData"),
    ("messages[].content[].file", "contents[].parts[].inlineData"),
    ("messages[].content[].input_audio", "contents[].parts[].inlineData"),
    ("messages[].content[].video_url.url", "contents[].parts[].fileData"),
    ("messages[].content[].video", "contents[].parts[].inlineData"),
    ("messages[].content[].tool_result.content", "contents[].parts[].functionResponse.response"),
    ("messages[].content[].tool_result", "contents[].parts[].functionResponse"),
    ("messages[].content[]", "contents[].parts[]"),
    ("messages[].content", "contents[].parts"),
    ("messages[].tool_calls[].function.arguments", "contents[].parts[].functionCall.args"),
    ("messages[].tool_calls[]", "contents[].parts[]"),
    ("messages[].tool_call_id", "contents[].parts[].functionResponse.id"),
    ("messages[].reasoning_content", "contents[].parts[].thought"),
    ("messages[]", "contents[]"),
    ("messages", "contents"),
    ("tools[].function.parameters", "tools[].functionDeclarations[].parameters"),
    ("max_tokens", "generationConfig.maxOutputTokens"),
    ("temperature", "generationConfig.temperature"),
    ("top_p", "generationConfig.topP"),
    ("top_k", "generationConfig.topK"),
    ("stop", "generationConfig.stopSequences"),
    ("seed", "generationConfig.seed"),
    ("n", "generationConfig.candidateCount"),
    ("frequency_penalty", "generationConfig.frequencyPenalty"),
    ("presence_penalty", "generationConfig.presencePenalty"),
    ("top_logprobs", "generationConfig.logprobs"),
    ("logprobs", "generationConfig.responseLogprobs"),
    ("response_format.json_schema.schema", "generationConfig.responseJsonSchema"),
    ("response_format.json_schema", "generationConfig.responseJsonSchema"),
    ("response_format", "generationConfig.responseMimeType"),
    ("reasoning_effort", "generationConfig.thinkingConfig"),
    ("thinking.budget_tokens", "generationConfig.thinkingConfig.thinkingBudget"),
    ("tool_choice", "toolConfig.functionCallingConfig"),
    ("service_tier", "serviceTier"),
];

const BEDROCK: Names = &[
    ("cache_control", "cachePoint"),
    ("messages[].annotations", "messages[].content[].citationsContent"),
    ("messages[].content[].image_url.url", "messages[].content[].image.source"),
    ("messages[].content[].image_url", "messages[].content[].image"),
    ("messages[].content[].file.filename", "messages[].content[].document.name"),
    ("messages[].content[].file.file_data", "messages[].content[].document.source"),
    ("messages[].content[].file", "messages[].content[].document"),
    ("messages[].content[].input_audio", "messages[].content[].audio"),
    ("messages[].content[].video_url.url", "messages[].content[].video.source"),
    ("messages[].content[].tool_result.content", "messages[].content[].toolResult.content"),
    ("messages[].content[].tool_result", "messages[].content[].toolResult"),
    ("messages[].tool_calls[].function.arguments", "messages[].content[].toolUse.input"),
    ("messages[].tool_calls[]", "messages[].content[]"),
    ("messages[].tool_call_id", "messages[].content[].toolResult.toolUseId"),
    ("messages[].reasoning_content", "messages[].content[].reasoningContent"),
    ("max_tokens", "inferenceConfig.maxTokens"),
    ("temperature", "inferenceConfig.temperature"),
    ("top_p", "inferenceConfig.topP"),
    ("stop", "inferenceConfig.stopSequences"),
    ("response_format.json_schema.schema", "outputConfig.textFormat.structure.jsonSchema.schema"),
    ("response_format.json_schema", "outputConfig.textFormat"),
    ("response_format", "outputConfig.textFormat"),
    ("tools[].function.parameters", "toolConfig.tools[].toolSpec.inputSchema"),
    ("tools[]", "toolConfig.tools[]"),
    ("tools", "toolConfig.tools"),
    ("tool_choice", "toolConfig.toolChoice"),
    ("service_tier", "serviceTier"),
];

const COHERE: Names = &[
    ("messages[].annotations", "messages[].citations"),
    ("messages[].content[].image_url.url", "messages[].content[].image_url"),
    ("messages[].reasoning_content", "messages[].content[].thinking"),
    ("top_p", "p"),
    ("top_k", "k"),
    ("stop", "stop_sequences"),
    ("reasoning_effort", "thinking"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_the_name_that_its_client_knows() {
        for (client, field, expected) in [
            (Format::OpenAIChat, "messages[].content[].image_url.url", "messages[].content[].image_url.url"),
            (Format::GeminiGenerateContent, "messages[].content[].image_url.url", "contents[].parts[].fileData"),
            (Format::GeminiGenerateContent, "messages", "contents"),
            (Format::GeminiGenerateContent, "n", "generationConfig.candidateCount"),
            // What only begins alike is another field, and so is the client's own.
            (Format::GeminiGenerateContent, "name", "name"),
            (Format::GeminiGenerateContent, "contents[0].parts[1].text", "contents[0].parts[1].text"),
            (Format::OpenAIResponses, "messages[].content[].detail", "input[].content[].detail"),
            (Format::BedrockConverse, "tools[0].type", "toolConfig.tools[0].type"),
            (Format::BedrockConverse, "tools[].strict", "toolConfig.tools[].strict"),
            (Format::AnthropicMessages, "stop", "stop_sequences"),
            (Format::AnthropicMessages, "stop_sequences", "stop_sequences"),
        ] {
            assert_eq!(named(client, field), expected, "{client:?} {field}");
        }
    }

    #[test]
    fn no_path_hides_behind_one_that_it_begins_with() {
        for client in Format::ALL {
            let names = names(*client);
            for (at, (path, _)) in names.iter().enumerate() {
                let before = names[..at].iter().find(|(earlier, _)| {
                    path.strip_prefix(earlier).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                });
                assert_eq!(before, None, "{client:?} {path}");
            }
        }
    }
}
