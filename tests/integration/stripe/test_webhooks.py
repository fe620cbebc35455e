"""Webhooks: who gets in, and what they are read as."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe as sdk

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import InvalidRequest, Unauthenticated, Unavailable
from shothik_payment.domain.ports.gateway import Notification
from tests.integration.stripe.support import Desk, desk, session_of
from tests.simulators.stripe import Fault, Simulator
from tests.simulators.stripe.simulator import GET_INTENT

SECRET = "whsec_planted_never_to_be_seen"
NEXT_SECRET = "whsec_the_next_one"


async def event(ours: Desk, kind: str = "checkout.session.completed") -> dict[str, Any]:
    payment = await ours.opened()
    await ours.stripe.pay(session_of(payment))
    [found] = await ours.stripe.events(kind)
    return found


def header(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    signed_at = int(time.time() if at is None else at)
    made = sdk.WebhookSignature.generate_signature_header(body.decode(), secret, signed_at)
    return {"stripe-signature": made}


def told(body: bytes, secret: str, at: int) -> str:
    """The digest alone."""
    return header(body, secret, at)["stripe-signature"].partition("v1=")[2]


async def test_signed_is_read(ours: Desk) -> None:
    happened = await event(ours)
    session = happened["data"]["object"]
    body, headers = ours.stripe.signed(happened)
    assert await ours.gateway.read_notification(body, headers) == Notification(
        happened["id"],
        "checkout.session.completed",
        session["metadata"]["payment_id"],
        session["id"],
        session["payment_intent"],
    )


Headers = Callable[[bytes, int], dict[str, str]]
"""Of a body and the time now, in seconds: the suite may have been collected minutes ago."""


def replayed(form: str) -> Headers:
    """A signature of an hour ago, with a time of now beside its own."""

    def made(body: bytes, now: int) -> dict[str, str]:
        old = now - 3600
        times = form.format(old=old, now=now)
        return {"stripe-signature": f"{times},v1={told(body, SECRET, old)}"}

    return made


@pytest.mark.parametrize(
    "headers",
    [
        lambda _, __: {},
        lambda _, now: {"stripe-signature": ""},
        lambda _, now: {"stripe-signature": "t=1,v1"},
        lambda _, now: {"stripe-signature": f"t={now}"},
        lambda _, now: {"stripe-signature": f"t={now},v1=é"},
        lambda _, now: {"stripe-signature": f"t=١٢٣,v1={'0' * 64}"},
        lambda body, now: {"stripe-signature": f"t={now},v0={told(body, SECRET, now)}"},
        lambda body, now: {"stripe-signature": f"t={now + 1},v1={told(body, SECRET, now)}"},
        lambda body, now: {"stripe-signature": f"v1={told(body, SECRET, now)}"},
        lambda body, now: header(body, "whsec_of_another"),
        lambda body, now: header(body, ""),
        lambda body, now: header(body, at=now - 302),
        lambda body, now: header(body, at=now + 303),
        lambda body, now: header(body + b" "),
        *(replayed(form) for form in ("t=+{old},t={now}", "t={old} ,t={now}", "t=0{old},t={now}")),
        *(replayed(form) for form in ("t={old},t={now}", "t={now},t={old}", " t={old},t={now}")),
    ],
    ids=[
        *("none empty short unsigned letters digits v0 time".split()),
        *("timeless secret blank stale future body".split()),
        *(f"replayed {n}" for n in range(6)),
    ],
)
async def test_not_let_in(ours: Desk, headers: Headers) -> None:
    body, _ = ours.stripe.signed(await event(ours))
    with pytest.raises(Unauthenticated):
        await ours.gateway.read_notification(body, headers(body, int(time.time())))


async def test_one_byte_changed(ours: Desk) -> None:
    body, headers = ours.stripe.signed(await event(ours))
    for place in range(0, len(body), 97):
        changed = bytearray(body)
        changed[place] ^= 1
        with pytest.raises(Unauthenticated):
            await ours.gateway.read_notification(bytes(changed), headers)


async def test_times_around_now_are_let_in(ours: Desk) -> None:
    body, _ = ours.stripe.signed(await event(ours))
    for apart in (-297, 297):
        headers = header(body, at=time.time() + apart)
        assert await ours.gateway.read_notification(body, headers)


async def test_rotation(stripe: Simulator) -> None:
    async with desk(stripe, MemoryState(), webhook_secrets=[NEXT_SECRET, SECRET]) as ours:
        body, _ = stripe.signed(await event(ours))
        for secret in (SECRET, NEXT_SECRET):
            assert await ours.gateway.read_notification(body, header(body, secret))
        # While Stripe rotates, it signs with both.
        now = int(time.time())
        signatures = [told(body, s, now) for s in ("whsec_of_another", NEXT_SECRET)]
        both = f"t={now},v1={signatures[0]},v1={signatures[1]},v0=abc"
        assert await ours.gateway.read_notification(body, {"stripe-signature": both})
    async with desk(stripe, MemoryState(), webhook_secrets=[]) as nobody:
        with pytest.raises(Unauthenticated):
            await nobody.gateway.read_notification(body, header(body, ""))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"null",
        b"{}",
        b'{"object":"event"}',
        b'{"object":"v2.core.event","id":"evt_1","type":"v1.billing.meter"}',
        b'{"object":"event","id":"evt_1","type":"a","data":{"object":[]},"livemode":false}',
        b'{"object":"event","id":"\\u0000","type":"a","data":{"object":{}},"livemode":false}',
        b'{"object":"event","id":"evt_1","type":"refund.created","data":{"object":{}},'
        b'"livemode":false}',
    ],
)
async def test_signed_but_unreadable(ours: Desk, body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await ours.gateway.read_notification(body, header(body))


async def test_no_utf_8(ours: Desk) -> None:
    with pytest.raises(InvalidRequest):
        await ours.gateway.read_notification(
            b"\xff", {"stripe-signature": f"t={int(time.time())},v1=00"}
        )


async def test_of_the_other_mode(ours: Desk, stripe: Simulator) -> None:
    happened = await event(ours)
    live = json.dumps({**happened, "livemode": True}).encode()
    assert await ours.gateway.read_notification(live, header(live)) is None
    async with desk(stripe, MemoryState(), secret_key="sk_live_planted") as theirs:
        assert await theirs.gateway.read_notification(live, header(live))
        body, headers = stripe.signed(happened)
        assert await theirs.gateway.read_notification(body, headers) is None


async def read_all(ours: Desk) -> dict[str, Notification | None]:
    """By the event's type."""
    read = {}
    for happened in await ours.stripe.events():
        notification = await ours.gateway.read_notification(*ours.stripe.signed(happened))
        read[happened["type"]] = notification
        if notification is not None:
            assert (notification.event_id, notification.kind) == (happened["id"], happened["type"])
    return read


async def test_events_of_a_checkout(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened()
    session_id = session_of(payment)
    await stripe.decline(session_id)
    await stripe.pay_later(session_id)
    await stripe.arrive(session_id)
    refund = await ours.gateway.refund(payment, ours.refund(100))
    await stripe.settle_refund(refund.id, "failed")
    await stripe.refund_from_dashboard(session_id, 100)
    dispute = await stripe.open_dispute(session_id, 500)
    await stripe.close_dispute(dispute["id"], "won")
    read = await read_all(ours)
    [intent] = await stripe.objects("payment_intents")
    ids = {k: n and (n.payment_id, n.session_id, n.reference) for k, n in read.items()}
    assert ids == {
        "payment_intent.payment_failed": None,
        "payment_intent.succeeded": None,
        "checkout.session.completed": (payment.id, session_id, intent["id"]),
        "checkout.session.async_payment_succeeded": (payment.id, session_id, intent["id"]),
        "refund.created": (None, None, intent["id"]),  # the dashboard's
        "refund.failed": (payment.id, None, intent["id"]),
        "charge.refunded": (payment.id, None, intent["id"]),
        "charge.dispute.created": (None, None, intent["id"]),
        "charge.dispute.funds_withdrawn": (None, None, intent["id"]),
        "charge.dispute.closed": (None, None, intent["id"]),
        "charge.dispute.funds_reinstated": (None, None, intent["id"]),
    }
    assert {await ours.gateway.find_payment(n) for n in read.values() if n} == {payment.id}


async def test_events_of_checkouts_that_end(ours: Desk, stripe: Simulator) -> None:
    failed, expired = await ours.opened(), await ours.opened()
    await stripe.pay_later(session_of(failed))
    await stripe.arrive(session_of(failed), succeeded=False)
    await stripe.expire(session_of(expired))
    read = await read_all(ours)
    for kind, payment in (("async_payment_failed", failed), ("expired", expired)):
        notification = read[f"checkout.session.{kind}"]
        assert notification is not None
        assert notification.payment_id == payment.id


async def test_events_of_a_charge(ours: Desk, stripe: Simulator) -> None:
    await ours.paid(user_id="u", saves_method=True)
    payment = ours.payment(user_id="u")
    report = await ours.gateway.charge(payment)
    happened = (await stripe.events("payment_intent.succeeded"))[-1]
    notification = await ours.gateway.read_notification(*stripe.signed(happened))
    assert notification is not None
    assert (notification.payment_id, notification.session_id) == (payment.id, report.session_id)


@pytest.mark.parametrize("kind", ["customer.created", "invoice.paid", "charge.succeeded", "x"])
async def test_other_events_are_of_no_interest(ours: Desk, kind: str) -> None:
    body = json.dumps({**await event(ours), "type": kind}).encode()
    assert await ours.gateway.read_notification(body, header(body)) is None


async def test_find_payment(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    find = ours.gateway.find_payment
    assert await find(Notification("e", "k", reference=payment.reference)) == payment.id
    assert await find(Notification("e", "k", reference="pi_ofsomebodyelse")) is None
    assert await find(Notification("e", "k", session_id="cs_ofsomebodyelse")) is None
    await stripe.fault(GET_INTENT, Fault.KEY_REFUSED)
    with pytest.raises(Unavailable):
        await find(Notification("e", "k", reference=payment.reference))
