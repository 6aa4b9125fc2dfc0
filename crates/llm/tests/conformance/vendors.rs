//! The judges judged: what the vendors themselves recorded must pass their own documents and grammars, or these are read
//! wrongly here. Where a vendor does not keep to its document, a line of `known.tsv` or `excluded.tsv` says so.

use pillion_llm::Format;
use serde_json::Value;

use crate::corpus::Case;
use crate::excluded::over_cases;
use crate::facts::spelled;
use crate::grammar::{order, shapes};
use crate::schema::{self, Author, Book, What};
use crate::view::is_reply;

/// The document of a case that its format's own vendor recorded.
fn book(case: &Case) -> Option<Book> {
    match case.group.split('/').next()? {
        "openai" | "anthropic" | "gemini" | "cohere" if !case.group.contains("compat") => Some(Book::of(case.format())),
        "bedrock" if case.group.starts_with("bedrock/converse") => Some(Book::Bedrock),
        "vertex" if case.group.ends_with("generate-content") => Some(Book::Vertex),
        _ => None,
    }
}

#[test]
fn vendors_took_the_requests_that_their_documents_describe() {
    let taken = |case: &Case| case.ok() && case.request.is_some() && book(case).is_some();
    over_cases("vendor-request", taken, |case| {
        let request: Value = serde_json::from_slice(case.request.as_ref().unwrap()).unwrap();
        // Clients of Google's write names with underscores too.
        let google = case.format() == Format::GeminiGenerateContent;
        let request = if google { spelled(&request) } else { request };
        schema::judge(book(case).unwrap(), What::Request, Author::Vendor, &request)
    });
}

#[test]
fn vendors_replied_as_their_documents_describe() {
    let whole = |case: &Case| {
        case.ok() && !case.streaming && book(case).is_some() && is_reply(case.format(), &case.response).is_some()
    };
    over_cases("vendor-reply", whole, |case| {
        let reply: Value = serde_json::from_slice(&case.response).unwrap();
        schema::judge(book(case).unwrap(), What::Reply, Author::Vendor, &reply)
    });
}

#[test]
fn vendors_streamed_as_their_documents_describe() {
    let stream = |case: &Case| case.ok() && case.streaming && book(case).is_some();
    over_cases("vendor-stream", stream, |case| {
        let events = case.events();
        order(case.format(), &events)?;
        shapes(book(case).unwrap(), Author::Vendor, &events)
    });
}
