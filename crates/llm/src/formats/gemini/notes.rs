//! What a decoder notes of how a request was written, for the encoder that writes it again: members of extras whose names
//! begin with [`OWN_NOTE`], which no other format's encoder reads or reports.

use crate::json::{Object, take_array};
use crate::model::OWN_NOTE;
use serde_json::Value;

/// Paths of the members that were not spelled in camelCase, of a request.
pub(super) const SPELLED: &str = ":spelled";
/// The member `model`, which says the path's again, of a request.
pub(super) const MODEL: &str = ":model";
/// `contents` was one object, of a request.
pub(super) const ONE_CONTENT: &str = ":contents";
/// Members of `systemInstruction` that are no parts, of a request.
pub(super) const SYSTEM: &str = ":system";
/// `systemInstruction` was a bare text, of a request.
pub(super) const SYSTEM_TEXT: &str = ":systemText";
/// Members whose value says something in other words than the encoder's: by name, of a request.
pub(super) const WORDS: &str = ":words";
/// The role where it is neither `user` nor `model`; null where there is none, of a message.
pub(super) const ROLE: &str = ":role";
/// `parts` was one object, of a message.
pub(super) const ONE_PART: &str = ":parts";
/// The part holds no data, of a part that is empty text.
pub(super) const NO_DATA: &str = ":noData";
/// The id is ours, of a call: a list of the empty one that was written, if one was.
pub(super) const MINTED: &str = ":minted";
/// There are no arguments, of a call: a list of the null that was written, if one was.
pub(super) const NO_ARGUMENTS: &str = ":noArgs";
/// A `functionResponse`, whole.
pub(super) const RESPONSE: &str = ":functionResponse";
/// What stands before the names of its members that are no other format's, which say them once more, for reports.
pub(super) const OF_RESPONSE: &str = "functionResponse.";
/// Names of the members that say once more, under their paths and for reports, what is no other format's, of a request.
pub(super) const NAMED: &str = ":named";
/// The `mimeType` of a `fileData`.
pub(super) const MIME_TYPE: &str = ":mimeType";
/// Which object of `tools` a tool stood in.
pub(super) const GROUP: &str = ":group";
/// The members of a declaration that say its schema.
pub(super) const SCHEMA: &str = ":schema";

/// Names what no other format has, so that their encoders report it.
pub(super) fn name(extras: &mut Object, within: &str, members: impl IntoIterator<Item = (String, Value)>) {
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        let path = format!("{within}.{key}");
        let named = extras.entry(NAMED).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(named) = named {
            named.push(Value::String(path.clone()));
        }
        extras.insert(path, value);
    }
}

/// Takes what was named out again.
pub(super) fn take_named(extras: &mut Object) {
    for path in take_array(extras, NAMED).unwrap_or_default() {
        extras.shift_remove(path.as_str().unwrap_or_default());
    }
}

/// What is no note.
pub(super) fn members(extras: Object) -> impl Iterator<Item = (String, Value)> {
    extras.into_iter().filter(|(key, _)| !key.starts_with(OWN_NOTE))
}

/// Puts members in, those of objects into the objects that are there.
pub(super) fn merge(into: &mut Object, extras: Object) {
    for (key, value) in members(extras) {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) => inside.extend(more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
