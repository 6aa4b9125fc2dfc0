"""AWS' SDK: Converse and ConverseStream of Bedrock's runtime."""

import json

import boto3
from botocore.config import Config

from ..exchange import QUESTION, Answer, failure


class Bedrock:
    def __init__(self) -> None:
        self.client = boto3.client("bedrock-runtime", config=Config(retries={"total_max_attempts": 1}))

    def start(self, model, tools, schema):
        return Talk(self.client, model, tools, schema)

    @staticmethod
    def failure(error):
        response = getattr(error, "response", None) or {}
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return failure(error, status, response.get("Error", {}).get("Code"))


class Talk:
    def __init__(self, client, model, tools, schema) -> None:
        self.client = client
        self.messages = [{"role": "user", "content": [{"text": QUESTION}]}]
        self.settings = {"modelId": model, "inferenceConfig": {"maxTokens": 512}}
        if tools:
            self.settings["toolConfig"] = {
                "tools": [
                    {
                        "toolSpec": {
                            "name": tool.name,
                            "description": tool.purpose,
                            "inputSchema": {"json": tool.schema},
                        }
                    }
                    for tool in tools
                ]
            }
        if schema:
            structure = {"jsonSchema": {"name": "weather", "schema": json.dumps(schema)}}
            self.settings["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": structure}}

    def ask(self, on_delta) -> Answer:
        message, finish, usage = self.stream(on_delta) if on_delta else self.whole()
        self.messages.append(message)
        text = "".join(block.get("text", "") for block in message["content"])
        uses = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        calls = [(use["toolUseId"], use["name"], use["input"]) for use in uses]
        return Answer(text, calls, finish, usage.get("inputTokens"), usage.get("outputTokens"))

    def whole(self):
        reply = self.client.converse(messages=self.messages, **self.settings)
        return reply["output"]["message"], reply["stopReason"], reply["usage"]

    def stream(self, on_delta):
        blocks, finish, usage = {}, "", {}
        stream = self.client.converse_stream(messages=self.messages, **self.settings)["stream"]
        try:
            for event in stream:
                if "contentBlockStart" in event:
                    start = event["contentBlockStart"]
                    use = start["start"].get("toolUse", {})
                    blocks[start["contentBlockIndex"]] = {"toolUse": {**use, "input": ""}}
                elif "contentBlockDelta" in event:
                    add(blocks, event["contentBlockDelta"])
                    on_delta()
                elif "messageStop" in event:
                    finish = event["messageStop"]["stopReason"]
                elif "metadata" in event:
                    usage = event["metadata"]["usage"]
        finally:
            stream.close()
        content = [blocks[index] for index in sorted(blocks)]
        for block in content:
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        return {"role": "assistant", "content": content}, finish, usage

    def give(self, results) -> None:
        content = [
            {"toolResult": {"toolUseId": identity, "content": [{"json": answer}]}} for identity, _, answer in results
        ]
        self.messages.append({"role": "user", "content": content})


def add(blocks, event) -> None:
    """Adds a delta to its block."""
    delta, index = event["delta"], event["contentBlockIndex"]
    if "text" in delta:
        block = blocks.setdefault(index, {"text": ""})
        block["text"] += delta["text"]
    elif "toolUse" in delta:
        blocks[index]["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "reasoningContent" in delta:
        reasoning = delta["reasoningContent"]
        if "redactedContent" in reasoning:
            blocks[index] = {"reasoningContent": {"redactedContent": reasoning["redactedContent"]}}
            return
        block = blocks.setdefault(index, {"reasoningContent": {"reasoningText": {"text": ""}}})
        told = block["reasoningContent"]["reasoningText"]
        told["text"] += reasoning.get("text", "")
        if "signature" in reasoning:
            told["signature"] = told.get("signature", "") + reasoning["signature"]
