//! What a text rests on: `groundingMetadata`, `citationMetadata` and neutral citations. Google counts bytes, the model
//! characters.

use crate::json::Object;
use crate::model::Citation;
use serde_json::{Value, json};

/// More sources than this are of no use to a reader.
const MOST: usize = 512;

/// The names of what no text can be given.
pub(super) const GROUNDING: &str = "candidates[].groundingMetadata";
pub(super) const CITATIONS: &str = "candidates[].citationMetadata";

/// One text of an answer, and which of the vendor's parts it is made of.
#[derive(Debug)]
pub(super) struct Said {
    text: String,
    /// The parts' indexes, and the byte of the text at which each begins.
    parts: Vec<(usize, usize)>,
}

/// A source, and whose it is.
#[derive(Debug, PartialEq)]
pub(super) struct Given {
    /// Which of the texts rests on it.
    pub(super) text: usize,
    pub(super) citation: Citation,
    /// What it is called where that text can be told no more.
    pub(super) name: &'static str,
}

/// What one answer, or the chunks of a stream, said of its sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    chunks: Vec<Value>,
    supports: Vec<Value>,
    citations: Vec<Value>,
    /// Which of the chunks, and how many of the others, texts have been given.
    used: Vec<bool>,
    given: (usize, usize),
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

    /// Whether some of it was given to no text yet.
    pub(super) fn has_more(&self) -> bool {
        self.given.0 < self.supports.len() || self.given.1 < self.citations.len() || self.has_unused()
    }

    fn has_unused(&self) -> bool {
        self.used.len() < self.chunks.len() || self.used.contains(&false)
    }

    /// The names of what was given to no text, of an answer that has none.
    pub(super) fn left(&self) -> impl Iterator<Item = &'static str> + use<> {
        let grounding = self.given.0 < self.supports.len() || self.has_unused();
        let citations = self.given.1 < self.citations.len();
        [(grounding, GROUNDING), (citations, CITATIONS)].into_iter().filter(|(left, _)| *left).map(|(_, name)| name)
    }

    /// Gives what no text was given yet to these: what names no text of them is the last one's.
    pub(super) fn give(&mut self, texts: &[Said]) -> Vec<Given> {
        let Some(last) = texts.len().checked_sub(1) else { return Vec::new() };
        let mut out = Vec::new();
        self.used.resize(self.chunks.len(), false);
        for support in self.supports.iter().skip(self.given.0) {
            let (text, range) = place(support.get("segment").unwrap_or(&Value::Null), texts, last);
            let numbers = support.get("groundingChunkIndices").and_then(Value::as_array);
            let numbers = numbers.into_iter().flatten().filter_map(|number| usize::try_from(number.as_u64()?).ok());
            for number in numbers {
                let Some(chunk) = self.chunks.get(number) else { continue };
                self.used[number] = true;
                out.push(Given { text, citation: of_chunk(chunk, range), name: GROUNDING });
            }
        }
        let unused = self.chunks.iter().zip(&self.used).filter(|(_, used)| !**used);
        out.extend(unused.map(|(chunk, _)| Given { text: last, citation: of_chunk(chunk, None), name: GROUNDING }));
        self.used.fill(true);
        for citation in self.citations.iter().skip(self.given.1) {
            let (text, range) = place_in_answer(citation, texts, last);
            out.push(Given { text, citation: of_citation(citation, range), name: CITATIONS });
        }
        self.given = (self.supports.len(), self.citations.len());
        out.truncate(MOST);
        out
    }
}

impl Said {
    pub(super) fn new(text: String, parts: Vec<(usize, usize)>) -> Self {
        Self { text, parts }
    }

    /// The byte at which a part of the vendor's begins in it.
    fn begin(&self, part: usize) -> Option<usize> {
        self.parts.iter().find(|(index, _)| *index == part).map(|(_, begin)| *begin)
    }

    /// The characters of a segment. Its bytes count from where its part began; streams and old answers count from where
    /// the text began, so its own words are better where it has them.
    fn range(&self, segment: &Value, part: usize) -> Option<(u64, u64)> {
        let (start, end) = bytes(segment)?;
        let words = segment.get("text").and_then(Value::as_str).filter(|words| !words.is_empty());
        let begin = self.begin(part).unwrap_or_default();
        let said = |from: usize, to: usize| {
            let here = self.text.get(from..to).filter(|here| !here.is_empty())?;
            words.is_none_or(|words| words == here).then_some((from, to))
        };
        let found = || {
            let words = words?;
            let behind = self.text.get(begin..).and_then(|rest| Some(rest.find(words)? + begin));
            let from = behind.or_else(|| self.text.find(words))?;
            Some((from, from + words.len()))
        };
        let of_part = begin.checked_add(start).zip(begin.checked_add(end));
        let (from, to) = of_part.and_then(|(from, to)| said(from, to)).or_else(|| said(start, end)).or_else(found)?;
        self.characters(from).zip(self.characters(to))
    }

    /// How many characters stand before a byte.
    fn characters(&self, byte: usize) -> Option<u64> {
        self.text.get(..byte).map(|before| before.chars().count() as u64)
    }
}

fn bytes(segment: &Value) -> Option<(usize, usize)> {
    let index = |key: &str| usize::try_from(segment.get(key).and_then(Value::as_u64).unwrap_or_default()).ok();
    index("startIndex").zip(index("endIndex"))
}

/// The text that a segment is of, and the characters of it. Protobuf's JSON leaves the index of the first part out, and
/// recorded answers leave out others too: where the words are not in the text that is named, they are looked for in all.
fn place(segment: &Value, texts: &[Said], last: usize) -> (usize, Option<(u64, u64)>) {
    let index = segment.get("partIndex").and_then(Value::as_u64).unwrap_or_default();
    let part = usize::try_from(index).unwrap_or(usize::MAX);
    let named = texts.iter().position(|said| said.begin(part).is_some()).unwrap_or(last);
    let has_words = !crate::json::text(segment, "text").is_empty();
    let others = (0..texts.len()).rev().filter(|text| has_words && *text != named);
    let mut found =
        std::iter::once(named).chain(others).filter_map(|text| Some((text, texts[text].range(segment, part)?)));
    found.next().map_or((named, None), |(text, range)| (text, Some(range)))
}

/// The same of a citation, whose bytes count from where the answer began.
fn place_in_answer(citation: &Value, texts: &[Said], last: usize) -> (usize, Option<(u64, u64)>) {
    let within = || {
        let (start, end) = bytes(citation)?;
        let mut before = 0;
        for (at, said) in texts.iter().enumerate() {
            if let (Some(from), Some(to)) = (start.checked_sub(before), end.checked_sub(before))
                && from < to
                && to <= said.text.len()
            {
                return Some((at, said.characters(from).zip(said.characters(to))));
            }
            before += said.text.len();
        }
        None
    };
    within().unwrap_or((last, None))
}

fn of_citation(citation: &Value, range: Option<(u64, u64)>) -> Citation {
    let text = |key: &str| citation.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Citation { url: text("uri"), title: text("title"), cited: None, range, native: citation.clone() }
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

    /// What an answer of one text rests on.
    fn all(sources: &mut Sources, text: &str) -> Vec<Citation> {
        let texts = [Said::new(text.to_owned(), vec![(0, 0)])];
        sources.give(&texts).into_iter().map(|given| given.citation).collect()
    }

    /// Which text, and which characters of it.
    fn places(sources: &mut Sources, texts: &[Said]) -> Vec<(usize, Option<(u64, u64)>)> {
        sources.give(texts).into_iter().map(|given| (given.text, given.citation.range)).collect()
    }

    #[test]
    fn each_source_is_given_once_and_to_the_text_that_rests_on_it() {
        let support = |segment: Value| json!({"segment": segment, "groundingChunkIndices": [0]});
        let candidate = json!({
            "groundingMetadata": {
                "groundingChunks": [{"web": {"uri": "https://a"}}, {"web": {"uri": "https://b"}}],
                "groundingSupports": [
                    support(json!({"partIndex": 0, "endIndex": 5, "text": "Hello"})),
                    support(json!({"partIndex": 3, "endIndex": 3, "text": "Ade"})),
                    // The same, with the words alone to tell it, and with bytes alone.
                    support(json!({"startIndex": 90, "endIndex": 93, "text": "Bye"})),
                    support(json!({"partIndex": 2, "startIndex": 1, "endIndex": 3})),
                ],
            },
            "citationMetadata": {"citations": [{"startIndex": 5, "endIndex": 9, "uri": "https://c"}]},
        });
        let mut sources = Sources::default();
        sources.take(&candidate);
        let texts =
            [Said::new("Hello".to_owned(), vec![(0, 0)]), Said::new("Bye Ade".to_owned(), vec![(2, 0), (3, 4)])];
        let expected =
            [(0, Some((0, 5))), (1, Some((4, 7))), (1, Some((0, 3))), (1, Some((1, 3))), (1, None), (1, Some((0, 4)))];
        assert_eq!(sources.left().collect::<Vec<_>>(), [GROUNDING, CITATIONS]);
        assert_eq!(places(&mut sources, &texts), expected);
        assert!(!sources.has_more());
        assert_eq!(places(&mut sources, &texts), []);
    }

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
        let citations = all(&mut sources, text);
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
        let ranges: Vec<_> = all(&mut sources, "aä").into_iter().map(|citation| citation.range).collect();
        assert_eq!(ranges, [None, None, Some((0, 1))]);
    }
}
