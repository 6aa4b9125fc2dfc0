//! What a text refers to: Converse's citations, and those of other formats in its words.

use crate::json::{Object, text};
use crate::model::Citation;
use serde_json::{Value, json};

/// Reads a citation.
pub(super) fn read(native: Value) -> Citation {
    let web = native.pointer("/location/web/url").and_then(Value::as_str);
    let source = native.get("source").and_then(Value::as_str).filter(|source| source.contains("://"));
    let content = native.get("sourceContent").and_then(Value::as_array);
    let cited: Vec<&str> = content.into_iter().flatten().filter_map(|piece| piece.get("text")?.as_str()).collect();
    Citation {
        url: web.or(source).map(str::to_owned),
        title: native.get("title").and_then(Value::as_str).map(str::to_owned),
        cited: (!cited.is_empty()).then(|| cited.concat()),
        range: None,
        native,
    }
}

/// Writes a citation.
pub(super) fn write(citation: Citation) -> Value {
    let Citation { url, title, cited, native, .. } = citation;
    if native.get("location").is_some_and(Value::is_object) || native.get("sourceContent").is_some_and(Value::is_array)
    {
        return native;
    }
    let mut out = Object::new();
    if let Some(title) = title {
        out.insert("title".to_owned(), json!(title));
    }
    if let Some(source) = native.get("source").filter(|source| source.is_string()) {
        out.insert("source".to_owned(), source.clone());
    }
    if let Some(cited) = cited {
        out.insert("sourceContent".to_owned(), json!([{"text": cited}]));
    }
    let location = location(&native).or_else(|| url.map(|url| json!({"web": {"url": url}})));
    if let Some(location) = location {
        out.insert("location".to_owned(), location);
    }
    Value::Object(out)
}

/// Anthropic's places in documents and search results.
fn location(native: &Value) -> Option<Value> {
    let (kind, index, from, to) = match text(native, "type") {
        "char_location" => ("documentChar", "document_index", "start_char_index", "end_char_index"),
        "page_location" => ("documentPage", "document_index", "start_page_number", "end_page_number"),
        "content_block_location" => ("documentChunk", "document_index", "start_block_index", "end_block_index"),
        "search_result_location" => {
            ("searchResultLocation", "search_result_index", "start_block_index", "end_block_index")
        }
        _ => return None,
    };
    let number = |key: &str| native.get(key).and_then(Value::as_u64);
    let name = if kind == "searchResultLocation" { "searchResultIndex" } else { "documentIndex" };
    Some(json!({kind: {name: number(index)?, "start": number(from)?, "end": number(to)?}}))
}
