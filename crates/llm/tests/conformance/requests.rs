//! Requests: relayed as they came; through the model and out again unchanged; or translated to what the vendor takes with
//! nothing lost in silence.

use bytes::Bytes;
use pillion_llm::formats::{self, ServerRules};
use pillion_llm::model::{Names, Report};
use pillion_llm::{Envelope, Format};
use serde_json::{Map, Value, json};

use crate::corpus::Case;
use crate::drive::{bytes, prepared_as};
use crate::excluded::{over_cases, over_pairs};
use crate::facts::lost;
use crate::parties::{Target, targets};
use crate::refusals;
use crate::replies::equal;
use crate::schema::{self, What};

fn has_request(case: &Case) -> bool {
    case.request.is_some()
}

#[test]
fn relayed_requests_are_the_clients_bytes_save_the_declared_splices() {
    over_cases("request-relay", has_request, |case| {
        let (body, format) = (case.request.as_ref().unwrap(), case.format());
        let request: Value = serde_json::from_slice(body).unwrap();
        let outline = case.outline(body)?;
        let in_path = format.asks_in_path() || case.wire.envelope != Envelope::None;
        if in_path {
            equal("model", &outline.model.as_deref(), &Some(case.model.as_deref().unwrap_or("m")))?;
            equal("stream", &outline.stream, &case.streaming)?;
        } else {
            equal("model", &outline.model.as_deref(), &request["model"].as_str())?;
            equal("stream", &outline.stream, &request["stream"].as_bool().unwrap_or_default())?;
        }
        let relay = |model: Option<&str>| {
            prepared_as(format, body, &outline, case.provider(), case.wire, model).map_err(|error| error.to_string())
        };
        let plain = relay(None)?;
        equal("reports", &[plain.dropped, plain.approximated].concat(), &Vec::new())?;
        let mut expected = request.clone();
        if format == Format::OpenAIChat && outline.stream && plain.body != *body {
            expected["stream_options"]["include_usage"] = json!(true);
            one_splice(body, &plain.body, "include_usage")?;
        } else {
            equal("bytes", &plain.body, body)?;
        }
        equal("the spliced body", &serde_json::from_slice(&plain.body).unwrap(), &expected)?;
        if !in_path {
            expected["model"] = json!("another-model");
        }
        let other = relay(Some("another-model"))?;
        equal("the body for another model", &serde_json::from_slice(&other.body).unwrap(), &expected)?;
        let same = relay(request["model"].as_str())?;
        equal("the body for the same model", &same.body, &plain.body)
    });
}

/// Whether `after` is `before` with one piece put in or exchanged, which has this word.
fn one_splice(before: &[u8], after: &[u8], word: &str) -> Result<(), String> {
    let prefix = before.iter().zip(after).take_while(|(left, right)| left == right).count();
    let rest = (&before[prefix..], &after[prefix..]);
    let suffix = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(left, right)| left == right).count();
    let put_in = String::from_utf8_lossy(&after[prefix.saturating_sub(20)..after.len() - suffix]);
    let gone = before.len() - prefix - suffix;
    if gone <= "false".len() && put_in.contains(word) {
        Ok(())
    } else {
        Err(format!("not one splice: {gone} bytes gone, put in {put_in}"))
    }
}

#[test]
fn requests_come_out_of_the_model_as_they_went_in() {
    over_cases("request-model", has_request, |case| {
        let format = case.format();
        let body: Map<String, Value> = serde_json::from_slice(&body_of_client(case)).unwrap();
        let request = formats::decode_request(format, body.clone()).map_err(|error| error.to_string())?;
        for pointer in modelled(format) {
            if Value::Object(request.extras.clone()).pointer(pointer).is_some_and(|value| !value.is_null()) {
                return Err(format!("{pointer} has a place in the model, and is in extras"));
            }
        }
        let rules =
            ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: case.group.starts_with("vertex") };
        let (mut names, mut report) = (Names::default(), Report::default());
        let encoded = formats::encode_request(format, request, rules, &mut names, &mut report);
        let encoded = encoded.map_err(|error| error.to_string())?;
        same_value("", &encoded.body, &Value::Object(body))?;
        equal("the report", &report, &Report::default())?;
        equal("replaced names", &names, &Names::default())
    });
}

/// The body as a client of the vendor's own would send it: without the cloud's envelope it says model and stream itself.
fn body_of_client(case: &Case) -> Bytes {
    let body = case.request.clone().unwrap();
    if case.wire.envelope == Envelope::None {
        return body;
    }
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body["model"] = json!(case.model);
    body["stream"] = json!(case.streaming);
    bytes(&body)
}

/// Says where two values differ first.
pub(crate) fn same_value(at: &str, found: &Value, expected: &Value) -> Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            if let Some(key) = found.keys().find(|key| !expected.contains_key(*key)) {
                return Err(format!("{at}/{key} was not there: {:.200}", found[key].to_string()));
            }
            expected.iter().try_for_each(|(key, value)| match found.get(key) {
                Some(found) => same_value(&format!("{at}/{key}"), found, value),
                None => Err(format!("{at}/{key} is gone: {:.200}", value.to_string())),
            })
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => found
            .iter()
            .zip(expected)
            .enumerate()
            .try_for_each(|(nth, (found, expected))| same_value(&format!("{at}/{nth}"), found, expected)),
        _ if found == expected => Ok(()),
        _ => Err(format!("{at} is {:.200}, was {:.200}", found.to_string(), expected.to_string())),
    }
}

/// Members that the neutral model has a place for.
fn modelled(format: Format) -> &'static [&'static str] {
    match format {
        Format::OpenAIChat => &[
            "/messages",
            "/model",
            "/stream",
            "/tools",
            "/tool_choice",
            "/parallel_tool_calls",
            "/temperature",
            "/top_p",
            "/max_tokens",
            "/max_completion_tokens",
            "/stop",
            "/n",
            "/seed",
            "/presence_penalty",
            "/frequency_penalty",
            "/logprobs",
            "/top_logprobs",
            "/response_format",
            "/reasoning_effort",
            "/user",
            "/service_tier",
        ],
        Format::OpenAIResponses => &[
            "/input",
            "/instructions",
            "/model",
            "/stream",
            "/tools",
            "/tool_choice",
            "/parallel_tool_calls",
            "/temperature",
            "/top_p",
            "/max_output_tokens",
            "/top_logprobs",
            "/text/format",
            "/reasoning/effort",
            "/user",
            "/service_tier",
        ],
        Format::AnthropicMessages => &[
            "/messages",
            "/system",
            "/model",
            "/stream",
            "/tools",
            "/tool_choice",
            "/temperature",
            "/top_p",
            "/top_k",
            "/max_tokens",
            "/stop_sequences",
            "/thinking",
            "/output_config/effort",
            "/output_config/format",
            "/metadata/user_id",
            "/service_tier",
        ],
        Format::GeminiGenerateContent => &[
            "/contents",
            "/systemInstruction",
            "/system_instruction",
            "/tools",
            "/toolConfig/functionCallingConfig/mode",
            "/generationConfig/temperature",
            "/generationConfig/topP",
            "/generationConfig/topK",
            "/generationConfig/maxOutputTokens",
            "/generationConfig/stopSequences",
            "/generationConfig/candidateCount",
            "/generationConfig/seed",
            "/generationConfig/presencePenalty",
            "/generationConfig/frequencyPenalty",
            "/generationConfig/responseLogprobs",
            "/generationConfig/logprobs",
            "/generationConfig/responseMimeType",
            "/generationConfig/responseSchema",
            "/generationConfig/responseJsonSchema",
            "/generationConfig/thinkingConfig/thinkingBudget",
            "/generationConfig/thinkingConfig/thinkingLevel",
            "/generationConfig/thinkingConfig/includeThoughts",
        ],
        Format::BedrockConverse => &[
            "/messages",
            "/system",
            "/inferenceConfig/maxTokens",
            "/inferenceConfig/temperature",
            "/inferenceConfig/topP",
            "/inferenceConfig/stopSequences",
            "/toolConfig/tools",
            "/toolConfig/toolChoice",
            "/outputConfig/textFormat",
            "/serviceTier/type",
            "/additionalModelRequestFields/top_k",
            "/additionalModelRequestFields/thinking",
        ],
        Format::CohereChat => &[
            "/messages",
            "/model",
            "/stream",
            "/tools",
            "/tool_choice",
            "/temperature",
            "/p",
            "/k",
            "/max_tokens",
            "/stop_sequences",
            "/seed",
            "/presence_penalty",
            "/frequency_penalty",
            "/logprobs",
            "/response_format",
            "/thinking",
        ],
    }
}

#[test]
fn translated_requests_are_what_the_vendor_takes_and_lose_nothing_in_silence() {
    let others = |case: &Case| targets().filter(|target| target.wire.format != case.format()).collect::<Vec<_>>();
    over_pairs("request-translation", has_request, others, |case, target| {
        target
            .models
            .iter()
            .try_for_each(|model| translated(case, target, model).map_err(|why| format!("for {model}: {why}")))
    });
    refusals::each_was_needed();
}

fn translated(case: &Case, target: &Target, model: &str) -> Result<(), String> {
    match sent(case, target, model)? {
        Some(sent) => judged(case, target, model, &sent, &sent.body),
        None => Ok(()),
    }
}

/// What goes to a provider for a client's request.
pub(crate) struct Sent {
    pub(crate) body: Value,
    /// What was dropped or approximated.
    reported: Vec<String>,
    stream: bool,
}

/// What a case's request becomes; `None` where it is refused, as is known.
pub(crate) fn sent(case: &Case, target: &Target, model: &str) -> Result<Option<Sent>, String> {
    let body = body_of_client(case);
    let outline = case.outline(&body)?;
    let prepared = match prepared_as(case.format(), &body, &outline, target.provider(), target.wire, Some(model)) {
        Ok(prepared) => prepared,
        Err(error) => return refusals::is_known(case.format(), target.wire.format, &error).map(|()| None),
    };
    let body = serde_json::from_slice(&prepared.body).map_err(|error| error.to_string())?;
    Ok(Some(Sent { body, reported: [prepared.dropped, prepared.approximated].concat(), stream: outline.stream }))
}

/// Whether a provider's body is what its vendor takes, and says what the client's did.
pub(crate) fn judged(case: &Case, target: &Target, model: &str, sent: &Sent, translated: &Value) -> Result<(), String> {
    let wire = target.wire.format;
    if wire.asks_in_path() {
        equal(
            "members that the path says",
            &(&translated["model"], &translated["stream"]),
            &(&Value::Null, &Value::Null),
        )?;
    } else {
        equal("model", &translated["model"].as_str(), &Some(model))?;
        equal("stream", &translated["stream"].as_bool().unwrap_or_default(), &sent.stream)?;
    }
    // What the vendor refused may be wrong in any format.
    if case.status != 400 {
        schema::check(target.book, What::Request, translated)?;
    }
    let request: Value = serde_json::from_slice(&body_of_client(case)).unwrap();
    let missing = lost(case.format(), &request, wire, translated, &sent.reported);
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("lost: {} (reported {:?})", missing.join("; "), sent.reported))
}
