//! Whether a translated request still says what the client's said.

use base64::Engine as _;
use pillion_llm::Format;
use serde_json::Value;

use super::{Ask, Fact, Says, Who, asks, every_ask, facts, marks};

/// The facts and asks of a client's request that its translation does not hold and no report names.
pub(crate) fn lost(
    client: Format,
    request: &Value,
    wire: Format,
    translated: &Value,
    reported: &[String],
) -> Vec<String> {
    let (now, raw) = (facts(wire, translated), Raw::of(translated));
    let facts = facts(client, request).into_iter();
    // Whoever says it now: that the speaker is another one is reported.
    let anyone = reported.iter().any(|name| name.ends_with(".role"));
    let facts = facts.filter(|fact| !holds(&now, &raw, fact, anyone) && !told(reported, fact));
    let facts = facts.map(|fact| format!("{} of {:?}: {:.160}", fact.path, fact.who, format!("{:?}", fact.says)));
    let now = every_ask(wire, translated);
    // Of an object that another member stands for, what is left out is named below it.
    let below = |ask: &Ask| reported.iter().any(|name| name.starts_with(&format!("{}.", ask.path)));
    let told = |ask: &Ask| {
        // A budget of thinking stands in the model as Anthropic writes it.
        let thinking = matches!(ask.concept, Some("reasoning_effort" | "show_thinking")) && tells_thinking(reported);
        let named = thinking || below(ask) || names(reported, &ask.path);
        named || ask.concept.is_some_and(|concept| names(reported, concept))
    };
    // OpenAI Chat asks for a search beside the tools.
    let searches = facts_of(wire, translated, |says| matches!(says, Says::Vendor(kind) if kind.contains("earch")));
    let thinks = asks(client, request).iter().any(|ask| ask.concept == Some("reasoning_effort"));
    let text = translated.to_string();
    let carried = |ask: &Ask| {
        // Members that stand in an object here and by themselves there, or at each tool here and once for all there.
        let said = |key: &str| ask.path.ends_with(key) && text.contains(&format!("\"{key}\":{}", ask.value));
        let strict =
            ask.path == "strict_tools" && (text.contains("\"strict\":true") || names(reported, "tools[].strict"));
        carried(&now, ask, thinks) || ask.path == "web_search_options" && searches || said("verbosity") || strict
    };
    let asks = asks(client, request).into_iter().filter(|ask| !carried(ask) && !told(ask));
    let asks =
        asks.map(|ask| format!("{} ({}): {:.80}", ask.path, ask.concept.unwrap_or("its own"), ask.value.to_string()));
    let (marked, left) = (marks(request), marks(translated));
    let mark_told = ["cache_control", "cachePoint", "prompt_cache_breakpoint"].iter().any(|name| names(reported, name));
    let unmarked =
        (left < marked && !mark_told).then(|| format!("{} of {marked} marks for the prompt cache", marked - left));
    facts.chain(asks).chain(unmarked).collect()
}

/// Every string and object of a body, for what stands in another place.
struct Raw {
    strings: Vec<String>,
}

impl Raw {
    fn of(value: &Value) -> Self {
        let mut strings = Vec::new();
        collect(value, &mut strings);
        Self { strings }
    }

    fn within(&self, text: &str) -> bool {
        self.strings.iter().any(|string| string.contains(text))
    }
}

fn collect(value: &Value, strings: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let plain = base64::engine::general_purpose::STANDARD.decode(text).ok();
            strings.extend(plain.and_then(|bytes| String::from_utf8(bytes).ok()));
            strings.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        Value::Object(object) => object.values().for_each(|item| collect(item, strings)),
        _ => {}
    }
}

fn facts_of(format: Format, body: &Value, is: impl Fn(&Says) -> bool) -> bool {
    facts(format, body).iter().any(|fact| is(&fact.says))
}

/// Whether a report names a fact, in the client's words or in those that all formats meet in.
fn told(reported: &[String], fact: &Fact) -> bool {
    let also = match (&fact.says, fact.who) {
        (Says::Thinking(_), _) => tells_thinking(reported),
        (Says::Function { .. }, _) => names(reported, "tools[].function"),
        (Says::Failed { .. }, _) => ["messages[].content[].is_error", "contents[].parts[].functionResponse.response"]
            .iter()
            .any(|name| names(reported, name)),
        (_, Who::Tool) => names(reported, "messages[].tool_call_id"),
        _ => false,
    };
    also || names(reported, &fact.path)
}

fn tells_thinking(reported: &[String]) -> bool {
    ["thinking", "reasoning_content", "reasoning", "reasoning_effort", "contents[].parts[].thought"]
        .iter()
        .any(|word| names(reported, word))
}

fn holds(now: &[Fact], raw: &Raw, fact: &Fact, anyone: bool) -> bool {
    let mut same = now.iter().filter(|other| anyone || other.who == fact.who);
    match &fact.says {
        // What a tool returned may be said as JSON instead of text.
        Says::Text(text) => {
            // A tool's document may stay one.
            fact.who == Who::Tool && raw.within(text)
                || same.any(|other| matches!(&other.says, Says::Text(other) if other.contains(text.as_str()) || is_same_json(other, text)))
        }
        Says::Thinking(text) => {
            same.any(|other| matches!(&other.says, Says::Thinking(other) if other.contains(text.as_str())))
        }
        Says::Media(data) => raw.within(data),
        Says::Call { id, name, arguments } => same.any(|other| match &other.says {
            Says::Call { id: other_id, name: other_name, arguments: other } => {
                other == arguments && (other_name == name || !is_plain(name)) && same_id(id, other_id)
            }
            _ => false,
        }),
        Says::Result { id, name } => same.any(|other| match &other.says {
            Says::Result { id: other_id, name: other_name } if id.is_empty() || other_id.is_empty() => {
                name.is_empty() || other_name.is_empty() || name == other_name
            }
            Says::Result { id: other_id, .. } => same_id(id, other_id),
            _ => false,
        }),
        // In formats without ids, that of a tool's name.
        Says::Failed { id } => {
            same.any(|other| matches!(&other.says, Says::Failed { id: other } if same_id(id, other)))
        }
        Says::Function { name, description, words } => same.any(|other| match &other.says {
            Says::Function { name: other_name, description: other, words: other_words } => {
                (other_name == name || !is_plain(name))
                    && other.contains(description.as_str())
                    && words.iter().all(|word| other_words.contains(word))
            }
            _ => false,
        }),
        // Tools of the same use have dates in some vendors' names.
        Says::Vendor(kind) => same.any(|other| {
            let search = |kind: &str| kind.starts_with("web_search");
            matches!(&other.says, Says::Vendor(other) if other == kind || search(kind) && search(other))
        }),
    }
}

/// A vendor's rule may want another id than the client's.
fn same_id(id: &str, other: &str) -> bool {
    id == other || id.is_empty() || other.is_empty() || !is_plain(id)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_same_json(left: &str, right: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (value(left), value(right)) {
        (Some(left), Some(right)) => {
            left == right || left.as_object().is_some_and(|object| object.values().any(|value| *value == right))
        }
        // An object of one text and that text.
        (None, Some(Value::Object(right))) => {
            right.len() == 1 && right.values().all(|value| value.as_str() == Some(left))
        }
        (Some(Value::Object(left)), None) => {
            left.values().any(|value| value.as_str().is_some_and(|text| text.contains(right)))
        }
        _ => false,
    }
}

/// Numbers and words must be the same; what has a shape has another one.
fn carried(now: &[Ask], ask: &Ask, thinks: bool) -> bool {
    let Some(concept) = ask.concept else {
        return now.iter().any(|other| other.concept.is_none() && other.path == ask.path);
    };
    let mut same = now.iter().filter(|other| other.concept == Some(concept));
    match &ask.value {
        // Where thinking is asked for it is shown, unless it is said that it is not; where it is not, nothing is there.
        Value::Bool(true) if concept == "show_thinking" && !thinks => true,
        Value::Bool(true) if concept == "show_thinking" => now.iter().any(|other| {
            other.concept == Some("reasoning_effort") && !other.value.is_null() && other.value != "none"
                || other.concept == Some("show_thinking") && other.value == true
        }),
        Value::Number(number) => same.any(|other| other.value.as_f64() == number.as_f64() || other.value.is_object()),
        Value::Object(_) => same.next().is_some(),
        // Every vendor has its own words for these.
        _ if concept == "service_tier" => same.any(|other| !other.value.is_null()),
        value if concept == "reasoning_effort" || concept == "response_format" => {
            same.any(|other| !other.value.is_null() && (!value.is_boolean() || other.value == *value))
        }
        value => same.any(|other| other.value == *value),
    }
}

/// Whether a report names the thing at `path`: the path, one that it stands in, or its last word in whichever spelling.
fn names(reported: &[String], path: &str) -> bool {
    let last = |path: &str| match path.rsplit(['.', ']']).next().unwrap_or(path) {
        // Cohere's.
        "p" => "topp".to_owned(),
        "k" => "topk".to_owned(),
        word => word.replace('_', "").to_ascii_lowercase(),
    };
    reported.iter().any(|name| {
        let around =
            path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        around || last(name) == last(path)
    })
}
