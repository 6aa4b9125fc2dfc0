"""LangChain's chat models over OpenAI's and Anthropic's SDKs."""

import json

from ..exchange import QUESTION, Answer, failure


class LangChain:
    def start(self, model, tools, schema):
        return Talk(self.model(model), tools, schema)

    @staticmethod
    def failure(error):
        return failure(error, getattr(error, "status_code", None), getattr(error, "type", None))


class LangChainOpenAI(LangChain):
    responses = False

    def model(self, name):
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(model=name, max_retries=0, stream_usage=True, use_responses_api=self.responses)


class LangChainOpenAIResponses(LangChainOpenAI):
    responses = True


class LangChainAnthropic(LangChain):
    def model(self, name):
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=name, max_tokens=512, max_retries=0)


class Talk:
    def __init__(self, model, tools, schema) -> None:
        from langchain_core.messages import HumanMessage

        self.model = model
        self.messages = [HumanMessage(QUESTION)]
        self.structured = schema is not None
        if tools:
            self.model = model.bind_tools(
                [
                    {
                        "type": "function",
                        "function": {"name": tool.name, "description": tool.purpose, "parameters": tool.schema},
                    }
                    for tool in tools
                ]
            )
        if schema:
            self.model = model.with_structured_output(schema, method="json_schema", include_raw=True)

    def ask(self, on_delta) -> Answer:
        message = self.stream(on_delta) if on_delta else self.whole()
        self.messages.append(message)
        calls = [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
        if message.invalid_tool_calls:
            raise RuntimeError(f"invalid tool calls: {message.invalid_tool_calls}")
        usage = message.usage_metadata or {}
        told = message.response_metadata
        finish = told.get("finish_reason") or told.get("stop_reason") or told.get("status")
        return Answer(message.text, calls, finish, usage.get("input_tokens"), usage.get("output_tokens"))

    def whole(self):
        answer = self.model.invoke(self.messages)
        if not self.structured:
            return answer
        if answer["parsing_error"]:
            raise answer["parsing_error"]
        return answer["raw"]

    def stream(self, on_delta):
        whole = None
        chunks = self.model.stream(self.messages)
        try:
            for chunk in chunks:
                if self.structured:
                    chunk = chunk.get("raw")
                    if chunk is None:
                        continue
                whole = chunk if whole is None else whole + chunk
                if chunk.text or chunk.tool_call_chunks:
                    on_delta()
        finally:
            chunks.close()
        return whole

    def give(self, results) -> None:
        from langchain_core.messages import ToolMessage

        for identity, _, answer in results:
            self.messages.append(ToolMessage(json.dumps(answer), tool_call_id=identity))
