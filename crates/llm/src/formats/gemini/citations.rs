//! What a text rests on: `groundingMetadata`, `citationMetadata` and neutral citations. Google counts bytes, the model
//! characters.

use crate::json::Object;
use crate::model::Citation;
use serde_json::{Value, json};

/// More sources than this are of no use to a reader.
const MOST: usize = 512;

/// What one answer, or the chunks of a stream, said of its sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    chunks: Vec<Value>,
    supports: Vec<Value>,
    citations: Vec<Value>,
}

impl Sources {
    /// Takes what a candidate says. Chunks of a stream tell only what earlier ones did not.
    pub(super) fn take(&mut self, candidate: &Value) {
        let add = |into: &mut Vec<Value>, from: Option<&Value>| {
            for item in from.and_then(Value::as_array).into_iter().flatten() {
                if into.len() < MOST && !into.contains(item) {
                    into.push(item.clone());
                }
            }
        };
        if let Some(grounding) = candidate.get("groundingMetadata") {
            add(&mut self.chunks, grounding.get("groundingChunks"));
            add(&mut self.supports, grounding.get("groundingSupports"));
        }
        if let Some(citations) = candidate.get("citationMetadata") {
            add(&mut self.citations, citations.get("citationSources"));
            add(&mut self.citations, citations.get("citations"));
        }
    }

    /// The citations of a text.
    pub(super) fn of(&self, text: &str) -> Vec<Citation> {
        let mut out = Vec::new();
        let mut used = vec![false; self.chunks.len()];
        for support in &self.supports {
            let range = range_of(support.get("segment").unwrap_or(&Value::Null), text);
            let numbers = support.get("groundingChunkIndices").and_then(Value::as_array);
            let numbers = numbers.into_iter().flatten().filter_map(|number| usize::try_from(number.as_u64()?).ok());
            for number in numbers {
                let Some(chunk) = self.chunks.get(number) else { continue };
                used[number] = true;
                out.push(of_chunk(chunk, range));
            }
        }
        let unused = self.chunks.iter().zip(&used).filter(|(_, used)| !**used);
        out.extend(unused.map(|(chunk, _)| of_chunk(chunk, None)));
        for citation in &self.citations {
            let text_of = |key: &str| citation.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            out.push(Citation {
                url: text_of("uri"),
                title: text_of("title"),
                cited: None,
                range: range_of(citation, text),
                native: citation.clone(),
            });
        }
        out.truncate(MOST);
        out
    }
}

fn of_chunk(chunk: &Value, range: Option<(u64, u64)>) -> Citation {
    let source = chunk.as_object().and_then(|chunk| chunk.values().find(|source| source.is_object()));
    let text = |key: &str| source?.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Citation {
        url: text("uri").or_else(|| text("sourceUri")),
        title: text("title"),
        cited: text("text"),
        range,
        native: chunk.clone(),
    }
}

/// The characters of a segment. Its bytes count from where its part began, so its own words are better where it has them.
fn range_of(segment: &Value, text: &str) -> Option<(u64, u64)> {
    let index = |key: &str| usize::try_from(segment.get(key).and_then(Value::as_u64).unwrap_or_default()).ok();
    let (start, end) = (index("startIndex")?, index("endIndex")?);
    let here = text.get(start..end).filter(|here| !here.is_empty());
    let (start, end) = match segment.get("text").and_then(Value::as_str).filter(|words| !words.is_empty()) {
        Some(words) if here != Some(words) => {
            let start = text.find(words)?;
            (start, start + words.len())
        }
        _ => here.map(|_| (start, end))?,
    };
    let characters = |bytes: usize| text.get(..bytes).map(|before| before.chars().count() as u64);
    Some((characters(start)?, characters(end)?))
}

/// The `groundingMetadata` of texts of an answer, each with the number of its part.
pub(super) fn write(texts: &[(usize, &str, &[Citation])]) -> Option<Value> {
    let (mut chunks, mut supports): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for (part, text, citations) in texts {
        for citation in *citations {
            let chunk = chunk_of(citation);
            let number = chunks.iter().position(|known| *known == chunk).unwrap_or_else(|| {
                chunks.push(chunk);
                chunks.len() - 1
            });
            let Some((start, end)) = citation.range.and_then(|range| bytes_of(range, text)) else { continue };
            let mut segment = json!({"startIndex": start, "endIndex": end, "text": text.get(start..end)});
            if *part > 0 {
                segment["partIndex"] = json!(part);
            }
            supports.push(json!({"segment": segment, "groundingChunkIndices": [number]}));
        }
    }
    if chunks.is_empty() {
        return None;
    }
    let mut out = json!({ "groundingChunks": chunks });
    if !supports.is_empty() {
        out["groundingSupports"] = Value::Array(supports);
    }
    Some(out)
}

fn chunk_of(citation: &Citation) -> Value {
    let mut source = Object::new();
    let mut put = |key: &str, text: &Option<String>| {
        if let Some(text) = text {
            source.insert(key.to_owned(), json!(text));
        }
    };
    put("uri", &citation.url);
    put("title", &citation.title);
    if citation.url.is_some() {
        return json!({ "web": source });
    }
    put("text", &citation.cited);
    json!({ "retrievedContext": source })
}

fn bytes_of((start, end): (u64, u64), text: &str) -> Option<(usize, usize)> {
    let byte = |character: u64| {
        let character = usize::try_from(character).ok()?;
        text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).nth(character)
    };
    let (start, end) = (byte(start)?, byte(end)?);
    (start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_characters_and_bytes_again() {
        let text = "Ärger in Köln. Ende.";
        let candidate = json!({"groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a", "title": "a"}}, {"retrievedContext": {"title": "b", "text": "t"}},
                {"web": {"uri": "https://c"}}],
            "groundingSupports": [
                {"segment": {"endIndex": 16, "text": "Ärger in Köln."}, "groundingChunkIndices": [0, 1, 9]},
                {"segment": {"startIndex": 900, "endIndex": 905, "text": "Ende."}, "groundingChunkIndices": [1]},
            ],
        }});
        let mut sources = Sources::default();
        sources.take(&candidate);
        sources.take(&candidate);
        let citations = sources.of(text);
        let told: Vec<_> = citations.iter().map(|citation| (citation.url.as_deref(), citation.range)).collect();
        assert_eq!(
            told,
            [
                (Some("https://a"), Some((0, 14))),
                (None, Some((0, 14))),
                (None, Some((15, 20))),
                (Some("https://c"), None),
            ]
        );
        let written = write(&[(0, text, &citations)]).unwrap();
        assert_eq!(written["groundingChunks"], candidate["groundingMetadata"]["groundingChunks"]);
        assert_eq!(
            written["groundingSupports"][2]["segment"],
            json!({"startIndex": 17, "endIndex": 22, "text": "Ende."})
        );
    }

    #[test]
    fn a_range_outside_of_the_text_is_none() {
        let mut sources = Sources::default();
        sources.take(&json!({"citationMetadata": {"citationSources": [{"startIndex": 1, "endIndex": 99, "uri": "u"},
            {"startIndex": 1, "endIndex": 2, "uri": "u"}, {"endIndex": 1, "title": ""}]}}));
        // The second byte is inside of a letter.
        let ranges: Vec<_> = sources.of("aä").into_iter().map(|citation| citation.range).collect();
        assert_eq!(ranges, [None, None, Some((0, 1))]);
    }
}
