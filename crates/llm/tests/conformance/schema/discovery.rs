//! Google's discovery documents as OpenAPI schemas, by the JSON mapping of protocol buffers: 64-bit integers and bytes are
//! strings. Which members exclude each other only the `.proto` files say, see `oneofs`.

use serde_json::{Map, Value, json};

/// Base64 in either alphabet.
pub(super) const BASE64: &str = "^[A-Za-z0-9+/_-]*={0,2}$";

/// The document's schemas.
pub(super) fn schemas(document: &Value) -> Map<String, Value> {
    let schemas = document["schemas"].as_object().into_iter().flatten();
    schemas.map(|(name, schema)| (name.clone(), translate(schema))).collect()
}

fn translate(schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return json!({"$ref": format!("#/schemas/{target}")});
    }
    let mut out = Map::new();
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("any") | None, _) => return json!({}),
        (Some("string"), Some("byte")) => {
            out.insert("type".to_owned(), json!("string"));
            out.insert("pattern".to_owned(), json!(BASE64));
        }
        // 64-bit integers are of type string in these documents.
        (Some(kind), _) => {
            out.insert("type".to_owned(), json!(kind));
        }
    }
    if let Some(members) = schema["properties"].as_object() {
        let members: Map<String, Value> =
            members.iter().map(|(name, member)| (name.clone(), translate(member))).collect();
        out.insert("properties".to_owned(), Value::Object(members));
    } else if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        // A message without fields, such as the marker `googleSearch: {}`.
        out.insert("properties".to_owned(), json!({}));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key) {
            out.insert(key.to_owned(), translate(inner));
        }
    }
    if let Some(values) = schema.get("enum") {
        out.insert("enum".to_owned(), values.clone());
    }
    Value::Object(out)
}

/// The `oneof` groups of a `.proto` file as (message, members): at most one of each may be there.
pub(super) fn oneofs(proto: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    // The blocks that a line stands in: messages by name, groups as an empty name.
    let mut blocks: Vec<Option<String>> = Vec::new();
    for line in proto.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["message", name, "{", ..] => blocks.push(Some((*name).to_owned())),
            ["oneof", ..] if line.ends_with('{') => {
                // Nested messages are joined to their parents' names in discovery documents.
                let message: String = blocks.iter().flatten().map(String::as_str).collect();
                found.push((message, Vec::new()));
                blocks.push(None);
            }
            // A member of the group that is open: type, name, `=`, number.
            [_, name, "=", ..] if blocks.last() == Some(&None) && !found.is_empty() => {
                let members = &mut found.last_mut().expect("a group is open").1;
                members.push(camel(name));
            }
            _ if line.ends_with('{') => blocks.push(Some(String::new())),
            _ => {}
        }
        if line.starts_with('}') {
            blocks.pop();
        }
    }
    found.retain(|(_, members)| members.len() > 1);
    found
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

/// Adds to each message's definition that the members of a group exclude each other.
pub(super) fn exclude(definitions: &mut Map<String, Value>, prefix: &str, groups: &[(String, Vec<String>)]) {
    for (message, members) in groups {
        let pairs =
            members.iter().enumerate().flat_map(|(at, left)| members[at + 1..].iter().map(move |right| (left, right)));
        let rules: Vec<Value> = pairs.map(|(left, right)| json!({"not": {"required": [left, right]}})).collect();
        if let Some(Value::Object(definition)) = definitions.get_mut(&format!("{prefix}{message}")) {
            definition.insert("allOf".to_owned(), Value::Array(rules));
        }
    }
}

#[test]
fn groups_of_a_proto_file_are_read() {
    let proto = "message Part {\n  // Words { here\n  oneof data {\n    // Inline text.\n    string text = 2;\n    Blob inline_data = 3 [(a) = B];\n  }\n\n  bool thought = 11;\n  message Inner {\n    oneof kind {\n      string a_b = 1;\n      string c = 2;\n    }\n  }\n}\n";
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let expected = [("Part".to_owned(), words(&["text", "inlineData"])), ("PartInner".to_owned(), words(&["aB", "c"]))];
    assert_eq!(oneofs(proto), expected);
}
