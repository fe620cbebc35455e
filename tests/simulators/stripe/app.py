"""The simulator as an ASGI application: the API, and what tests order below /_sim/."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulators.stripe import outside
from tests.simulators.stripe.account import Account
from tests.simulators.stripe.api import Answer, Api, Cut, FaultToCome, encoded, headers_of
from tests.simulators.stripe.shapes import SECRET_KEY_VARIABLE, Json, Refusal, nested
from tests.simulators.stripe.webhooks import Sender

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class App:
    def __init__(self) -> None:
        self._sender: Sender | None = None
        self._reset()

    @property
    def _webhooks(self) -> Sender:
        if self._sender is None:  # made inside the running loop
            self._sender = Sender()
        return self._sender

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        path, method = scope["path"], scope["method"]
        if path.startswith("/_sim/"):
            answer = await self._ordered(path.removeprefix("/_sim/"), json.loads(body or b"{}"))
        else:
            form = body.decode() if method == "POST" else scope["query_string"].decode()
            headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
            try:
                answer = await self._api.answer(method, path, nested(form), form, headers)
            except Cut:
                await _cut(send)
                raise
        content = encoded(answer)
        headers_sent = [*headers_of(answer), (b"content-length", str(len(content)).encode())]
        start = {"type": "http.response.start", "status": answer.status, "headers": headers_sent}
        await send(start)
        await send({"type": "http.response.body", "body": content})

    async def _ordered(self, order: str, asked: Json) -> Answer:
        try:
            given = getattr(self, f"_{order}")(**asked)
            return Answer(200, {"result": await given if order == "send" else given})
        except (Refusal, LookupError, TypeError, AttributeError) as error:
            return Answer(400, {"error": repr(error)})

    def _reset(self) -> None:
        if self._sender is not None:
            self._sender.register(None, "")
        self._account = Account(lambda event: self._webhooks.happened(event))
        self._api = Api(self._account, os.environ[SECRET_KEY_VARIABLE])

    def _pay(self, session_id: str) -> Json:
        return outside.pay(self._account, session_id)

    def _decline(self, session_id: str) -> Json:
        return outside.decline(self._account, session_id)

    def _pay_later(self, session_id: str) -> Json:
        return outside.pay_later(self._account, session_id)

    def _arrive(self, session_id: str, succeeded: bool) -> Json:
        return outside.arrive(self._account, session_id, succeeded)

    def _settle_intent(self, intent_id: str, succeeded: bool) -> Json:
        return outside.settle_intent(self._account, intent_id, succeeded)

    def _expire(self, session_id: str) -> Json:
        return self._account.expire_session(session_id)

    def _dashboard_refund(self, session_id: str, amount: int) -> Json:
        intent = outside.intent_of(self._account, session_id)
        return self._account.create_refund({"payment_intent": intent, "amount": amount})

    def _refunds_become(self, status: str) -> None:
        self._account.refunds_become = status

    def _settle_refund(self, refund_id: str, status: str) -> Json:
        refund = self._account.get("refunds", refund_id)
        self._account.settle_refund(refund, status)
        return refund

    def _open_dispute(self, session_id: str, amount: int | None, status: str) -> Json:
        return outside.open_dispute(self._account, session_id, amount, status)

    def _close_dispute(self, dispute_id: str, status: str) -> Json:
        return outside.close_dispute(self._account, dispute_id, status)

    def _habit(self, method_id: str, habit: str) -> None:
        self._account.habits[method_id] = habit

    def _detach(self, method_id: str) -> Json:
        return self._account.detach(method_id)

    def _money(self, payment_id: str) -> tuple[int, int]:
        return outside.money(self._account, payment_id)

    def _objects(self, kind: str) -> list[Json]:
        return list(self._account.objects[kind].values())

    def _events(self) -> list[Json]:
        return self._account.events

    def _calls(self) -> dict[str, int]:
        return dict(self._api.calls)

    def _fault(self, route: str, **fault: Any) -> None:
        self._api.faults.setdefault(route, []).append(FaultToCome(**fault))

    def _no_more_faults(self) -> None:
        self._api.faults.clear()

    def _forget_keys(self) -> None:
        self._api.forget_keys()

    def _register(self, address: str | None, secret: str) -> None:
        self._webhooks.register(address, secret)

    def _send(self, event_ids: list[str] | None, **how: Any) -> Awaitable[list[int]]:
        events = [e for e in self._account.events if event_ids is None or e["id"] in event_ids]
        return self._webhooks.send(events, **how)


async def _body(receive: Receive) -> bytes:
    content: bytes = b""
    while True:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            return content


async def _cut(send: Send) -> None:
    # Less than was promised; the server closes the connection when the application fails.
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


app = App()
