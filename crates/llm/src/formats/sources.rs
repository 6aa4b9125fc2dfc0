//! Images and files of a request that goes to another format, in the one spelling that encoders know: a URL is one of the
//! web's or of a cloud's store, what is here is base64 in the usual alphabet with its media type.

use crate::Format;
use crate::json::{take_object, take_string};
use crate::model::{Content, Part, PartKind, Request, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Spells every source of a request.
pub(crate) fn spell(request: &mut Request) {
    // Google alone takes base64 in the alphabet for URLs too.
    let alphabets = request.origin == Format::GeminiGenerateContent;
    request.messages.iter_mut().for_each(|message| spell_content(&mut message.content, alphabets));
}

fn spell_content(content: &mut Content, alphabets: bool) {
    for part in &mut content.parts {
        spell_part(part);
        match &mut part.kind {
            PartKind::Image(source)
            | PartKind::Audio(source)
            | PartKind::Video(source)
            | PartKind::Document { source, .. } => {
                if let Source::Base64 { data, .. } = source
                    && alphabets
                {
                    standardise(data);
                }
            }
            PartKind::ToolResult { content, .. } => spell_content(content, alphabets),
            _ => {}
        }
    }
}

/// Some clients write the bare URL of an image, or the bare base64 of a file.
fn spell_part(part: &mut Part) {
    match &mut part.kind {
        PartKind::Image(source) | PartKind::Audio(source) | PartKind::Video(source) => read_data_url(source),
        PartKind::Document { source, name } => {
            read_data_url(source);
            let bare = match source {
                Source::Url(data) if is_bare(data) => Some(std::mem::take(data)),
                Source::Other(value) => value.get("file_data").and_then(Value::as_str).map(str::to_owned),
                _ => None,
            };
            if let Some(data) = bare {
                let media_type = media_type(name.as_deref().unwrap_or_default()).to_owned();
                *source = Source::Base64 { media_type, data };
            }
        }
        PartKind::Foreign(Value::Object(members)) if members.get("type").is_some_and(|kind| kind == "image_url") => {
            let Some(url) = take_string(members, "image_url") else { return };
            let mut source = Source::from_url(url);
            read_data_url(&mut source);
            let mut extras = std::mem::take(members);
            extras.shift_remove("type");
            let cache = take_object(&mut extras, "cache_control").map(Value::Object);
            *part = Part { cache, extras, ..Part::new(PartKind::Image(source)) };
        }
        _ => {}
    }
}

/// Whether anybody can fetch it.
pub(crate) fn is_web(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// A `data:` URL in another spelling than the plain one: of upper case, or with parameters behind its type.
fn read_data_url(source: &mut Source) {
    let Source::Url(url) = source else { return };
    let Some(rest) = url.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:")).map(|_| &url[5..]) else {
        return;
    };
    let Some((head, data)) = rest.split_once(',') else { return };
    let mut words = head.split(';');
    let media_type = words.next().unwrap_or_default().trim();
    if media_type.is_empty() || !words.any(|word| word.trim().eq_ignore_ascii_case("base64")) {
        return;
    }
    *source = Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
}

/// Whether a file's data is base64 without a URL around it, as some clients send it.
fn is_bare(data: &str) -> bool {
    !data.is_empty() && !data.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) && !data.contains(':')
}

/// The type of a file that comes as bare base64, by its name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("txt" | "md" | "csv" | "json" | "xml" | "html" | "yaml" | "yml") => "text/plain",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("doc") => "application/msword",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xls") => "application/vnd.ms-excel",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/pdf",
    }
}

fn standardise(data: &mut String) {
    if data.contains(['-', '_']) {
        *data = data.replace('-', "+").replace('_', "/");
    }
    // Of four characters two or three may be there, never one.
    while data.len() % 4 > 1 {
        data.push('=');
    }
}

/// The text of a document that is here and is one by its media type.
pub(crate) fn text_of(source: &Source) -> Option<String> {
    let Source::Base64 { media_type, data } = source else { return None };
    let bytes = if is_text(media_type) { STANDARD.decode(data).ok()? } else { return None };
    String::from_utf8(bytes).ok()
}

/// Whether a document of this type can be told as text.
pub(crate) fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type == "application/json"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_data_url_is_read_in_every_spelling() {
        for url in
            ["data:image/png;base64,AA==", "DATA:image/png;base64,AA==", "data:image/png;charset=utf-8;base64,AA=="]
        {
            let mut source = Source::from_url(url.to_owned());
            read_data_url(&mut source);
            let expected = Source::Base64 { media_type: "image/png".to_owned(), data: "AA==".to_owned() };
            assert_eq!(source, expected, "{url}");
        }
        for url in ["data:,a", "data:;base64,AA==", "data:text/plain,a", "https://x.y/a,b", "dat"] {
            let mut source = Source::Url(url.to_owned());
            read_data_url(&mut source);
            assert_eq!(source, Source::Url(url.to_owned()));
        }
    }

    #[test]
    fn a_bare_url_of_an_image_is_one_and_what_stands_beside_it_stays() {
        let url = "https://x.y/a.png";
        let value =
            json!({"type": "image_url", "image_url": url, "detail": "low", "cache_control": {"type": "ephemeral"}});
        let mut part = Part::new(PartKind::Foreign(value));
        spell_part(&mut part);
        assert_eq!(part.kind, PartKind::Image(Source::Url(url.to_owned())));
        assert_eq!(part.cache, Some(json!({"type": "ephemeral"})));
        assert_eq!(Value::Object(part.extras), json!({"detail": "low"}));
    }

    #[test]
    fn bare_base64_of_a_file_has_the_type_that_its_name_says() {
        for (name, expected) in [(None, "application/pdf"), (Some("a.PNG"), "image/png"), (Some("a.md"), "text/plain")]
        {
            let source = Source::Url("JVBERi0=".to_owned());
            let mut part = Part::new(PartKind::Document { source, name: name.map(str::to_owned) });
            spell_part(&mut part);
            let PartKind::Document { source: Source::Base64 { media_type, .. }, .. } = part.kind else {
                panic!("{part:?}")
            };
            assert_eq!(media_type, expected);
        }
    }
}
