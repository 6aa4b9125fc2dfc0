//! Images and documents as Anthropic's content blocks.

use crate::BodyError;
use crate::formats::sources::is_web;
use crate::json::Object;
use crate::model::Source;
use base64::Engine as _;
use serde_json::{Value, json};

/// The types of images that the API takes.
const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];
const PDF: &str = "application/pdf";

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// An image block, or a document for what stands as an image and is none.
///
/// # Errors
/// When the image is of a type that the API does not know, or is neither here nor at an http(s) URL.
pub(super) fn image(source: Source, own: bool) -> Result<Object, BodyError> {
    let source = match source {
        Source::Base64 { media_type, data } if !own => {
            let Some(media_type) = image_type(&media_type) else {
                if is_pdf(&media_type) {
                    return document(Source::Base64 { media_type, data }, None, own);
                }
                return Err(unknown_image(&media_type));
            };
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        Source::Url(url) if !own && !is_web(&url) => {
            let message = "'image_url.url' must be an http(s) URL or a base64 data URL";
            return Err(BodyError::field("messages[].content[].image_url.url", message));
        }
        source => written(source, own)?,
    };
    Ok(object([("type", json!("image")), ("source", source)]))
}

/// A document block: PDF or plain text.
///
/// # Errors
/// When the file is of another type, or is not here.
pub(super) fn document(source: Source, name: Option<String>, own: bool) -> Result<Object, BodyError> {
    let source = match source {
        Source::Base64 { media_type, data } if !own => match media_type.as_str() {
            media if is_pdf(media) => Source::Base64 { media_type: PDF.to_owned(), data },
            media if image_type(media).is_some() => return image(Source::Base64 { media_type, data }, own),
            media if media.starts_with("text/") => Source::Text(decoded(&data)?),
            media => return Err(unsupported(&format!("a file of type '{media}'"))),
        },
        Source::Url(url) if !own && !is_web(&url) => return Err(unsupported("a file that is at no http(s) URL")),
        source => source,
    };
    let mut block = object([("type", json!("document")), ("source", written(source, own)?)]);
    if let Some(name) = name {
        block.insert("title".to_owned(), json!(name));
    }
    Ok(block)
}

fn unknown_image(media_type: &str) -> BodyError {
    let possible = IMAGES.join(", ");
    let message = format!(
        "an image of type '{media_type}' is not possible with an Anthropic Messages provider, which takes {possible}"
    );
    BodyError::unsupported("messages[].content[].image_url", message)
}

/// The name that the API knows for a type of image.
fn image_type(media_type: &str) -> Option<&'static str> {
    let plain = plain_type(media_type);
    let plain = if plain == "image/jpg" { "image/jpeg" } else { plain.as_str() };
    IMAGES.iter().copied().find(|known| *known == plain)
}

fn is_pdf(media_type: &str) -> bool {
    plain_type(media_type) == PDF
}

/// A type without its parameters, in lower case.
fn plain_type(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn written(source: Source, own: bool) -> Result<Value, BodyError> {
    Ok(match source {
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::Base64 { media_type, data } => json!({"type": "base64", "media_type": media_type, "data": data}),
        Source::Text(data) => json!({"type": "text", "media_type": "text/plain", "data": data}),
        Source::File(id) if own => json!({"type": "file", "file_id": id}),
        Source::Other(value) if own => value,
        Source::File(_) | Source::Other(_) => return Err(unsupported("a file that another vendor holds")),
    })
}

fn decoded(data: &str) -> Result<String, BodyError> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(data);
    bytes
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| BodyError::field("messages[].content[].file.file_data", "'file_data' is not base64 of text"))
}

fn unsupported(what: &str) -> BodyError {
    let message = format!("{what} cannot be sent to an Anthropic Messages provider");
    BodyError::unsupported("messages[].content[].file", message)
}

/// The text of a result block.
pub(super) fn plain_text(block: &Value) -> String {
    match block.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
