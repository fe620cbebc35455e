"""Reading files of old records and taking them over, some lines at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from shothik_payment.domain.errors import InvalidRequest, PaymentServiceError, Unavailable
from shothik_payment.domain.use_cases.takeover import OldRecord, Takeover
from shothik_payment.entrypoints.old_records import (
    KINDS,
    TotalsLine,
    identity,
    read_line,
)

MAX_LINE_BYTES = 64 * 1024
_LINES_AT_ONCE = 512
"""Below what the writer admits, so that none is refused for being too many."""
_TOTALS = {
    "wallets": "wallet",
    "transactions": "transaction",
    "subscriptions": "subscription",
    "api_keys": "apiKey",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken over, and why. `number` counts from 1."""

    source: str
    number: int
    line: bytes
    error: PaymentServiceError


@dataclass(slots=True)
class Count:
    """Of one kind of record. `asked` and `booked`: credits by the lines, and as they are stored."""

    new: int = 0
    before: int = 0
    refused: int = 0
    asked: int = 0
    booked: int = 0

    @property
    def taken(self) -> int:
        return self.new + self.before


@dataclass(slots=True)
class Report:
    """`disagreements`: totals that do not agree, in words."""

    counts: dict[str, Count] = field(default_factory=lambda: {kind: Count() for kind in KINDS})
    unreadable: int = 0
    disagreements: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.unreadable + sum(count.refused for count in self.counts.values())


class Import:
    """`on_refused` is told of every line that is refused, in order of their numbers within some
    hundreds of lines."""

    def __init__(
        self, takeover: Takeover, on_refused: Callable[[Refused], None], *, dry: bool
    ) -> None:
        self._takeover = takeover
        self._on_refused = on_refused
        self._dry = dry
        self._seen: set[int] = set()
        self._totals: list[tuple[str, TotalsLine]] = []
        self.report = Report()

    async def read(self, source: str, lines: BinaryIO, advance: Callable[[int], None]) -> None:
        """Take over a file; `advance` is told of bytes that are done. Raises Unavailable: the rest
        was not looked at, and the whole may be repeated."""
        batch: list[tuple[int, bytes]] = []
        for number, line in enumerate(_bounded(lines), 1):
            batch.append((number, line))
            if len(batch) == _LINES_AT_ONCE:
                await self._take(source, batch, advance)
                batch = []
        await self._take(source, batch, advance)

    def close(self) -> Report:
        """Once all files are read: whether the totals agree."""
        report = self.report
        for kind, count in report.counts.items():
            if count.asked != count.booked:
                report.disagreements.append(
                    f"{kind}: the lines have {count.asked:,} credits, stored are {count.booked:,}"
                )
        for source, totals in self._totals:
            for name, kind in _TOTALS.items():
                self._compare(source, name, getattr(totals, name), report.counts[kind].taken)
            self._compare(source, "credits", totals.credits, report.counts["wallet"].booked)
        return report

    def _compare(self, source: str, name: str, said: int | None, found: int) -> None:
        if said is not None and said != found:
            self.report.disagreements.append(
                f"{name}: {source} says {said:,}, taken over are {found:,}"
            )

    async def _take(
        self, source: str, batch: list[tuple[int, bytes]], advance: Callable[[int], None]
    ) -> None:
        taking = []
        for number, line in batch:
            if line.strip():
                try:
                    record = self._read(source, line)
                except PaymentServiceError as error:
                    self.report.unreadable += 1
                    self._on_refused(Refused(source, number, line, error))
                else:
                    if record is not None:
                        taking.append((number, line, *record))
        ended = await asyncio.gather(
            *(self._one(kind, record) for _, _, kind, record in taking), return_exceptions=True
        )
        for (number, line, kind, _), fault in zip(taking, ended, strict=True):
            if isinstance(fault, PaymentServiceError) and not isinstance(fault, Unavailable):
                self.report.counts[kind].refused += 1
                self._on_refused(Refused(source, number, line, fault))
            elif isinstance(fault, BaseException):
                raise fault
        advance(sum(len(line) for _, line in batch))

    def _read(self, source: str, line: bytes) -> tuple[str, OldRecord] | None:
        if len(line) > MAX_LINE_BYTES:
            raise InvalidRequest.of("line", f"at most {MAX_LINE_BYTES} bytes")
        read = read_line(line)
        if isinstance(read, TotalsLine):
            self._totals.append((source, read))
            return None
        place = hash(identity(*read))
        if place in self._seen:
            raise InvalidRequest.of("line", f"each {read[0]} once")
        self._seen.add(place)
        return read

    async def _one(self, kind: str, record: OldRecord) -> None:
        taken = await self._takeover.take(record, dry=self._dry)
        count = self.report.counts[kind]
        count.asked += getattr(record, "balance", 0) or getattr(record, "amount", 0)
        count.booked += taken.credits
        if taken.before:
            count.before += 1
        else:
            count.new += 1


def _bounded(lines: BinaryIO) -> Iterator[bytes]:
    """Lines; what is beyond the bound of one is read over, so that it is refused as one line."""
    while line := lines.readline(MAX_LINE_BYTES + 2):
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = lines.readline(MAX_LINE_BYTES + 2)
            if not rest:
                break
        yield line
