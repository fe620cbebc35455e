"""The sandbox gateway: sessions, outcomes, signatures, and telling the service."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.sandbox import (
    OUTCOMES,
    Notifier,
    SandboxDesk,
    SandboxGateway,
    Signer,
)
from shothik_payment.domain.errors import GatewayRefused, InvalidRequest, NotFound, Unauthenticated
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.gateway import GatewayState, Notification

PRICE = Money(1000, "USD")


class HeldClock:
    def __init__(self) -> None:
        self.time = Millis(1_800_000_000_000)

    def now(self) -> Millis:
        return self.time


class Sandbox:
    """A gateway whose service is a function of this test."""

    def __init__(self) -> None:
        self.clock = HeldClock()
        self.signer = Signer("secret")
        self.gateway = SandboxGateway(
            MemoryDocuments(MemoryState(), "sandbox"),
            self.signer,
            self.clock,
            "http://localhost:3001/sandbox/checkout",
        )
        self.heard: list[Notification] = []
        self.failures = 0
        transport = httpx.MockTransport(self.hear)
        notifier = Notifier(
            self.gateway, self.signer, self.clock, "http://localhost:3001/hook", transport
        )
        self.desk = SandboxDesk(self.gateway, notifier)

    async def hear(self, request: httpx.Request) -> httpx.Response:
        if self.failures:
            self.failures -= 1
            return httpx.Response(503)
        told = await self.gateway.read_notification(request.content, dict(request.headers))
        assert told is not None
        self.heard.append(told)
        return httpx.Response(200)

    async def checkout(self, payment: Payment) -> str:
        payment.session_id = (await self.gateway.start_checkout(payment)).session_id
        return payment.session_id


def a_payment(payment_id: str = "pay_1") -> Payment:
    at = Millis(0)
    return Payment(
        payment_id, "u1", "sandbox", PaymentStatus.CREATED, PRICE, 100, at, at, "credits_100"
    )


async def test_a_payment_has_one_session() -> None:
    sandbox = Sandbox()
    first = await sandbox.gateway.start_checkout(a_payment())
    await sandbox.gateway.decide(first.session_id, "success")
    again = await sandbox.gateway.start_checkout(a_payment())
    assert first == again
    assert first.url == f"http://localhost:3001/sandbox/checkout/{first.session_id}"
    assert (await sandbox.gateway.session(first.session_id)).outcome == "success"
    other = await sandbox.gateway.start_checkout(a_payment("pay_2"))
    assert other.session_id != first.session_id


async def test_the_first_outcome_stays() -> None:
    sandbox = Sandbox()
    session_id = await sandbox.checkout(a_payment())
    ended = await asyncio.gather(
        *(sandbox.gateway.decide(session_id, outcome) for outcome in OUTCOMES)
    )
    assert [now for _, now in ended].count(True) == 1
    assert len({session.outcome for session, _ in ended}) == 1


async def test_unknown_sessions_and_outcomes_are_refused() -> None:
    sandbox = Sandbox()
    with pytest.raises(NotFound):
        await sandbox.gateway.decide("sbx_none", "success")
    session_id = await sandbox.checkout(a_payment())
    with pytest.raises(InvalidRequest):
        await sandbox.gateway.decide(session_id, "refunded")
    assert (await sandbox.gateway.session(session_id)).outcome is None


@pytest.mark.parametrize(
    ("outcome", "truth", "told"),
    [
        ("success", "paid", ["paid"]),
        ("declined", "failed", ["failed"]),
        ("cancelled", "cancelled", ["cancelled"]),
        ("timeout", "paid", []),
        ("duplicate", "paid", ["paid", "paid"]),
        ("out_of_order", "paid", ["paid", "failed", "open"]),
    ],
)
async def test_what_is_told_and_what_is_true(outcome: str, truth: str, told: list[str]) -> None:
    sandbox = Sandbox()
    payment = a_payment()
    session_id = await sandbox.checkout(payment)
    assert (await sandbox.gateway.look_up(payment)).state is GatewayState.OPEN
    await sandbox.desk.finish(session_id, outcome)
    report = await sandbox.gateway.look_up(payment)
    assert report.state == truth
    assert report.paid == (PRICE if truth == "paid" else None)
    assert [heard.kind for heard in sandbox.heard] == told
    assert {heard.payment_id for heard in sandbox.heard} <= {payment.id}
    await sandbox.desk.finish(session_id, "success")
    assert len(sandbox.heard) == len(told)


async def test_a_late_payment_is_open_until_it_arrives() -> None:
    sandbox = Sandbox()
    payment = a_payment()
    session_id = await sandbox.checkout(payment)
    await sandbox.gateway.decide(session_id, "late")
    assert (await sandbox.gateway.look_up(payment)).state is GatewayState.OPEN
    sandbox.clock.time = Millis(sandbox.clock.time + 2 * SECOND)
    assert (await sandbox.gateway.look_up(payment)).state is GatewayState.PAID


async def test_a_notification_that_is_not_taken_comes_again() -> None:
    sandbox = Sandbox()
    session_id = await sandbox.checkout(a_payment())
    sandbox.failures = 2
    await sandbox.desk.finish(session_id, "success")
    assert [heard.kind for heard in sandbox.heard] == ["paid"]


async def test_a_signature_holds_for_its_body_and_five_minutes() -> None:
    sandbox = Sandbox()
    told = {"eventId": "e", "paymentId": "p", "sessionId": "s", "state": "open"}
    body = json.dumps(told).encode()
    at = sandbox.clock.now()
    header = sandbox.signer.sign(body, at)

    async def read(
        body: bytes = body, header: str = header, after_ms: int = 0
    ) -> Notification | None:
        sandbox.clock.time = Millis(at + after_ms)
        return await sandbox.gateway.read_notification(body, {"sandbox-signature": header})

    for after_ms in (0, 300 * SECOND, -300 * SECOND):
        assert await read(after_ms=after_ms) == Notification("e", "open", "p", "s")
    forged = Signer("other").sign(body, at)
    for attempt in (
        {"body": body + b" "},
        {"header": ""},
        {"header": "t=1,v1=" + "0" * 64},
        {"header": forged},
        {"header": header.replace("t=", "t=1")},
        {"after_ms": 301 * SECOND},
        {"after_ms": -301 * SECOND},
    ):
        with pytest.raises(Unauthenticated):
            await read(**attempt)


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "{",
        '{"eventId": "e", "paymentId": "p", "sessionId": "s", "state": "lost"}',
        '{"eventId": "e", "paymentId": "p", "state": "paid"}',
        '{"paymentId": "p", "sessionId": "s", "state": "paid"}',
    ],
)
async def test_a_signed_body_that_makes_no_sense_is_refused(told: str) -> None:
    sandbox = Sandbox()
    body = told.encode()
    header = {"sandbox-signature": sandbox.signer.sign(body, sandbox.clock.now())}
    with pytest.raises(InvalidRequest):
        await sandbox.gateway.read_notification(body, header)


async def test_a_saved_method_is_charged_once_however_often_it_is_asked_to() -> None:
    sandbox, payment = Sandbox(), a_payment()
    with pytest.raises(GatewayRefused):
        await sandbox.gateway.charge(payment)
    bought = replace(a_payment("pay_0"), saves_method=True)
    await sandbox.gateway.decide(await sandbox.checkout(bought), "success")
    first = await sandbox.gateway.charge(payment)
    sandbox.clock.time = Millis(sandbox.clock.time + SECOND)
    assert await sandbox.gateway.charge(payment) == first
    await sandbox.gateway.forget_method("u1")
    assert await sandbox.gateway.charge(payment) == first
    session = await sandbox.gateway.session(first.session_id or "")
    assert (session.charges, session.decided_at) == (3, sandbox.clock.time - SECOND)
    with pytest.raises(GatewayRefused):
        await sandbox.gateway.charge(a_payment("pay_2"))
