from __future__ import annotations

from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.subscription import SubscriptionStep

_OF_USER = f"{rows.SELECT_STEP} WHERE user_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
_NEWEST = 2**63 - 1


class SqliteSubscriptionHistory:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def of_user(self, user_id: str, before: int | None, limit: int) -> list[SubscriptionStep]:
        asked = (user_id, _NEWEST if before is None else before, limit)
        found = await self._database.read(lambda c: c.execute(_OF_USER, asked).fetchall())
        return [rows.to_step(row) for row in found]
