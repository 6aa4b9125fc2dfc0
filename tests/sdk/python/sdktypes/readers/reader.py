"""What every reader does with a line: its types judge a body, its client reads a stream or an error."""

import json

from ..fault import Fault
from ..wire import Answer, Wire


class Reader:
    """A reader has `types_of_request`, `types_of_reply` and `types_of_event`; it reads a stream with `listen`, and an error
    with `ask`; `failure` is what it throws, of which `refusal` tells status and message."""

    def __init__(self) -> None:
        self.wire = Wire()

    def requests(self, line: dict) -> list[Fault]:
        return self.types_of_request.faults(line["body"])

    def replies(self, line: dict) -> list[Fault]:
        return self.types_of_reply.faults(line["body"])

    def streams(self, line: dict) -> list[Fault]:
        events = data(line["text"])
        self.wire.answer = Answer(200, line["text"].encode(), "text/event-stream")
        if line["broken"]:
            return self.unnoticed()
        found = [named(event, fault) for event in events for fault in self.types_of_event.faults(event)]
        try:
            heard = self.listen()
        except Exception as error:  # Whatever an SDK throws is the finding.
            return [*found, Fault("/", type(error).__name__, f"{error}"[:300])]
        if heard < len(events):
            found.append(Fault("/", "unheard", f"the SDK heard {heard} of {len(events)} events"))
        return found

    def unnoticed(self) -> list[Fault]:
        """A stream that upstream broke is no whole one for an application."""
        try:
            heard = self.listen()
        except self.failure:
            return []
        except Exception as error:
            return [Fault("/", type(error).__name__, f"of a broken stream: {error}"[:300])]
        return [Fault("/", "no error", f"the SDK took a broken stream, of {heard} events, for a whole one")]

    def errors(self, line: dict) -> list[Fault]:
        self.wire.answer = Answer(line["status"], json.dumps(line["body"]).encode(), headers=line["headers"])
        body = line["body"].get("error", line["body"])
        told, wanted = self.told(), (line["status"], body.get("message", "words"))
        return [] if told == wanted else [Fault("/", "not told", f"{told!r}, not {wanted!r}"[:300])]

    def told(self):
        """Status and message as an application sees them; something else where it sees no refusal."""
        try:
            return self.ask()
        except Exception as error:  # Whatever an SDK throws may be the refusal.
            try:
                return self.refusal(error)
            except (AttributeError, LookupError, TypeError):
                return error


def named(event, fault: Fault) -> Fault:
    """The fault with the type of its event, where events have types."""
    kind = event.get("type", "") if isinstance(event, dict) else ""
    return Fault(f"{kind}{fault.where}", fault.what, fault.told)


def data(text: str) -> list:
    """The events of a stream: JSON, or the text that is none."""
    fields = (line.removeprefix("data:").strip() for line in text.split("\n") if line.startswith("data:"))
    return [parsed(field) for field in fields if field != "[DONE]"]


def parsed(field: str):
    try:
        return json.loads(field)
    except json.JSONDecodeError:
        return field
