"""What was charged, added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import TransactionKind


@dataclass(frozen=True, slots=True)
class ChargedHour:
    """The ledger's rows of one kind, for one service, in the hour (UTC's) that begins at `start`:
    how many, and the sum of their amounts."""

    start: Millis
    service: str
    kind: TransactionKind
    credits: int
    rows: int


class Statistics(Protocol):
    async def charged(self, since: Millis, until: Millis) -> list[ChargedHour]:
        """Of the hours that begin at `since` or later and before `until`, by start, service and
        kind; none for what there was nothing of. Written with the rows themselves, so the sums
        are exact; what they take to read goes by the hours, not by the rows."""
        ...
