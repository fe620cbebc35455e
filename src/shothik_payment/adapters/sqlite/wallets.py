from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from shothik_payment.adapters import codec
from shothik_payment.adapters.shared_reads import SharedReads
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.errors import unreadable
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.wallets import DueUser, StoppedUsers

_STATE = "SELECT state FROM wallets WHERE user_id = ?"
# Compared by the indexed part alone: with `id = ?` beside it SQLite would scan the table. What
# comes before that part, the bucket, is compared afterwards.
_TRANSACTION = f"{rows.SELECT_TRANSACTION} WHERE substr(id, {rows.TRANSACTION_FRONT + 1}) = ?"
_HOLD = f"SELECT body FROM holds WHERE substr(id, {rows.HOLD_FRONT + 1}) = ?"  # noqa: S608
_OF_PAYMENT = f"{rows.SELECT_TRANSACTION} WHERE payment_id = ? ORDER BY number LIMIT ?"
_HISTORY = (
    f"{rows.SELECT_TRANSACTION} WHERE user_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
)
# Two ranges of one index, merged in its order.
_STOPPED = """
    SELECT state FROM wallets JOIN (
        SELECT user_id AS stopped FROM stops WHERE service = '' AND user_id > ?1
        UNION
        SELECT user_id FROM stops WHERE service = ?2 AND user_id > ?1
        ORDER BY 1 LIMIT ?3
    ) ON user_id = stopped ORDER BY stopped
"""
_STOPPED_FOR_ANY = """
    SELECT state FROM wallets JOIN (
        SELECT DISTINCT user_id AS stopped FROM stops INDEXED BY stops_user
        WHERE user_id > ? ORDER BY user_id LIMIT ?
    ) ON user_id = stopped ORDER BY stopped
"""
_COUNT_STOPPED = """
    SELECT count(*) FROM (SELECT DISTINCT user_id FROM stops INDEXED BY stops_user LIMIT ?)
"""
# Users of one time are in the order of their wallets' numbers, as the index has them.
_BEHIND = "AND (next_due_at, wallet) > (?, (SELECT wallet FROM wallets WHERE user_id = ?))"
_DUE = """
    SELECT user_id, next_due_at FROM wallets WHERE next_due_at <= ? {}
    ORDER BY next_due_at, wallet LIMIT ?
"""
_NEXT_DUE = "SELECT min(next_due_at) FROM wallets WHERE next_due_at > ?"
_NEWEST = 2**63 - 1
_READS_AT_ONCE = 2
"""Handing work to a thread takes several times as long as reading a wallet."""


class SqliteWallets:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._shared = SharedReads(self._states, at_once=_READS_AT_ONCE)

    async def get(self, user_id: str) -> Wallet:
        state = await self._shared.get(user_id)
        try:
            return Wallet(user_id) if state is None else codec.decode_wallet(state)
        except msgspec.DecodeError as error:  # not for the others of the round trip
            raise unreadable(error) from error

    async def _states(self, user_ids: Sequence[str]) -> list[bytes | None]:
        def work(connection: sqlite3.Connection) -> list[bytes | None]:
            found = [connection.execute(_STATE, (user,)).fetchone() for user in user_ids]
            return [None if row is None else row[0] for row in found]

        return await self._database.read(work)

    async def transaction(self, transaction_id: str) -> Transaction | None:
        def work(connection: sqlite3.Connection) -> Transaction | None:
            tail = transaction_id[rows.TRANSACTION_FRONT :]
            row = connection.execute(_TRANSACTION, (tail,)).fetchone()
            return None if row is None else rows.to_transaction(row)

        found = await self._database.read(work)
        return found if found is not None and found.id == transaction_id else None

    async def hold(self, hold_id: str) -> Hold | None:
        def work(connection: sqlite3.Connection) -> Hold | None:
            row = connection.execute(_HOLD, (hold_id[rows.HOLD_FRONT :],)).fetchone()
            return None if row is None else codec.decode_hold(row[0])

        found = await self._database.read(work)
        return found if found is not None and found.id == hold_id else None

    async def of_payment(self, payment_id: str, limit: int) -> list[Transaction]:
        found = await self._database.read(
            lambda c: c.execute(_OF_PAYMENT, (payment_id, limit)).fetchall()
        )
        return [rows.to_transaction(row) for row in found]

    async def history(self, user_id: str, before: int | None, limit: int) -> list[Transaction]:
        def work(connection: sqlite3.Connection) -> list[Transaction]:
            below = _NEWEST if before is None else before
            found = connection.execute(_HISTORY, (user_id, below, limit)).fetchall()
            return [rows.to_transaction(row) for row in found]

        return await self._database.read(work)

    async def stopped(self, service: str | None, after: str | None, limit: int) -> StoppedUsers:
        def work(connection: sqlite3.Connection) -> list[Wallet]:
            if service is None:
                rest = connection.execute(_STOPPED_FOR_ANY, (after or "", limit + 1))
            else:
                rest = connection.execute(_STOPPED, (after or "", service, limit + 1))
            found = rest.fetchall()
            return [codec.decode_wallet(row[0]) for row in found]

        wallets = await self._database.read(work)
        page = wallets[:limit]
        return StoppedUsers(page, page[-1].user_id if len(wallets) > limit else None)

    async def stopped_count(self, at_most: int) -> int:
        found = await self._database.read(
            lambda c: c.execute(_COUNT_STOPPED, (at_most,)).fetchone()
        )
        return int(found[0])

    async def due(self, at: Millis, limit: int, after: DueUser | None = None) -> list[DueUser]:
        statement = _DUE.format("" if after is None else _BEHIND)
        behind = () if after is None else (after.since, after.user_id)
        found = await self._database.read(
            lambda c: c.execute(statement, (at, *behind, limit)).fetchall()
        )
        return [DueUser(user_id, Millis(since)) for user_id, since in found]

    async def next_due(self, after: Millis) -> Millis | None:
        found = await self._database.read(lambda c: c.execute(_NEXT_DUE, (after,)).fetchone())
        return None if found[0] is None else Millis(found[0])
