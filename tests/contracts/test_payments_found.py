"""Payments as an operator looks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.payments import PaymentFilter
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book
from tests.contracts.test_payments import made, write

CREATED, PAID, FAILED = PaymentStatus.CREATED, PaymentStatus.PAID, PaymentStatus.FAILED
EVERY = PaymentFilter()


def at(minutes: int) -> Millis:
    return Millis(NOW + minutes * MINUTE)


async def filled(book: Book) -> list[Payment]:
    """Of three users, statuses and gateways, some of one time; newest first."""
    which = product(("u1", "u2", "u3"), (CREATED, PAID, FAILED), ("sandbox", "stripe", "bkash"))
    found = [
        await write(book, replace(made(user, 7 * n % 5, None), status=status, gateway=gateway))
        for n, (user, status, gateway) in enumerate(which)
    ]
    return sorted(found, key=lambda payment: (payment.created_at, payment.id), reverse=True)


FILTERS: list[tuple[Callable[[Payment], bool], PaymentFilter]] = [
    (lambda _: True, EVERY),
    (lambda p: p.status is PAID, PaymentFilter(status=PAID)),
    (lambda p: p.gateway == "stripe", PaymentFilter(gateway="stripe")),
    (lambda p: p.user_id == "u2", PaymentFilter(user_id="u2")),
    (
        lambda p: p.status is FAILED and p.gateway == "bkash",
        PaymentFilter(status=FAILED, gateway="bkash"),
    ),
    (
        lambda p: p.status is PAID and p.user_id == "u3",
        PaymentFilter(status=PAID, user_id="u3"),
    ),
    (
        lambda p: p.gateway == "stripe" and p.user_id == "u1",
        PaymentFilter(gateway="stripe", user_id="u1"),
    ),
    (lambda p: at(1) <= p.created_at < at(4), PaymentFilter(since=at(1), until=at(4))),
    (lambda p: p.created_at >= at(2), PaymentFilter(since=at(2))),
    (lambda p: p.created_at < at(3), PaymentFilter(until=at(3))),
    (
        lambda p: p.status is PAID and at(1) <= p.created_at < at(3),
        PaymentFilter(status=PAID, since=at(1), until=at(3)),
    ),
    (lambda p: p.status is PaymentStatus.LOST, PaymentFilter(status=PaymentStatus.LOST)),
    (lambda p: p.user_id == "nobody", PaymentFilter(user_id="nobody")),
]


@pytest.mark.parametrize("limit", [1, 4, 50])
async def test_payments_are_found_newest_first(book: Book, stores: Stores, limit: int) -> None:
    in_order = await filled(book)
    payments = stores.theirs.payments
    for fits, which in FILTERS:
        seen: list[Payment] = []
        while page := await payments.search(which, seen[-1].id if seen else None, limit):
            assert len(page) <= limit
            seen += page
        assert seen == [payment for payment in in_order if fits(payment)], which


async def test_a_page_follows_any_payment(book: Book, stores: Stores) -> None:
    """Also one that does not fit any more; none follow one that does not exist."""
    in_order = await filled(book)
    payments = stores.ours.payments
    last = in_order[9]
    await write(book, replace(last, status=PaymentStatus.EXPIRED))
    found = await payments.search(PaymentFilter(status=last.status), last.id, 50)
    assert found == [p for p in in_order[10:] if p.status is last.status]
    assert await payments.search(EVERY, "pay_000unknown", 50) == []


async def test_payments_are_counted_by_status_and_currency(book: Book, stores: Stores) -> None:
    payments = stores.theirs.payments
    assert await payments.counts(at(0), at(9)) == {}
    big = 9_007_199_254_740_993
    for minute, status, price in (
        (0, PAID, Money(100, "USD")),
        (1, PAID, Money(big, "USD")),
        (1, PAID, Money(7, "BDT")),
        (2, FAILED, Money(1, "USD")),
        (3, PAID, Money(1000, "USD")),
    ):
        await write(book, replace(made(f"u{minute}", minute, None), status=status, price=price))
    assert await payments.counts(at(0), at(3)) == {
        (PAID, "USD"): (2, big + 100),
        (PAID, "BDT"): (1, 7),
        (FAILED, "USD"): (1, 1),
    }
    assert await payments.counts(at(3), at(4)) == {(PAID, "USD"): (1, 1000)}
    (payment,) = await payments.search(PaymentFilter(status=FAILED), None, 5)
    await write(book, replace(payment, status=PAID))
    assert await payments.counts(at(2), at(3)) == {(PAID, "USD"): (1, 1)}
