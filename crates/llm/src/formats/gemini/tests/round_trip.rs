//! Conversations there and back: what both formats can say comes back the same.

use super::*;

const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;

/// A request in `from`'s format, to Gemini and back, as a client of `from` would have written it.
fn back(from: Format, body: &Value) -> Value {
    let (gemini, report) = translate(from, GEMINI, "gemini-3-flash-preview", body.clone(), RULES).unwrap();
    assert_eq!(report, Report::default(), "{body}");
    let (back, report) = translate(GEMINI, from, "m", gemini, RULES).unwrap();
    assert_eq!(report, Report::default(), "{body}");
    back
}

#[test]
fn openai_chat_conversations_come_back() {
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let schema = json!({"type": "object", "properties": {"x": {"type": ["integer", "null"], "minimum": 1}, "y": {"type": "array",
        "items": {"type": "string", "enum": ["a", "b"]}, "minItems": 1}}, "required": ["x", "y"]});
    let mut closed = schema.clone();
    closed["additionalProperties"] = json!(false);
    let body = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "what is this? 🏍"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://h/a.png"}}]},
            {"role": "assistant", "content": "let me see", "tool_calls": [call("call_1", "look", "{\"x\":1}"), call("call_2", "look", "{}")]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a \"wheel\""},
            {"role": "tool", "tool_call_id": "call_2", "content": "{\"deg\":[1,2.5,null]}"},
            {"role": "assistant", "content": "a motorcycle"},
            {"role": "user", "content": "thanks"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "looks", "parameters": schema}}],
        "tool_choice": "auto", "temperature": 0.5, "top_p": 0.25, "seed": 7, "stop": ["x", "y"], "max_tokens": 99,
        "presence_penalty": 0.5, "frequency_penalty": 0.25, "logprobs": true, "top_logprobs": 2,
        "response_format": {"type": "json_schema", "json_schema": {"name": "response", "strict": true, "schema": closed}},
    });
    assert_eq!(back(OPENAI, &body), body);
}

#[test]
fn anthropic_conversations_come_back() {
    let tool = json!({"name": "look", "description": "looks", "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}}});
    let body = json!({
        "model": "m", "max_tokens": 99, "system": "be brief",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what is this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}]},
            {"role": "assistant", "content": [{"type": "text", "text": "let me see"},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"x": 1}}, {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "a wheel"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no light", "is_error": true}, {"type": "text", "text": "and?"}]},
        ],
        "tools": [tool], "tool_choice": {"type": "any"}, "temperature": 0.5, "top_k": 3, "stop_sequences": ["x"],
    });
    assert_eq!(back(ANTHROPIC, &body), body);
}

/// What a client of `client` sends back of a Gemini reply, as Gemini's contents.
fn returned(client: Format, reply: Value, whole: bool) -> Value {
    let answer = super::super::decode_reply(reply, &Names::default(), &mut Report::default()).unwrap();
    let body = if whole {
        super::super::super::encode_reply(client, answer, &context(GEMINI), &mut Report::default())
    } else {
        let text = stream(client, context(GEMINI), answer.into_events());
        let events = events(client, Framing::Sse, &[text.as_bytes()]).unwrap();
        // As the client's SDK puts it together.
        let own = ReplyContext { origin: client, ..context(client) };
        super::super::super::encode_reply(client, Answer::collect(events), &own, &mut Report::default())
    };
    let said = match client {
        OPENAI => body["choices"][0]["message"].clone(),
        _ => json!({"role": "assistant", "content": body["content"]}),
    };
    let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "q"}, said, {"role": "user", "content": "go on"}]});
    let (gemini, _) = translate(client, GEMINI, "gemini-3-flash-preview", body, RULES).unwrap();
    gemini["contents"][1]["parts"].clone()
}

#[test]
fn an_answer_with_thinking_comes_back_through_anthropics_clients() {
    let parts = json!([
        {"text": "hm", "thought": true},
        {"text": "ok", "thoughtSignature": null},
        {"text": "", "thoughtSignature": "AbC+/w=="},
    ]);
    let reply = json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r"});
    let expected =
        json!([{"text": "hm", "thought": true}, {"text": "ok"}, {"text": "", "thoughtSignature": "AbC+/w=="}]);
    assert_eq!(returned(ANTHROPIC, reply.clone(), true), expected);
    assert_eq!(returned(ANTHROPIC, reply, false), expected);
}
