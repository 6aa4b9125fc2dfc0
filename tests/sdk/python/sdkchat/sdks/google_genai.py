"""Google's SDK: generateContent of the Gemini API."""

from google import genai
from google.genai import types

from ..exchange import QUESTION, Answer, failure


class GoogleGenAI:
    def __init__(self) -> None:
        options = types.HttpOptions(retry_options=types.HttpRetryOptions(attempts=1))
        self.client = genai.Client(http_options=options)

    def start(self, model, tools, schema):
        return Talk(self.client, model, tools, schema)

    @staticmethod
    def failure(error):
        return failure(error, getattr(error, "code", None), getattr(error, "status", None))


class Talk:
    def __init__(self, client, model, tools, schema) -> None:
        self.client = client
        self.model = model
        self.contents = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
        self.config = types.GenerateContentConfig()
        if tools:
            declared = [
                types.FunctionDeclaration(
                    name=tool.name, description=tool.purpose, parameters_json_schema=tool.schema
                )
                for tool in tools
            ]
            self.config.tools = [types.Tool(function_declarations=declared)]
        if schema:
            self.config.response_mime_type = "application/json"
            self.config.response_json_schema = schema

    def ask(self, on_delta) -> Answer:
        replies = self.stream(on_delta) if on_delta else self.whole()
        parts = [part for reply in replies for part in content_parts(reply)]
        self.contents.append(types.Content(role="model", parts=parts))
        text = "".join(part.text for part in parts if part.text and not part.thought)
        calls = [part.function_call for part in parts if part.function_call]
        last = [reply for reply in replies if reply.candidates][-1]
        usage = next(reply.usage_metadata for reply in reversed(replies) if reply.usage_metadata)
        finish = last.candidates[0].finish_reason
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        calls = [(call.id, call.name, call.args) for call in calls]
        return Answer(text, calls, finish.name if finish else "", usage.prompt_token_count, output)

    def whole(self):
        return [self.client.models.generate_content(model=self.model, contents=self.contents, config=self.config)]

    def stream(self, on_delta):
        replies = []
        chunks = self.client.models.generate_content_stream(
            model=self.model, contents=self.contents, config=self.config
        )
        try:
            for chunk in chunks:
                replies.append(chunk)
                if any(part.text or part.function_call for part in content_parts(chunk)):
                    on_delta()
        finally:
            chunks.close()
        return replies

    def give(self, results) -> None:
        parts = [
            types.Part(function_response=types.FunctionResponse(id=identity, name=name, response=answer))
            for identity, name, answer in results
        ]
        self.contents.append(types.Content(role="user", parts=parts))


def content_parts(reply):
    content = reply.candidates[0].content if reply.candidates else None
    return (content.parts if content else None) or []
