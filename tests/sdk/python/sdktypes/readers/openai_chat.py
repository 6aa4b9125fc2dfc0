"""OpenAI's SDK as a reader of chat completions."""

import openai
from openai.types import chat
from openai.types.chat.completion_create_params import CompletionCreateParams

from ..closed import Closed
from .reader import Reader


class OpenAIChat(Reader):
    failure = openai.APIError

    def __init__(self) -> None:
        super().__init__()
        self.types_of_request = Closed(CompletionCreateParams, sent=True)
        self.types_of_reply = Closed(chat.ChatCompletion)
        self.types_of_event = Closed(chat.ChatCompletionChunk)
        self.client = client(self.wire)

    def listen(self) -> int:
        with self.client.chat.completions.stream(model="m", messages=[]) as stream:
            heard = sum(event.type == "chunk" for event in stream)
            # The final completion is refused where the model was cut short; its parts must add up all the same.
            assert stream.current_completion_snapshot.choices
        return heard

    def ask(self) -> None:
        self.client.chat.completions.create(model="m", messages=[])

    def refusal(self, error):
        return refusal(error)


def client(wire) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url="http://localhost", http_client=wire.client(), max_retries=0)


def refusal(error: openai.APIStatusError):
    return error.status_code, error.body["message"]
