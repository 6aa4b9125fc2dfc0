//! What a request wants to see in its answer, read from its body in its own format.

use serde_json::Value;

use super::call::{Call, Format};
use super::member;

/// What of a request decides the case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Named by header `x-recorded-case`, or by a model `case:<name>`.
    pub(crate) case: Option<String>,
    pub(crate) stream: bool,
    /// The client expects a call of one of its tools: it offers more of them than it has given results.
    pub(crate) tool: bool,
    /// Which tool it must be, if one is named or there is but one.
    pub(crate) only: Option<String>,
    /// The conversation ends with a tool's result.
    pub(crate) answered: bool,
    /// The answer is to follow a JSON schema, or to be JSON.
    pub(crate) structured: bool,
    /// The client asked an OpenAI stream for its usage.
    pub(crate) usage: bool,
}

impl Wish {
    /// Reads the wish of a request.
    pub(crate) fn of(header: Option<&str>, call: Option<&Call>, body: &Value) -> Self {
        let format = call.map_or(Format::Chat, |call| call.format);
        let path_model = call.and_then(|call| call.model.as_deref());
        let model = path_model.or_else(|| member(body, "model").as_str());
        let results = results(format, body);
        let declined = ["none", "NONE"].iter().any(|word| choice(format, body) == Some(word));
        Self {
            case: header.or_else(|| model?.strip_prefix("case:")).map(str::to_owned),
            stream: call.and_then(|call| call.stream).or_else(|| member(body, "stream").as_bool()).unwrap_or_default(),
            tool: offered(format, body) > results && !declined,
            only: forced(format, body).or_else(|| the_one_offered(format, body)).map(str::to_owned),
            answered: results > 0,
            structured: structured(format, body),
            usage: member(member(body, "stream_options"), "include_usage").as_bool().unwrap_or_default(),
        }
    }
}

fn at<'a>(body: &'a Value, path: &str) -> &'a Value {
    body.pointer(path).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// How many tools are offered.
fn offered(format: Format, body: &Value) -> usize {
    match format {
        Format::GenerateContent => {
            list(member(body, "tools")).iter().map(|tool| list(member(tool, "functionDeclarations")).len()).sum()
        }
        Format::Converse => list(at(body, "/toolConfig/tools")).iter().filter(|tool| has(tool, "toolSpec")).count(),
        _ => list(member(body, "tools")).len(),
    }
}

/// How often tools' results were given, however many at a time, since the last words of the user.
fn results(format: Format, body: &Value) -> usize {
    let (turns, is_result): (&[Value], fn(&Value) -> bool) = match format {
        Format::Responses => (list(member(body, "input")), |item| member(item, "type") == "function_call_output"),
        Format::GenerateContent => (list(member(body, "contents")), |turn| any(turn, "parts", "functionResponse")),
        Format::Converse => (list(member(body, "messages")), |turn| any(turn, "content", "toolResult")),
        _ => (list(member(body, "messages")), |message| {
            let result = |part: &Value| member(part, "type") == "tool_result";
            member(message, "role") == "tool" || list(member(message, "content")).iter().any(result)
        }),
    };
    if !turns.last().is_some_and(is_result) {
        return 0;
    }
    let words_of_the_user = |turn: &&Value| member(turn, "role") == "user" && !is_result(turn);
    let recent: Vec<bool> = turns.iter().rev().take_while(|turn| !words_of_the_user(turn)).map(is_result).collect();
    // Results of calls that the model made at once follow each other.
    recent.chunk_by(|left, right| left == right).filter(|run| run[0]).count()
}

fn any(turn: &Value, list_of: &str, kind: &str) -> bool {
    list(member(turn, list_of)).iter().any(|part| has(part, kind))
}

fn has(value: &Value, name: &str) -> bool {
    !member(value, name).is_null()
}

/// The tool choice's own word.
fn choice(format: Format, body: &Value) -> Option<&str> {
    match format {
        Format::GenerateContent => at(body, "/toolConfig/functionCallingConfig/mode").as_str(),
        _ => member(body, "tool_choice").as_str().or_else(|| at(body, "/tool_choice/type").as_str()),
    }
}

/// The one tool that must be called.
fn forced(format: Format, body: &Value) -> Option<&str> {
    match format {
        Format::Chat => at(body, "/tool_choice/function/name").as_str(),
        Format::Converse => at(body, "/toolConfig/toolChoice/tool/name").as_str(),
        Format::GenerateContent => match list(at(body, "/toolConfig/functionCallingConfig/allowedFunctionNames")) {
            [only] => only.as_str(),
            _ => None,
        },
        _ => at(body, "/tool_choice/name").as_str(),
    }
}

fn the_one_offered(format: Format, body: &Value) -> Option<&str> {
    let path = match format {
        Format::GenerateContent => "/tools/0/functionDeclarations/0/name",
        Format::Converse => "/toolConfig/tools/0/toolSpec/name",
        Format::Chat | Format::CohereChat => "/tools/0/function/name",
        _ => "/tools/0/name",
    };
    (offered(format, body) == 1).then(|| at(body, path).as_str()).flatten()
}

fn structured(format: Format, body: &Value) -> bool {
    let kind = match format {
        Format::Responses => at(body, "/text/format/type"),
        Format::Messages if has(body, "output_config") => at(body, "/output_config/format/type"),
        Format::Messages => at(body, "/output_format/type"),
        Format::GenerateContent => return at(body, "/generationConfig/responseMimeType") == "application/json",
        Format::Converse if has(body, "outputConfig") => at(body, "/outputConfig/textFormat/type"),
        // Of Anthropic's models, in their own words.
        Format::Converse => at(body, "/additionalModelRequestFields/output_config/format/type"),
        _ => at(body, "/response_format/type"),
    };
    kind.as_str().is_some_and(|kind| kind.starts_with("json"))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, body: &Value, expected: &Wish) {
        let call = Call::of(&Method::POST, path, None);
        assert_eq!(&Wish::of(None, call.as_ref(), body), expected, "{path} {body}");
    }

    const CHAT: &str = "/v1/chat/completions";

    #[test]
    fn the_body_tells_what_is_wished() {
        let tools = json!([{"name": "f", "function": {"name": "f"}}]);
        let only = || Some("f".to_owned());
        check(CHAT, &json!({}), &Wish::default());
        check(
            CHAT,
            &json!({"model": "case:x", "stream": true}),
            &Wish { case: Some("x".into()), stream: true, ..Wish::default() },
        );
        check(
            CHAT,
            &json!({"tools": tools, "messages": [{"role": "user", "content": "q"}]}),
            &Wish { tool: true, only: only(), ..Wish::default() },
        );
        let answered = Wish { answered: true, only: only(), ..Wish::default() };
        check(CHAT, &json!({"tools": tools, "messages": [{"role": "tool", "content": "a"}]}), &answered);
        let result = json!({"role": "user", "content": [{"type": "tool_result"}]});
        check("/v1/messages", &json!({"tools": tools, "messages": [result]}), &answered);
        let declined = Wish { only: only(), ..Wish::default() };
        check("/v1/messages", &json!({"tools": tools, "tool_choice": {"type": "none"}}), &declined);
        check(CHAT, &json!({"stream_options": {"include_usage": true}}), &Wish { usage: true, ..Wish::default() });
    }

    #[test]
    fn each_tool_offered_is_called_once() {
        let tools = json!([{"name": "f"}, {"name": "g"}]);
        let call = json!({"role": "assistant", "tool_calls": []});
        let result = json!({"role": "tool", "content": "a"});
        let user = json!({"role": "user", "content": "q"});
        let again = Wish { tool: true, answered: true, ..Wish::default() };
        let done = Wish { answered: true, ..Wish::default() };
        check(CHAT, &json!({"tools": tools, "messages": [user, call, result]}), &again);
        check(CHAT, &json!({"tools": tools, "messages": [user, call, result, result]}), &again);
        check(CHAT, &json!({"tools": tools, "messages": [user, call, result, call, result]}), &done);
        check(
            CHAT,
            &json!({"tools": tools, "messages": [user, call, result, call, result, call, user]}),
            &Wish { tool: true, ..Wish::default() },
        );
    }

    #[test]
    fn every_format_is_read_in_its_own_words() {
        let tool = Wish { tool: true, only: Some("f".into()), ..Wish::default() };
        let answered = Wish { answered: true, only: Some("f".into()), ..Wish::default() };
        let declined = Wish { only: Some("f".into()), ..Wish::default() };
        let structured = Wish { structured: true, ..Wish::default() };
        let tools = json!([{"type": "function", "name": "f"}]);
        check("/v1/responses", &json!({"tools": tools, "input": "q"}), &tool);
        let output = json!({"type": "function_call_output", "call_id": "c"});
        check("/v1/responses", &json!({"tools": tools, "input": [output]}), &answered);
        check("/v1/responses", &json!({"text": {"format": {"type": "json_schema"}}}), &structured);
        check("/v1/messages", &json!({"output_config": {"format": {"type": "json_schema"}}}), &structured);
        check("/v2/chat", &json!({"response_format": {"type": "json_object"}}), &structured);

        let gemini = "/v1beta/models/g:generateContent";
        let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
        check(gemini, &json!({"tools": tools}), &tool);
        let config = json!({"functionCallingConfig": {"mode": "NONE"}});
        check(gemini, &json!({"tools": tools, "toolConfig": config}), &declined);
        let result = json!({"role": "user", "parts": [{"functionResponse": {"name": "f"}}]});
        check(gemini, &json!({"tools": tools, "contents": [result]}), &answered);
        check(gemini, &json!({"generationConfig": {"responseMimeType": "application/json"}}), &structured);

        let converse = "/model/m/converse";
        let config = json!({"tools": [{"toolSpec": {"name": "f"}}, {"cachePoint": {"type": "default"}}]});
        check(converse, &json!({"toolConfig": config}), &tool);
        let result = json!({"role": "user", "content": [{"toolResult": {"toolUseId": "t"}}]});
        check(converse, &json!({"toolConfig": config, "messages": [result]}), &answered);
        check(converse, &json!({"outputConfig": {"textFormat": {"type": "json_schema"}}}), &structured);
        let two = json!([{"toolSpec": {"name": "e"}}, {"toolSpec": {"name": "f"}}]);
        let forced = json!({"tools": two, "toolChoice": {"tool": {"name": "f"}}});
        check(converse, &json!({"toolConfig": forced}), &tool);
    }

    #[test]
    fn a_header_beats_the_model_in_naming_the_case() {
        assert_eq!(Wish::of(Some("h"), None, &json!({"model": "case:m"})).case.as_deref(), Some("h"));
        let call = Call::of(&Method::POST, "/v1beta/models/case:m:generateContent", None);
        assert_eq!(Wish::of(None, call.as_ref(), &json!({})).case.as_deref(), Some("m"));
    }
}
