"""OpenAI's SDK: Responses, without anything stored at the vendor."""

import json

import openai

from ..exchange import QUESTION, Answer, failure


class OpenAIResponses:
    def __init__(self) -> None:
        self.client = openai.OpenAI(max_retries=0)

    def start(self, model, tools, schema):
        return Talk(self.client, model, tools, schema)

    @staticmethod
    def failure(error):
        return failure(error, getattr(error, "status_code", None), getattr(error, "type", None))


class Talk:
    def __init__(self, client, model, tools, schema) -> None:
        self.client = client
        self.input = [{"role": "user", "content": QUESTION}]
        self.settings = {"model": model, "store": False, "include": ["reasoning.encrypted_content"]}
        if tools:
            self.settings["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.purpose,
                    "parameters": tool.schema,
                    "strict": False,
                }
                for tool in tools
            ]
        if schema:
            self.settings["text"] = {
                "format": {"type": "json_schema", "name": "weather", "schema": schema, "strict": True}
            }

    def ask(self, on_delta) -> Answer:
        response = self.stream(on_delta) if on_delta else self.whole()
        if response.status != "completed":
            raise RuntimeError(f"the response is {response.status}: {response.error}")
        self.input += [item.model_dump(exclude_none=True) for item in response.output]
        calls = [(item.call_id, item.name, item.arguments) for item in response.output if item.type == "function_call"]
        usage = response.usage
        return Answer(response.output_text, calls, response.status, usage.input_tokens, usage.output_tokens)

    def whole(self):
        return self.client.responses.create(input=self.input, **self.settings)

    def stream(self, on_delta):
        last = None
        with self.client.responses.create(input=self.input, stream=True, **self.settings) as events:
            for event in events:
                if event.type in ("response.output_text.delta", "response.function_call_arguments.delta"):
                    on_delta()
                elif event.type in ("response.completed", "response.incomplete", "response.failed"):
                    last = event.response
                elif event.type == "error":
                    raise RuntimeError(f"error event {event.code}: {event.message}")
        if last is None:
            raise RuntimeError("the stream ended without its last event")
        return last

    def give(self, results) -> None:
        for identity, _, answer in results:
            self.input.append({"type": "function_call_output", "call_id": identity, "output": json.dumps(answer)})
