"""Anthropic's SDK: Messages."""

import json

import anthropic

from ..exchange import QUESTION, Answer, failure


class AnthropicMessages:
    def __init__(self) -> None:
        self.client = anthropic.Anthropic(max_retries=0)

    def start(self, model, tools, schema):
        return Talk(self.client, model, tools, schema)

    @staticmethod
    def failure(error):
        body = getattr(error, "body", None)
        told = body.get("error") if isinstance(body, dict) else None
        return failure(error, getattr(error, "status_code", None), told.get("type") if isinstance(told, dict) else None)


class Talk:
    def __init__(self, client, model, tools, schema) -> None:
        self.client = client
        self.messages = [{"role": "user", "content": QUESTION}]
        self.settings = {"model": model, "max_tokens": 512}
        if tools:
            self.settings["tools"] = [
                {"name": tool.name, "description": tool.purpose, "input_schema": tool.schema} for tool in tools
            ]
        if schema:
            self.settings["output_config"] = {"format": {"type": "json_schema", "schema": schema}}

    def ask(self, on_delta) -> Answer:
        message = self.stream(on_delta) if on_delta else self.whole()
        self.messages.append({"role": "assistant", "content": message.content})
        text = "".join(block.text for block in message.content if block.type == "text")
        calls = [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
        usage = message.usage
        return Answer(text, calls, message.stop_reason, usage.input_tokens, usage.output_tokens)

    def whole(self):
        return self.client.messages.create(messages=self.messages, **self.settings)

    def stream(self, on_delta):
        with self.client.messages.stream(messages=self.messages, **self.settings) as events:
            for event in events:
                if event.type == "content_block_delta":
                    on_delta()
            return events.get_final_message()

    def give(self, results) -> None:
        self.messages.append(
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": identity, "content": json.dumps(answer)}
                    for identity, _, answer in results
                ],
            }
        )
