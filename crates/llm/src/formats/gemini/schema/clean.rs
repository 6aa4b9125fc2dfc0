//! From JSON Schema to the API's `Schema`: what a schema refers to, how it is combined, where it ends.

use super::Use;
use super::view::{View, is_null, resolve};
use crate::json::Object;
use indexmap::IndexSet;
use serde_json::{Value, json};

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
    pub(super) cloud: bool,
    /// How much more may be read and written.
    pub(super) left: usize,
    /// References that are being followed, the outermost first.
    open: IndexSet<&'a str>,
    pub(super) lost: Lost,
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
    pub(super) fn node(&mut self, schema: &'a Value, depth: usize) -> Object {
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
    pub(super) fn choice(&mut self, around: &View<'a>, branches: &[&'a Value], nullable: bool, depth: usize) -> Object {
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

    pub(super) fn spend(&mut self, weight: usize) {
        self.left = self.left.saturating_sub(weight.max(1));
    }
}

/// Members of which one is enough for a schema to say something.
pub(super) const SAYING: [&str; 16] = [
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

fn is_type(schema: &Object, name: &str) -> bool {
    schema.get("type").and_then(Value::as_str) == Some(name)
}

pub(super) fn placeholder(name: &str) -> Object {
    Object::from_iter([("type".to_owned(), Value::String(name.to_ascii_uppercase()))])
}

/// How large a value is, about.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 8,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 8,
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + 8 + weight(value)).sum::<usize>() + 8,
        _ => 8,
    }
}
