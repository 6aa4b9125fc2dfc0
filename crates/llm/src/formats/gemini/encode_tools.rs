//! Tools and the choice among them: functions in one object, each of the API's own tools in one of its own.

use super::capabilities::Capabilities;
use super::schema::{self, Use, Written};
use super::spelling;
use crate::json::Object;
use crate::model::{NameRules, Names, Report, Tool, ToolChoice, ToolKind};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The API's rule for function names.
const NAMES: NameRules = NameRules { longest: 128 };

/// The API's own tools; those of the second list are Vertex AI's alone, those of the third the Gemini API's.
const OWN: &[&str] =
    &["googleSearch", "googleSearchRetrieval", "googleMaps", "codeExecution", "urlContext", "computerUse"];
const VERTEX_ONLY: &[&str] = &["retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch"];
const GEMINI_ONLY: &[&str] = &["fileSearch", "mcpServers"];

/// Tools as the API takes them.
pub(super) struct Encoded {
    pub(super) tools: Vec<Value>,
    pub(super) has_functions: bool,
    /// Whether the API's own tools and functions stand together.
    pub(super) mixed: bool,
}

impl Encoded {
    /// Adds the API's own search, where it is not there.
    pub(super) fn search(&mut self) {
        if !self.tools.iter().any(|tool| tool.get("googleSearch").is_some()) {
            self.tools.push(json!({"googleSearch": {}}));
            self.mixed = self.has_functions;
        }
    }
}

/// Encodes the tools of another format's client. Of Anthropic's clients a tool that Google has not is left out: they
/// declare the vendor's tools without need of them.
///
/// # Errors
/// When one is neither a function nor a tool that the API has.
pub(super) fn encode(
    tools: Vec<Tool>,
    origin: Format,
    can: Capabilities,
    cloud: bool,
    names: &mut Names,
    report: &mut Report,
) -> Result<Encoded, BodyError> {
    let (mut declarations, mut own) = (Vec::new(), Vec::new());
    for (at, tool) in tools.into_iter().enumerate() {
        if tool.cache.is_some() {
            report.drop("cache_control");
        }
        match tool.kind {
            ToolKind::Foreign(value) => {
                let kind = crate::json::text(&value, "type").to_owned();
                match own_tools(at, value, cloud, &mut own, &mut declarations, report) {
                    Err(_) if origin == Format::AnthropicMessages => report.drop(format!("tools[].{kind}")),
                    other => other?,
                }
            }
            ToolKind::Function { name, description, schema, strict, inner } => {
                if strict == Some(true) {
                    report.drop("tools[].strict");
                }
                report.drop_extras("tools[].", &inner);
                report.drop_extras("tools[].", &tool.extras);
                let name = send_name(&name, names, report);
                declarations.push(declaration(name, description, schema, can, cloud, report));
            }
        }
    }
    let has_functions = !declarations.is_empty();
    let mixed = has_functions && !own.is_empty();
    let functions = has_functions.then(|| json!({"functionDeclarations": declarations}));
    Ok(Encoded { tools: functions.into_iter().chain(own).collect(), has_functions, mixed })
}

fn declaration(
    name: String,
    description: Option<String>,
    schema: Option<Value>,
    can: Capabilities,
    cloud: bool,
    report: &mut Report,
) -> Value {
    let mut out = Object::new();
    out.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
    let field = "tools[].function.parameters";
    let schema = schema.map(|schema| schema::write(&schema, Use::Arguments, cloud, can.json_schema, field, report));
    match schema {
        None | Some(Written::Nothing) => {}
        Some(Written::Schema(schema)) => drop(out.insert("parameters".to_owned(), schema)),
        Some(Written::JsonSchema(schema)) => drop(out.insert("parametersJsonSchema".to_owned(), schema)),
    }
    Value::Object(out)
}

/// A tool that is no function of the client's: Google's own, as some clients write it into other formats, or another
/// vendor's that Google has too.
fn own_tools(
    at: usize,
    value: Value,
    cloud: bool,
    own: &mut Vec<Value>,
    declarations: &mut Vec<Value>,
    report: &mut Report,
) -> Result<(), BodyError> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (other_api, known) = if cloud { (GEMINI_ONLY, VERTEX_ONLY) } else { (VERTEX_ONLY, GEMINI_ONLY) };
    let takes = |name: &str| OWN.contains(&name) || known.contains(&name);
    if let Value::Object(tool) = &value {
        let tools = Object::from_iter([("tools".to_owned(), json!([tool]))]);
        let tool = spelling::camel(tools).get("tools").and_then(|tools| tools.get(0)?.as_object().cloned());
        let mut found = false;
        for (name, settings) in tool.into_iter().flatten() {
            if name == "functionDeclarations" {
                declarations.extend(settings.as_array().into_iter().flatten().cloned());
                found = true;
            } else if takes(&name) {
                own.push(json!({ name: settings }));
                found = true;
            } else if other_api.contains(&name.as_str()) {
                let api = if cloud { "Vertex AI" } else { "the Gemini API" };
                let message = format!("the tool '{name}' is not possible with {api}");
                return Err(BodyError::unsupported(format!("tools[{at}].{name}"), message));
            }
        }
        if found {
            return Ok(());
        }
    }
    let begins = |words: &[&str]| words.iter().any(|word| kind.starts_with(word));
    let name = if begins(&["google_search", "googleSearch", "web_search"]) {
        "googleSearch"
    } else if begins(&["code_interpreter", "code_execution", "codeExecution"]) {
        "codeExecution"
    } else if begins(&["url_context", "urlContext", "web_fetch"]) {
        "urlContext"
    } else if begins(&["google_maps", "googleMaps"]) {
        "googleMaps"
    } else {
        let kind = crate::json::kind(&value);
        let message = format!("tools of type '{kind}' are not possible with a Gemini provider");
        return Err(BodyError::foreign(format!("tools[{at}].type"), value, message));
    };
    if begins(&["web_", "code_interpreter", "code_execution"]) {
        // Another vendor's tool of the same use.
        report.approximate(format!("tools[].{kind}"));
    }
    own.push(json!({ name: {} }));
    Ok(())
}

/// A `functionCallingConfig`; `None` for a choice that cannot be said.
pub(super) fn choice(
    choice: ToolChoice,
    mut send: impl FnMut(&str, &mut Report) -> String,
    report: &mut Report,
) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Tool(name) => json!({"mode": "ANY", "allowedFunctionNames": [send(&name, report)]}),
        ToolChoice::Other(value) if value == "any" => json!({"mode": "ANY"}),
        ToolChoice::Other(value) => match allowed(&value) {
            Some((mode, names)) => {
                let names: Vec<String> = names.iter().map(|name| send(name, report)).collect();
                json!({"mode": mode, "allowedFunctionNames": names})
            }
            None => {
                report.drop("tool_choice");
                return None;
            }
        },
    })
}

/// OpenAI's choice among some: `allowed_tools`, in the words of Chat and of Responses.
fn allowed(value: &Value) -> Option<(&'static str, Vec<String>)> {
    if value.get("type")?.as_str()? != "allowed_tools" {
        return None;
    }
    let about = value.get("allowed_tools").unwrap_or(value);
    let tools = about.get("tools")?.as_array()?;
    let name = |tool: &Value| tool.pointer("/function/name").or_else(|| tool.get("name"))?.as_str().map(str::to_owned);
    let names: Vec<String> = tools.iter().filter_map(name).collect();
    if names.len() < tools.len() || names.is_empty() {
        return None;
    }
    // With names, the mode in which the model may also answer is `VALIDATED`.
    let must = about.get("mode").and_then(Value::as_str) == Some("required");
    Some((if must { "ANY" } else { "VALIDATED" }, names))
}

/// The name to send for a tool of the client's. It begins with a letter or an underscore.
pub(super) fn send_name(name: &str, names: &mut Names, report: &mut Report) -> String {
    let sent = names.send_beginning(name, NAMES, |byte| byte.is_ascii_alphabetic() || byte == b'_');
    if sent != name {
        report.approximate("tools[].name");
    }
    sent
}
