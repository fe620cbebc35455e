"""Reading wallets and their history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet


@dataclass(slots=True)
class StoppedUsers:
    """A page of stopped wallets, by user id; `next` None at the end."""

    wallets: list[Wallet]
    next: str | None


@dataclass(frozen=True, slots=True)
class DueUser:
    """A user with something that has ended, the first of it at `since`."""

    user_id: str
    since: Millis


class Wallets(Protocol):
    """All reads see whole commits only, and every commit made before the call."""

    async def get(self, user_id: str) -> Wallet:
        """The user's wallet; an empty one of version 0 for a user never seen."""
        ...

    async def transaction(self, transaction_id: str) -> Transaction | None: ...

    async def hold(self, hold_id: str) -> Hold | None:
        """The hold as it was last written; an open one may be past its end."""
        ...

    async def history(self, user_id: str, before: int | None, limit: int) -> list[Transaction]:
        """Rows numbered below `before` (None: from the newest), newest first."""
        ...

    async def stopped(self, service: str | None, after: str | None, limit: int) -> StoppedUsers:
        """Users stopped for `service` (None: for any), ids above `after`."""
        ...

    async def stopped_count(self, at_most: int) -> int:
        """How many users are stopped now, for one service or more; counted up to `at_most`."""
        ...

    async def due(self, at: Millis, limit: int, after: DueUser | None = None) -> list[DueUser]:
        """Users with a grant or hold that has ended by `at`, longest overdue first; only those
        that come behind `after`, booked or not by now, where given."""
        ...

    async def next_due(self, after: Millis) -> Millis | None:
        """The first time later than `after` at which something of some user ends; None: there is
        none."""
        ...
