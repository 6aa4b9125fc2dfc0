//! Responses by id: kept, and put in their place.

use super::state::{Reference, last_response, refers, resolve, stored};
use super::*;

#[test]
fn a_stored_response_is_gone_on_with() {
    let first = object(json!({"model": "m", "input": "one", "instructions": "be"}));
    let reply = json!({"id": "resp_1", "status": "completed", "output": [
        {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "e"},
        {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": []},
    ]});
    let kept = stored(&reply, &first).unwrap();
    let second = object(json!({"model": "m", "previous_response_id": "resp_1", "input": [
        {"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "two"}, {"id": "rs_1"},
    ]}));
    assert!(refers(&second));
    let resolved = resolve(second, |reference| match reference {
        Reference::Response("resp_1") => Some(kept.clone()),
        Reference::Item(id) => Some(kept.iter().filter(|item| item["id"] == id).cloned().collect()),
        Reference::Response(_) => None,
    })
    .unwrap();
    assert!(!refers(&resolved));
    let (reasoning, message) = (&reply["output"][0], &reply["output"][1]);
    assert_eq!(
        Value::Object(resolved.clone()),
        json!({"model": "m", "input": [
            {"role": "user", "content": "one"}, reasoning, message, message, {"role": "user", "content": "two"}, reasoning,
        ]})
    );
    // The next one keeps the whole conversation.
    assert_eq!(stored(&reply, &resolved).unwrap().len(), 8);
}

#[test]
fn what_refers_to_nothing_stays_as_it_is() {
    for body in
        [json!({"input": "q"}), json!({"input": [{"role": "user"}]}), json!({"previous_response_id": null}), json!({})]
    {
        let body = object(body);
        assert!(!refers(&body));
        assert_eq!(resolve(body.clone(), |_| None), Ok(body));
    }
}

#[test]
fn what_is_not_there_is_named() {
    let missed = |body: Value| resolve(object(body), |_| None).unwrap_err();
    let error = missed(json!({"previous_response_id": "resp_9", "input": "q"}));
    assert_eq!(error.code.as_deref(), Some("previous_response_not_found"));
    assert_eq!(error.param.as_deref(), Some("previous_response_id"));
    assert!(error.message.contains("resp_9"));
    let error = missed(json!({"input": ["x", {"type": "item_reference", "id": "rs_9"}]}));
    assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("item_not_found"), Some("input[1]")));
}

#[test]
fn what_must_not_be_kept_is_not() {
    let reply = |status: &str| json!({"status": status, "output": []});
    let body = |store: Value| object(json!({"input": "q", "store": store}));
    assert_eq!(stored(&reply("completed"), &body(json!(false))), None);
    assert_eq!(stored(&reply("failed"), &body(json!(true))), None);
    assert_eq!(stored(&reply("in_progress"), &body(json!(true))), None);
    assert_eq!(stored(&json!({"error": {}}), &body(json!(true))), None);
    assert_eq!(stored(&reply("incomplete"), &body(Value::Null)).unwrap().len(), 1);
}

#[test]
fn the_last_event_of_a_stream_has_the_response() {
    let event = |kind: &str| {
        let data = json!({"type": kind, "response": {"id": "r"}, "delta": "\"response.completed\""});
        crate::framing::sse::write(Some(kind), data.to_string().as_bytes())
    };
    assert_eq!(last_response(&event("response.completed")), Some(json!({"id": "r"})));
    assert_eq!(last_response(&event("response.incomplete")), Some(json!({"id": "r"})));
    assert_eq!(last_response(&event("response.created")), None);
    assert_eq!(last_response(&bytes::Bytes::from_static(b"data: \"response.completed\" {\n\n")), None);
}
