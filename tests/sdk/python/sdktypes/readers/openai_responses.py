"""OpenAI's SDK as a reader of responses."""

import openai
from openai.types import responses
from openai.types.responses.response_create_params import ResponseCreateParams

from ..closed import Closed
from .openai_chat import client, refusal
from .reader import Reader


class OpenAIResponses(Reader):
    failure = openai.APIError

    def __init__(self) -> None:
        super().__init__()
        self.types_of_request = Closed(ResponseCreateParams, sent=True)
        self.types_of_reply = Closed(responses.Response)
        self.types_of_event = Closed(responses.ResponseStreamEvent)
        self.client = client(self.wire)

    def listen(self) -> int:
        with self.client.responses.stream(model="m", input="q") as stream:
            heard = [event.type for event in stream]
            # It gives no response that is cut short or failed.
            if heard[-1:] == ["response.completed"]:
                stream.get_final_response()
        return len(heard)

    def ask(self) -> None:
        self.client.responses.create(model="m", input="q")

    def refusal(self, error):
        return refusal(error)
