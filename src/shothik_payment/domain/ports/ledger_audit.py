"""Reading a whole ledger, wallet by wallet, to check it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet


@dataclass(slots=True)
class AuditedUser:
    """One user at one moment: the wallet, its open holds as stored, and its event sequences
    (`event_count` rows from `first_sequence` to `last_sequence`; zeros where there are none).
    `pruned_through`: the last sequence that pruning may have taken away, 0 for none."""

    wallet: Wallet
    open_holds: list[Hold]
    event_count: int
    first_sequence: int
    last_sequence: int
    pruned_through: int


class LedgerAudit(Protocol):
    async def count_users(self) -> int: ...

    def users(self) -> AsyncIterator[tuple[AuditedUser, AsyncIterator[Transaction]]]:
        """Every user with its rows by number, all of one user at one moment. The rows are to be
        read before the next user is asked for."""
        ...

    async def orphans(self) -> list[str]:
        """User ids with rows, holds or events but no wallet."""
        ...
