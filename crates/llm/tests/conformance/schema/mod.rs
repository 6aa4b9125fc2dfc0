//! The vendors' published schemas, closed: would the vendor take this request, could the vendor have sent this reply? What
//! the documents do not name is a mistake, save the members of `known.tsv`.

mod botocore;
mod discovery;
mod explain;
mod known;
mod openapi;

use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use pillion_llm::Format;
use serde_json::{Map, Value, json};

use crate::corpus::present;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    Request,
    Reply,
    /// An event of a stream.
    Event,
    /// The body of a reply that is not 2xx.
    Error,
    /// A list of models.
    Models,
    /// One model.
    Model,
}

/// Whose document it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Book {
    OpenAIChat,
    OpenAIResponses,
    Anthropic,
    Gemini,
    /// Vertex AI's of the same format.
    Vertex,
    Bedrock,
    Cohere,
}

impl Book {
    /// The document of the format's own vendor.
    pub(crate) fn of(format: Format) -> Self {
        match format {
            Format::OpenAIChat => Self::OpenAIChat,
            Format::OpenAIResponses => Self::OpenAIResponses,
            Format::AnthropicMessages => Self::Anthropic,
            Format::GeminiGenerateContent => Self::Gemini,
            Format::BedrockConverse => Self::Bedrock,
            Format::CohereChat => Self::Cohere,
        }
    }
}

/// Who wrote what is judged: vendors do what their documents do not say, and may.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Author {
    Gateway,
    Vendor,
}

struct Judge {
    book: Book,
    what: What,
    author: Author,
    validator: Validator,
}

/// A document, how it is written, and what it calls each kind of body.
struct Source {
    book: Book,
    file: &'static str,
    read: fn(&Path) -> Map<String, Value>,
    names: &'static [(What, &'static str)],
    /// The same for what vendors send, where that is more: what is still being tried out.
    wider: &'static [(What, &'static str)],
}

const SOURCES: &[Source] = &[
    Source {
        book: Book::OpenAIChat,
        file: "openai/openapi.json",
        read: openai,
        names: &[
            (What::Request, "CreateChatCompletionRequest"),
            (What::Reply, "CreateChatCompletionResponse"),
            (What::Event, "CreateChatCompletionStreamResponse"),
            (What::Error, "ErrorResponse"),
            (What::Models, "ListModelsResponse"),
            (What::Model, "Model"),
        ],
        wider: &[],
    },
    Source {
        book: Book::OpenAIResponses,
        file: "openai/openapi.json",
        read: openai,
        names: &[
            (What::Request, "CreateResponse"),
            (What::Reply, "Response"),
            (What::Event, "ResponseStreamEvent"),
            (What::Error, "ErrorResponse"),
        ],
        wider: &[],
    },
    Source {
        book: Book::Anthropic,
        // JSON, in spite of its name.
        file: "anthropic/openapi.yml",
        read: anthropic,
        names: &[
            (What::Request, "CreateMessageParams"),
            (What::Reply, "Message"),
            (What::Event, "MessageStreamEvent"),
            (What::Error, "ErrorResponse"),
            (What::Models, "ListResponse_ModelInfo_"),
            (What::Model, "ModelInfo"),
        ],
        wider: &[
            (What::Request, "BetaCreateMessageParams"),
            (What::Reply, "BetaMessage"),
            (What::Event, "BetaMessageStreamEvent"),
        ],
    },
    Source {
        book: Book::Gemini,
        file: "google/generativelanguage.v1beta.discovery.json",
        read: gemini,
        names: &[
            (What::Request, "GenerateContentRequest"),
            (What::Reply, "GenerateContentResponse"),
            (What::Event, "GenerateContentResponse"),
            (What::Models, "ListModelsResponse"),
            (What::Model, "Model"),
        ],
        wider: &[],
    },
    Source {
        book: Book::Vertex,
        file: "google/aiplatform.v1.discovery.json",
        read: vertex,
        names: &[
            (What::Request, "GoogleCloudAiplatformV1GenerateContentRequest"),
            (What::Reply, "GoogleCloudAiplatformV1GenerateContentResponse"),
            (What::Event, "GoogleCloudAiplatformV1GenerateContentResponse"),
        ],
        wider: &[],
    },
    Source {
        book: Book::Bedrock,
        file: "aws/botocore/bedrock-runtime/service-2.json",
        read: bedrock,
        names: &[
            (What::Request, "ConverseRequest"),
            (What::Reply, "ConverseResponse"),
            (What::Event, "ConverseStreamOutput"),
        ],
        wider: &[],
    },
    Source {
        book: Book::Cohere,
        file: "cohere/cohere-openapi.yaml",
        read: cohere,
        names: &[
            (What::Request, "ChatRequestV2"),
            (What::Reply, "ChatResponseV2"),
            (What::Event, "StreamedChatResponseV2"),
        ],
        wider: &[],
    },
];

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn openapi(path: &Path) -> Map<String, Value> {
    json_of(path)["components"]["schemas"].as_object().unwrap().clone()
}

fn openai(path: &Path) -> Map<String, Value> {
    let mut schemas = openapi(path);
    // The document says in words only that a chunk's is null until the last one.
    let finish = schemas["CreateChatCompletionStreamResponse"]
        .pointer_mut("/properties/choices/items/properties/finish_reason")
        .unwrap();
    finish["nullable"] = json!(true);
    schemas
}

/// Where nothing is cited its servers leave the member out, and SDKs refuse the null that the document wants.
fn anthropic(path: &Path) -> Map<String, Value> {
    let mut schemas = openapi(path);
    for name in ["ResponseTextBlock", "BetaResponseTextBlock"] {
        if let Some(required) = schemas.get_mut(name).and_then(|schema| schema["required"].as_array_mut()) {
            required.retain(|member| member != "citations");
        }
    }
    schemas
}

fn gemini(path: &Path) -> Map<String, Value> {
    let mut schemas = discovery::schemas(&json_of(path));
    // The document refers to it and does not have it; the `.proto` file does.
    let level = json!({"type": "object", "properties": {"level": {"type": "string"}}});
    schemas.entry("MediaResolution").or_insert(level);
    schemas
}

fn vertex(path: &Path) -> Map<String, Value> {
    discovery::schemas(&json_of(path))
}

fn bedrock(path: &Path) -> Map<String, Value> {
    botocore::schemas(&json_of(path))
}

fn cohere(path: &Path) -> Map<String, Value> {
    // Its largest integers are larger than JSON's are here.
    let text = std::fs::read_to_string(path).unwrap().replace("18446744073709552000", "1.8446744073709552e+19");
    let document: Value = serde_norway::from_str(&text).unwrap();
    let mut schemas = document["components"]["schemas"].as_object().unwrap().clone();
    let request = document.pointer("/paths/~1v2~1chat/post/requestBody/content/application~1json/schema").unwrap();
    schemas.insert("ChatRequestV2".to_owned(), request.clone());
    // The document requires members under other names than it describes.
    schemas["LogprobItem"]["required"] = json!(["token_ids"]);
    schemas
}

/// The groups of members that exclude each other, which Google's discovery documents do not tell.
fn groups(book: Book, folder: &Path) -> (&'static str, Vec<(String, Vec<String>)>) {
    let read =
        |file: &str| discovery::oneofs(&std::fs::read_to_string(folder.join("google/proto").join(file)).unwrap());
    match book {
        Book::Gemini => {
            let files = ["content.proto", "generative_service.proto"];
            ("", files.iter().flat_map(|file| read(&format!("generativelanguage/v1beta/{file}"))).collect())
        }
        Book::Vertex => ("GoogleCloudAiplatformV1", read("aiplatform/v1/content.proto")),
        _ => ("", Vec::new()),
    }
}

static JUDGES: LazyLock<Vec<Judge>> = LazyLock::new(|| {
    let Some(folder) = present("the folder of the vendors' schemas", "PILLION_SPECS", "../shared/specs") else {
        return Vec::new();
    };
    let mut judges = Vec::new();
    for source in SOURCES {
        let schemas = openapi::closed(&(source.read)(&folder.join(source.file)));
        let strict = finish(source.book, Author::Gateway, &folder, schemas.clone());
        let vendors = finish(source.book, Author::Vendor, &folder, schemas.clone());
        let lenient = finish(source.book, Author::Vendor, &folder, without_required(schemas));
        for (what, name) in source.names {
            let mut add = |author, name, definitions| {
                judges.push(Judge { book: source.book, what: *what, author, validator: compile(name, definitions) });
            };
            add(Author::Gateway, name, &strict);
            let wider = source.wider.iter().find(|(of, _)| of == what).map_or(*name, |(_, name)| name);
            add(Author::Vendor, wider, if *what == What::Request { &vendors } else { &lenient });
        }
    }
    judges
});

/// Adds what the documents do not say as schemas.
fn finish(book: Book, author: Author, folder: &Path, mut definitions: Map<String, Value>) -> Map<String, Value> {
    let (prefix, groups) = groups(book, folder);
    discovery::exclude(&mut definitions, prefix, &groups);
    known::add(book, author, &mut definitions);
    definitions
}

/// Servers leave out what older documents did not require, and what says nothing.
fn without_required(definitions: Map<String, Value>) -> Map<String, Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                if object.get("required").is_some_and(Value::is_array) {
                    object.shift_remove("required");
                }
                object.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut definitions = Value::Object(definitions);
    strip(&mut definitions);
    match definitions {
        Value::Object(definitions) => definitions,
        _ => unreachable!("it was an object"),
    }
}

fn compile(name: &str, definitions: &Map<String, Value>) -> Validator {
    let mut used = Map::new();
    let root = json!({"$ref": format!("{}{name}", openapi::DEFINITIONS)});
    collect(&root, definitions, &mut used);
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root], "$defs": used});
    jsonschema::options()
        .should_validate_formats(false)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Copies the definitions that `value` refers to, and theirs.
fn collect(value: &Value, definitions: &Map<String, Value>, used: &mut Map<String, Value>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("$ref").and_then(Value::as_str)
                && let Some(name) = name.strip_prefix(openapi::DEFINITIONS)
                && !used.contains_key(name)
            {
                let definition = definitions.get(name).unwrap_or_else(|| panic!("no definition of '{name}'"));
                used.insert(name.to_owned(), definition.clone());
                collect(definition, definitions, used);
            }
            object.values().for_each(|value| collect(value, definitions, used));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, definitions, used)),
        _ => {}
    }
}

/// What the vendor's schema finds wrong with a body of the gateway's, a few findings at most; nothing where the schemas
/// are absent.
pub(crate) fn check(book: Book, what: What, body: &Value) -> Result<(), String> {
    judge(book, what, Author::Gateway, body)
}

/// The same for a body of the author's.
pub(crate) fn judge(book: Book, what: What, author: Author, body: &Value) -> Result<(), String> {
    let mut judges = JUDGES.iter();
    let Some(judge) = judges.find(|judge| (judge.book, judge.what, judge.author) == (book, what, author)) else {
        return Ok(());
    };
    if judge.validator.is_valid(body) {
        return Ok(());
    }
    let findings: Vec<String> = explain::plain(judge.validator.iter_errors(body)).take(3).collect();
    Err(format!("the vendor's schema of {book:?} {what:?}: {}", findings.join("; ")))
}
