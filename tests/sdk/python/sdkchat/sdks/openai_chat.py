"""OpenAI's SDK: Chat Completions."""

import json

import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from ..exchange import QUESTION, Answer, failure


class OpenAIChat:
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
        self.messages = [{"role": "user", "content": QUESTION}]
        self.settings = {"model": model}
        if tools:
            self.settings["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.purpose, "parameters": tool.schema},
                }
                for tool in tools
            ]
        if schema:
            self.settings["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "weather", "schema": schema, "strict": True},
            }

    def ask(self, on_delta) -> Answer:
        completion = self.stream(on_delta) if on_delta else self.whole()
        choice = completion.choices[0]
        self.messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
        calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
        usage = completion.usage
        return Answer(
            choice.message.content or "", calls, choice.finish_reason, usage.prompt_tokens, usage.completion_tokens
        )

    def whole(self):
        return self.client.chat.completions.create(messages=self.messages, **self.settings)

    def stream(self, on_delta):
        state = ChatCompletionStreamState()
        options = {"stream": True, "stream_options": {"include_usage": True}}
        with self.client.chat.completions.create(messages=self.messages, **options, **self.settings) as chunks:
            for chunk in chunks:
                state.handle_chunk(chunk)
                if chunk.choices and (chunk.choices[0].delta.content or chunk.choices[0].delta.tool_calls):
                    on_delta()
        return state.get_final_completion()

    def give(self, results) -> None:
        for identity, _, answer in results:
            self.messages.append({"role": "tool", "tool_call_id": identity, "content": json.dumps(answer)})
