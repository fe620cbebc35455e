"""Planted secrets and the payer's phone number are nowhere but at bKash."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator

import pytest
import structlog

from shothik_payment.adapters.bkash import BkashCredentials, BkashGateway
from shothik_payment.domain.errors import PaymentServiceError
from tests.integration.bkash.support import Shop, a_payment, a_refund, paid, started
from tests.simulators.bkash import CREDENTIALS, Simulator

PLANTED = (
    "planted",  # in tokens, the app's key and secret, the password
    CREDENTIALS.username,
    "01770618575",
)


class _Keeper(logging.Handler):
    def __init__(self, words: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        self._words.append(f"{record.getMessage()} {record.__dict__}")


@pytest.fixture
def all_words() -> Iterator[None]:
    """Nothing in this process says them, libraries at their most talkative included."""
    words: list[str] = []
    root, keeper, level = logging.getLogger(), _Keeper(words), logging.getLogger().level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    processors = structlog.get_config()["processors"]

    def keep(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        words.append(repr(event))
        return event

    structlog.configure(processors=[keep, *processors])
    yield
    structlog.configure(processors=processors)
    root.setLevel(level)
    root.removeHandler(keeper)
    said = "\n".join(words)
    assert "httpcore" in said
    assert "bKash" in said
    _require_clean(said)


def _require_clean(text: str) -> None:
    for secret in PLANTED:
        assert secret not in text


@pytest.mark.usefixtures("all_words")
async def test_logs_errors_and_documents(
    shop: Shop, gateway: BkashGateway, simulator: Simulator
) -> None:
    told: list[object] = []
    payment = a_payment(shop, saves_method=True)
    await paid(shop, gateway, payment)
    told += [payment, await gateway.refund(payment, a_refund(shop, 100))]
    told += [await gateway.look_up(payment), await gateway.charge(a_payment(shop))]
    told += [await gateway.read_notification(*await notification(simulator, payment.session_id))]
    for route in ("grant", "create", "execute", "query", "refund"):
        for fault in ("fail", "lose_answer", "refuse_token", "message_only"):
            await getattr(simulator, fault)(route)
            shop.clock.advance(6)
            if route == "grant":
                await simulator.expire_tokens()
            try:
                again = a_payment(shop)
                await started(gateway, again)
                await simulator.approve(again.session_id or "")
                told.append(await gateway.complete(again))
                told.append(await gateway.refund(payment, a_refund(shop, 100)))
            except PaymentServiceError as error:
                told += [error, error.details(), *traceback.format_exception(error)]
    told += [gateway, shop.gateway(), vars(gateway)]
    _require_clean(repr(told))
    _require_clean(repr(shop.state))
    assert any(kind == "bkash" for kind, _ in shop.state.documents)


async def notification(
    simulator: Simulator, session_id: str | None
) -> tuple[bytes, dict[str, str]]:
    return json.dumps(await simulator.message(session_id=session_id)).encode(), {}


@pytest.mark.usefixtures("all_words")
async def test_wrong_credentials(shop: Shop, simulator: Simulator) -> None:
    await simulator.answer("grant", 401, {"message": "Unauthorized"})
    with pytest.raises(PaymentServiceError) as raised:
        await shop.gateway().start_checkout(a_payment(shop))
    _require_clean("".join(traceback.format_exception(raised.value)))


def test_credentials_show_nothing() -> None:
    secrets = BkashCredentials("planted-1", "planted-2", CREDENTIALS.username, "planted-3")
    _require_clean(f"{secrets!r} {secrets}")
