//! Tools and the choice among them, to and from their neutral forms.

use super::CUSTOM_INPUT;
use super::annotations::object;
use crate::formats::openai::bind;
use crate::json::{Object, take_bool, take_object, take_string};
use crate::model::{NameRules, Names, Report, Tool, ToolChoice, ToolKind};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// OpenAI's schema takes 128 characters, its older models and its imitators 64.
const NAMES: NameRules = NameRules { longest: 64 };

/// One tool of a request. A custom tool is a function of one text; that it was none stays in extras.
pub(super) fn decode_tool(at: usize, tool: Value) -> Result<Tool, BodyError> {
    let Value::Object(mut tool) = tool else {
        return Err(BodyError::field(format!("tools[{at}]"), format!("tools[{at}] must be an object")));
    };
    let custom = match tool.get("type").and_then(Value::as_str) {
        Some("function") => false,
        Some("custom") => true,
        _ => return Ok(Tool { kind: ToolKind::Foreign(Value::Object(tool)), cache: None, extras: Object::new() }),
    };
    let name = take_string(&mut tool, "name").unwrap_or_default();
    if name.is_empty() {
        let field = format!("tools[{at}].name");
        return Err(BodyError::field(&field, format!("'{field}' must be a non-empty string")));
    }
    if !custom {
        tool.shift_remove("type");
    }
    let kind = ToolKind::Function {
        name,
        description: take_string(&mut tool, "description"),
        schema: if custom { Some(custom_schema()) } else { take_object(&mut tool, "parameters").map(Value::Object) },
        strict: take_bool(&mut tool, "strict"),
        inner: Object::new(),
    };
    Ok(Tool { kind, cache: None, extras: tool })
}

fn custom_schema() -> Value {
    json!({
        "type": "object",
        "properties": {CUSTOM_INPUT: {"type": "string"}},
        "required": [CUSTOM_INPUT],
        "additionalProperties": false,
    })
}

/// Whether a tool is a custom one, or its call or result that of one.
pub(super) fn is_custom(extras: &Object) -> bool {
    extras.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("custom"))
}

pub(super) fn decode_tool_choice(choice: Value) -> ToolChoice {
    match choice.as_str() {
        Some("auto") => return ToolChoice::Auto,
        Some("none") => return ToolChoice::None,
        Some("required") => return ToolChoice::Required,
        _ => {}
    }
    let named = choice.as_object().filter(|object| object.len() == 2 && object.get("type") == Some(&json!("function")));
    match named.and_then(|object| object.get("name")?.as_str()) {
        Some(name) => ToolChoice::Tool(name.to_owned()),
        None => ToolChoice::Other(choice),
    }
}

/// Writes tools for one request.
pub(super) struct ToolEncoder<'a> {
    pub(super) origin: Format,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
}

impl ToolEncoder<'_> {
    fn own(&self) -> bool {
        self.origin == Format::OpenAIResponses
    }

    /// One tool; `None` is one that cannot be said.
    ///
    /// # Errors
    /// When it is a tool of another vendor's that the client counts on.
    pub(super) fn tool(&mut self, at: usize, tool: Tool) -> Result<Option<Value>, BodyError> {
        let Tool { kind, cache, extras } = tool;
        let (name, description, schema, strict, inner) = match kind {
            ToolKind::Foreign(value) if self.own() => return Ok(Some(value)),
            ToolKind::Foreign(value) => return self.foreign(at, value),
            ToolKind::Function { name, description, schema, strict, inner } => {
                (name, description, schema, strict, inner)
            }
        };
        let mut out = Object::new();
        if !self.own() || !is_custom(&extras) {
            out.insert("type".to_owned(), json!("function"));
        }
        let name = self.name(&name);
        out.insert("name".to_owned(), json!(name));
        if let Some(description) = description {
            out.insert("description".to_owned(), json!(description));
        }
        if self.own() {
            if let Some(schema) = schema.filter(|_| !is_custom(&extras)) {
                out.insert("parameters".to_owned(), schema);
            }
            if let Some(strict) = strict {
                out.insert("strict".to_owned(), json!(strict));
            }
            out.extend(extras);
        } else {
            let (schema, strict) = bind(self.origin, schema, strict, self.report);
            out.insert("parameters".to_owned(), parameters(schema));
            // Left out, OpenAI makes the schema a strict one where it can.
            out.insert("strict".to_owned(), json!(strict.unwrap_or(false)));
            if cache.is_some() {
                self.report.drop("cache_control");
            }
            self.report.drop_extras("tools[].", &inner);
            self.report.drop_extras("tools[].", &extras);
        }
        Ok(Some(Value::Object(out)))
    }

    /// The name to send for a tool of the client's.
    pub(super) fn name(&mut self, name: &str) -> String {
        if self.own() {
            return name.to_owned();
        }
        let sent = self.names.send(name, NAMES);
        if sent != name {
            self.report.approximate("tools[].name");
        }
        sent
    }

    /// OpenAI Chat's custom tools, and tools of this format that an OpenAI client put among its own.
    fn foreign(&mut self, at: usize, value: Value) -> Result<Option<Value>, BodyError> {
        let kind = crate::json::kind(&value).to_owned();
        if self.origin == Format::AnthropicMessages
            && kind.starts_with("web_search")
            && let Value::Object(tool) = value
        {
            return Ok(Some(self.web_search(tool)));
        }
        if matches!(kind.as_str(), "googleSearch" | "google_search") {
            self.report.approximate(format!("tools[].{kind}"));
            return Ok(Some(json!({"type": "web_search"})));
        }
        if self.origin != Format::OpenAIChat {
            self.report.drop(format!("tools[].{kind}"));
            return Ok(None);
        }
        if let Some(custom) = value.get("custom").and_then(Value::as_object).filter(|_| kind == "custom") {
            return Ok(Some(Value::Object(flat_custom(custom.clone()))));
        }
        if HOSTED.iter().any(|hosted| kind.starts_with(hosted)) {
            return Ok(Some(value));
        }
        let message = format!("tools of type '{kind}' are not possible with an OpenAI Responses provider");
        Err(BodyError::foreign(format!("tools[{at}].type"), value, message))
    }

    /// Anthropic's tool of the same purpose.
    fn web_search(&mut self, mut tool: Object) -> Value {
        let mut out = object([("type", json!("web_search"))]);
        if let Some(domains) = tool.shift_remove("allowed_domains").filter(Value::is_array) {
            out.insert("filters".to_owned(), json!({"allowed_domains": domains}));
        }
        if let Some(place) = tool.shift_remove("user_location").filter(Value::is_object) {
            out.insert("user_location".to_owned(), place);
        }
        tool.shift_remove("name");
        self.report.drop_extras("tools[].", &tool);
        Value::Object(out)
    }

    /// The choice; `None` is one that cannot be said.
    pub(super) fn choice(&mut self, choice: ToolChoice) -> Option<Value> {
        Some(match choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::None => json!("none"),
            ToolChoice::Required => json!("required"),
            ToolChoice::Tool(name) => json!({"type": "function", "name": self.name(&name)}),
            ToolChoice::Other(value) if self.own() => value,
            // Mistral's word.
            ToolChoice::Other(value) if value == "any" => json!("required"),
            ToolChoice::Other(value) if self.origin == Format::OpenAIChat => return self.chat_choice(value),
            ToolChoice::Other(_) => return None,
        })
    }

    /// Choices that OpenAI Chat nests: `{"type": "custom", "custom": {"name"}}` and `allowed_tools`.
    fn chat_choice(&mut self, choice: Value) -> Option<Value> {
        let kind = choice.get("type")?.as_str()?;
        match kind {
            "custom" => Some(json!({"type": "custom", "name": choice.pointer("/custom/name")?})),
            "allowed_tools" => {
                let allowed = choice.get("allowed_tools")?;
                let tools = allowed.get("tools")?.as_array()?.iter().map(|tool| self.flat(tool)).collect::<Vec<_>>();
                Some(json!({"type": kind, "mode": allowed.get("mode")?, "tools": tools}))
            }
            kind if HOSTED.iter().any(|hosted| kind.starts_with(hosted)) => Some(choice),
            _ => None,
        }
    }

    /// A tool named in a choice, without the inner object of OpenAI Chat.
    fn flat(&mut self, tool: &Value) -> Value {
        for kind in ["function", "custom"] {
            if let Some(name) = tool.get(kind).and_then(|inner| inner.get("name")?.as_str()) {
                return json!({"type": kind, "name": self.name(name)});
            }
        }
        tool.clone()
    }
}

/// The vendor's own tools, by how their names begin.
const HOSTED: &[&str] = &[
    "web_search",
    "file_search",
    "code_interpreter",
    "computer",
    "image_generation",
    "mcp",
    "local_shell",
    "shell",
    "apply_patch",
    "tool_search",
    "namespace",
    "programmatic_tool_calling",
    // xAI's.
    "x_search",
];

/// A custom tool without the inner objects of OpenAI Chat.
fn flat_custom(mut custom: Object) -> Object {
    let mut out = object([("type", json!("custom"))]);
    if let Some(Value::Object(format)) = custom.get_mut("format")
        && let Some(grammar) = take_object(format, "grammar")
    {
        format.extend(grammar);
    }
    out.extend(custom);
    out
}

/// The schema demands the member; a function without arguments is an object without members.
fn parameters(schema: Option<Value>) -> Value {
    match schema {
        Some(Value::Object(mut schema)) if !schema.is_empty() => {
            schema.entry("type").or_insert_with(|| json!("object"));
            Value::Object(schema)
        }
        _ => json!({"type": "object", "properties": {}}),
    }
}
