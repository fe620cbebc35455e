from __future__ import annotations

from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import Millis

_SELECT = "SELECT body FROM payments WHERE"
_BY_ID = f"{_SELECT} substr(id, {rows.PAYMENT_FRONT + 1}) = ?"
_BY_SESSION = f"{_SELECT} gateway = ? AND session_id = ?"
_OF_USER = f"{_SELECT} user_id = ? ORDER BY id DESC LIMIT ?"
_OF_USER_BEFORE = f"{_SELECT} user_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
_TO_CHECK = f"{_SELECT} next_check_at <= ? ORDER BY next_check_at, id LIMIT ?"
_NEXT_CHECK = "SELECT min(next_check_at) FROM payments WHERE next_check_at > ?"
_UNDER_REVIEW = (
    f"{_SELECT} review_reason IS NOT NULL AND (created_at, id) < (?, ?)"
    " ORDER BY created_at DESC, id DESC LIMIT ?"
)
_NEWEST = (2**63 - 1, "")


class SqlitePayments:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def get(self, payment_id: str) -> Payment | None:
        found = await self._select(_BY_ID, payment_id[rows.PAYMENT_FRONT :])
        return found[0] if found and found[0].id == payment_id else None

    async def by_session(self, gateway: str, session_id: str) -> Payment | None:
        found = await self._select(_BY_SESSION, gateway, session_id)
        return found[0] if found else None

    async def of_user(self, user_id: str, before: str | None, limit: int) -> list[Payment]:
        if before is None:
            return await self._select(_OF_USER, user_id, limit)
        return await self._select(_OF_USER_BEFORE, user_id, before, limit)

    async def to_check(self, at: Millis, limit: int) -> list[Payment]:
        return await self._select(_TO_CHECK, at, limit)

    async def next_check(self, after: Millis) -> Millis | None:
        found = await self._database.read(lambda c: c.execute(_NEXT_CHECK, (after,)).fetchone())
        return None if found[0] is None else Millis(found[0])

    async def under_review(self, before: str | None, limit: int) -> list[Payment]:
        last = None if before is None else await self.get(before)
        if before is not None and last is None:
            return []
        end = _NEWEST if last is None else (last.created_at, last.id)
        return await self._select(_UNDER_REVIEW, *end, limit)

    async def _select(self, statement: str, *values: Any) -> list[Payment]:
        found = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return [codec.decode_payment(body) for (body,) in found]
