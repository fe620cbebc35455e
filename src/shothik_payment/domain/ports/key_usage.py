"""What keys were used for, at rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shothik_payment.domain.model.key_usage import Granularity, LastUse, Slot, UsageCount
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry

KEEP_USAGE = 400 * DAY


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """What one recorder has counted since its last batch. `recorder` is an id that no other has,
    `number` counts its batches; `at` is when this one was closed. `refused`: uses of known keys
    that were refused, as entries for the keys' audit logs."""

    recorder: str
    number: int
    at: Millis
    counts: Mapping[Slot, int]
    last: Mapping[str, LastUse]
    refused: Sequence[AuditEntry] = ()


class KeyUsage(Protocol):
    async def add(self, batch: UsageBatch) -> None:
        """Add it to what is stored, durably and wholly; a later last use stays. A batch whose
        number is not above the recorder's last stored one changes nothing: so one whose answer was
        lost may be sent again."""
        ...

    async def read(
        self, key_id: str, since: Millis, until: Millis, granularity: Granularity
    ) -> list[UsageCount]:
        """Of the hours that begin at `since` or later and before `until`, in no order; one for
        each period, endpoint and status that there is something of."""
        ...

    async def last_used(self, key_ids: Collection[str]) -> dict[str, LastUse]:
        """Without those that were never used."""
        ...

    async def prune(self, before: Millis, limit: int) -> int:
        """Delete counts of hours that began before then, at most `limit`; how many. What is
        remembered of recorders that were last heard of before then goes, too."""
        ...
