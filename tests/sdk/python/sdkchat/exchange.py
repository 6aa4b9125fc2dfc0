"""One exchange with a model, the same for every SDK: ask, run the tools that the model calls, ask again."""

import dataclasses
import json

MODES = ["chat", "stream", "tools", "tools-stream", "structured", "structured-stream", "cancel"]

QUESTION = "What is the weather in Paris, and what time is it in Tokyo?"
MAX_TURNS = 4


@dataclasses.dataclass
class Tool:
    name: str
    purpose: str
    properties: dict
    required: list
    answer: dict

    @property
    def schema(self) -> dict:
        return {"type": "object", "properties": self.properties, "required": self.required}


TOOLS = [
    Tool(
        "get_weather",
        "Get the weather at a place",
        {"location": {"type": "string"}},
        ["location"],
        {"celsius": 21, "sky": "clear"},
    ),
    Tool(
        "get_time",
        "Tell the local time at a place",
        {"location": {"type": "string"}, "format": {"type": "string", "enum": ["12h", "24h"]}},
        ["location"],
        {"time": "09:30"},
    ),
]

# The shape of a structured answer.
SCHEMA = {
    "title": "weather",
    "description": "The weather at a place",
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}, "sky": {"type": "string"}},
    "required": ["city", "celsius", "sky"],
    "additionalProperties": False,
}


@dataclasses.dataclass
class Answer:
    """One reply of a model."""

    text: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (id, name, arguments)
    finish: str = ""
    input: int = 0
    output: int = 0


@dataclasses.dataclass
class Result:
    """One exchange, however many requests it took; `tests/src/sdk` reads it."""

    sdk: str
    model: str
    mode: str
    ok: bool = False
    text: str = ""
    deltas: int = 0
    tools: list = dataclasses.field(default_factory=list)
    finish: str = ""
    usage: dict = dataclasses.field(default_factory=lambda: {"input": 0, "output": 0})
    turns: int = 0
    error: dict | None = None
    ms: int = 0

    def as_dict(self) -> dict:
        return dataclasses.asdict(self)


class Cancelled(Exception):
    """The application does not want the rest of a stream."""


def run(sdk, model: str, mode: str, result: Result) -> None:
    """An SDK has `start(model, tools, schema)`, which gives a talk with `ask(on_delta)` and `give(results)`; without `on_delta` the
    answer comes whole."""
    cancel = mode == "cancel"

    def delta() -> None:
        result.deltas += 1
        if cancel:
            raise Cancelled

    on_delta = delta if mode.endswith("stream") or cancel else None
    talk = sdk.start(
        model, TOOLS if mode.startswith("tools") else [], SCHEMA if mode.startswith("structured") else None
    )
    while result.turns < MAX_TURNS:
        result.turns += 1
        try:
            answer = talk.ask(on_delta)
        except Cancelled:
            result.finish = "cancelled"
            return
        result.text, result.finish = answer.text, str(answer.finish or "")
        result.usage["input"] += answer.input or 0
        result.usage["output"] += answer.output or 0
        if not answer.calls:
            return
        for identity, name, arguments in answer.calls:
            result.tools.append({"id": identity or "", "name": name, "arguments": parsed(arguments)})
        answers = {tool.name: tool.answer for tool in TOOLS}
        talk.give([(identity, name, answers[name]) for identity, name, _ in answer.calls])
    raise RuntimeError("the model never stopped calling tools")


def parsed(arguments):
    """Arguments that are no JSON are kept as they are, for the reader to see."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def failure(error: Exception, status=None, kind=None) -> dict:
    """An error as the SDK shows it."""
    told = {"message": f"{type(error).__name__}: {error}"}
    if status:
        told["status"] = int(status)
    if kind:
        told["type"] = str(kind)
    return told
