//! Images, sound, moving pictures and documents as content blocks. What is at a web address is refused: a gateway that
//! fetched it would open a way into its own network.

use super::media::{self, Formats};
use crate::BodyError;
use crate::formats::sources::is_web;
use crate::json::Object;
use crate::model::Source;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashSet;

/// What is refused, in words for the client.
struct Kind {
    formats: &'static Formats,
    what: &'static str,
    field: &'static str,
}

/// The inside of an `image` block.
pub(super) fn image(source: Source) -> Result<Object, BodyError> {
    let field = "messages[].content[].image_url.url";
    medium(source, &Kind { formats: &media::IMAGE, what: "an image", field })
}

/// The inside of a `video` block.
pub(super) fn video(source: Source) -> Result<Object, BodyError> {
    medium(source, &Kind { formats: &media::VIDEO, what: "a video", field: "messages[].content[].video" })
}

/// The inside of an `audio` block.
pub(super) fn audio(source: Source) -> Result<Object, BodyError> {
    medium(source, &Kind { formats: &media::AUDIO, what: "sound", field: "messages[].content[].input_audio" })
}

fn medium(source: Source, kind: &Kind) -> Result<Object, BodyError> {
    let (format, source) = match here(source) {
        Source::Base64 { media_type, data } => {
            let Some(format) = kind.formats.format(&media_type) else { return Err(kind.of_type(&media_type)) };
            (format, json!({"bytes": data}))
        }
        Source::Url(url) if url.starts_with("s3://") => {
            let Some(format) = kind.formats.of_name(&url) else {
                let message = format!("'{url}' must end in the name of a type, such as '.png'");
                return Err(BodyError::field(kind.field, message));
            };
            (format, json!({"s3Location": {"uri": url}}))
        }
        other => return Err(kind.refused(&other)),
    };
    Ok(object([("format", json!(format)), ("source", source)]))
}

impl Kind {
    fn of_type(&self, media_type: &str) -> BodyError {
        let Self { what, field, .. } = self;
        let message = format!("{what} of type '{media_type}' is not possible with a Bedrock provider");
        BodyError::unsupported(*field, message)
    }

    fn refused(&self, source: &Source) -> BodyError {
        let Self { what, field, .. } = self;
        match source {
            Source::Url(url) if is_web(url) => {
                let message = format!(
                    "{what} at an http(s) URL is not possible with a Bedrock provider: send it as a base64 data URL"
                );
                BodyError::unsupported(*field, message)
            }
            Source::Url(url) if url.contains("://") => {
                let message = format!("{what} that another vendor holds cannot be sent to a Bedrock provider");
                BodyError::unsupported(*field, message)
            }
            Source::Url(_) => BodyError::field(*field, format!("{what} must be a base64 data URL")),
            _ => {
                let message = format!("{what} that is a file of another vendor's cannot be sent to a Bedrock provider");
                BodyError::unsupported(*field, message)
            }
        }
    }
}

/// Names of the documents of one request: the API wants them plain and each once. They depend on what stands before
/// them alone, so that a conversation that goes on stays the same for the prompt cache.
#[derive(Default)]
pub(super) struct DocumentNames(HashSet<String>);

impl DocumentNames {
    fn name(&mut self, name: Option<&str>) -> String {
        const LONGEST: usize = 180;
        let mut plain = String::new();
        for c in name.unwrap_or_default().chars().take(LONGEST) {
            let c = if c.is_ascii_alphanumeric() || "-()[] ".contains(c) { c } else { '-' };
            if !(matches!(c, ' ' | '-') && plain.ends_with(c)) {
                plain.push(c);
            }
        }
        let plain = plain.trim_matches([' ', '-']);
        let plain = if plain.is_empty() { "document" } else { plain };
        let mut candidate = plain.to_owned();
        let mut nth = 1;
        while !self.0.insert(candidate.clone()) {
            nth += 1;
            candidate = format!("{plain}-{nth}");
        }
        candidate
    }
}

/// The block of a document: `document`, or `image` for a file that is one.
///
/// # Errors
/// When it is of a type that the API does not know, or is not here.
pub(super) fn document(
    source: Source,
    name: Option<&str>,
    names: &mut DocumentNames,
) -> Result<(&'static str, Object), BodyError> {
    let kind = Kind { formats: &media::DOCUMENT, what: "a file", field: "messages[].content[].file" };
    let (format, source) = match here(source) {
        Source::Base64 { media_type, data } if media_type.starts_with("image/") => {
            return image(Source::Base64 { media_type, data }).map(|image| ("image", image));
        }
        Source::Base64 { media_type, data } => {
            let of_name = || name.and_then(|name| media::DOCUMENT.of_name(name));
            // Any other text is plain text.
            let text = || is_text(&media_type).then_some("txt");
            let Some(format) = media::DOCUMENT.format(&media_type).or_else(of_name).or_else(text) else {
                return Err(kind.of_type(&media_type));
            };
            (format, json!({"bytes": data}))
        }
        Source::Text(text) => ("txt", json!({"bytes": STANDARD.encode(text)})),
        Source::Url(url) if url.starts_with("s3://") => {
            (media::DOCUMENT.of_name(&url).unwrap_or("pdf"), json!({"s3Location": {"uri": url}}))
        }
        other => return Err(kind.refused(&other)),
    };
    let name = names.name(name);
    Ok(("document", object([("format", json!(format)), ("name", json!(name)), ("source", source)])))
}

/// A `data:` URL with parameters beside its type is here, too.
fn here(source: Source) -> Source {
    let Source::Url(url) = &source else { return source };
    let Some((head, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) else {
        return source;
    };
    let media_type = head.split(';').next().unwrap_or_default().to_owned();
    Source::Base64 { media_type, data: data.to_owned() }
}

fn is_text(media_type: &str) -> bool {
    let plain = media_type.split(';').next().unwrap_or_default();
    plain.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "x-sh"].iter().any(|kind| {
            plain.strip_prefix("application/").is_some_and(|name| name == *kind || name.ends_with(&format!("+{kind}")))
        })
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_are_plain_and_each_once() {
        let mut names = DocumentNames::default();
        let mut check = |given: &str, expected: &str| assert_eq!(names.name(Some(given)), expected);
        check("Report  2024.pdf", "Report 2024-pdf");
        check("Report 2024.pdf", "Report 2024-pdf-2");
        check("a_b/../c (1) [x].md", "a-b-c (1) [x]-md");
        check("ünï", "n");
        check("…", "document");
        check("", "document-2");
        check(&"x".repeat(300), &"x".repeat(180));
    }
}
