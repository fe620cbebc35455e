"""Usage of API keys: counted in memory, stored in batches, reported."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.key_usage import (
    Granularity,
    KeyUse,
    LastUse,
    Slot,
    UsagePoint,
    UsageReport,
)
from shothik_payment.domain.model.time import DAY, END_OF_TIME, HOUR, Millis
from shothik_payment.domain.ports.api_keys import ApiKeys
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.key_usage import KeyUsage, UsageBatch
from shothik_payment.domain.use_cases.refused_uses import RefusedUses

FLUSH_SECONDS = 5.0
CROWDED = 10_000
"""So many different entries are stored before their time."""
FULL = 100_000
"""More than so many different entries are not kept while the store takes none: see `lost`."""
_LONGEST = {Granularity.DAY: 400 * DAY, Granularity.HOUR: 31 * DAY}
_DEFAULT = {Granularity.DAY: 30 * DAY, Granularity.HOUR: 48 * HOUR}
_TOO_LONG = {
    Granularity.DAY: "at most 400 days after from",
    Granularity.HOUR: "at most 31 days after from; granularity=day shows more",
}


class UsageRecorder:
    """Counts each answer to a request that showed a known key, in the hour in which it was given.

    `crowded` is set when it is time to flush. A process that is killed takes along what it has
    counted since its last flush.
    """

    def __init__(self, usage: KeyUsage, clock: Clock, ids: Ids) -> None:
        self.crowded = asyncio.Event()
        self.lost = 0
        """Requests that were not counted, since there was no room."""
        self._usage = usage
        self._clock = clock
        self._id = ids.next()
        self._number = 0
        self._counts: dict[Slot, int] = {}
        self._last: dict[str, tuple[Millis, str | None]] = {}
        self._refused = RefusedUses()
        self._unsure: UsageBatch | None = None
        self._turn = asyncio.Lock()

    def count(self, use: KeyUse, endpoint: str, status: int) -> None:
        now = self._clock.now()
        counts = self._counts
        slot = use.key_id, Millis(now - now % HOUR), endpoint, status
        before = counts.get(slot)
        if before is None:
            if len(counts) >= CROWDED:
                self.crowded.set()
                if len(counts) >= FULL:
                    self.lost += 1
                    return
            before = 0
        counts[slot] = before + 1
        self._last[use.key_id] = now, use.address
        if use.refused is not None:
            self._refused.add(use.key_id, use.refused, endpoint, use.address, now)

    def waiting(self) -> int:
        """Requests that are counted and not known to be stored."""
        unsure = self._unsure.counts.values() if self._unsure is not None else ()
        return sum(self._counts.values()) + sum(unsure)

    def last_use(self, key_id: str) -> LastUse | None:
        """Of what is waiting."""
        if key_id in self._last:
            return LastUse(*self._last[key_id])
        return None if self._unsure is None else self._unsure.last.get(key_id)

    async def flush(self, *, final: bool = False) -> None:
        """Store what has been counted so far; `final`: refused uses as well that would wait.
        Raises what the store raises: nothing is lost then, and the next flush sends the same batch
        again before it closes another."""
        async with self._turn:
            if self._unsure is not None:
                await self._store(self._unsure)
            if self._counts or self._refused.due(self._clock.now(), final=final):
                await self._store(self._close(final))

    async def _store(self, batch: UsageBatch) -> None:
        self._unsure = batch
        await self._usage.add(batch)
        self._unsure = None

    def _close(self, final: bool) -> UsageBatch:
        last = {key_id: LastUse(*use) for key_id, use in self._last.items()}
        now = self._clock.now()
        refused = self._refused.tell(now, final=final)
        self._number += 1
        batch = UsageBatch(self._id, self._number, now, self._counts, last, refused)
        self._counts, self._last = {}, {}
        self.crowded.clear()
        return batch


class UsageReports:
    """What was stored, and what this process has counted until now."""

    def __init__(
        self, usage: KeyUsage, keys: ApiKeys, recorder: UsageRecorder, clock: Clock
    ) -> None:
        self._usage = usage
        self._keys = keys
        self._recorder = recorder
        self._clock = clock

    async def report(
        self,
        key_id: str,
        granularity: Granularity,
        since: Millis | None = None,
        until: Millis | None = None,
    ) -> UsageReport:
        """Whole periods: the one that `since` is in, those after it, and the last that begins
        before `until`. The default ends now. Raises NotFound, and InvalidRequest where the range
        is empty or too long."""
        report = _empty(granularity, since, until, self._clock.now())
        if await self._keys.get(key_id) is None:
            raise NotFound("API key", key_id)
        await self._recorder.flush()
        for count in await self._usage.read(key_id, report.since, report.until, granularity):
            report.add(count)
        return report

    async def show_last_use(self, keys: Sequence[ApiKey]) -> None:
        """Set `last_used_at` of the keys; what other processes have counted since their last
        flush is not known here."""
        found = await self._usage.last_used([key.id for key in keys])
        for key in keys:
            last = self._recorder.last_use(key.id) or found.get(key.id)
            if last is not None:
                key.last_used_at = last.at


def _empty(
    granularity: Granularity, since: Millis | None, until: Millis | None, now: Millis
) -> UsageReport:
    period = granularity.milliseconds
    for path, moment in (("from", since), ("to", until)):
        if moment is not None and not 0 <= moment <= END_OF_TIME:
            raise InvalidRequest.of(path, "a time after 1969 and before 2200")
    if until is None:
        until = Millis(now + 1)  # what was answered in this very moment, too
        if since is not None and since >= until:
            raise InvalidRequest.of("from", "a time before now")
    if since is None:
        # The period that has begun is the last of them.
        since = Millis(-(-until // period) * period - _DEFAULT[granularity])
    if since >= until:
        raise InvalidRequest.of("to", "a time after from")
    if until - since > _LONGEST[granularity]:
        raise InvalidRequest.of("to", _TOO_LONG[granularity])
    first = Millis(since - since % period)
    end = Millis(-(-until // period) * period)
    points = [UsagePoint(Millis(start)) for start in range(first, end, period)]
    return UsageReport(granularity, first, end, points)
