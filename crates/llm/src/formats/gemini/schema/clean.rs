//! From JSON Schema to the API's `Schema`.

use super::Use;
use super::view::{View, is_null, resolve};
use crate::json::Object;
use indexmap::IndexSet;
use serde_json::{Number, Value, json};

/// Deeper schemas than this are cut: the API takes no deeper JSON.
const DEEPEST: usize = 30;
/// What a schema may grow to: so many times its own size, and this beside it.
const GROWTH: usize = 8;
const ROOM: usize = 64 * 1024;

/// What could not be said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    /// Something that JSON Schema could say to the API.
    pub(super) needs_json_schema: bool,
    /// Something that is told nearly.
    pub(super) nearly: bool,
    /// Something that the API takes in neither form.
    pub(super) in_both: bool,
}

/// Writes one schema.
pub(super) struct Cleaner<'a> {
    root: &'a Value,
    cloud: bool,
    /// How much more may be read and written.
    left: usize,
    /// References that are being followed, the outermost first.
    open: IndexSet<&'a str>,
    lost: Lost,
}

/// Words that mean nothing to the API and restrict what is valid.
const UNKNOWN: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "multipleOf",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
];

impl<'a> Cleaner<'a> {
    pub(super) fn new(root: &'a Value, cloud: bool) -> Self {
        let left = weight(root).saturating_mul(GROWTH).saturating_add(ROOM);
        Self { root, cloud, left, open: IndexSet::new(), lost: Lost::default() }
    }

    pub(super) fn lost(&self) -> Lost {
        self.lost
    }

    /// The whole schema; `None` where it says nothing.
    pub(super) fn root(&mut self, usage: Use) -> Option<Object> {
        let mut view = self.view(self.root.as_object()?);
        if usage == Use::Arguments {
            // Arguments are an object: a choice of objects is one with the members of all.
            while let Some(branches) = view.take_branches() {
                let required = view.required.clone();
                for branch in branches.iter().filter_map(Value::as_object) {
                    self.gather(branch, &mut view);
                }
                view.required = required;
                self.lost.needs_json_schema |= branches.len() > 1;
            }
            self.lost.in_both |= view.has(UNKNOWN);
            let object = self.typed(&view, "object", 0);
            let says = object.contains_key("properties") || object.contains_key("additionalProperties");
            return says.then_some(object);
        }
        let says = view.recurs || !view.properties.is_empty() || view.has(&SAYING);
        says.then(|| self.finish(view, 0))
    }

    /// One schema inside of it.
    fn node(&mut self, schema: &'a Value, depth: usize) -> Object {
        match schema {
            Value::Object(object) if depth < DEEPEST && self.left > 0 => {
                let mark = self.open.len();
                let view = self.view(object);
                let out = self.finish(view, depth);
                self.open.truncate(mark);
                out
            }
            Value::Object(_) => {
                self.lost.nearly = true;
                placeholder("object")
            }
            // `true`, or no schema at all.
            _ => {
                self.lost.needs_json_schema = true;
                placeholder("string")
            }
        }
    }

    fn view(&mut self, schema: &'a Object) -> View<'a> {
        let mut view = View { mark: self.open.len(), ..View::default() };
        self.gather(schema, &mut view);
        view
    }

    /// Joins a schema, what it refers to and what it is combined of.
    fn gather(&mut self, schema: &'a Object, view: &mut View<'a>) {
        // A list of its own instead of recursion: schemas may refer to each other in long chains.
        let mut waiting = vec![schema];
        while let Some(schema) = waiting.pop() {
            for (key, value) in schema {
                if self.left == 0 {
                    self.lost.nearly = true;
                    return;
                }
                self.spend(key.len() + 8);
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) | ("ref", Value::String(reference))
                        if key == "$ref" || self.cloud =>
                    {
                        waiting.extend(self.follow(reference, view));
                    }
                    ("allOf", Value::Array(parts)) => waiting.extend(parts.iter().rev().filter_map(Value::as_object)),
                    ("properties", Value::Object(properties)) => {
                        for (name, schema) in properties {
                            self.spend(name.len() + 8);
                            let nearer = *view.properties.entry(name).or_insert(schema);
                            self.lost.nearly |= !std::ptr::eq(nearer, schema);
                        }
                    }
                    ("required", Value::Array(names)) => {
                        self.spend(names.len() * 8);
                        view.required.extend(names.iter().filter_map(Value::as_str));
                    }
                    (key, value) => {
                        // What stands beside a reference is nearer than what stands behind it.
                        view.members.entry(key).or_insert(value);
                    }
                }
            }
        }
    }

    fn follow(&mut self, reference: &'a str, view: &mut View<'a>) -> Option<&'a Object> {
        if let Some(at) = self.open.get_index_of(reference) {
            // What was joined before adds nothing; what this stands in would never end.
            view.recurs |= at < view.mark;
            return None;
        }
        let Some(target) = resolve(self.root, reference) else {
            self.lost.in_both = true;
            return None;
        };
        self.open.insert(reference);
        Some(target)
    }

    fn finish(&mut self, mut view: View<'a>, depth: usize) -> Object {
        if view.recurs {
            self.lost.needs_json_schema = true;
            let mut out = placeholder("object");
            self.copy_texts(&view, &mut out);
            return out;
        }
        if view.has(UNKNOWN) {
            self.lost.in_both = true;
        }
        let (mut types, mut nullable) = (view.types().0, view.is_nullable());
        // A single branch is what it is; a choice stays one.
        while let Some(branches) = view.take_branches() {
            let said: Vec<&'a Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
            nullable |= said.len() < branches.len();
            match said.as_slice() {
                [] => {}
                [Value::Object(only)] => {
                    self.gather(only, &mut view);
                    if view.recurs {
                        return self.finish(view, depth);
                    }
                    types = view.types().0;
                    nullable |= view.is_nullable();
                }
                several => return self.choice(&view, several, nullable, depth),
            }
        }
        let mut out = self.single(&view, types, nullable, depth);
        if nullable && !is_type(&out, "NULL") && !out.contains_key("anyOf") {
            out.insert("nullable".to_owned(), json!(true));
        }
        out
    }

    /// Each branch with what stands beside the choice: the API takes nothing beside `anyOf`.
    fn choice(&mut self, around: &View<'a>, branches: &[&'a Value], nullable: bool, depth: usize) -> Object {
        let mut any = Vec::new();
        for branch in branches {
            let Some(branch) = branch.as_object() else {
                self.lost.in_both = true;
                continue;
            };
            if self.left == 0 || depth + 1 >= DEEPEST {
                self.lost.nearly = true;
                break;
            }
            self.spend(8);
            let mark = self.open.len();
            let mut view = self.view(branch);
            for (key, value) in &around.members {
                self.spend(key.len() + 8);
                view.members.entry(key).or_insert(value);
            }
            for (name, schema) in &around.properties {
                self.spend(name.len() + 8);
                view.properties.entry(name).or_insert(schema);
            }
            view.required.extend(&around.required);
            any.push(self.finish(view, depth + 1));
            self.open.truncate(mark);
        }
        // What turned out to be null is a mark on the others.
        let said: Vec<Object> = any.iter().filter(|out| !is_type(out, "NULL")).cloned().collect();
        let nullable = nullable || said.len() < any.len();
        let mut marked = said.into_iter().map(|mut out| {
            if nullable && !out.contains_key("anyOf") {
                out.insert("nullable".to_owned(), json!(true));
            }
            out
        });
        match (marked.next(), marked.len()) {
            (None, _) => placeholder(if nullable { "null" } else { "string" }),
            (Some(only), 0) => only,
            (Some(first), _) => {
                let any = std::iter::once(first).chain(marked).map(Value::Object).collect();
                Object::from_iter([("anyOf".to_owned(), Value::Array(any))])
            }
        }
    }

    /// A schema without branches.
    fn single(&mut self, view: &View<'a>, types: Vec<String>, nullable: bool, depth: usize) -> Object {
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

    fn typed(&mut self, view: &View<'a>, name: &str, depth: usize) -> Object {
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

    fn copy_texts(&mut self, view: &View<'a>, out: &mut Object) {
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

    fn spend(&mut self, weight: usize) {
        self.left = self.left.saturating_sub(weight.max(1));
    }
}

/// Members of which one is enough for a schema to say something.
const SAYING: [&str; 16] = [
    "type",
    "enum",
    "const",
    "items",
    "prefixItems",
    "anyOf",
    "oneOf",
    "additionalProperties",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
];

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

fn is_type(schema: &Object, name: &str) -> bool {
    schema.get("type").and_then(Value::as_str) == Some(name)
}

fn placeholder(name: &str) -> Object {
    Object::from_iter([("type".to_owned(), Value::String(name.to_ascii_uppercase()))])
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

/// How large a value is, about.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 8,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 8,
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + 8 + weight(value)).sum::<usize>() + 8,
        _ => 8,
    }
}
