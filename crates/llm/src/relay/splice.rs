//! The closed list of changes to a relayed request body: `model`, `stream_options.include_usage`, params.

use crate::json::Object;
use crate::outline::{Member, Members, Outline, members_at};
use crate::{BodyError, Format};
use bytes::Bytes;
use serde_json::Value;
use std::ops::Range;

/// Changes to one body, applied together.
#[derive(Debug, Default)]
pub(crate) struct Splices {
    edits: Vec<(Range<usize>, Vec<u8>)>,
    /// Members to add, by the object they go into (offset behind its `{`, whether it is empty).
    added: Vec<(usize, bool, Vec<u8>)>,
}

impl Splices {
    fn replace(&mut self, at: Range<usize>, with: Vec<u8>) {
        self.edits.push((at, with));
    }

    /// Takes members out, each run of them with the comma beside it. Returns whether none is left.
    fn remove(&mut self, object: &Members, keys: &[&str], body: &[u8]) -> Result<bool, BodyError> {
        for key in keys {
            object.get(key)?;
        }
        let goes = |member: &Member| keys.contains(&member.key.as_str());
        let mut before: Option<&Member> = None;
        let mut rest = object.list.as_slice();
        while let Some(first) = rest.first() {
            if !goes(first) {
                before = Some(first);
                rest = &rest[1..];
                continue;
            }
            let run = rest.iter().take_while(|member| goes(member)).count();
            let end = rest[run - 1].value.end;
            rest = &rest[run..];
            let range = match before {
                // From the end of the value before it, so that the comma between them goes.
                Some(before) => before.value.end..end,
                None if rest.is_empty() => object.open..end,
                None => {
                    let comma = memchr::memchr(b',', &body[end..]).expect("a comma stands before the next member");
                    object.open..end + comma + 1
                }
            };
            self.replace(range, Vec::new());
        }
        Ok(object.list.iter().all(goes))
    }

    fn add(&mut self, object: &Members, key: &str, value: &[u8]) {
        self.add_to(object, object.list.is_empty(), key, value);
    }

    fn add_to(&mut self, object: &Members, is_empty: bool, key: &str, value: &[u8]) {
        let mut text = serde_json::to_vec(key).expect("a string is JSON");
        text.push(b':');
        text.extend_from_slice(value);
        self.added.push((object.open, is_empty, text));
    }

    /// The body with all changes; the same bytes, not copied, when there is none.
    pub(crate) fn apply(mut self, body: &Bytes) -> Bytes {
        self.added.sort_by_key(|(open, ..)| *open);
        for group in self.added.chunk_by(|left, right| left.0 == right.0) {
            let (open, empty, _) = group[0];
            let mut text = group.iter().map(|(.., text)| text.as_slice()).collect::<Vec<_>>().join(&b","[..]);
            if !empty {
                text.push(b',');
            }
            self.edits.push((open..open, text));
        }
        if self.edits.is_empty() {
            return body.clone();
        }
        // What is added stands before what is taken out from there.
        self.edits.sort_by_key(|(at, _)| (at.start, at.end));
        let grown: usize = self.edits.iter().map(|(_, with)| with.len()).sum();
        let mut out = Vec::with_capacity(body.len() + grown);
        let mut from = 0;
        for (at, with) in &self.edits {
            if at.start < from {
                // Two params that mean the same member: the first one stands.
                continue;
            }
            out.extend_from_slice(&body[from..at.start]);
            out.extend_from_slice(with);
            from = at.end;
        }
        out.extend_from_slice(&body[from..]);
        Bytes::from(out)
    }
}

/// Asks upstream for `model` in place of the client's. A client may have told its own in the path (Azure's deployments),
/// so it is the body that is looked at.
pub(crate) fn splice_model(
    splices: &mut Splices,
    outline: &Outline,
    model: &str,
    body: &[u8],
) -> Result<(), BodyError> {
    let told = match outline.members.get("model")? {
        Some(member) => serde_json::from_slice::<Option<String>>(&body[member.value.clone()]).ok().flatten(),
        None => None,
    };
    if told.as_deref() != Some(model) {
        set(splices, &outline.members, "model", &Value::String(model.to_owned()))?;
    }
    Ok(())
}

/// A body of ours or the client's that asks for another model; `None` when it is no body.
pub(crate) fn with_model(body: &Bytes, format: Format, model: &str) -> Option<Bytes> {
    let outline = crate::outline(format, body).ok()?;
    let mut splices = Splices::default();
    splice_model(&mut splices, &outline, model, body).ok()?;
    Some(splices.apply(body))
}

/// Asks upstream for a stream's usage. Returns whether the client did not, so that the extra chunk must be hidden.
pub(crate) fn splice_usage(splices: &mut Splices, outline: &Outline) -> Result<bool, BodyError> {
    if !outline.stream || outline.include_usage {
        return Ok(false);
    }
    match &outline.stream_options {
        Some(options) => set(splices, options, "include_usage", &Value::Bool(true))?,
        None => set(splices, &outline.members, "stream_options", &serde_json::json!({"include_usage": true}))?,
    }
    Ok(true)
}

/// Fills in `defaults` where the client left a member out (null counts as left out), and forces `overrides`.
/// `same` gives the names that mean the same as one; the client's spelling stays. Into members of the list `nested`
/// params are merged member by member.
pub(crate) fn splice_params(
    splices: &mut Splices,
    members: &Members,
    defaults: &Object,
    overrides: &Object,
    same: fn(&str) -> &'static [&'static str],
    nested: &[&str],
    body: &[u8],
) -> Result<(), BodyError> {
    for key in nested {
        let inner = |params: &Object| params.get(*key).and_then(Value::as_object).cloned().unwrap_or_default();
        let (inner_defaults, inner_overrides) = (inner(defaults), inner(overrides));
        let mut there = None;
        for name in names(key, same) {
            there = members.get(name)?.or(there);
        }
        if let Some(member) = there
            && body[member.value.start] == b'{'
            && !(inner_defaults.is_empty() && inner_overrides.is_empty())
        {
            let inside = members_at(body, member.value.start)?;
            splice_params(splices, &inside, &inner_defaults, &inner_overrides, same, &[], body)?;
            let without = |params: &Object| params.iter().filter(|(name, _)| name != key).map(pair).collect::<Object>();
            let rest: Vec<&str> = nested.iter().copied().filter(|name| name != key).collect();
            return splice_params(splices, members, &without(defaults), &without(overrides), same, &rest, body);
        }
    }
    for (key, value) in overrides {
        let mut found = false;
        for name in names(key, same) {
            if let Some(member) = members.get(name)? {
                found = true;
                splices.replace(member.value.clone(), to_vec(value));
            }
        }
        if !found {
            splices.add(members, key, &to_vec(value));
        }
    }
    for (key, value) in defaults {
        if names(key, same).any(|name| overrides.contains_key(name)) {
            continue;
        }
        let mut empty: Option<&Member> = None;
        let mut set = false;
        for name in names(key, same) {
            match members.get(name)? {
                Some(member) if &body[member.value.clone()] == b"null" => empty = Some(member),
                Some(_) => set = true,
                None => {}
            }
        }
        match empty {
            _ if set => {}
            Some(member) => splices.replace(member.value.clone(), to_vec(value)),
            None => splices.add(members, key, &to_vec(value)),
        }
    }
    Ok(())
}

fn pair((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn names(key: &str, same: fn(&str) -> &'static [&'static str]) -> impl Iterator<Item = &str> {
    std::iter::once(key).chain(same(key).iter().copied().filter(move |name| *name != key))
}

/// Wraps a body as a cloud wants it: members that the path says are taken out, a version is put in.
pub(crate) fn splice_envelope(
    splices: &mut Splices,
    members: &Members,
    without: &[&str],
    with: &[(&str, Value)],
    body: &[u8],
) -> Result<(), BodyError> {
    let is_empty = splices.remove(members, without, body)?;
    for (key, value) in with {
        if members.get(key)?.is_none() {
            splices.add_to(members, is_empty, key, &to_vec(value));
        }
    }
    Ok(())
}

fn set(splices: &mut Splices, object: &Members, key: &str, value: &Value) -> Result<(), BodyError> {
    match object.get(key)? {
        Some(member) => splices.replace(member.value.clone(), to_vec(value)),
        None => splices.add(object, key, &to_vec(value)),
    }
    Ok(())
}

fn to_vec(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value has only string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let outline = crate::outline(crate::Format::AnthropicMessages, body.as_bytes()).unwrap();
        let mut splices = Splices::default();
        let with = [("v", Value::from(1)), ("w", Value::from(2))];
        splice_envelope(&mut splices, &outline.members, &["model", "stream"], &with, body.as_bytes()).unwrap();
        let spliced = splices.apply(&Bytes::copy_from_slice(body.as_bytes()));
        assert_eq!(spliced, expected, "{body}");
        serde_json::from_slice::<Value>(&spliced).unwrap();
    }

    #[test]
    fn members_that_a_path_says_are_taken_out_wherever_they_stand() {
        check(r#"{"model":"m","stream":true,"a":1}"#, r#"{"v":1,"w":2,"a":1}"#);
        check(r#"{"model":"m" , "a":1, "stream":true}"#, r#"{"v":1,"w":2, "a":1}"#);
        check(r#"{ "a":1,"model":"m","stream":true,"b":2}"#, r#"{"v":1,"w":2, "a":1,"b":2}"#);
        check(r#"{"a":1,"stream":true,"b":2,"model":"m"}"#, r#"{"v":1,"w":2,"a":1,"b":2}"#);
        check(r#"{"stream":true,"model":"m"}"#, r#"{"v":1,"w":2}"#);
        check(r#"{"model":"m"}"#, r#"{"v":1,"w":2}"#);
        check(r#"{"a":1}"#, r#"{"v":1,"w":2,"a":1}"#);
        check(r#"{"v":0,"model":"m"}"#, r#"{"w":2,"v":0}"#);
        check("{}", r#"{"v":1,"w":2}"#);
    }
}
