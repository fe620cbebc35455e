"""Stripe's API over an account: who may, which call, idempotency, faults to order."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stripe import api_version

from tests.simulators.stripe.account import Account
from tests.simulators.stripe.shapes import Json, Refusal, new_id

Route = Callable[[Account, Json, str], Json]

ROUTES: dict[str, Route] = {
    "POST /v1/checkout/sessions": lambda a, p, _: a.create_session(p),
    "GET /v1/checkout/sessions": lambda a, p, _: a.page("sessions", p),
    "GET /v1/checkout/sessions/{id}": lambda a, _, i: a.get("sessions", i),
    "POST /v1/checkout/sessions/{id}/expire": lambda a, _, i: a.expire_session(i),
    "POST /v1/payment_intents": lambda a, p, _: a.create_intent(p),
    "GET /v1/payment_intents": lambda a, p, _: a.page("payment_intents", p),
    "GET /v1/payment_intents/{id}": lambda a, _, i: a.get("payment_intents", i),
    "POST /v1/refunds": lambda a, p, _: a.create_refund(p),
    "GET /v1/refunds": lambda a, p, _: a.page("refunds", p),
    "GET /v1/disputes": lambda a, p, _: a.page("disputes", p),
    "POST /v1/customers": lambda a, p, _: a.create_customer(p),
    "GET /v1/customers/{id}/payment_methods": lambda a, p, i: a.page(
        "payment_methods", p, customer=i
    ),
    "GET /v1/payment_methods/{id}": lambda a, _, i: a.get("payment_methods", i),
    "POST /v1/payment_methods/{id}/detach": lambda a, _, i: a.detach(i),
}
_PATTERNS = {
    name: re.compile(re.escape(name).replace(r"\{id\}", r"(?P<id>[A-Za-z0-9_]+)"))
    for name in ROUTES
}


class Cut(Exception):
    """The connection ends in the middle of the answer."""


@dataclass
class Answer:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FaultToCome:
    kind: str
    times: int
    seconds: float = 0
    value: Any = None


class Api:
    """`calls` by route; refused and faulty ones count too."""

    def __init__(self, account: Account, secret_key: str) -> None:
        self.account = account
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, list[FaultToCome]] = {}
        self._secret_key = secret_key
        self._kept: dict[str, tuple[str, Answer]] = {}
        self._in_flight: set[str] = set()

    def forget_keys(self) -> None:
        """As Stripe may after a day."""
        self._kept.clear()
        self._in_flight.clear()

    async def answer(
        self, method: str, path: str, params: Json, form: str, headers: dict[str, str]
    ) -> Answer:
        name, thing_id = _route(method, path)
        self.calls[name] += 1
        try:
            self._admit(headers, name)
            fault = self._fault(name)
            if fault is not None and fault.kind in _BEFORE:
                await asyncio.sleep(fault.seconds)
                return _before(fault, self._secret_key)
            key = headers.get("idempotency-key") if method == "POST" else None
            answer = await self._once(key, f"{path} {form}", name, params, thing_id, fault)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)
        if fault is not None and fault.kind == "lost":
            await asyncio.sleep(fault.seconds)
            raise Cut
        return answer

    def _admit(self, headers: dict[str, str], name: str) -> None:
        if headers.get("authorization") != f"Bearer {self._secret_key}":
            raise Refusal("Invalid API Key provided.", status=401)
        if headers.get("stripe-version") != api_version:
            raise Refusal("Invalid Stripe API version.")
        if name not in ROUTES:
            raise Refusal(f"Unrecognized request URL ({name}).", status=404)

    async def _once(
        self,
        key: str | None,
        fingerprint: str,
        name: str,
        params: Json,
        thing_id: str,
        fault: FaultToCome | None,
    ) -> Answer:
        if key is None:
            return await self._do(name, params, thing_id, fault)
        if key in self._in_flight:
            raise Refusal(
                "There is currently another in-progress request using this Idempotent Key.",
                "idempotency_key_in_use",
                status=409,
                kind="idempotency_error",
            )
        if key in self._kept:
            first, answer = self._kept[key]
            if first != fingerprint:
                raise Refusal(
                    "Keys for idempotent requests can only be used with the same parameters they"
                    " were first used with.",
                    kind="idempotency_error",
                )
            return Answer(answer.status, answer.body, {"Idempotent-Replayed": "true"})
        self._in_flight.add(key)
        try:
            answer = await self._do(name, params, thing_id, fault)
        finally:
            self._in_flight.discard(key)
        # What is refused before anything was begun leaves the key free.
        if answer.status in (200, 402, 500):
            self._kept[key] = (fingerprint, answer)
        return answer

    async def _do(
        self, name: str, params: Json, thing_id: str, fault: FaultToCome | None
    ) -> Answer:
        try:
            done = ROUTES[name](self.account, params, thing_id)
            body = self.account.expanded(done, params.get("expand", []))
            answer = Answer(200, body)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body)
        if fault is None:
            return answer
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "failed_but_done":
            return Answer(500, _WENT_WRONG, {"Stripe-Should-Retry": "false"})
        elif fault.kind == "wrong_amount":
            answer.body["amount_total"] = fault.value
        elif fault.kind == "other_payment":
            answer.body |= {"metadata": {"payment_id": fault.value}, "client_reference_id": None}
        return answer

    def _fault(self, name: str) -> FaultToCome | None:
        waiting = self.faults.get(name)
        if not waiting:
            return None
        fault = waiting[0]
        fault.times -= 1
        if fault.times == 0:
            waiting.pop(0)
        return fault


_WENT_WRONG: Json = {"error": {"type": "api_error", "message": "Something went wrong."}}
_BEFORE = ("500", "429", "401", "refused", "garbage")


def _before(fault: FaultToCome, secret_key: str) -> Answer:
    """Nothing is done."""
    if fault.kind == "refused":
        raise Cut
    if fault.kind == "500":
        return Answer(500, _WENT_WRONG)
    if fault.kind == "garbage":
        return Answer(200, {"object": secret_key})
    # Stripe shows a part of the key; so much is worse than that.
    kind, status = "invalid_request_error", int(fault.kind)
    message = f"Request refused; the key is {secret_key}"
    return Answer(status, {"error": {"type": kind, "message": message}})


def _route(method: str, path: str) -> tuple[str, str]:
    for name, pattern in _PATTERNS.items():
        match = pattern.fullmatch(f"{method} {path}")
        if match is not None:
            return name, match.groupdict().get("id", "")
    return f"{method} {path}", ""


def headers_of(answer: Answer) -> list[tuple[bytes, bytes]]:
    shown = {
        "content-type": "application/json",
        "request-id": new_id("req"),
        "stripe-version": api_version,
        **answer.headers,
    }
    return [(name.lower().encode(), value.encode()) for name, value in shown.items()]


def encoded(answer: Answer) -> bytes:
    return json.dumps(answer.body).encode()
