//! One schema of one type in the API's words: its values, its bounds, what is inside of it.

use super::clean::{Cleaner, SAYING, placeholder, weight};
use super::view::View;
use crate::json::Object;
use serde_json::{Number, Value, json};

impl<'a> Cleaner<'a> {
    /// A schema without branches.
    pub(super) fn single(&mut self, view: &View<'a>, types: Vec<String>, nullable: bool, depth: usize) -> Object {
        let values = match (view.members.get("const"), view.get("enum")) {
            (Some(value), _) if !value.is_null() => Some(vec![*value]),
            (None, Some(Value::Array(values))) => Some(values.iter().filter(|value| !value.is_null()).collect()),
            _ => None,
        };
        if let Some(values) = values.filter(|values| !values.is_empty()) {
            return self.listed(view, &values, &types);
        }
        match types.as_slice() {
            [] => match inferred(view) {
                Some(name) => self.typed(view, name, depth),
                None if nullable && !view.has(&SAYING[1..]) && view.get("type").is_some() => placeholder("null"),
                None => {
                    self.lost.needs_json_schema = true;
                    self.typed(view, "string", depth)
                }
            },
            [name] => self.typed(view, name, depth),
            several => {
                let mut any = Vec::new();
                for name in several {
                    let mut out = self.typed(view, name, depth);
                    if nullable {
                        out.insert("nullable".to_owned(), json!(true));
                    }
                    any.push(Value::Object(out));
                }
                Object::from_iter([("anyOf".to_owned(), Value::Array(any))])
            }
        }
    }

    /// One of some values: the API's are texts.
    fn listed(&mut self, view: &View<'a>, values: &[&'a Value], types: &[String]) -> Object {
        if values.iter().all(|value| value.is_boolean()) {
            self.lost.nearly |= values.len() < 2;
            return self.typed_texts(view, "boolean");
        }
        if let ([Value::Number(number)], false) = (values, view.has(&["enum"])) {
            // One number is a range of one.
            let name = if number.is_f64() { "number" } else { "integer" };
            let mut out = self.typed_texts(view, name);
            out.insert("minimum".to_owned(), Value::Number(number.clone()));
            out.insert("maximum".to_owned(), Value::Number(number.clone()));
            return out;
        }
        let integers = values.iter().all(|value| value.is_i64() || value.is_u64());
        let kept = self.cloud && (integers || types.iter().any(|name| name == "integer"));
        let mut texts: Vec<Value> = Vec::new();
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                other => {
                    self.lost.nearly |= !kept;
                    other.to_string()
                }
            };
            self.spend(text.len() + 8);
            if !text.is_empty() && self.left > 0 {
                texts.push(Value::String(text));
            }
        }
        let mut out = self.typed_texts(view, if kept { "integer" } else { "string" });
        if kept {
            out.insert("format".to_owned(), json!("enum"));
        }
        if texts.len() < values.len() {
            self.lost.nearly = true;
        }
        if !texts.is_empty() {
            out.insert("enum".to_owned(), Value::Array(texts));
        }
        out
    }

    fn typed_texts(&mut self, view: &View<'a>, name: &str) -> Object {
        let mut out = placeholder(name);
        self.copy_texts(view, &mut out);
        out
    }

    pub(super) fn typed(&mut self, view: &View<'a>, name: &str, depth: usize) -> Object {
        let mut out = self.typed_texts(view, name);
        if let Some(format) = view.text("format").filter(|_| name != "object" && name != "array") {
            out.insert("format".to_owned(), json!(format));
        }
        match name {
            "string" => {
                whole(view, &["minLength", "maxLength"], &mut out);
                if let Some(pattern) = view.text("pattern") {
                    self.spend(pattern.len());
                    out.insert("pattern".to_owned(), json!(pattern));
                }
            }
            "integer" | "number" => self.range(view, name == "integer", &mut out),
            "array" => {
                whole(view, &["minItems", "maxItems"], &mut out);
                let items = self.items(view, depth);
                out.insert("items".to_owned(), Value::Object(items));
            }
            "object" => self.members(view, depth, &mut out),
            _ => {}
        }
        out
    }

    fn range(&mut self, view: &View<'a>, whole: bool, out: &mut Object) {
        for (key, beyond, step) in [("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)] {
            let bound = match (view.get(key), view.get(beyond)) {
                (_, Some(Value::Number(number))) => match number.as_i64().and_then(|number| number.checked_add(step)) {
                    Some(next) if whole => Some(Number::from(next)),
                    _ => {
                        self.lost.nearly = true;
                        Some(number.clone())
                    }
                },
                (Some(Value::Number(number)), _) => Some(number.clone()),
                _ => None,
            };
            if let Some(bound) = bound {
                out.insert(key.to_owned(), Value::Number(bound));
            }
        }
    }

    /// The one schema of a list's elements. Of a tuple it is any of its elements'.
    fn items(&mut self, view: &View<'a>, depth: usize) -> Object {
        let tuple = match (view.get("prefixItems"), view.get("items")) {
            (Some(Value::Array(items)), _) | (None, Some(Value::Array(items))) if !items.is_empty() => Some(items),
            _ => None,
        };
        if let Some(items) = tuple {
            self.lost.needs_json_schema = true;
            let items: Vec<&'a Value> = items.iter().collect();
            return match items.as_slice() {
                [only] => self.node(only, depth + 1),
                several => self.choice(&View::default(), several, false, depth + 1),
            };
        }
        match view.get("items") {
            Some(items) => self.node(items, depth + 1),
            None => {
                self.lost.needs_json_schema = true;
                placeholder("string")
            }
        }
    }

    fn members(&mut self, view: &View<'a>, depth: usize, out: &mut Object) {
        whole(view, &["minProperties", "maxProperties"], out);
        let mut properties = Object::new();
        for (name, schema) in &view.properties {
            if self.left == 0 {
                self.lost.nearly = true;
                break;
            }
            self.spend(name.len() + 8);
            let schema = self.node(schema, depth + 1);
            properties.insert((*name).to_owned(), Value::Object(schema));
        }
        let mut required: Vec<&str> = Vec::new();
        for name in &view.required {
            if properties.contains_key(*name) && !required.contains(name) {
                required.push(name);
            }
        }
        match view.get("additionalProperties") {
            Some(Value::Bool(false)) | None => {}
            // What OpenAPI's objects are anyway.
            Some(Value::Bool(true)) if !properties.is_empty() => {}
            Some(Value::Object(any)) if any.is_empty() && !properties.is_empty() => {}
            Some(more) if self.cloud => {
                let more = match more {
                    Value::Object(schema) if !schema.is_empty() => Value::Object(self.node(more, depth + 1)),
                    _ => Value::Bool(true),
                };
                out.insert("additionalProperties".to_owned(), more);
            }
            Some(_) => self.lost.needs_json_schema = true,
        }
        if let Some(Value::Array(names)) = view.get("propertyOrdering") {
            let known = names.iter().filter(|name| name.as_str().is_some_and(|name| properties.contains_key(name)));
            out.insert("propertyOrdering".to_owned(), known.cloned().collect());
        }
        if !properties.is_empty() {
            out.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            out.insert("required".to_owned(), json!(required));
        }
    }

    pub(super) fn copy_texts(&mut self, view: &View<'a>, out: &mut Object) {
        for key in ["title", "description"] {
            if let Some(text) = view.text(key) {
                self.spend(text.len());
                if self.left > 0 {
                    out.insert(key.to_owned(), json!(text));
                }
            }
        }
        let example = view.get("example").or_else(|| view.get("examples")?.as_array()?.first());
        for (key, value) in [("default", view.get("default")), ("example", example)] {
            if let Some(value) = value {
                self.spend(weight(value));
                if self.left > 0 {
                    out.insert(key.to_owned(), value.clone());
                }
            }
        }
    }
}

/// The type of a schema that names none.
fn inferred(view: &View<'_>) -> Option<&'static str> {
    if !view.properties.is_empty() || view.has(&["additionalProperties", "minProperties", "maxProperties"]) {
        Some("object")
    } else if view.has(&["items", "prefixItems", "minItems", "maxItems"]) {
        Some("array")
    } else if view.has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        Some("number")
    } else if view.has(&["enum", "const", "pattern", "format", "minLength", "maxLength"]) {
        Some("string")
    } else {
        None
    }
}

/// Counts, which are texts in Google's JSON since they may have 64 bits.
fn whole(view: &View<'_>, keys: &[&str], out: &mut Object) {
    for key in keys {
        let text = match view.get(key) {
            Some(Value::Number(number)) => number.as_u64().map(|number| number.to_string()),
            Some(Value::String(text)) if text.parse::<u64>().is_ok() => Some(text.clone()),
            _ => None,
        };
        if let Some(text) = text {
            out.insert((*key).to_owned(), Value::String(text));
        }
    }
}
