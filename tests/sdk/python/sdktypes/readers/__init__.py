"""The readers by the format that they read; each is made when it is first needed."""

import functools
import importlib

READERS = {
    "OpenAIChat": ("openai_chat", "OpenAIChat"),
    "OpenAIResponses": ("openai_responses", "OpenAIResponses"),
    "AnthropicMessages": ("anthropic_messages", "AnthropicMessages"),
    "GeminiGenerateContent": ("google_genai", "GenerateContent"),
    "BedrockConverse": ("bedrock", "Converse"),
}


@functools.cache
def reader(name: str):
    module, kind = READERS[name]
    return getattr(importlib.import_module(f".{module}", __name__), kind)()
