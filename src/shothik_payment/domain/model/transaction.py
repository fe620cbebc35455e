"""A transaction: one append-only row of a wallet's ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shothik_payment.domain.model.time import Millis

MetadataValue = str | int | float | bool | None
Metadata = dict[str, MetadataValue]


class TransactionKind(StrEnum):
    GRANT = "grant"
    DEDUCT = "deduct"
    REVERSE = "reverse"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    EXPIRE = "expire"
    CLAWBACK = "clawback"
    ADJUST = "adjust"


CHARGING_KINDS = (TransactionKind.DEDUCT, TransactionKind.CAPTURE, TransactionKind.REVERSE)
"""The kinds of rows that are added up: what was charged, and what was given back of it."""


class GrantPart(NamedTuple):
    """What a row did to one grant."""

    grant_id: str
    available_delta: int
    held_delta: int


@dataclass(slots=True)
class Transaction:
    """Rows are written once. Folding a wallet's rows gives its balance, its grants and its debt.

    `number` counts the wallet's rows from 1 without a gap. `amount` is the size of the movement,
    positive. `balance_before` and `balance_after` are available credits around this row;
    `new_balance` is what was available when the whole command was done, which differs where a
    later row of the same command moved credits again. `reversed_total` (reversals only) is how
    much of `reverses` has been given back with this row. `request_key` is unique for the user;
    stores keep a digest of it, so a row is read back with it only where it was looked up by it.
    Treat as immutable once committed.
    """

    id: str
    user_id: str
    number: int
    kind: TransactionKind
    at: Millis
    amount: int
    available_delta: int
    held_delta: int
    debt_delta: int
    balance_before: int
    balance_after: int
    new_balance: int
    parts: list[GrantPart] = field(default_factory=list)
    service: str | None = None
    feature: str | None = None
    hold_id: str | None = None
    payment_id: str | None = None
    reverses: str | None = None
    reversed_total: int = 0
    reason: str | None = None
    metadata: Metadata | None = None
    request_id: str | None = None
    request_key: str | None = None
    fingerprint: bytes | None = None

    @property
    def charges(self) -> bool:
        """Whether it counts as charged, or as given back, at its time. A deduction with a reason
        was made in the replaced service."""
        return self.kind in CHARGING_KINDS and not (
            self.kind is TransactionKind.DEDUCT and self.reason is not None
        )
