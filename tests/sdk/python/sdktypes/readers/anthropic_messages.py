"""Anthropic's SDK as a reader of messages."""

import anthropic
from anthropic import types
from anthropic.types.message_create_params import MessageCreateParams

from ..closed import Closed
from .reader import Reader


class AnthropicMessages(Reader):
    failure = anthropic.APIError

    def __init__(self) -> None:
        super().__init__()
        self.types_of_request = Closed(MessageCreateParams, sent=True)
        self.types_of_reply = Closed(types.Message)
        self.types_of_event = Closed(types.RawMessageStreamEvent)
        self.types_of_error = Closed(types.ErrorResponse)
        self.client = anthropic.Anthropic(
            api_key="k", base_url="http://localhost", http_client=self.wire.client(), max_retries=0
        )

    def listen(self) -> int:
        with self.client.messages.stream(model="m", max_tokens=1, messages=[]) as stream:
            # Between the events as they came it gives some of its own.
            heard = sum(event.type.startswith(("message_", "content_block_")) for event in stream)
            stream.get_final_message()
        return heard

    def errors(self, line: dict):
        return self.types_of_error.faults(line["body"]) + super().errors(line)

    def ask(self) -> None:
        self.client.messages.create(model="m", max_tokens=1, messages=[])

    def refusal(self, error: anthropic.APIStatusError):
        return error.status_code, error.body["error"]["message"]
