from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import pytest

from shothik_payment.domain.ledger.payment_commands import (
    AttachCheckout,
    ClosePayment,
    SettlePayment,
)
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import (
    Dispute,
    DisputeState,
    Payment,
    PaymentStatus,
    Refund,
    RefundState,
)
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.ledger_store import Needs
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book, fresh, in_days, opening


async def attach(book: Book, payment: Payment, session: str) -> Payment:
    outcome = await book.do(
        AttachCheckout(
            id=fresh(),
            user_id=payment.user_id,
            at=NOW,
            payment_id=payment.id,
            session_id=session,
            payment_url=f"https://pay.example/{session}",
        )
    )
    assert outcome.payment is not None
    return outcome.payment


async def test_a_payment_is_read_as_it_was_last_written(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    assert await stores.ours.payments.get(payment.id) == payment
    attached = await attach(book, payment, "s1")
    assert attached.status is PaymentStatus.PENDING
    assert await stores.theirs.payments.get(payment.id) == attached
    (await stores.ours.payments.get(payment.id) or payment).credits = 0
    assert await stores.ours.payments.get(payment.id) == attached


async def test_an_unknown_payment_is_none(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    wrong_bucket = f"pay_{int(payment.id[4:7], 16) ^ 1:03x}{payment.id[7:]}"
    for unknown in (wrong_bucket, payment.id[7:], "pay_", ""):
        assert await stores.ours.payments.get(unknown) is None


async def test_a_payment_is_found_by_its_session_at_its_gateway(book: Book, stores: Stores) -> None:
    payment = await attach(book, await book.payment("u1"), "s1")
    await book.payment("u1")
    assert await stores.ours.payments.by_session("sandbox", "s1") == payment
    assert await stores.ours.payments.by_session("stripe", "s1") is None
    assert await stores.ours.payments.by_session("sandbox", "s2") is None


@pytest.mark.parametrize("nothing", [None, ""])
async def test_payments_that_never_had_a_session_are_not_the_same_one(
    book: Book, stores: Stores, nothing: str | None
) -> None:
    for user in ("u1", "u2"):
        payment = await book.payment(user)
        refused = ClosePayment(
            id=fresh(),
            user_id=user,
            at=NOW,
            payment_id=payment.id,
            status=PaymentStatus.FAILED,
            session_id=nothing,
        )
        closed = (await book.do(refused)).payment
        assert closed is not None
        assert (closed.status, closed.session_id) == (PaymentStatus.FAILED, None)
        assert await stores.theirs.payments.get(payment.id) == closed


async def test_own_payments_are_paged_newest_first(book: Book, stores: Stores) -> None:
    made = [(await book.payment("u1")).id for _ in range(5)]
    await book.payment("u2")
    payments = stores.ours.payments

    async def page(before: str | None, limit: int) -> list[str]:
        return [payment.id for payment in await payments.of_user("u1", before, limit)]

    assert await page(None, 3) == [made[4], made[3], made[2]]
    assert await page(made[2], 3) == [made[1], made[0]]
    assert await page(made[0], 3) == []
    assert await payments.of_user("nobody", None, 3) == []


async def test_payments_to_check_come_longest_overdue_first(book: Book, stores: Stores) -> None:
    made = {}
    for minutes in (3, 1, 2, 9):
        command = opening("u1")
        command.payment = replace(command.payment, next_check_at=Millis(NOW + minutes * MINUTE))
        made[minutes] = (await book.do(command)).payment
    payments = stores.ours.payments
    overdue = await payments.to_check(Millis(NOW + 3 * MINUTE), 10)
    assert overdue == [made[1], made[2], made[3]]
    assert await payments.to_check(Millis(NOW + 3 * MINUTE), 1) == [made[1]]
    assert await payments.to_check(NOW, 10) == []


async def test_payments_to_check_go_on_behind_the_last_one_seen(book: Book, stores: Stores) -> None:
    """Also where many are due at one time."""
    made = []
    for minutes in (1, 2, 2, 2, 3, 9):
        at = Millis(NOW + minutes * MINUTE)
        made.append(await write(book, replace(opening("u1").payment, next_check_at=at)))
    payments, due = stores.theirs.payments, Millis(NOW + 3 * MINUTE)
    first = await payments.to_check(due, 2)
    second = await payments.to_check(due, 2, first[-1])
    assert first + second == sorted(made[:4], key=lambda p: (p.next_check_at or 0, p.id))
    assert await payments.to_check(due, 2, second[-1]) == [made[4]]
    assert await payments.to_check(due, 2, made[4]) == []


async def test_payments_to_check_of_one_gateway(book: Book, stores: Stores) -> None:
    """Behind any number of another's."""
    made = []
    for minutes, gateway in product((1, 2, 9), ("bkash", "stripe")):
        at = Millis(NOW + minutes * MINUTE)
        payment = replace(opening("u1").payment, next_check_at=at, gateway=gateway)
        made.append(await write(book, payment))
    payments, due = stores.theirs.payments, Millis(NOW + 3 * MINUTE)
    assert await payments.to_check(due, 10, None, "stripe") == [made[1], made[3]]
    assert await payments.to_check(due, 1, None, "bkash") == [made[0]]
    assert await payments.to_check(due, 10, made[0], "bkash") == [made[2]]
    assert await payments.to_check(due, 10, None, "paypal") == []


async def test_the_next_time_of_a_check_is_told(book: Book, stores: Stores) -> None:
    payments = stores.theirs.payments
    assert await payments.next_check(Millis(0)) is None
    times = [Millis(NOW + minutes * MINUTE) for minutes in (3, 1, 1)]
    for at in times:
        command = opening("u1")
        command.payment = replace(command.payment, next_check_at=at)
        last = (await book.do(command)).payment
    assert last is not None
    assert await payments.next_check(NOW) == times[1]
    assert await payments.next_check(Millis(times[1] - 1)) == times[1]
    assert await payments.next_check(times[1]) == times[0]
    assert await payments.next_check(times[0]) is None
    await write(book, replace(last, next_check_at=None))
    assert await payments.next_check(NOW) == times[1]


async def test_a_final_payment_is_checked_no_more(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    settle = SettlePayment(
        id=fresh(), user_id="u1", at=NOW, payment_id=payment.id, paid=payment.price
    )
    await book.do(settle)
    assert await stores.ours.payments.to_check(Millis(NOW + 10 * MINUTE), 10) == []


async def write(book: Book, payment: Payment) -> Payment:
    """As it stands, whatever the ledger would say."""
    change = await book.change(opening(payment.user_id))
    change.payments[:] = [payment]
    assert await book.store.commit([change]) == [True]
    return payment


def made(user: str, minutes: int, reason: str | None = "another amount") -> Payment:
    at = Millis(NOW + minutes * MINUTE)
    return replace(opening(user).payment, created_at=at, review_reason=reason)


def full() -> Payment:
    """With a value of its own in each field, and numbers beyond 32 bits."""
    big, price = 9_007_199_254_740_993, Money(5_000_000_000_001, "BDT")
    payment = replace(
        made("u1", 1),
        status=PaymentStatus.PARTIALLY_REFUNDED,
        price=price,
        paid=replace(price, amount_minor=price.amount_minor - 1),
        credits=big,
        updated_at=Millis(NOW + 1),
        session_id="cs/1",
        payment_url="https://pay.example/cs?a=b",
        success_url="https://shop.example/\u09e7",
        cancel_url="https://shop.example/no",
        failure_code="2023",
        checks=7,
        reference="trx 1",
        grant_id="grant_1",
        credits_expire_at=in_days(30),
        refunded_minor=big + 1,
        review_note="looked",
        surplus_reference="trx 2",
        saves_method=True,
        off_session=True,
        subscription_id="sub_1",
        plan="pro",
    )
    payment.refunds = [
        Refund(
            "r1", big, RefundState.SUCCEEDED, NOW, "re_1", "asked", "hold_1", big + 2, "no", "key"
        ),
        Refund("r2", 1, RefundState.PENDING, Millis(NOW + 5)),
    ]
    payment.disputes = [
        Dispute("d1", big, DisputeState.LOST, NOW, big + 4),
        Dispute("d2", 1, DisputeState.OPEN, Millis(NOW + 6)),
    ]
    return payment


async def test_every_field_is_kept_as_it_is(book: Book, stores: Stores) -> None:
    payment, untouched = full(), opening("u1").payment
    for field in fields(Payment):
        same = getattr(payment, field.name) == getattr(untouched, field.name)
        assert same == (field.name in ("user_id", "gateway", "pack_id", "next_check_at")), field
    await write(book, payment)
    assert await stores.theirs.payments.get(payment.id) == payment
    assert await stores.theirs.payments.by_session("sandbox", "cs/1") == payment
    loaded = await Book(stores.theirs.ledger).load(Needs("u1", payment_ids=[payment.id]))
    assert loaded.payments[payment.id] == payment
    cleared = replace(untouched, id=payment.id, next_check_at=None)
    await write(book, cleared)
    assert await stores.theirs.payments.get(payment.id) == cleared


async def test_payments_under_review_are_paged_newest_first(book: Book, stores: Stores) -> None:
    minutes = [(2, "u1"), (5, "u2"), (1, "u3"), (5, "u1"), (4, "u2"), (5, "u3")]
    found = [await write(book, made(user, minute)) for minute, user in minutes]
    await write(book, made("u1", 3, None))
    in_order = sorted(found, key=lambda payment: (payment.created_at, payment.id), reverse=True)
    payments = stores.theirs.payments
    for limit in (1, 2, 4, 10):
        seen: list[Payment] = []
        while page := await payments.under_review(seen[-1].id if seen else None, limit):
            assert len(page) <= limit
            seen += page
        assert seen == in_order
    assert await payments.under_review("pay_000unknown", 10) == []


async def test_a_page_follows_one_that_was_reviewed_meanwhile(book: Book, stores: Stores) -> None:
    oldest, seen, newest = [await write(book, made("u1", minute)) for minute in range(3)]
    payments = stores.ours.payments
    assert await payments.under_review(None, 2) == [newest, seen]
    await write(book, replace(seen, review_reason=None))
    later = await write(book, made("u2", 9))
    assert await payments.under_review(seen.id, 2) == [oldest]
    assert await payments.under_review(None, 5) == [later, newest, oldest]
