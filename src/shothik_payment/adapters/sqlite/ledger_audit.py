from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.ledger_audit import AuditedUser

USERS_AT_ONCE = 100
ROWS_AT_ONCE = 1000

_WALLETS = "SELECT state FROM wallets WHERE user_id > ? ORDER BY user_id LIMIT ?"
_OPEN_HOLDS = "SELECT body FROM holds WHERE user_id = ? AND status = 'active'"
_SEQUENCES = (
    "SELECT count(*), coalesce(min(sequence), 0), coalesce(max(sequence), 0),"
    " coalesce((SELECT sequence FROM pruned WHERE user_id = ?1), 0)"
    " FROM outbox WHERE user_id = ?1"
)
_ROWS = f"{rows.SELECT_TRANSACTION} WHERE user_id BETWEEN ? AND ? ORDER BY user_id, number"
_ORPHANS = """
    SELECT user_id FROM (
        SELECT DISTINCT user_id FROM transactions
        UNION SELECT DISTINCT user_id FROM outbox
        UNION SELECT DISTINCT user_id FROM holds
    ) WHERE user_id NOT IN (SELECT user_id FROM wallets) ORDER BY user_id
"""


class SqliteLedgerAudit:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def count_users(self) -> int:
        row = await self._database.read(
            lambda c: c.execute("SELECT count(*) FROM wallets").fetchone()
        )
        return int(row[0])

    async def users(self) -> AsyncIterator[tuple[AuditedUser, AsyncIterator[Transaction]]]:
        connection = await self._database.in_thread(self._database.connect_reader)
        try:
            moment = _Moment(connection)
            while users := await self._database.in_thread(moment.next):
                for user in users:
                    yield user, self._rows(moment, user.wallet.user_id)
        finally:
            connection.close()

    async def _rows(self, moment: _Moment, user_id: str) -> AsyncIterator[Transaction]:
        while True:
            while moment.buffer:
                row = moment.buffer[0]
                if row[1] > user_id:
                    return
                moment.buffer.popleft()
                if row[1] == user_id:
                    yield rows.to_transaction(row)
            if not await self._database.in_thread(moment.more):
                return

    async def orphans(self) -> list[str]:
        found = await self._database.read(lambda c: c.execute(_ORPHANS).fetchall())
        return [user_id for (user_id,) in found]


class _Moment:
    """Some users and all their rows, read in one transaction: rows come in the users' order, so
    one pass over them serves user after user. Long enough for few transactions, short enough
    that the WAL is not kept from being copied back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._last = ""
        self.buffer: deque[Any] = deque()

    def next(self) -> list[AuditedUser]:
        """The next users, of a moment of their own; none at the end."""
        self._cursor.close()  # rows nobody has read would keep the old moment alive
        self.buffer.clear()
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")
        found = self._connection.execute(_WALLETS, (self._last, USERS_AT_ONCE)).fetchall()
        users = [self._user(state) for (state,) in found]
        if users:
            self._last = users[-1].wallet.user_id
            self._cursor = self._connection.execute(_ROWS, (users[0].wallet.user_id, self._last))
        return users

    def _user(self, state: str) -> AuditedUser:
        wallet = codec.decode_wallet(state)
        holds = self._connection.execute(_OPEN_HOLDS, (wallet.user_id,)).fetchall()
        sequences = self._connection.execute(_SEQUENCES, (wallet.user_id,)).fetchone()
        return AuditedUser(wallet, [codec.decode_hold(body) for (body,) in holds], *sequences)

    def more(self) -> bool:
        self.buffer.extend(self._cursor.fetchmany(ROWS_AT_ONCE))
        return bool(self.buffer)
