//! The vendors' grammars of streams: which event may follow which, as machines of states, and what each event looks like.

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod openai;
mod responses;

use pillion_llm::{Format, Framing};
use serde_json::{Map, Value};

use crate::frames::{self, Event};
use crate::schema::{self, Author, Book, What};

/// Whether a complete stream of the gateway's obeys its format, and each event the vendor's schema.
pub(crate) fn grammar(format: Format, framing: Framing, stream: &[u8]) -> Result<(), String> {
    let events = frames::complete(framing, stream)?;
    order(format, &events)?;
    shapes(Book::of(format), Author::Gateway, &events)
}

/// Whether the events of a complete stream come in the order of its format.
pub(crate) fn order(format: Format, events: &[Event]) -> Result<(), String> {
    match format {
        Format::OpenAIChat => openai::order(events),
        Format::OpenAIResponses => responses::order(events),
        Format::AnthropicMessages => anthropic::order(events),
        Format::GeminiGenerateContent => gemini::order(events),
        Format::BedrockConverse => bedrock::order(events),
        Format::CohereChat => cohere::order(events),
    }
}

/// Whether each event is what the vendor's document describes.
pub(crate) fn shapes(book: Book, author: Author, events: &[Event]) -> Result<(), String> {
    // Neither is an event of the document.
    let events = events.iter().filter(|event| event.data != "[DONE]" && event.name.as_deref() != Some("ping"));
    for event in events {
        let mut value = event.json()?;
        if author == Author::Vendor
            && let Value::Object(members) = &mut value
        {
            // Of random length, so that the length of an event tells nothing.
            members.shift_remove("p");
            members.shift_remove("obfuscation");
        }
        if book == Book::Bedrock {
            // The document has the events as members of one union.
            value = Value::Object(Map::from_iter([(event.name.clone().unwrap_or_default(), value)]));
        }
        schema::judge(book, What::Event, author, &value)?;
    }
    Ok(())
}
