//! The list of models in each dialect's shape.

use crate::Dialect;
use bytes::Bytes;
use serde_json::{Value, json};

/// A model that the workload may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// What the client writes as `model`.
    pub id: String,
    /// Who serves it, such as the provider object's name.
    pub owned_by: String,
}

/// The body of `GET /v1/models`. One page: Anthropic's `has_more` is false.
#[must_use]
pub fn encode_models(dialect: Dialect, models: &[ModelEntry]) -> Bytes {
    let data: Vec<Value> = models.iter().map(|model| entry(dialect, model)).collect();
    let body = match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI => json!({"object": "list", "data": data}),
        Dialect::Gemini | Dialect::Cohere => json!({"models": data}),
        Dialect::VertexAI => json!({"publisherModels": data}),
        Dialect::Bedrock => json!({"modelSummaries": data}),
        Dialect::Anthropic => json!({
            "data": data,
            "has_more": false,
            "first_id": models.first().map(|model| &model.id),
            "last_id": models.last().map(|model| &model.id),
        }),
    };
    crate::json::bytes(&body)
}

/// The body of `GET /v1/models/{id}`.
#[must_use]
pub fn encode_model(dialect: Dialect, model: &ModelEntry) -> Bytes {
    crate::json::bytes(&entry(dialect, model))
}

/// Both vendors require a creation time; a gateway knows none, and says the epoch rather than a guess. What Anthropic
/// tells of a model beside it may be null.
fn entry(dialect: Dialect, model: &ModelEntry) -> Value {
    match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI => {
            json!({"id": model.id, "object": "model", "created": 0, "owned_by": model.owned_by})
        }
        Dialect::Gemini => json!({
            "name": format!("models/{}", model.id),
            "baseModelId": model.id,
            "displayName": model.id,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
        }),
        Dialect::VertexAI => json!({"name": format!("publishers/google/models/{}", model.id)}),
        Dialect::Bedrock => json!({
            "modelId": model.id,
            "modelName": model.id,
            "providerName": model.owned_by,
            "responseStreamingSupported": true,
        }),
        Dialect::Cohere => json!({"name": model.id, "endpoints": ["chat"]}),
        Dialect::Anthropic => json!({
            "type": "model",
            "id": model.id,
            "display_name": model.id,
            "created_at": "1970-01-01T00:00:00Z",
            "capabilities": null,
            "max_input_tokens": null,
            "max_tokens": null,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_in_each_dialects_shape() {
        let models = [
            ModelEntry { id: "m1".to_owned(), owned_by: "team".to_owned() },
            ModelEntry { id: "m2".to_owned(), owned_by: "team".to_owned() },
        ];
        let openai: Value = serde_json::from_slice(&encode_models(Dialect::OpenAI, &models)).unwrap();
        assert_eq!(openai["data"][1], json!({"id": "m2", "object": "model", "created": 0, "owned_by": "team"}));
        let anthropic: Value = serde_json::from_slice(&encode_models(Dialect::Anthropic, &models)).unwrap();
        assert_eq!(
            (&anthropic["first_id"], &anthropic["last_id"], &anthropic["has_more"]),
            (&json!("m1"), &json!("m2"), &json!(false))
        );
        let none: Value = serde_json::from_slice(&encode_models(Dialect::Anthropic, &[])).unwrap();
        assert_eq!(none["first_id"], Value::Null);
    }
}
