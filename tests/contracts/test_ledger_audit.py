from __future__ import annotations

from shothik_payment.domain.ports.ledger_audit import AuditedUser
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import Stores
from tests.contracts.book import Book, deducting, granting


async def test_an_empty_store(stores: Stores) -> None:
    assert await stores.ours.audit.count_users() == 0
    assert [user async for user in stores.ours.audit.users()] == []
    assert await stores.ours.audit.orphans() == []


async def test_every_user_comes_once_with_all_rows_by_number(book: Book, stores: Stores) -> None:
    for n in range(130):
        await book.do(granting(f"u{n}"), *(deducting(f"u{n}", 1) for _ in range(n % 7)))
    hold = await book.hold("u7", 30)
    seen: dict[str, AuditedUser] = {}
    async for user, rows in stores.ours.audit.users():
        numbers = [row.number async for row in rows]
        assert numbers == list(range(1, user.wallet.rows + 1))
        assert user.wallet.user_id not in seen
        seen[user.wallet.user_id] = user
    assert len(seen) == await stores.ours.audit.count_users() == 130
    assert seen["u6"].wallet == await stores.ours.wallets.get("u6")
    assert (seen["u6"].event_count, seen["u6"].first_sequence) == (7, 1)
    assert (seen["u6"].last_sequence, seen["u6"].pruned_through) == (7, 0)
    assert seen["u7"].open_holds == [hold]
    assert seen["u8"].open_holds == []


async def test_a_user_with_many_rows(book: Book, stores: Stores) -> None:
    await book.do(granting("a"))
    await book.do(granting("u1", 5000), *(deducting("u1", 1) for _ in range(2500)))
    await book.do(granting("z"))
    counted = {
        user.wallet.user_id: len([row async for row in rows])
        async for user, rows in stores.ours.audit.users()
    }
    assert counted == {"a": 1, "u1": 2501, "z": 1}


async def test_rows_that_nobody_reads_are_passed_over(book: Book, stores: Stores) -> None:
    for user in ("a", "b", "c"):
        await book.do(granting(user), *(deducting(user, 1) for _ in range(50)))
    counted = {}
    async for user, rows in stores.ours.audit.users():
        if user.wallet.user_id != "b":
            counted[user.wallet.user_id] = len([row async for row in rows])
    assert counted == {"a": 51, "c": 51}


async def test_a_user_is_of_one_moment_while_others_write(book: Book, stores: Stores) -> None:
    for user in ("a", "b"):
        await book.do(granting(user))
    async for user, rows in stores.ours.audit.users():
        await book.do(deducting(user.wallet.user_id, 1))
        await book.do(deducting("b", 1))
        assert len([row async for row in rows]) == user.wallet.rows
        assert user.last_sequence == user.wallet.events


async def test_what_the_ledger_wrote_verifies(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    await book.hold("u1", 30)
    row = await book.row(deducting("u1", 20))
    await book.reverse(row, 5)
    checked = [progress async for progress in Verify(stores.ours.audit).run()]
    assert [(p.user_id, p.rows, p.differences) for p in checked] == [("u1", 4, [])]
