//! What clients of the Responses API refer to by id. A provider of another format keeps no conversation, so this pod
//! does: the answers translated to Responses, as far as they fit into a share of memory; the oldest go first.

use bytes::Bytes;
use pillion_llm::formats::responses::state::{self, Reference};
use pillion_llm::{BodyError, Format};
use serde_json::{Map, Value};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The conversations of this process.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Bytes that all of them may take.
    limit: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// A response's conversation, a JSON list of input items, by the response's id.
    conversations: HashMap<String, Bytes>,
    /// The response that has an item.
    items: HashMap<String, String>,
    /// The responses, the oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl Kept {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), shelf: Mutex::default() })
    }

    /// A client's body with what it refers to in its place; `None` where it refers to nothing.
    ///
    /// # Errors
    /// 400 `previous_response_not_found` or `item_not_found`. A provider of the client's own format may have what this
    /// pod has not: nothing is missing there.
    pub(crate) fn resolved(&self, body: &Bytes, wire: Format) -> Result<Option<Bytes>, BodyError> {
        let elsewhere = wire == Format::OpenAIResponses;
        if elsewhere && self.shelf.lock().unwrap_or_else(PoisonError::into_inner).order.is_empty() {
            return Ok(None);
        }
        let may = ["\"previous_response_id\"", "\"id\""];
        if !may.iter().any(|name| memchr::memmem::find(body, name.as_bytes()).is_some()) {
            return Ok(None);
        }
        let Ok(request) = serde_json::from_slice::<Map<String, Value>>(body) else { return Ok(None) };
        if !state::refers(&request) {
            return Ok(None);
        }
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        match state::resolve(request, |reference| shelf.find(reference)) {
            Ok(resolved) => Ok(serde_json::to_vec(&resolved).ok().map(Bytes::from)),
            Err(_) if elsewhere => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the conversation that `reply` ends, where the client wants it kept.
    fn keep(&self, request: &Bytes, reply: &Value) {
        let Ok(request) = serde_json::from_slice::<Map<String, Value>>(request) else { return };
        let Some(id) = reply.get("id").and_then(Value::as_str) else { return };
        let Some(conversation) = state::stored(reply, &request) else { return };
        let ids = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
        let items: Vec<String> = conversation.iter().filter_map(ids).collect();
        let Ok(bytes) = serde_json::to_vec(&conversation) else { return };
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).put(id, bytes.into(), items, self.limit);
    }
}

impl Shelf {
    fn find(&self, reference: Reference<'_>) -> Option<Vec<Value>> {
        let (response, item) = match reference {
            Reference::Response(id) => (id, None),
            Reference::Item(id) => (self.items.get(id)?.as_str(), Some(id)),
        };
        let mut all: Vec<Value> = serde_json::from_slice(self.conversations.get(response)?).ok()?;
        if let Some(item) = item {
            all.retain(|value| value.get("id").and_then(Value::as_str) == Some(item));
        }
        (!all.is_empty()).then_some(all)
    }

    fn put(&mut self, id: &str, conversation: Bytes, items: Vec<String>, limit: usize) {
        if conversation.len() > limit {
            return;
        }
        self.remove(id);
        self.bytes += conversation.len();
        self.conversations.insert(id.to_owned(), conversation);
        self.order.push_back(id.to_owned());
        // An item that goes on is the latest conversation's: that one is there for longest.
        self.items.extend(items.into_iter().map(|item| (item, id.to_owned())));
        while self.bytes > limit {
            let Some(oldest) = self.order.front().cloned() else { break };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some(gone) = self.conversations.remove(id) {
            self.bytes -= gone.len();
            self.order.retain(|other| other != id);
            self.items.retain(|_, response| response != id);
        }
    }
}

/// One call's part in it: the request that its answer goes on from.
pub(crate) struct Keep {
    pub(crate) kept: Arc<Kept>,
    /// The client's body, with its references resolved.
    pub(crate) request: Bytes,
}

impl Keep {
    /// Takes note of a whole reply, in the client's format.
    pub(crate) fn reply(&self, body: &[u8]) {
        if let Ok(reply) = serde_json::from_slice(body) {
            self.kept.keep(&self.request, &reply);
        }
    }

    /// Takes note of events for the client, of which the last has the whole reply.
    pub(crate) fn events(&self, events: &[Bytes]) {
        for reply in events.iter().filter_map(state::last_response) {
            self.kept.keep(&self.request, &reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(value: &Value) -> Bytes {
        serde_json::to_vec(value).unwrap().into()
    }

    fn keep(kept: &Arc<Kept>, request: &Value, reply: &Value) {
        Keep { kept: kept.clone(), request: asked(request) }.reply(reply.to_string().as_bytes());
    }

    fn answer(id: &str, text: &str) -> Value {
        json!({"id": id, "status": "completed", "output": [{"id": format!("msg_{id}"), "type": "message", "role": "assistant", "content": text}]})
    }

    fn resolved(kept: &Kept, body: &Value, wire: Format) -> Result<Option<Value>, BodyError> {
        Ok(kept.resolved(&asked(body), wire)?.map(|body| serde_json::from_slice(&body).unwrap()))
    }

    #[test]
    fn a_conversation_goes_on_by_the_id_of_its_last_answer() {
        let kept = Kept::new(1 << 20);
        keep(&kept, &json!({"input": "one"}), &answer("resp_1", "first"));
        let next = json!({"previous_response_id": "resp_1", "input": "two"});
        let body = resolved(&kept, &next, Format::AnthropicMessages).unwrap().unwrap();
        assert_eq!(body["input"][0], json!({"role": "user", "content": "one"}));
        assert_eq!(body["input"][1]["content"], "first");
        assert_eq!(body["input"][2], json!({"role": "user", "content": "two"}));
        assert_eq!(body.get("previous_response_id"), None);
        let item = json!({"input": [{"type": "item_reference", "id": "msg_resp_1"}]});
        let body = resolved(&kept, &item, Format::AnthropicMessages).unwrap().unwrap();
        assert_eq!(body["input"][0]["content"], "first");
    }

    #[test]
    fn what_is_not_kept_is_missing_save_where_the_provider_may_have_it() {
        let kept = Kept::new(1 << 20);
        keep(&kept, &json!({"input": "one", "store": false}), &answer("resp_1", "first"));
        let next = json!({"previous_response_id": "resp_1", "input": "two"});
        let error = resolved(&kept, &next, Format::OpenAIChat).unwrap_err();
        assert_eq!(error.code.as_deref(), Some("previous_response_not_found"));
        assert_eq!(resolved(&kept, &next, Format::OpenAIResponses), Ok(None));
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let kept = Kept::new(1000);
        for nth in 0..20 {
            keep(&kept, &json!({"input": "x".repeat(100)}), &answer(&format!("resp_{nth}"), "a"));
        }
        let found = |nth: u32| {
            let next = json!({"previous_response_id": format!("resp_{nth}"), "input": "two"});
            resolved(&kept, &next, Format::OpenAIChat).is_ok()
        };
        assert!(found(19) && !found(0));
        let shelf = kept.shelf.lock().unwrap();
        assert!(shelf.bytes <= 1000);
        assert_eq!((shelf.conversations.len(), shelf.items.len()), (shelf.order.len(), shelf.order.len()));
        drop(shelf);
        keep(&kept, &json!({"input": "x".repeat(2000)}), &answer("resp_large", "a"));
        assert!(found(19));
    }
}
