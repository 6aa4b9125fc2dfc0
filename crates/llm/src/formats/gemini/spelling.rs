//! The two spellings that Google's APIs take for members: camelCase, and as the `.proto` files name them. Bodies are read
//! in camelCase; how the client spelled a member is told apart, so that it can come out again.

use crate::json::Object;
use serde_json::{Value, json};

/// The members of one message that more is known of than that they are there.
struct Message(&'static [(&'static str, Inside)]);

/// What stands in a member.
enum Inside {
    /// Nothing that is read here.
    Leaf,
    /// A message, or a list of them.
    Of(&'static Message),
    /// A map of messages, whose keys are the client's own.
    Map(&'static Message),
}

use Inside::{Leaf, Map, Of};

static REQUEST: Message = Message(&[
    ("contents", Of(&CONTENT)),
    ("systemInstruction", Of(&CONTENT)),
    ("tools", Of(&TOOL)),
    ("toolConfig", Of(&TOOL_CONFIG)),
    ("generationConfig", Of(&GENERATION_CONFIG)),
    ("safetySettings", Leaf),
    ("cachedContent", Leaf),
    ("serviceTier", Leaf),
    ("modelArmorConfig", Leaf),
    ("outputConfig", Leaf),
    ("continuationToken", Leaf),
]);

static CONTENT: Message = Message(&[("parts", Of(&PART))]);

static PART: Message = Message(&[
    ("thoughtSignature", Leaf),
    ("inlineData", Of(&DATA)),
    ("fileData", Of(&DATA)),
    ("functionCall", Of(&FUNCTION_CALL)),
    ("functionResponse", Of(&FUNCTION_RESPONSE)),
    ("executableCode", Leaf),
    ("codeExecutionResult", Leaf),
    ("toolCall", Leaf),
    ("toolResponse", Leaf),
    ("videoMetadata", Leaf),
    ("mediaResolution", Leaf),
    ("partMetadata", Leaf),
    ("audioTranscription", Leaf),
    ("speechMetadata", Leaf),
]);

static DATA: Message = Message(&[("mimeType", Leaf), ("fileUri", Leaf), ("displayName", Leaf)]);

static FUNCTION_CALL: Message = Message(&[("partialArgs", Leaf), ("willContinue", Leaf)]);

static FUNCTION_RESPONSE: Message = Message(&[("parts", Of(&PART)), ("willContinue", Leaf)]);

static TOOL: Message = Message(&[
    ("functionDeclarations", Of(&FUNCTION_DECLARATION)),
    ("googleSearch", Leaf),
    ("googleSearchRetrieval", Leaf),
    ("googleMaps", Leaf),
    ("codeExecution", Leaf),
    ("urlContext", Leaf),
    ("fileSearch", Leaf),
    ("computerUse", Leaf),
    ("enterpriseWebSearch", Leaf),
    ("parallelAiSearch", Leaf),
    ("exaAiSearch", Leaf),
    ("mcpServers", Leaf),
]);

static FUNCTION_DECLARATION: Message = Message(&[
    ("parameters", Of(&SCHEMA)),
    ("parametersJsonSchema", Leaf),
    ("response", Of(&SCHEMA)),
    ("responseJsonSchema", Leaf),
]);

static SCHEMA: Message = Message(&[
    ("items", Of(&SCHEMA)),
    ("properties", Map(&SCHEMA)),
    ("anyOf", Of(&SCHEMA)),
    ("defs", Map(&SCHEMA)),
    ("maxItems", Leaf),
    ("minItems", Leaf),
    ("maxLength", Leaf),
    ("minLength", Leaf),
    ("maxProperties", Leaf),
    ("minProperties", Leaf),
    ("propertyOrdering", Leaf),
    ("additionalProperties", Leaf),
]);

static TOOL_CONFIG: Message = Message(&[
    ("functionCallingConfig", Of(&FUNCTION_CALLING_CONFIG)),
    ("retrievalConfig", Leaf),
    ("includeServerSideToolInvocations", Leaf),
]);

static FUNCTION_CALLING_CONFIG: Message =
    Message(&[("allowedFunctionNames", Leaf), ("streamFunctionCallArguments", Leaf)]);

static GENERATION_CONFIG: Message = Message(&[
    ("thinkingConfig", Of(&THINKING_CONFIG)),
    ("responseSchema", Of(&SCHEMA)),
    ("responseJsonSchema", Leaf),
    ("responseFormat", Of(&RESPONSE_FORMAT)),
    ("responseMimeType", Leaf),
    ("responseModalities", Leaf),
    ("responseLogprobs", Leaf),
    ("maxOutputTokens", Leaf),
    ("stopSequences", Leaf),
    ("candidateCount", Leaf),
    ("topP", Leaf),
    ("topK", Leaf),
    ("presencePenalty", Leaf),
    ("frequencyPenalty", Leaf),
    ("imageConfig", Leaf),
    ("speechConfig", Leaf),
    ("mediaResolution", Leaf),
    ("audioTimestamp", Leaf),
    ("routingConfig", Leaf),
    ("enableAffectiveDialog", Leaf),
    ("enableEnhancedCivicAnswers", Leaf),
    ("translationConfig", Leaf),
    ("audioTranscriptionConfig", Leaf),
]);

static RESPONSE_FORMAT: Message = Message(&[("text", Of(&TEXT_FORMAT))]);

static TEXT_FORMAT: Message = Message(&[("mimeType", Leaf)]);

static THINKING_CONFIG: Message =
    Message(&[("includeThoughts", Leaf), ("thinkingBudget", Leaf), ("thinkingLevel", Leaf)]);

/// Both spellings of a member of a body that a route's params may say.
pub(crate) fn spellings(key: &str) -> &'static [&'static str] {
    const BOTH: &[[&str; 2]] = &[
        ["generationConfig", "generation_config"],
        ["toolConfig", "tool_config"],
        ["safetySettings", "safety_settings"],
        ["cachedContent", "cached_content"],
        ["systemInstruction", "system_instruction"],
        ["serviceTier", "service_tier"],
        ["maxOutputTokens", "max_output_tokens"],
        ["topP", "top_p"],
        ["topK", "top_k"],
        ["stopSequences", "stop_sequences"],
        ["presencePenalty", "presence_penalty"],
        ["frequencyPenalty", "frequency_penalty"],
        ["responseLogprobs", "response_logprobs"],
        ["responseMimeType", "response_mime_type"],
        ["responseSchema", "response_schema"],
        ["responseJsonSchema", "response_json_schema"],
        ["thinkingConfig", "thinking_config"],
        ["candidateCount", "candidate_count"],
    ];
    BOTH.iter().find(|both| both[0] == key).map_or(&[], |both| both)
}

/// The body in camelCase, and the path of each member that was spelled the other way.
pub(super) fn read(body: Object) -> (Object, Vec<Value>) {
    let mut body = Value::Object(body);
    let mut reader = Reader { path: Vec::new(), found: Vec::new() };
    reader.visit(&mut body, &REQUEST);
    match body {
        Value::Object(body) => (body, reader.found),
        _ => (Object::new(), reader.found),
    }
}

/// Members of a request that came from a client of another format, in camelCase.
pub(super) fn camel(members: Object) -> Object {
    read(members).0
}

/// The body with members spelled as [`read`] found them.
pub(super) fn restore(body: &mut Value, found: &[Value]) {
    // Inner members come behind those around them, whose names change last.
    for path in found.iter().rev() {
        let Some([outer @ .., Value::String(name)]) = path.as_array().map(Vec::as_slice) else { continue };
        let mut at = Some(&mut *body);
        for step in outer {
            at = match (at, step) {
                (Some(Value::Object(object)), Value::String(key)) => object.get_mut(key),
                (Some(Value::Array(items)), step) => {
                    step.as_u64().and_then(|at| items.get_mut(usize::try_from(at).ok()?))
                }
                _ => None,
            };
        }
        if let Some(Value::Object(object)) = at
            && let Some(value) = object.shift_remove(name)
        {
            object.insert(snake(name), value);
        }
    }
}

struct Reader {
    path: Vec<Value>,
    found: Vec<Value>,
}

impl Reader {
    fn visit(&mut self, value: &mut Value, message: &Message) {
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    if item.is_object() {
                        self.within(json!(at), |reader| reader.visit(item, message));
                    }
                }
            }
            Value::Object(object) => {
                if object.keys().any(|key| key.contains('_')) {
                    self.rename(object, message);
                }
                for (name, inside) in message.0 {
                    let Some(inner) = object.get_mut(*name) else { continue };
                    match inside {
                        Leaf => {}
                        Of(message) => self.within(json!(name), |reader| reader.visit(inner, message)),
                        Map(message) => self.within(json!(name), |reader| {
                            for (key, inner) in inner.as_object_mut().into_iter().flatten() {
                                reader.within(json!(key), |reader| reader.visit(inner, message));
                            }
                        }),
                    }
                }
            }
            _ => {}
        }
    }

    fn within(&mut self, step: Value, visit: impl FnOnce(&mut Self)) {
        self.path.push(step);
        visit(self);
        self.path.pop();
    }

    /// Keeps the order of members. Where both spellings are there, camelCase counts and the other stays as it is.
    fn rename(&mut self, object: &mut Object, message: &Message) {
        let known = |key: &str| message.0.iter().map(|(name, _)| *name).find(|name| snake(name) == key && *name != key);
        let before = std::mem::take(object);
        let both: Vec<String> = before.keys().cloned().collect();
        for (key, value) in before {
            match known(&key).filter(|name| !both.iter().any(|key| key == name)) {
                Some(name) => {
                    let mut path = self.path.clone();
                    path.push(json!(name));
                    self.found.push(Value::Array(path));
                    object.insert(name.to_owned(), value);
                }
                None => {
                    object.insert(key, value);
                }
            }
        }
    }
}

fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: Value, camel: Value) {
        let Value::Object(body) = written.clone() else { panic!("a body is an object") };
        let (body, found) = read(body);
        assert_eq!(Value::Object(body.clone()), camel);
        let mut body = Value::Object(body);
        restore(&mut body, &found);
        assert_eq!(body, written);
    }

    #[test]
    fn both_spellings_are_read_and_come_out_again() {
        check(
            json!({"contents": [{"parts": [{"file_data": {"file_uri": "u", "mimeType": "m"}, "thought_signature": "s"}]}],
                "generation_config": {"max_output_tokens": 1, "thinkingConfig": {"thinking_budget": 2}},
                "system_instruction": {"parts": {"inline_data": {"mime_type": "m"}}}}),
            json!({"contents": [{"parts": [{"fileData": {"fileUri": "u", "mimeType": "m"}, "thoughtSignature": "s"}]}],
                "generationConfig": {"maxOutputTokens": 1, "thinkingConfig": {"thinkingBudget": 2}},
                "systemInstruction": {"parts": {"inlineData": {"mimeType": "m"}}}}),
        );
    }

    #[test]
    fn a_clients_own_names_stay() {
        let properties = json!({"any_of": {"any_of": [{"min_items": "1"}]}, "a/b": {"max_items": "1"}});
        check(
            json!({"tools": [{"function_declarations": [{"name": "a_b", "parameters": {"properties": properties}}]}]}),
            json!({"tools": [{"functionDeclarations": [{"name": "a_b", "parameters":
                {"properties": {"any_of": {"anyOf": [{"minItems": "1"}]}, "a/b": {"maxItems": "1"}}}}]}]}),
        );
        let args = json!({"contents": [{"parts": [{"functionCall": {"args": {"file_data": 1}}}]}], "new_member": 1});
        check(args.clone(), args);
        let both = json!({"toolConfig": {}, "tool_config": {"a": 1}});
        check(both.clone(), both);
    }
}
