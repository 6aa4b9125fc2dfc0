"""A server of one answer in the network's place, so that an SDK's own client reads what the gateway wrote."""

import dataclasses

import httpx2


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict = dataclasses.field(default_factory=dict)


class Wire:
    def __init__(self) -> None:
        self.answer = Answer(500, b"")

    def client(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self.reply))

    def reply(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.answer
        return httpx2.Response(
            answer.status,
            headers={"content-type": answer.kind, **answer.headers},
            content=answer.body,
            request=request,
        )
