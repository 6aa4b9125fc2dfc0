"""Google's SDK as a reader of generated content."""

import pydantic
from google import genai
from google.genai import types
from pydantic.alias_generators import to_camel

from ..closed import Closed
from .reader import Reader


class Request(pydantic.BaseModel):
    """A body in the SDK's types: it has none of the whole, since its own arguments are arranged otherwise."""

    model_config = pydantic.ConfigDict(alias_generator=to_camel)

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    generation_config: types.GenerationConfig | None = None
    cached_content: str | None = None
    service_tier: types.ServiceTier | None = None
    labels: dict[str, str] | None = None


class GenerateContent(Reader):
    failure = genai.errors.APIError

    def __init__(self) -> None:
        super().__init__()
        self.types_of_request = Closed(Request)
        self.types_of_reply = self.types_of_event = Closed(types.GenerateContentResponse)
        options = types.HttpOptions(base_url="http://localhost", httpx_client=self.wire.client())
        self.client = genai.Client(api_key="k", vertexai=False, http_options=options)

    def listen(self) -> int:
        return sum(1 for _ in self.client.models.generate_content_stream(model="m", contents="q"))

    def ask(self) -> None:
        self.client.models.generate_content(model="m", contents="q")

    def refusal(self, error: genai.errors.APIError):
        return error.code, error.message
