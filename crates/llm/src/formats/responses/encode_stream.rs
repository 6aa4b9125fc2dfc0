//! Neutral events become an OpenAI Responses stream: one item open at a time, numbered events, and at the end the
//! whole response again.

use super::encode_reply::{Custom, End, Head, Ids, call, custom_input, message};
use super::error::{error_frame, failure};
use super::finish::status;
use super::open_part::{Open, Place, Text};
use super::reasoning::{self, sealed, sealed_whole};
use crate::formats::ReplyContext;
use crate::framing::sse;
use crate::json::Object;
use crate::model::{Event, Finish, PartDelta, PartStart, Usage};
use crate::{ErrorInfo, Format};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    context: ReplyContext,
    custom: Custom,
    head: Head,
    ids: Ids,
    /// The next event's.
    sequence: u64,
    /// Items that are done.
    output: Vec<Value>,
    /// The part that is written.
    open: Option<(usize, Open)>,
    /// The item behind which nothing has begun yet: it may go on, or turn out to have been cut.
    last: Option<Last>,
    /// Parts that began while another was open, with their events, in order.
    waiting: VecDeque<(usize, Vec<Event>)>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    tier: Option<String>,
}

/// An item that is written but for its end.
#[derive(Debug)]
enum Last {
    /// Content that is done, and the text that may go on.
    Message { id: String, content: Vec<Value>, text: Option<Box<Text>> },
    /// All but its status.
    Call { id: String, call_id: String, name: String, arguments: String, custom: bool },
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: ReplyContext) -> Self {
        Self {
            custom: Custom::of(&context),
            context,
            head: Head::default(),
            ids: Ids::new(""),
            sequence: 0,
            output: Vec::new(),
            open: None,
            last: None,
            waiting: VecDeque::new(),
            finish: None,
            usage: None,
            tier: None,
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { id, model, created, usage } => {
                self.head = Head::new(&id, &model, created, &self.context);
                self.ids = Ids::new(&self.head.id);
                self.usage = usage;
                let response = self.head.response(&self.context, &End::default(), Vec::new());
                self.event("response.created", json!({"response": response}), out);
                self.event("response.in_progress", json!({"response": response}), out);
            }
            Event::PartStart { part, .. } => {
                self.waiting.push_back((part, vec![event]));
                self.admit(false, out);
            }
            Event::PartDelta { part, delta } if self.is_open(part) => self.delta(delta, out),
            Event::PartEnd { part } if self.is_open(part) => {
                self.end_part(out);
                self.admit(false, out);
            }
            Event::PartDelta { part, .. } | Event::PartEnd { part } => {
                if let Some((_, events)) = self.waiting.iter_mut().rev().find(|(waiting, _)| *waiting == part) {
                    events.push(event);
                }
                self.admit(false, out);
            }
            Event::Finish(finish) => self.finish = Some(finish),
            Event::ServiceTier(tier) => self.tier = Some(tier),
            Event::Usage(usage) => self.usage = Some(usage),
            // The API has no keep-alive.
            Event::Ping | Event::Lost(_) => {}
            Event::Error(error) => out.push(self.fail(&error)),
            Event::End => self.end(out),
        }
    }

    /// The end of a stream that failed: an error, and the response as far as it came.
    #[must_use]
    pub fn fail(&mut self, error: &ErrorInfo) -> Bytes {
        let mut out = vec![error_frame(error, self.sequence)];
        self.sequence += 1;
        if !self.head.id.is_empty() {
            let mut response = self.head.response(&self.context, &End::default(), self.output.clone());
            response["status"] = json!("failed");
            response["error"] = failure(error);
            self.event("response.failed", json!({"response": response}), &mut out);
        }
        Bytes::from(out.concat())
    }

    fn event(&mut self, kind: &str, members: Value, out: &mut Vec<Bytes>) {
        let mut data = Object::new();
        data.insert("type".to_owned(), json!(kind));
        data.insert("sequence_number".to_owned(), json!(self.sequence));
        self.sequence += 1;
        if let Value::Object(members) = members {
            data.extend(members);
        }
        out.push(sse::write(Some(kind), &crate::json::bytes(&Value::Object(data))));
    }

    fn is_open(&self, part: usize) -> bool {
        self.open.as_ref().is_some_and(|(open, _)| *open == part)
    }

    /// The next parts that waited, until one is still open. Calls of a vendor that signs calls wait for their end, for
    /// the signature goes before them.
    fn admit(&mut self, all: bool, out: &mut Vec<Bytes>) {
        while self.open.is_none()
            && let Some((_, events)) = self.waiting.front()
        {
            let signs = self.context.origin == Format::GeminiGenerateContent;
            let is_call = matches!(events.first(), Some(Event::PartStart { start: PartStart::ToolCall { .. }, .. }));
            let ended = matches!(events.last(), Some(Event::PartEnd { .. }));
            if signs && is_call && !ended && !all {
                return;
            }
            let Some((part, mut events)) = self.waiting.pop_front() else { return };
            if is_call {
                self.signature_first(&mut events, out);
            }
            for event in events {
                match event {
                    Event::PartStart { start, .. } => self.start_part(part, start, out),
                    Event::PartDelta { delta, .. } => self.delta(delta, out),
                    _ => self.end_part(out),
                }
            }
        }
    }

    fn signature_first(&mut self, events: &mut Vec<Event>, out: &mut Vec<Bytes>) {
        let mut signature = String::new();
        events.retain(|event| match event {
            Event::PartDelta { delta: PartDelta::Signature(more), .. } => {
                signature.push_str(more);
                false
            }
            _ => true,
        });
        if !signature.is_empty() {
            self.signed(&signature, out);
        }
    }

    /// An item of thinking that has nothing but a signature.
    fn signed(&mut self, signature: &str, out: &mut Vec<Bytes>) {
        self.close_last("completed", out);
        let id = self.ids.mint("rs");
        let item = reasoning::item(&id, "", sealed(self.context.origin, Some(signature)).as_deref());
        self.whole_item(item, out);
    }

    fn whole_item(&mut self, item: Value, out: &mut Vec<Bytes>) {
        self.add_item(&item, out);
        self.done_item(item, out);
    }

    fn add_item(&mut self, item: &Value, out: &mut Vec<Bytes>) {
        let index = self.output.len();
        self.event("response.output_item.added", json!({"output_index": index, "item": item}), out);
    }

    fn done_item(&mut self, item: Value, out: &mut Vec<Bytes>) {
        let index = self.output.len();
        self.event("response.output_item.done", json!({"output_index": index, "item": item}), out);
        self.output.push(item);
    }

    fn start_part(&mut self, part: usize, start: PartStart, out: &mut Vec<Bytes>) {
        let open = match start {
            PartStart::Text => self.start_text(false, out),
            PartStart::Refusal => self.start_text(true, out),
            PartStart::Thinking => {
                self.close_last("completed", out);
                let id = self.ids.mint("rs");
                self.add_item(&reasoning::item(&id, "", None), out);
                Open::thinking(Place { id, output: self.output.len(), content: 0 })
            }
            PartStart::RedactedThinking(data) => {
                self.close_last("completed", out);
                let id = self.ids.mint("rs");
                let item = reasoning::item(&id, "", Some(&sealed_whole(self.context.origin, &data)));
                self.whole_item(item, out);
                Open::Nothing
            }
            PartStart::ToolCall { id: call_id, name } => {
                self.close_last("completed", out);
                let custom = self.custom.has(&name);
                let id = self.ids.mint(if custom { "ctc" } else { "fc" });
                self.add_item(&call(&id, &call_id, &name, "", custom, "in_progress"), out);
                Open::call(call_id, name, custom, Place { id, output: self.output.len(), content: 0 })
            }
        };
        self.open = Some((part, open));
    }

    /// Text goes on with the text before it; else it is the next content of the message before it, or a new one's.
    fn start_text(&mut self, refusal: bool, out: &mut Vec<Bytes>) -> Open {
        if let Some(Last::Message { text, .. }) = &mut self.last {
            if let Some(text) = text.take_if(|text| !refusal && !text.refusal) {
                return Open::Text(text);
            }
            self.close_text(out);
        } else {
            self.close_last("completed", out);
            let id = self.ids.mint("msg");
            self.add_item(&message(&id, "in_progress", &[]), out);
            self.last = Some(Last::Message { id, content: Vec::new(), text: None });
        }
        let place = match &self.last {
            Some(Last::Message { id, content, .. }) => (id.clone(), content.len()),
            _ => (String::new(), 0),
        };
        let place = Place { id: place.0, output: self.output.len(), content: place.1 };
        let text = Text::new(refusal, place);
        let (kind, members) = text.begun();
        self.event(kind, members, out);
        Open::Text(Box::new(text))
    }

    /// Nothing goes on with the text of the last message.
    fn close_text(&mut self, out: &mut Vec<Bytes>) {
        let Some(Last::Message { content, text, .. }) = &mut self.last else { return };
        let Some(text) = text.take() else { return };
        content.push(text.content());
        for (kind, members) in text.ended() {
            self.event(kind, members, out);
        }
    }

    fn delta(&mut self, delta: PartDelta, out: &mut Vec<Bytes>) {
        let Some((_, open)) = self.open.as_mut() else { return };
        for (kind, members) in open.delta(delta) {
            self.event(kind, members, out);
        }
    }

    fn end_part(&mut self, out: &mut Vec<Bytes>) {
        let Some((_, mut open)) = self.open.take() else { return };
        for (kind, members) in open.ended() {
            self.event(kind, members, out);
        }
        let mut signature = None;
        match open {
            Open::Text(mut done) => {
                signature = done.signature.take();
                if let Some(Last::Message { text, .. }) = &mut self.last {
                    *text = Some(done);
                }
            }
            Open::Thinking(thinking) => {
                let encrypted = sealed(self.context.origin, thinking.signature.as_deref());
                let item = reasoning::item(&thinking.place.id, &thinking.text, encrypted.as_deref());
                self.done_item(item, out);
            }
            Open::Call(done) => {
                signature = done.signature;
                self.last = Some(Last::Call {
                    id: done.place.id,
                    call_id: done.call_id,
                    name: done.name,
                    arguments: if done.custom { custom_input(&done.arguments) } else { done.arguments },
                    custom: done.custom,
                });
            }
            Open::Nothing => {}
        }
        if let Some(signature) = signature {
            self.signed(&signature, out);
        }
    }

    fn close_last(&mut self, status: &str, out: &mut Vec<Bytes>) {
        self.close_text(out);
        let item = match self.last.take() {
            Some(Last::Message { id, content, .. }) => message(&id, status, &content),
            Some(Last::Call { id, call_id, name, arguments, custom }) => {
                call(&id, &call_id, &name, &arguments, custom, status)
            }
            None => return,
        };
        self.done_item(item, out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.end_part(out);
        while !self.waiting.is_empty() {
            self.admit(true, out);
            self.end_part(out);
        }
        let ended = self.finish.as_ref().map_or("completed", |finish| status(finish).0);
        self.close_last(ended, out);
        let output = std::mem::take(&mut self.output);
        let finish = self.finish.take().unwrap_or_else(|| Finish::new(crate::model::FinishKind::Stop, ""));
        let end = End { finish: Some(&finish), usage: self.usage, service_tier: self.tier.as_deref() };
        let response = self.head.response(&self.context, &end, output);
        let kind = if ended == "incomplete" { "response.incomplete" } else { "response.completed" };
        self.event(kind, json!({"response": response}), out);
    }
}
