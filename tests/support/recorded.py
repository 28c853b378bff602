"""How does a test answer an AWS client with what the API answered, and see what it was asked?

Answers lie in `tests/pricing/aws/answers`, one folder per call. They pass botocore's own parser and retries: only
the socket is missing.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.retries.standard import ExponentialBackoff
from msgspec import Struct, field

from pricing.aws.session import session

ANSWERS = Path(__file__).parents[1] / "pricing" / "aws" / "answers"
_QUERY_ERROR = "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors></Response>"


class Asked(Struct, frozen=True, kw_only=True):
    """One request that was sent: its call (`GetProducts`), host, and parameters (lists, where they are forms)."""

    call: str
    host: str
    parameters: dict[str, Any]


class Replay(Struct, frozen=True):
    """Answers in wait, by call, and the requests that were sent, in order."""

    waiting: dict[str, deque[tuple[int, bytes] | Exception]] = field(default_factory=lambda: defaultdict(deque))
    asked: list[Asked] = field(default_factory=list)

    def answers(self, call: str, *bodies: str | bytes | dict[str, Any] | Exception) -> None:
        """Further answers to a call: a body, JSON, or what goes wrong on the way."""
        for body in bodies:
            self.waiting[call].append(body if isinstance(body, Exception) else (200, _bytes(body)))

    def refuses(self, call: str, code: str, message: str = "No.", status: int = 400) -> None:
        """A refusal, in the protocol of EC2 (XML) or of the others (JSON): each parser reads its own."""
        ec2 = call.startswith(("DescribeSpot", "DescribeAvail", "DescribeCapacity", "DescribeInstance", "GetSpot"))
        body = _QUERY_ERROR.format(code, message) if ec2 else json.dumps({"__type": code, "message": message})
        self.waiting[call].append((status, body.encode()))

    def requests(self, call: str) -> list[dict[str, Any]]:
        """The parameters of each request of a call."""
        return [each.parameters for each in self.asked if each.call == call]

    def send(self, request: Any, event_name: str, **_: object) -> AWSResponse:
        """Stands where botocore sends: the next answer, or a failed test where none is left."""
        call = event_name.rsplit(".", 1)[-1]
        self.asked.append(Asked(call=call, host=urlsplit(request.url).netloc, parameters=_parameters(request.body)))
        assert self.waiting[call], f"{call} was not to be asked again."
        answer = self.waiting[call].popleft()
        if isinstance(answer, Exception):
            raise answer
        return AWSResponse(request.url, answer[0], {}, _Raw(answer[1]))


class _Raw(Struct, frozen=True):
    """A body as botocore reads it from its connection."""

    content: bytes

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.content


@contextmanager
def replaying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """Sends every request of the block to a `Replay`: no network, none of this machine's credentials, no waiting."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("BERTH_PRICING_REGION", raising=False)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    session.cache_clear()
    replay = Replay()
    session().events.register("before-send", replay.send)
    try:
        yield replay
    finally:
        session.cache_clear()


def recorded(call: str, name: str) -> bytes:
    """An answer as it lies in the folder of its call."""
    return (ANSWERS / call / name).read_bytes()


def products(name: str) -> list[dict[str, Any]]:
    """The products of an answer of GetProducts, which lie there as JSON and travel as texts."""
    items: list[dict[str, Any]] = json.loads(recorded("GetProducts", name))["PriceList"]
    return items


def price_page(*items: dict[str, Any] | str, token: str = "") -> dict[str, Any]:
    """A page of GetProducts as it travels: every product is a text of its own."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in items]
    return {"FormatVersion": "aws_v1", "PriceList": texts} | ({"NextToken": token} if token else {})


def _bytes(body: str | bytes | dict[str, Any]) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body)
    return body.encode() if isinstance(body, str) else body


def _parameters(body: bytes | str | None) -> dict[str, Any]:
    text = body.decode() if isinstance(body, bytes) else body or ""
    return dict(json.loads(text)) if text.startswith("{") else dict(parse_qs(text))
