"""Keys, card data and payers' names are found at Stripe and nowhere else."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest
from stripe import _util as sdk_util

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.ports.gateway import Notification
from tests.integration.stripe.support import Desk, desk, session_of
from tests.simulators.stripe import Fault, Simulator
from tests.simulators.stripe.shapes import CARD_NUMBER, PAYER
from tests.simulators.stripe.simulator import (
    CREATE_INTENT,
    CREATE_REFUND,
    CREATE_SESSION,
    GET_SESSION,
)

TROUBLE = [
    Fault.KEY_REFUSED,
    Fault.TOO_MANY,
    Fault.ERROR,
    Fault.GARBAGE,
    Fault.REFUSED,
    Fault.LOST,
]


def planted(stripe: Simulator) -> list[str]:
    return [stripe.secret_key, stripe.webhook_secret, CARD_NUMBER, *PAYER.values(), "planted"]


def must_not_hold(text: str, words: list[str]) -> None:
    for word in words:
        assert word not in text, text


async def failing(call: Callable[[], Awaitable[object]]) -> str:
    """All that anybody could print of the error."""
    try:
        await call()
    except PaymentServiceError as error:
        told = "".join(traceback.format_exception(error))
        return f"{told}{error!r}{error}{error.details()}{error.__cause__!r}"
    return ""


async def test_nowhere(
    ours: Desk,
    stripe: Simulator,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="stripe")
    caplog.set_level(logging.DEBUG, logger="httpx")
    gateway = ours.gateway
    saved = await ours.paid(user_id="u", saves_method=True)
    words = planted(stripe)
    for fault in TROUBLE:
        for route in (CREATE_SESSION, GET_SESSION, CREATE_REFUND, CREATE_INTENT):
            await stripe.fault(route, fault, times=2)
        for call in (
            lambda: gateway.start_checkout(ours.payment()),
            lambda: gateway.look_up(saved),
            lambda: gateway.refund(saved, ours.refund(1)),
            lambda: gateway.charge(ours.payment(user_id="u")),
        ):
            must_not_hold(await failing(call), words)
        await stripe.no_more_faults()
    method = (await stripe.objects("payment_methods"))[0]["id"]
    await stripe.habit(method, "declined")
    declined = await gateway.charge(ours.payment(user_id="u"))
    must_not_hold(f"{declined!r}{gateway!r}{vars(gateway).keys()}{saved!r}", words)
    body, headers = stripe.signed((await stripe.events("checkout.session"))[0])
    must_not_hold(repr(await gateway.read_notification(body, headers)), words)
    must_not_hold(await failing(lambda: gateway.read_notification(body + b" ", headers)), words)
    must_not_hold(str(ours.state.documents), words)
    printed = capfd.readouterr()
    must_not_hold(caplog.text + printed.out + printed.err, words)
    assert any(r.name.startswith("shothik_payment") for r in caplog.records)


async def test_refused_key_is_said_aloud(
    ours: Desk, stripe: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    await stripe.fault(CREATE_SESSION, Fault.KEY_REFUSED)
    with pytest.raises(Unavailable):
        await ours.opened()
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert "secret key" in record.getMessage()


async def test_environment_changes_nothing(
    stripe: Simulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # What the SDK makes of STRIPE_LOG=debug when it is imported.
    monkeypatch.setattr(sdk_util, "STRIPE_LOG", "debug")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with desk(stripe, MemoryState()) as ours:
        payment = await ours.opened()
        assert [s["id"] for s in await stripe.objects("sessions")] == [session_of(payment)]
    assert capfd.readouterr() == ("", "")


async def test_wrong_key_is_away(stripe: Simulator) -> None:
    async with desk(stripe, MemoryState(), secret_key="sk_test_of_another") as ours:
        with pytest.raises(Unavailable):
            await ours.gateway.find_payment(Notification("e", "k", reference="pi_1"))
