"""AWS' SDK as a reader of Converse: its model of the service judges bodies, and its client parses what comes back."""

import base64
import json
import re

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from ..fault import Fault
from ..wire import Answer, Wire
from .reader import Reader

ASKED = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "q"}]}]}


class Converse(Reader):
    failure = ClientError

    def __init__(self) -> None:
        super().__init__()
        self.client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            aws_access_key_id="k",
            aws_secret_access_key="k",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.meta.events.register("before-send.bedrock-runtime", self.reply)
        service = self.client.meta.service_model
        self.asked = service.operation_model("Converse").input_shape
        self.replied = service.operation_model("Converse").output_shape
        self.streamed = service.operation_model("ConverseStream").output_shape.members["stream"]
        self.refused = [shape.name for shape in service.operation_model("Converse").error_shapes]

    def reply(self, request, **_):
        answer = self.wire.answer
        headers = {"content-type": answer.kind, **answer.headers}
        return AWSResponse(request.url, answer.status, headers, Raw(answer.body))

    def requests(self, line: dict) -> list[Fault]:
        return judged(self.asked, {"modelId": "m", **line["body"]})[1]

    def replies(self, line: dict) -> list[Fault]:
        value, found = judged(self.replied, line["body"])
        self.wire.answer = Answer(200, json.dumps(line["body"]).encode())
        parsed = self.client.converse(**ASKED)
        del parsed["ResponseMetadata"]
        return found + unlike(parsed, value)

    def streams(self, line: dict) -> list[Fault]:
        stream = base64.b64decode(line["base64"])
        self.wire.answer = Answer(200, stream, "application/vnd.amazon.eventstream")
        if line["broken"]:
            return self.unnoticed()
        found, buffer = [], EventStreamBuffer()
        buffer.add_data(stream)
        try:
            for message, parsed in zip(buffer, self.events(), strict=True):
                event = {message.headers[":event-type"]: json.loads(message.payload)}
                value, faults = judged(self.streamed, event)
                found += faults + unlike(parsed, value)
        except Exception as error:  # Whatever the SDK throws is the finding.
            found.append(Fault("/", type(error).__name__, f"{error}"[:300]))
        return found

    def events(self):
        return self.client.converse_stream(**ASKED)["stream"]

    def listen(self) -> int:
        return sum(1 for _ in self.events())

    def errors(self, line: dict) -> list[Fault]:
        kind = line["headers"].get("x-amzn-errortype")
        found = super().errors(line)
        if kind not in self.refused:
            found.append(Fault(f"/{kind}", "not in the model", "no error of Converse"))
        return found

    def ask(self) -> None:
        self.client.converse(**ASKED)

    def refusal(self, error):
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Message"]


class Raw:
    """A body as botocore reads one."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_, **__):
        yield self.body

    def close(self) -> None:
        pass


def judged(shape, body) -> tuple:
    """The body as botocore's callers write it, and what is wrong with it."""
    found = []
    value = native(shape, body, "", found)
    report = ParamValidator().validate(value, shape)
    return value, found + [fault(line) for line in report.generate_report().splitlines()]


def native(shape, value, where: str, found: list):
    """The value with bytes for base64; notes what botocore leaves to the service: the words of enumerations."""
    if shape.type_name == "structure" and isinstance(value, dict) and not shape.is_document_type:
        member = shape.members.get
        return {k: native(member(k), v, f"{where}/{k}", found) if member(k) else v for k, v in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [native(shape.member, item, f"{where}/-", found) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {k: native(shape.value, v, f"{where}/{k}", found) for k, v in value.items()}
    if shape.type_name == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except (TypeError, ValueError) as error:
            found.append(Fault(where, "not base64", f"{error}: {value!r:.80}"))
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        found.append(Fault(where, "not in the enumeration", f"{value!r} of {shape.name}"))
    return value


REPORT = re.compile(
    r"(?P<what>.*?(?:parameter in|parameter|structure)) (?P<where>\S+?)[:,.]? (?:\"(?P<member>[^\"]*)\")?"
)


def fault(line: str) -> Fault:
    told = REPORT.match(line)
    if not told:
        return Fault("/", "botocore", line)
    steps = re.sub(r"\[\d+\]", "/-", told["where"].removeprefix("input").replace(".", "/")).strip("/").split("/")
    return Fault("/" + "/".join(filter(None, [*steps, told["member"]])), told["what"], line[:300])


def unlike(parsed, value, where: str = "") -> list[Fault]:
    """What botocore has read otherwise than it stands there, or has not read."""
    if isinstance(parsed, dict) and isinstance(value, dict):
        found = []
        for name, member in value.items():
            at = f"{where}/{name}"
            found += unlike(parsed[name], member, at) if name in parsed else [Fault(at, "not read", f"{member!r:.150}")]
        return found
    if isinstance(parsed, list) and isinstance(value, list) and len(parsed) == len(value):
        return [fault for pair in zip(parsed, value, strict=True) for fault in unlike(*pair, f"{where}/-")]
    return [] if parsed == value else [Fault(where, "read otherwise", f"{parsed!r:.80}, not {value!r:.80}")]
