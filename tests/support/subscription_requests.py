"""A subscription's requests that a saved method is charged for, under a key of their own."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from tests.support.service import TestService
from tests.support.subscriber import Subscriber

KEY = RequestBinding("user u1 k", "k", b"f")


class Request(Protocol):
    def __call__(self, key: RequestBinding = KEY) -> Awaitable[SubscriptionView]: ...


def request_in(service: TestService, kind: str, user: str) -> Request:
    subscriptions = service.subscriptions
    if kind == "subscribe":
        return lambda key=KEY: subscriptions.subscribe(user, "pro", Choice(), key)
    if kind == "change":
        return lambda key=KEY: subscriptions.change(user, "pro", Choice(), key)
    return lambda key=KEY: subscriptions.resume(user, Choice(), key)


async def asked(service: TestService, kind: str) -> tuple[Subscriber, Request]:
    """Before a request that a saved method is charged for."""
    user = await Subscriber.begin(service, "2026-01-01")
    if kind == "subscribe":
        user.save_card()
    else:
        await user.bought("lite" if kind == "change" else "pro")
    if kind == "resume":
        await user.pause()
        await user.until("2026-02-02")
    return user, lambda key=KEY: request_in(service, kind, user.user)(key)
