//! What a reply says beside its text and its calls, word by word: of one format, so that its stream and its whole reply
//! can be held against each other.

use pillion_llm::Format;
use serde_json::{Value, json};

use super::list;

/// Tier, stop text, citations and likelihoods, as the format writes them.
pub(crate) fn beside(format: Format, reply: &Value) -> Value {
    match format {
        Format::OpenAIChat => {
            let choice = &reply["choices"][0];
            json!([reply["service_tier"], choice["message"]["annotations"], choice["logprobs"]])
        }
        Format::OpenAIResponses => {
            let parts = || list(&reply["output"]).flat_map(|item| list(&item["content"]));
            let all = |member: &str| parts().flat_map(|part| list(&part[member])).cloned().collect::<Vec<_>>();
            json!([reply["service_tier"], all("annotations"), all("logprobs")])
        }
        // A stream says the tier at its start only, when it is not known.
        Format::AnthropicMessages => {
            let citations = list(&reply["content"]).flat_map(|block| list(&block["citations"]));
            json!([reply["stop_sequence"], citations.collect::<Vec<_>>()])
        }
        Format::GeminiGenerateContent => {
            let candidate = &reply["candidates"][0];
            let mut grounding = candidate["groundingMetadata"].clone();
            // A stream has parts of its own in each chunk.
            for support in grounding["groundingSupports"].as_array_mut().into_iter().flatten() {
                support["segment"]["partIndex"].take();
            }
            json!([grounding, candidate["citationMetadata"]])
        }
        Format::BedrockConverse => {
            let blocks = list(&reply["output"]["message"]["content"]);
            let citations: Vec<&Value> =
                blocks.flat_map(|block| list(&block["citationsContent"]["citations"])).collect();
            json!([reply["serviceTier"], reply["additionalModelResponseFields"], citations])
        }
        Format::CohereChat => json!([reply["message"]["citations"]]),
    }
}
