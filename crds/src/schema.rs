//! Schema parts that a derive cannot write: the provider list, free JSON, and the descriptions of borrowed types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use schemars::{Schema, SchemaGenerator, json_schema};

/// `type`: the ids of the provider list, so that a new provider needs no line here.
pub(crate) fn provider_type(_: &mut SchemaGenerator) -> Schema {
    let ids: Vec<&str> = pillion_llm::providers().iter().map(|provider| provider.id).collect();
    json_schema!({"type": "string", "enum": ids})
}

/// Names by names, bounded.
pub(crate) fn names_by_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 128,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 128},
    })
}

/// Any JSON object; its depth and size are held by the compiler.
pub(crate) fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Session tags, as many and as long as AWS takes them.
pub(crate) fn session_tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 50,
        "additionalProperties": {"type": "string", "maxLength": 256, "description": "Value of the tag."},
    })
}

/// Describes what no doc comment of ours reaches, and writes schemas as Kubernetes' own are written.
pub(crate) fn finish(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let kind = crd.spec.names.kind.clone();
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
        each_schema(root, &mut normalise);
        let Some(properties) = root.properties.as_mut() else { continue };
        describe(properties.get_mut("spec"), &format!("What this {kind} asks for."));
        describe(properties.get_mut("status"), &format!("What became of this {kind}; written by the operator."));
        if let Some(selector) =
            properties.get_mut("spec").and_then(|spec| spec.properties.as_mut()?.get_mut("podSelector"))
        {
            bound_selector(selector);
        }
    }
    crd
}

fn each_schema(schema: &mut JSONSchemaProps, visit: &mut impl FnMut(&mut JSONSchemaProps)) {
    visit(schema);
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        each_schema(property, visit);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        each_schema(items, visit);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        each_schema(values, visit);
    }
}

/// A description is one paragraph, which `kubectl explain` wraps; an optional field is left out, never null.
fn normalise(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(description) = &mut schema.description {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

fn describe(schema: Option<&mut JSONSchemaProps>, text: &str) {
    if let Some(schema) = schema {
        schema.description = Some(text.to_owned());
    }
}

fn bound_selector(selector: &mut JSONSchemaProps) {
    let Some(properties) = selector.properties.as_mut() else { return };
    if let Some(labels) = properties.get_mut("matchLabels") {
        labels.max_properties = Some(32);
    }
    if let Some(expressions) = properties.get_mut("matchExpressions") {
        expressions.max_items = Some(32);
    }
}
