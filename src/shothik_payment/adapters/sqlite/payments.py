from __future__ import annotations

from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite import rows
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.payments import PaymentFilter, PaymentSum

_SELECT = "SELECT body FROM payments WHERE"
_BY_ID = f"{_SELECT} substr(id, {rows.PAYMENT_FRONT + 1}) = ?"
_BY_SESSION = f"{_SELECT} gateway = ? AND session_id = ?"
_OF_USER = f"{_SELECT} user_id = ? ORDER BY id DESC LIMIT ?"
_OF_USER_BEFORE = f"{_SELECT} user_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
_TO_CHECK = (
    "SELECT body FROM payments INDEXED BY {index} WHERE {conditions}"
    " ORDER BY next_check_at, id LIMIT ?"
)
_NEXT_CHECK = "SELECT min(next_check_at) FROM payments WHERE next_check_at > ?"
_UNDER_REVIEW = (
    f"{_SELECT} review_reason IS NOT NULL AND (created_at, id) < (?, ?)"
    " ORDER BY created_at DESC, id DESC LIMIT ?"
)
_NEWEST = (2**63 - 1, "")
_SEARCH = (
    "SELECT body FROM payments INDEXED BY {index}"
    " WHERE {conditions} ORDER BY created_at DESC, id DESC LIMIT ?"
)
# By what is equal in all payments asked for; each goes on by time, but that of a user, who has few.
_INDEXES = {
    (False, False): "payments_newest",
    (False, True): "payments_of_status",
    (True, False): "payments_of_gateway",
    (True, True): "payments_of_both",
}
_COUNTS = """
    SELECT status, currency, count(*), sum(amount_minor) FROM payments INDEXED BY payments_newest
    WHERE created_at >= ? AND created_at < ? GROUP BY status, currency
"""


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

    async def to_check(
        self, at: Millis, limit: int, after: Payment | None = None, gateway: str | None = None
    ) -> list[Payment]:
        index, conditions, values = "payments_check", ["next_check_at <= ?"], list[Any]([at])
        if gateway is not None:
            index = "payments_check_of_gateway"
            conditions.append("gateway = ?")
            values.append(gateway)
        if after is not None:
            conditions.append("(next_check_at, id) > (?, ?)")
            values += [after.next_check_at, after.id]
        statement = _TO_CHECK.format(index=index, conditions=" AND ".join(conditions))
        return await self._select(statement, *values, limit)

    async def next_check(self, after: Millis) -> Millis | None:
        found = await self._database.read(lambda c: c.execute(_NEXT_CHECK, (after,)).fetchone())
        return None if found[0] is None else Millis(found[0])

    async def under_review(self, before: str | None, limit: int) -> list[Payment]:
        end = await self._place(before)
        return [] if end is None else await self._select(_UNDER_REVIEW, *end, limit)

    async def search(self, which: PaymentFilter, before: str | None, limit: int) -> list[Payment]:
        end = await self._place(before)
        if end is None:
            return []
        if which.until is not None:
            end = min(end, (which.until, ""))
        conditions, values = ["(created_at, id) < (?, ?)"], list[Any](end)
        for condition, value in (
            ("created_at >= ?", which.since),
            ("gateway = ?", which.gateway),
            ("status = ?", which.status),
            ("user_id = ?", which.user_id),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        index = _INDEXES[which.gateway is not None, which.status is not None]
        if which.user_id is not None:
            index = "payments_of_user"
        statement = _SEARCH.format(index=index, conditions=" AND ".join(conditions))
        return await self._select(statement, *values, limit)

    async def counts(
        self, since: Millis, until: Millis
    ) -> dict[tuple[PaymentStatus, str], PaymentSum]:
        found = await self._database.read(lambda c: c.execute(_COUNTS, (since, until)).fetchall())
        return {
            (PaymentStatus(status), currency): PaymentSum(payments, amount_minor)
            for status, currency, payments, amount_minor in found
        }

    async def _place(self, before: str | None) -> tuple[int, str] | None:
        """Where to read on towards older payments; None: there is no such payment."""
        if before is None:
            return _NEWEST
        last = await self.get(before)
        return None if last is None else (last.created_at, last.id)

    async def _select(self, statement: str, *values: Any) -> list[Payment]:
        found = await self._database.read(lambda c: c.execute(statement, values).fetchall())
        return [codec.decode_payment(body) for (body,) in found]
