from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.ledger.commands import AttachCheckout, SettlePayment
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import MINUTE, Millis
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book, fresh, opening


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


async def test_a_final_payment_is_checked_no_more(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    settle = SettlePayment(
        id=fresh(), user_id="u1", at=NOW, payment_id=payment.id, paid=payment.price
    )
    await book.do(settle)
    assert await stores.ours.payments.to_check(Millis(NOW + 10 * MINUTE), 10) == []
