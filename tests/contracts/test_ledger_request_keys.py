"""Request keys in a ledger store: each binds once for its user, until it is forgotten."""

from __future__ import annotations

import pytest

from shothik_payment.domain.ledger.payment_commands import AbandonPayment
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.ledger_store import Needs, RequestRecord
from tests.contracts.book import NOW, Book, binding, deducting, fresh, granting, opening


def giving_up(payment: Payment) -> AbandonPayment:
    about = {"user_id": payment.user_id, "at": NOW, "payment_id": payment.id}
    return AbandonPayment(id=fresh(), failure_code="refused", **about)


@pytest.mark.parametrize("record_first", [True, False])
@pytest.mark.parametrize("record_second", [True, False])
async def test_a_request_key_binds_once(
    book: Book, record_first: bool, record_second: bool
) -> None:
    """Whether it left a row or a record, also where the second writer has not looked for it."""
    await book.do(granting("u1"))
    key = binding("key")
    await book.do(opening("u1", key) if record_first else deducting("u1", 5, key))
    again = opening("u1", key) if record_second else deducting("u1", 7, key)
    before = await book.load(Needs("u1"))
    assert await book.store.commit([await book.change(again, blind=True)]) == [False]
    after = await book.load(Needs("u1", [key.key]))
    assert after.wallet == before.wallet
    assert isinstance(after.done[key.key], RequestRecord) is record_first


async def test_a_request_key_is_another_one_for_another_user(book: Book) -> None:
    for user in ("u1", "u2"):
        await book.do(granting(user))
        await book.do(deducting(user, 1, binding("key")))
    asked = [Needs(user, [binding("key").key]) for user in ("u1", "u2", "u3")]
    owners = [[row.user_id for row in s.done.values()] for s in await book.store.load(asked)]
    assert owners == [["u1"], ["u2"], []]


async def test_what_a_request_key_did_is_found_with_its_hold(book: Book) -> None:
    await book.do(granting("u1"))
    key = binding("key", b"\x00\xff")
    hold = await book.hold("u1", 40, key)
    snapshot = await book.load(Needs("u1", [key.key, "another"]))
    (done,) = snapshot.done.values()
    assert isinstance(done, Transaction)
    assert (done.request_key, done.request_id, done.fingerprint) == (key.key, "key", b"\x00\xff")
    assert done.hold_id == hold.id
    assert snapshot.holds == {hold.id: hold}
    assert snapshot.transactions == {}


async def test_what_a_request_record_speaks_of_is_found_with_it(book: Book) -> None:
    payment = await book.payment("u1", binding("key"))
    snapshot = await book.load(Needs("u1", [binding("key").key]))
    assert snapshot.done == {
        binding("key").key: RequestRecord("u1", binding("key").key, b"same", payment.id, NOW)
    }
    assert snapshot.payments == {payment.id: payment}


async def test_a_forgotten_key_can_be_bound_in_the_same_commit(book: Book) -> None:
    key = binding("key")
    first = await book.payment("u1", key)
    second = opening("u1", key)
    await book.do(giving_up(first), second)
    done = (await book.load(Needs("u1", [key.key]))).done[key.key]
    assert isinstance(done, RequestRecord)
    assert done.subject_id == second.payment.id


async def test_a_forgotten_key_is_free(book: Book) -> None:
    key = binding("key")
    change = await book.change(giving_up(await book.payment("u1", key)))
    change.forgotten_requests.append(key.key)
    assert await book.store.commit([change]) == [True]
    assert (await book.load(Needs("u1", [key.key]))).done == {}
