//! The hosts that get tokens of Entra: those of Azure's model services, which Microsoft itself answers. Not API
//! Management's nor those where customers' own containers answer: whoever runs one would see the token.

use pillion_snapshot::AzureCloud;

/// See [`crate::identity::hosts`].
pub(crate) fn of(cloud: AzureCloud) -> &'static [&'static str] {
    match cloud {
        AzureCloud::Public => &[
            "*.openai.azure.com",
            "*.cognitiveservices.azure.com",
            "*.services.ai.azure.com",
            "*.*.models.ai.azure.com",
            "*.api.cognitive.microsoft.com",
        ],
        AzureCloud::USGovernment => &[
            "*.openai.azure.us",
            "*.cognitiveservices.azure.us",
            "*.services.ai.azure.us",
            "*.api.cognitive.microsoft.us",
        ],
        AzureCloud::China => &["*.openai.azure.cn", "*.cognitiveservices.azure.cn", "*.api.cognitive.azure.cn"],
    }
}
