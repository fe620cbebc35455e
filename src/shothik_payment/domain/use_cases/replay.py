"""Telling past events again, into one queue or to everyone.

Into one queue they go as they were; into `{service}.{kind}` only what that queue is there for,
since its consumer takes whatever comes for that. To everyone, what stops a user or lets it go on is
not told as it was, since it may be over: the state as it is now is told anew, as new events.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding, Retell
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.broker import Broker, Delivery
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.event_log import START, EventLog, RecordedEvent
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.queues import routing_keys_to

PAGE = 500
USERS_REMEMBERED = 10_000
"""Users whose state is to be told anew; beyond it they are told before the last event is read,
and perhaps once more."""
_RETOLD_AT_ONCE = 100
_CONTROL = "service."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of one user and of these types only, where given, from `since` on and before
    `until`. `queue` None: to everyone."""

    since: Millis
    until: Millis
    user_id: str | None = None
    types: Sequence[str] = ()
    queue: str | None = None


@dataclass(slots=True)
class Replayed:
    """`replayed` events were told again, `refused` more were not taken by every queue that wants
    them; `retold` users had their state told anew."""

    replayed: int = 0
    refused: int = 0
    retold: int = 0


_ToRetell = dict[str, dict[str, StopCause]]
"""By user, the services that heard of it, with the reason they heard last."""


class Replay:
    """`documents` remember what was done under a request key."""

    def __init__(
        self,
        log: EventLog,
        broker: Broker,
        writer: LedgerWriter,
        documents: Documents,
        clock: Clock,
        ids: Ids,
        catalog: Catalog,
        *,
        page: int = PAGE,
        users_remembered: int = USERS_REMEMBERED,
    ) -> None:
        self._log = log
        self._broker = broker
        self._writer = writer
        self._documents = documents
        self._clock = clock
        self._ids = ids
        self._services = frozenset(service.name for service in catalog.services)
        self._page = page
        self._users_remembered = users_remembered

    async def run(
        self, wanted: Wanted, request: RequestBinding | None = None
    ) -> tuple[Replayed, bool]:
        """What came of it, and whether that was before, under the same request key.

        Raises InvalidRequest, also where none of the events is for the queue, NotFound for a queue
        that is not there, IdempotencyKeyReused, and Unavailable: then some events may have been
        told again already.
        """
        if wanted.until <= wanted.since:
            raise InvalidRequest.of("to", "a time after `from`")
        if request is None:
            return await self._replay(wanted), False
        done = await self._documents.get(request.key)
        if done is None:
            replayed = await self._replay(wanted)
            if await self._documents.replace(request.key, None, _written(replayed, request)):
                return replayed, False
            done = await self._documents.get(request.key)
        return _read(done, request), True

    async def _replay(self, wanted: Wanted) -> Replayed:
        # What is told anew comes after this moment, and is not read again.
        until = min(wanted.until, self._clock.now())
        total, after, found = Replayed(), START, 0
        to_retell: _ToRetell = {}
        while True:
            # What was not published yet is the relay's, which keeps first deliveries in order.
            page = await self._log.read(
                after,
                self._page,
                wanted.user_id,
                wanted.types,
                wanted.since,
                until,
                published=True,
            )
            if wanted.queue is not None:
                await self._into_queue(page, wanted.queue, total)
            else:
                await self._to_everyone(page, total, to_retell)
            found += len(page)
            if len(page) < self._page:
                break
            after = page[-1].position
        if wanted.queue is not None and found and not total.replayed:
            raise InvalidRequest.of("queue", "a queue that some of these events are for")
        await self._retell(to_retell, total)
        return total

    async def _into_queue(
        self, events: Sequence[RecordedEvent], queue: str, total: Replayed
    ) -> None:
        keys = routing_keys_to(queue, self._services)
        meant = [event for event in events if keys is None or event.routing_key in keys]
        deliveries = await self._broker.publish(meant, queue)
        if Delivery.UNWANTED in deliveries:
            raise NotFound("queue", queue)
        total.replayed += deliveries.count(Delivery.TAKEN)
        if Delivery.REFUSED in deliveries:
            raise Unavailable(
                f"The queue {queue} refuses events; {total.replayed} were told again."
            )

    async def _to_everyone(
        self, events: Sequence[RecordedEvent], total: Replayed, to_retell: _ToRetell
    ) -> None:
        again = []
        for event in events:
            if event.type.startswith(_CONTROL):
                told = json.loads(event.data)
                reasons = to_retell.setdefault(event.user_id, {})
                reasons[told["service"]] = StopCause(told["reason"])
            else:
                again.append(event)
        deliveries = await self._broker.publish(again)
        refused = deliveries.count(Delivery.REFUSED)
        total.refused += refused
        total.replayed += len(again) - refused
        if len(to_retell) >= self._users_remembered:
            await self._retell(to_retell, total)

    async def _retell(self, to_retell: _ToRetell, total: Replayed) -> None:
        """Through the ledger, so what is told is the state at its place in the user's events."""
        while to_retell:
            now = self._clock.now()
            commands = [
                Retell(id=self._ids.next(), user_id=user, at=now, reasons=to_retell.pop(user))
                for user in list(to_retell)[:_RETOLD_AT_ONCE]
            ]
            await asyncio.gather(*[self._writer.submit(command) for command in commands])
            total.retold += len(commands)


def _written(replayed: Replayed, request: RequestBinding) -> bytes:
    done: dict[str, Any] = {"fingerprint": request.fingerprint.hex(), "done": asdict(replayed)}
    return json.dumps(done).encode()


def _read(stored: bytes | None, request: RequestBinding) -> Replayed:
    if stored is None:
        raise Unavailable("What was done under this request key is gone.")
    record = json.loads(stored)
    if record["fingerprint"] != request.fingerprint.hex():
        raise IdempotencyKeyReused
    return Replayed(**record["done"])
