"""The simulated bKash as an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from tests.simulators.bkash import sns
from tests.simulators.bkash.control import Control
from tests.simulators.bkash.merchant import Json, Merchant, Message, Refusal

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
Reply = tuple[int, Any]

_BETA = "/v1.2.0-beta/tokenized/checkout"
_V2 = "/v2/tokenized-checkout/refund/payment"
ROUTES = {
    f"{_BETA}/token/grant": "grant",
    f"{_BETA}/create": "create",
    f"{_BETA}/execute": "execute",
    f"{_BETA}/payment/status": "query",
    f"{_BETA}/general/searchTransaction": "search",
    f"{_BETA}/agreement/status": "agreement_status",
    f"{_BETA}/agreement/cancel": "agreement_cancel",
    f"{_V2}/transaction": "refund",
    f"{_V2}/status": "refund_status",
}
_REFUND_ENVELOPE = ("refund", "refund_status")
_MAX_RECORDS = 10_000


class Cut(Exception):
    """The connection ends without an answer."""


class App:
    def __init__(self) -> None:
        self.topic = sns.Topic()
        self.control = Control(self)
        self.reset()

    def reset(self) -> None:
        self.merchant = Merchant()
        self.calls: Counter[str] = Counter()
        self.requests: deque[Json] = deque(maxlen=_MAX_RECORDS)
        self.faults: dict[str, list[Json]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        path = scope["path"]
        origin = f"http://{dict(scope['headers'])[b'host'].decode()}"
        try:
            if path.startswith("/_sim/"):
                found = await self.control(path.removeprefix("/_sim/"), json.loads(body), origin)
                await _answer(send, 200, json.dumps(found).encode())
                return
            self.requests.append(
                {"method": scope["method"], "path": path, "client": list(scope["client"])}
            )
            status, reply = await self._serve(scope, path, body, origin)
        except Cut:
            await _cut(send)
            raise
        headers = []
        if path == sns.REDIRECTING:
            headers = [(b"location", (origin + sns.CERTIFICATE).encode())]
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        await _answer(send, status, raw, headers)

    async def _serve(self, scope: Scope, path: str, body: bytes, origin: str) -> Reply:
        if path in self.topic.certificates:
            self.calls["certificate"] += 1
            return 200, self.topic.certificates[path]
        if path == sns.REDIRECTING:
            return 302, b""
        if path == sns.HUGE:
            return 200, b"-" * 1_000_000
        if path == "/" and dict(parse_qsl(scope["query_string"].decode())).get("Action"):
            self.calls["confirm"] += 1
            return 200, b"<ConfirmSubscriptionResponse/>"
        route = ROUTES.get(path)
        if route is None or scope["method"] != "POST":
            return 403, {"message": "Missing Authentication Token"}
        self.calls[route] += 1
        return await self._with_faults(route, scope, body, origin)

    async def _with_faults(self, route: str, scope: Scope, body: bytes, origin: str) -> Reply:
        waiting = self.faults.get(route)
        fault = waiting.pop(0) if waiting else {}
        await asyncio.sleep(fault.get("seconds", 0))
        if "done" not in fault:
            return self._do(route, scope, body, origin)
        if fault["done"]:
            self._do(route, scope, body, origin)
        await asyncio.sleep(fault.get("silent_seconds", 0))
        if fault.get("cut"):
            raise Cut
        return fault["status"], fault["body"]

    def _do(self, route: str, scope: Scope, body: bytes, origin: str) -> Reply:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            fields = json.loads(body)
            self._require_caller(route, headers, fields)
            done = self._call(route, fields, origin)
        except Message as message:
            return message.status, {"message": message.text}
        except Refusal as refusal:
            return refused(route, refusal.code)
        if route in _REFUND_ENVELOPE:
            return 200, done
        return 200, {"statusCode": "0000", "statusMessage": "Successful", **done}

    def _require_caller(self, route: str, headers: dict[str, str], fields: Json) -> None:
        if route == "grant":
            given = (headers.get("username"), headers.get("password"))
            if given != self.control.login:
                raise Message(401, "Unauthorized")
            if (fields.get("app_key"), fields.get("app_secret")) != self.control.app:
                raise Refusal("2001")
            return
        if headers.get("authorization") not in self.merchant.tokens:
            raise Message(401, "The incoming token has expired")
        if headers.get("x-app-key") != self.control.app[0]:
            raise Message(401, "Unauthorized")

    def _call(self, route: str, fields: Json, origin: str) -> Json:
        merchant = self.merchant
        calls: dict[str, Callable[[], Json]] = {
            "grant": merchant.grant,
            "create": lambda: merchant.create(fields, origin),
            "execute": lambda: merchant.execute(fields["paymentID"]),
            "query": lambda: merchant.query(fields["paymentID"]),
            "search": lambda: merchant.search(fields["trxID"]),
            "agreement_status": lambda: merchant.agreement(fields["agreementID"]),
            "agreement_cancel": lambda: merchant.cancel_agreement(fields["agreementID"]),
            "refund": lambda: merchant.refund(fields),
            "refund_status": lambda: merchant.refunds(fields),
        }
        return calls[route]()


def refused(route: str, code: str) -> Reply:
    if route in _REFUND_ENVELOPE:
        return 400, {
            "internalCode": "refund_not_possible",
            "externalCode": code,
            "errorMessageEn": "The refund is not possible.",
            "errorMessageBn": "রিফান্ড সম্ভব নয়।",
        }
    return 200, {"statusCode": code, "statusMessage": f"Refused with {code}"}


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        body += bytes(event.get("body", b""))
        if not event.get("more_body"):
            return body


async def _answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    own = [(b"content-type", b"application/json"), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


async def _cut(send: Send) -> None:
    """Less than was announced, so that the server closes the connection in the middle."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


app = App()
