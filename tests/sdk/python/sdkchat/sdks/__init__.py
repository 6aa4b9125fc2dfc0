"""The SDKs by name; each is imported when it is first needed."""

import importlib

SDKS = {
    "openai": ("openai_chat", "OpenAIChat"),
    "openai-responses": ("openai_responses", "OpenAIResponses"),
    "anthropic": ("anthropic_messages", "AnthropicMessages"),
    "google-genai": ("google_genai", "GoogleGenAI"),
    "boto3": ("bedrock", "Bedrock"),
    "langchain-openai": ("langchain", "LangChainOpenAI"),
    "langchain-openai-responses": ("langchain", "LangChainOpenAIResponses"),
    "langchain-anthropic": ("langchain", "LangChainAnthropic"),
}


def create(name: str):
    module, sdk = SDKS[name]
    return getattr(importlib.import_module(f".{module}", __name__), sdk)()
