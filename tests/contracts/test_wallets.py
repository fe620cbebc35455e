from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.ledger.commands import CaptureHold, Freeze, Unfreeze
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.wallets import DueUser
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, SERVICE, Book, deducting, fresh, granting, in_days


async def stop_for(book: Book, user: str, *services: str | None) -> None:
    """These stops and no others, whatever the ledger would say."""
    change = await book.change(granting(user))
    change.wallet.stops = [Stop(StopCause.LIMIT_REACHED, NOW, service) for service in services]
    change.stops_changed = True
    assert await book.store.commit([change]) == [True]


async def test_a_user_never_seen_has_an_empty_wallet(stores: Stores) -> None:
    assert await stores.ours.wallets.get("nobody") == Wallet("nobody")
    assert await stores.ours.wallets.history("nobody", None, 10) == []


async def test_a_wallet_is_the_one_committed_last_and_a_copy(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    change = await book.change(deducting("u1", 30))
    expected = replace(change.wallet, grants=[replace(g) for g in change.wallet.grants])
    await book.store.commit([change])
    first = await stores.theirs.wallets.get("u1")
    assert first == expected
    first.grants[0].available = 0
    assert (await stores.theirs.wallets.get("u1")).grants[0].available == 70


async def test_history_is_paged_newest_first(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"), *(deducting("u1", 1) for _ in range(6)))
    await book.do(granting("u2"))
    wallets = stores.ours.wallets

    async def numbers(before: int | None, limit: int) -> list[int]:
        return [row.number for row in await wallets.history("u1", before, limit)]

    assert await numbers(None, 3) == [7, 6, 5]
    assert await numbers(5, 3) == [4, 3, 2]
    assert await numbers(2, 3) == [1]
    assert await numbers(1, 3) == []
    assert await numbers(100, 2) == [7, 6]


async def test_the_rows_of_a_payment_are_found_in_their_order(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    await book.do(
        granting("u1"),
        replace(granting("u1", 70), payment_id=payment.id),
        deducting("u1", 1),
        replace(granting("u1", 30), payment_id=payment.id),
        replace(granting("u1", 20), payment_id="another"),
    )
    wallets = stores.ours.wallets
    assert [r.amount for r in await wallets.of_payment(payment.id, 10)] == [70, 30]
    assert [r.amount for r in await wallets.of_payment(payment.id, 1)] == [70]
    assert await wallets.of_payment(f"{payment.id}0", 10) == []


async def test_a_row_is_found_by_its_id_alone(book: Book, stores: Stores) -> None:
    row = await book.row(granting("u1"))
    wallets = stores.ours.wallets
    assert await wallets.transaction(row.id) == row
    wrong_bucket = f"txn_{int(row.id[4:7], 16) ^ 1:03x}{row.id[7:]}"
    for unknown in (wrong_bucket, row.id + "0", row.id[:-1], row.id[7:], "txn_", "", "%"):
        assert await wallets.transaction(unknown) is None


async def test_a_hold_is_read_as_it_was_last_written(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    hold = await book.hold("u1", 40)
    wallets = stores.ours.wallets
    assert await wallets.hold(hold.id) == hold
    for unknown in (f"hold_{int(hold.id[5:8], 16) ^ 1:03x}{hold.id[8:]}", "hold_", ""):
        assert await wallets.hold(unknown) is None
    capture = CaptureHold(
        id=fresh(), user_id="u1", at=NOW, hold_id=hold.id, service=SERVICE, amount=15
    )
    await book.do(capture)
    ended = replace(hold, status=HoldStatus.CAPTURED, captured=15)
    assert await wallets.hold(hold.id) == ended


async def test_stopped_users_are_paged_by_id(book: Book, stores: Stores) -> None:
    for user in ("e", "a", "d"):
        await book.do(Freeze(id=fresh(), user_id=user, at=NOW, reason="r"))
    await stop_for(book, "b", SERVICE)
    await stop_for(book, "c", "slide_service")
    await stop_for(book, "d", None, SERVICE)
    await book.do(granting("f"))

    async def page(after: str | None, limit: int) -> tuple[list[str], str | None]:
        found = await stores.ours.wallets.stopped(SERVICE, after, limit)
        assert all(wallet.causes(SERVICE) for wallet in found.wallets)
        return [wallet.user_id for wallet in found.wallets], found.next

    assert await page(None, 10) == (["a", "b", "d", "e"], None)
    assert await page(None, 4) == (["a", "b", "d", "e"], None)
    assert await page(None, 2) == (["a", "b"], "b")
    assert await page("b", 2) == (["d", "e"], None)
    assert await page("bb", 1) == (["d"], "d")
    found = await stores.ours.wallets.stopped("slide_service", None, 10)
    assert [wallet.user_id for wallet in found.wallets] == ["a", "c", "d", "e"]


async def test_stopped_users_are_paged_and_counted_over_all_services(
    book: Book, stores: Stores
) -> None:
    wallets = stores.theirs.wallets
    assert (await wallets.stopped(None, None, 5)).wallets == []
    assert await wallets.stopped_count(5) == 0
    for user in ("e", "a"):
        await book.do(Freeze(id=fresh(), user_id=user, at=NOW, reason="r"))
    await stop_for(book, "b", SERVICE)
    for service in ("slide_service", SERVICE, None):
        await stop_for(book, "d", service)
    await book.do(granting("f"))

    async def page(after: str | None, limit: int) -> tuple[list[str], str | None]:
        found = await wallets.stopped(None, after, limit)
        assert all(wallet.stops for wallet in found.wallets)
        return [wallet.user_id for wallet in found.wallets], found.next

    assert await page(None, 10) == (["a", "b", "d", "e"], None)
    assert await page(None, 4) == (["a", "b", "d", "e"], None)
    assert await page(None, 2) == (["a", "b"], "b")
    assert await page("b", 2) == (["d", "e"], None)
    assert await page("c", 1) == (["d"], "d")
    assert [await wallets.stopped_count(n) for n in (1, 3, 4, 100)] == [1, 3, 4, 4]
    await book.do(Unfreeze(id=fresh(), user_id="a", at=NOW, reason="r"))
    assert await page(None, 10) == (["b", "d", "e"], None)
    assert await wallets.stopped_count(100) == 3


async def test_a_resumed_user_is_stopped_no_more(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    await stop_for(book, "u1", SERVICE, None)
    await stop_for(book, "u1", SERVICE)
    assert [w.user_id for w in (await stores.ours.wallets.stopped(SERVICE, None, 5)).wallets] == [
        "u1"
    ]
    assert (await stores.ours.wallets.stopped("slide_service", None, 5)).wallets == []


@pytest.mark.parametrize("limit", [2, 10])
async def test_who_is_longest_overdue_is_due_first(book: Book, stores: Stores, limit: int) -> None:
    for user, days in (("later", 3), ("first", 1), ("second", 2), ("at last", 9)):
        await book.do(granting(user, 10, in_days(days)))
    await book.do(granting("never"))
    wallets = stores.ours.wallets
    found = [
        DueUser("first", in_days(1)),
        DueUser("second", in_days(2)),
        DueUser("later", in_days(3)),
    ]
    assert await wallets.due(in_days(3), limit) == found[:limit]
    assert await wallets.due(in_days(3), limit, found[0]) == found[1 : limit + 1]
    assert await wallets.due(in_days(3), limit, found[2]) == []
    assert await wallets.due(Millis(in_days(1) - 1), limit) == []


async def test_users_who_are_due_at_one_time_come_page_by_page(book: Book, stores: Stores) -> None:
    users = {f"u{n}" for n in range(7)}
    for user in users:
        await book.do(granting(user, 10, in_days(1)))
    await book.do(granting("later", 10, in_days(2)))
    wallets = stores.ours.wallets
    seen: list[str] = []
    last: DueUser | None = None
    while page := await wallets.due(in_days(9), 3, last):
        last = page[-1]
        seen += [due.user_id for due in page]
        await book.do(deducting(last.user_id, 10))  # due no more, and its place holds
    assert (len(seen), set(seen[:7]), seen[7]) == (8, users, "later")


async def test_what_is_spent_is_due_no_more_and_holds_are_due(book: Book, stores: Stores) -> None:
    await book.do(granting("u1", 10, in_days(1)))
    await book.do(deducting("u1", 10))
    assert await stores.ours.wallets.due(in_days(2), 10) == []
    await book.do(granting("u2", 10))
    hold = await book.hold("u2", 5)
    assert await stores.ours.wallets.due(hold.expires_at, 10) == [DueUser("u2", hold.expires_at)]


async def test_the_next_time_at_which_something_ends_is_told(book: Book, stores: Stores) -> None:
    wallets = stores.theirs.wallets
    assert await wallets.next_due(Millis(0)) is None
    for user, days in (("u1", 3), ("u2", 1), ("u3", 1)):
        await book.do(granting(user, 10, in_days(days)))
    await book.do(granting("never"))
    assert await wallets.next_due(NOW) == in_days(1)
    assert await wallets.next_due(Millis(in_days(1) - 1)) == in_days(1)
    assert await wallets.next_due(in_days(1)) == in_days(3)
    assert await wallets.next_due(in_days(3)) is None
    await book.do(deducting("u1", 10))
    assert await wallets.next_due(in_days(1)) is None
