//! Schema parts that a derive cannot write: the provider list, free JSON, and the descriptions of borrowed types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{CustomResourceDefinition, JSONSchemaProps};
use schemars::{Schema, SchemaGenerator, json_schema};

/// `type`: the ids of the provider list, so that a new provider needs no line here.
pub(crate) fn provider_type(_: &mut SchemaGenerator) -> Schema {
    let ids: Vec<&str> = pillion_llm::providers().iter().map(|provider| provider.id).collect();
    json_schema!({"type": "string", "enum": ids})
}

/// Any JSON object; its depth and size are held by the compiler.
pub(crate) fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Describes what no doc comment of ours reaches, and bounds borrowed lists so that CEL costs stay computable.
pub(crate) fn finish(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let kind = crd.spec.names.kind.clone();
    for version in &mut crd.spec.versions {
        let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
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

fn describe(schema: Option<&mut JSONSchemaProps>, text: &str) {
    if let Some(schema) = schema {
        schema.description = Some(text.to_owned());
        schema.nullable = None;
    }
}

fn bound_selector(selector: &mut JSONSchemaProps) {
    let Some(properties) = selector.properties.as_mut() else { return };
    if let Some(labels) = properties.get_mut("matchLabels") {
        labels.max_properties = Some(32);
    }
    if let Some(expressions) = properties.get_mut("matchExpressions") {
        expressions.max_items = Some(32);
        expressions.x_kubernetes_list_type = Some("atomic".into());
    }
}
