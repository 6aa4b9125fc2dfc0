//! What the vendors refuse of a conversation though their schemas allow it: results that answer no call, calls without a result,
//! and with Gemini 3 a call whose signature did not come back.

use serde_json::Value;

use super::call::Format;
use super::member;

/// What of one turn matters.
#[derive(Default)]
struct Turn {
    /// Ids of calls; Gemini's may have none, and go by their names.
    calls: Vec<String>,
    /// Ids that results answer.
    results: Vec<String>,
    /// It has something else to say.
    words: bool,
}

/// What is wrong with the conversation.
pub(super) fn faults(format: Format, model: &str, body: &Value) -> Vec<String> {
    let mut faults = unanswered(&turns(format, body));
    if format == Format::GenerateContent && model.starts_with("gemini-3") {
        faults.extend(unsigned(body));
    }
    faults
}

fn unanswered(turns: &[Turn]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for turn in turns {
        for result in &turn.results {
            match open.iter().position(|call| call == result) {
                Some(at) => drop(open.remove(at)),
                None => faults.push(format!("a tool's result answers '{result}', which no call before it has")),
            }
        }
        if turn.words && !open.is_empty() {
            faults.push(format!("no result answers the tool calls {open:?}"));
            open.clear();
        }
        open.extend(turn.calls.iter().map(String::as_str));
    }
    if !open.is_empty() {
        faults.push(format!("no result answers the tool calls {open:?}"));
    }
    faults
}

fn turns(format: Format, body: &Value) -> Vec<Turn> {
    let list = match format {
        Format::Responses => member(body, "input"),
        Format::GenerateContent => member(body, "contents"),
        Format::Other => &Value::Null,
        _ => member(body, "messages"),
    };
    list.as_array().into_iter().flatten().map(|item| turn(format, item)).collect()
}

fn turn(format: Format, item: &Value) -> Turn {
    let parts = |name: &str| item.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut turn = Turn::default();
    match format {
        Format::Chat | Format::CohereChat => {
            turn.calls = parts("tool_calls").filter_map(|call| text(call, "id")).collect();
            turn.results =
                if member(item, "role") == "tool" { text(item, "tool_call_id").into_iter().collect() } else { vec![] };
            turn.words = member(item, "role") != "tool";
        }
        Format::Messages => {
            for part in parts("content") {
                match member(part, "type").as_str() {
                    Some("tool_use") => turn.calls.extend(text(part, "id")),
                    Some("tool_result") => turn.results.extend(text(part, "tool_use_id")),
                    _ => {}
                }
            }
            turn.words = true;
        }
        Format::Converse => {
            for part in parts("content") {
                turn.calls.extend(text(member(part, "toolUse"), "toolUseId"));
                turn.results.extend(text(member(part, "toolResult"), "toolUseId"));
            }
            turn.words = true;
        }
        Format::GenerateContent => {
            let id = |part: &Value| text(part, "id").or_else(|| text(part, "name"));
            for part in parts("parts") {
                turn.calls.extend(id(member(part, "functionCall")));
                turn.results.extend(id(member(part, "functionResponse")));
            }
            turn.words = true;
        }
        Format::Responses => match member(item, "type").as_str() {
            Some("function_call") => turn.calls.extend(text(item, "call_id")),
            Some("function_call_output") => turn.results.extend(text(item, "call_id")),
            // Items may stand in any order between a call and its output.
            _ => {}
        },
        Format::Other => {}
    }
    turn
}

fn text(value: &Value, name: &str) -> Option<String> {
    member(value, name).as_str().map(str::to_owned)
}

/// Gemini 3 wants, of each step since the user's last words, the signature of its first call; see "Thought signatures" in the Gemini
/// API's guides. It takes a placeholder for calls that it did not make.
fn unsigned(body: &Value) -> Vec<String> {
    let contents = member(body, "contents").as_array().map_or(&[][..], Vec::as_slice);
    let parts = |turn: &Value| turn.get("parts").and_then(Value::as_array).cloned().unwrap_or_default();
    let words = |turn: &&Value| {
        member(turn, "role") != "model" && parts(turn).iter().any(|part| part.get("functionResponse").is_none())
    };
    let step = contents.iter().rev().take_while(|turn| !words(turn)).filter(|turn| member(turn, "role") == "model");
    let first_calls = step.filter_map(|turn| parts(turn).into_iter().find(|part| part.get("functionCall").is_some()));
    let unsigned =
        first_calls.filter(|part| part.get("thoughtSignature").or_else(|| part.get("thought_signature")).is_none());
    unsigned.map(|part| format!("the call {} has lost its thoughtSignature", member(&part, "functionCall"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(format: Format, body: &Value, fault: Option<&str>) {
        let faults = faults(format, "gemini-3-flash-preview", body);
        match fault {
            None => assert_eq!(faults, Vec::<String>::new()),
            Some(fault) => assert!(faults.iter().any(|said| said.contains(fault)), "{faults:?}"),
        }
    }

    #[test]
    fn results_answer_the_calls_before_them() {
        let call = json!({"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id});
        check(Format::Chat, &json!({"messages": [call, result("b"), result("a")]}), None);
        check(Format::Chat, &json!({"messages": [call, result("a")]}), Some("[\"b\"]"));
        check(Format::Chat, &json!({"messages": [call, result("a"), result("c")]}), Some("'c'"));
        check(
            Format::Chat,
            &json!({"messages": [call, {"role": "user"}, result("a"), result("b")]}),
            Some("no result"),
        );

        let call = json!({"role": "assistant", "content": [{"toolUse": {"toolUseId": "a"}}]});
        let result = json!({"role": "user", "content": [{"toolResult": {"toolUseId": "a"}}]});
        check(Format::Converse, &json!({"messages": [call, result]}), None);
        check(Format::Converse, &json!({"messages": [result]}), Some("'a'"));

        let call = json!({"type": "function_call", "call_id": "a", "id": "fc_1"});
        let output = json!({"type": "function_call_output", "call_id": "a"});
        check(Format::Responses, &json!({"input": [{"type": "reasoning"}, call, output]}), None);
        check(Format::Responses, &json!({"input": [call]}), Some("no result"));
        check(Format::Responses, &json!({"input": "words"}), None);

        let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]});
        let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]});
        check(Format::Messages, &json!({"messages": [call, result]}), None);
        check(Format::Messages, &json!({"messages": [call, {"role": "user", "content": "no"}]}), Some("no result"));
    }

    #[test]
    fn gemini_3_wants_its_signatures_back() {
        let call = |signature: Value| json!({"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": signature}, {"functionCall": {"name": "g"}}]});
        let bare = json!({"role": "model", "parts": [{"functionCall": {"name": "f"}}]});
        let results = json!({"role": "user", "parts": [{"functionResponse": {"name": "f"}}, {"functionResponse": {"name": "g"}}]});
        let result = json!({"role": "user", "parts": [{"functionResponse": {"name": "f"}}]});
        let words = json!({"role": "user", "parts": [{"text": "q"}]});
        check(Format::GenerateContent, &json!({"contents": [words, call(json!("s")), results]}), None);
        check(Format::GenerateContent, &json!({"contents": [words, bare, result]}), Some("thoughtSignature"));
        check(Format::GenerateContent, &json!({"contents": [words, bare, result, words]}), None);
    }
}
