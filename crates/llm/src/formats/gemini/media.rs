//! Images, sound, moving pictures and documents: `inlineData` and `fileData`, and the media types they demand.

use crate::BodyError;
use crate::json::Object;
use crate::model::{PartKind, Report, Source};
use base64::Engine as _;
use serde_json::{Value, json};

/// Media types by the ending of a file's name, as the API takes them.
const ENDINGS: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("svg", "image/svg+xml"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("xml", "text/xml"),
    ("rtf", "text/rtf"),
    ("json", "application/json"),
    ("js", "text/javascript"),
    ("py", "text/x-python"),
    ("mp3", "audio/mp3"),
    ("wav", "audio/wav"),
    ("m4a", "audio/m4a"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/opus"),
    ("flac", "audio/flac"),
    ("aiff", "audio/aiff"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("mov", "video/mov"),
    ("avi", "video/avi"),
    ("flv", "video/x-flv"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("3gp", "video/3gpp"),
    ("mkv", "video/x-matroska"),
];

/// What a part of the client's holds, told by its media type; where there is none, by its address.
pub(super) fn kind(media_type: &str, source: Source, name: Option<String>) -> PartKind {
    let media_type = match (&source, media_type) {
        (Source::Url(url) | Source::File(url), "") => guess(url).unwrap_or_default(),
        (_, media_type) => media_type,
    };
    match media_type.split('/').next().unwrap_or_default() {
        "image" => PartKind::Image(source),
        "audio" => PartKind::Audio(source),
        "video" => PartKind::Video(source),
        _ => PartKind::Document { source, name },
    }
}

/// A `fileUri` as a source: files that lie with Google are no URL to others.
pub(super) fn source(uri: String) -> Source {
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    let stored = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("gs"));
    if stored || is_file(&uri) { Source::File(uri) } else { Source::Url(uri) }
}

fn is_file(uri: &str) -> bool {
    uri.starts_with("files/")
        || uri
            .split_once("://")
            .is_some_and(|(_, rest)| rest.starts_with("generativelanguage.googleapis.com/") && rest.contains("/files/"))
}

/// The media type that an address tells.
pub(super) fn guess(url: &str) -> Option<&'static str> {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (host, path) = address.split_once('/')?;
    let host = host.to_ascii_lowercase();
    if host == "youtu.be" || host == "youtube.com" || host.ends_with(".youtube.com") {
        return Some("video/mp4");
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

/// A source of another format's client as a part.
///
/// # Errors
/// When it is neither here nor at an address that Google reads.
pub(super) fn write(
    source: Source,
    kind: &'static str,
    cloud: bool,
    field: &str,
    report: &mut Report,
) -> Result<Object, BodyError> {
    match source {
        Source::Base64 { media_type, data } => Ok(inline(&plain_type(&media_type), data)),
        Source::Text(text) => {
            let data = base64::engine::general_purpose::STANDARD.encode(text);
            Ok(inline("text/plain", data))
        }
        Source::Url(url) => match inlined(&url) {
            Some((media_type, data)) => Ok(inline(&media_type, data)),
            None if is_address(&url) => Ok(file(url, kind, cloud, field, report)),
            None => {
                let message = format!("the {kind} must be a URL (http, https, gs) or a base64 data URL");
                Err(BodyError::field(field, message))
            }
        },
        Source::File(id) if is_file(&id) || is_address(&id) => Ok(file(id, kind, cloud, field, report)),
        Source::File(_) | Source::Other(_) => {
            let message = "a file that another vendor holds cannot be sent to a Gemini provider";
            Err(BodyError::unsupported(field, message))
        }
    }
}

fn inline(media_type: &str, data: String) -> Object {
    object([("inlineData", json!({"mimeType": media_type, "data": data}))])
}

fn file(uri: String, kind: &'static str, cloud: bool, field: &str, report: &mut Report) -> Object {
    let media_type = guess(&uri).or_else(|| {
        // Vertex AI demands a media type; the Gemini API finds it itself.
        (cloud && !is_file(&uri)).then(|| {
            report.approximate(field);
            match kind {
                "image" => "image/jpeg",
                "audio" => "audio/mp3",
                "video" => "video/mp4",
                _ => "application/pdf",
            }
        })
    });
    let mut data = object([("fileUri", json!(uri))]);
    if let Some(media_type) = media_type {
        data.insert("mimeType".to_owned(), json!(media_type));
    }
    object([("fileData", Value::Object(data))])
}

/// Media types that clients write otherwise than the API.
fn plain_type(media_type: &str) -> String {
    let bare = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match bare.as_str() {
        "image/jpg" => "image/jpeg".to_owned(),
        "audio/mpeg" => "audio/mp3".to_owned(),
        "audio/x-wav" | "audio/wave" => "audio/wav".to_owned(),
        _ => bare,
    }
}

/// A `data:` URL in base64, whatever parameters its media type has.
fn inlined(url: &str) -> Option<(String, String)> {
    let (about, data) = url.strip_prefix("data:")?.split_once(',')?;
    Some((plain_type(about.strip_suffix(";base64")?), data.to_owned()))
}

fn is_address(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "gs"))
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_told_by_addresses() {
        for (url, media_type) in [
            ("https://h/a.PNG?x=.pdf", Some("image/png")),
            ("gs://bucket/film.mp4", Some("video/mp4")),
            ("https://www.youtube.com/watch?v=x", Some("video/mp4")),
            ("https://youtu.be/x", Some("video/mp4")),
            ("https://h/a", None),
            ("https://h.png/", None),
            ("https://h.png", None),
            ("https://h/a/b.c/d", None),
            ("https://h/a.unknown", None),
        ] {
            assert_eq!(guess(url), media_type, "{url}");
        }
    }
}
