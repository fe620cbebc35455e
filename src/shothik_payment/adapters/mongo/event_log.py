"""The outbox.

Its order is that of commits: `order` rises with each commit of a process, and with each commit of
a wallet, so for one user it is the order of the sequence. Over users the clocks of the processes
decide, and a commit may become visible after a later one: who reads on after a position, over all
users, may miss an event of a slower clock or commit. The relay does not read like that: it goes by
the mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Several
from collections.abc import Iterator, Sequence

from pymongo import UpdateMany

from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.database import (
    ANSWER_SECONDS,
    SNAPSHOT,
    Collection,
    MongoDatabase,
)
from shothik_payment.adapters.mongo.event_rows import (
    COMMON_TYPE,
    OWN_ABOVE,
    OWN_BELOW,
    TYPES_ABOVE,
    TYPES_BELOW,
    UNWANTED,
    WAITING,
    to_event,
)
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.time import DAY, SECOND, Millis
from shothik_payment.domain.ports.event_log import (
    PARTITIONS,
    START,
    Backlog,
    RecordedEvent,
    partition_of,
)

_POSITION = re.compile(r"([0-9]{1,18})-(evt_[!-~]{1,128})")
_IN_ORDER = [("order", 1), ("_id", 1)]
_IDS_AT_ONCE = 100
"""In one of the operations that are sent together."""
_ORDER_AHEAD_MS = 1 * DAY
"""How far an event's order may run ahead of its time: by what the clocks of the processes differ
and a command waits. Far above both; a clock that is wrong by more has to be mended anyway."""
_ASTRAY_MS = 10 * SECOND
"""The same for who looks backwards: what lies between is walked through."""
_SECONDS_AN_EVENT = 0.02
"""What marking may take beyond the usual, so that a slow server ends what it has begun."""
_TO_PUBLISH = "to_publish"
"""The index of what carries no mark. Named, so that no choice of the server's makes it a scan."""


class MongoEventLog:
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @property
    def _outbox(self) -> Collection:
        return self._database.collection(names.OUTBOX)

    async def read(
        self,
        after: str,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        since: Millis | None = None,
        until: Millis | None = None,
        *,
        published: bool = False,
    ) -> list[RecordedEvent]:
        with self._database.bounded():
            conditions = await self._beyond(after, user_id, "after")
            if since is not None:
                # An order is never below its time, and has an index.
                conditions.append({"at": {"$gte": since}, "order": {"$gte": since * 1000}})
            if until is not None:
                conditions.append({"at": {"$lt": until}})
                if user_id is None:
                    # Or the last page would walk from the end of the window to that of the outbox.
                    conditions.append({"order": {"$lt": (until + _ORDER_AHEAD_MS) * 1000}})
            if published:
                conditions.append({"published_at": {"$exists": True}})
            return await self._find_of(user_id, types, conditions, limit, 1)

    async def latest(
        self,
        limit: int,
        user_id: str | None = None,
        types: Sequence[str] = (),
        before: str = START,
        since: Millis | None = None,
        until: Millis | None = None,
    ) -> list[RecordedEvent]:
        with self._database.bounded():
            conditions = await self._beyond(before, user_id, "before")
            if since is not None:
                conditions.append({"at": {"$gte": since}, "order": {"$gte": since * 1000}})
            if until is not None:
                end = (until + _ASTRAY_MS) * 1000
                conditions.append({"at": {"$lt": until}, "order": {"$lt": end}})
            return await self._find_of(user_id, types, conditions, limit, -1)

    async def _beyond(self, position: str, user_id: str | None, field: str) -> list[Doc]:
        """Behind the position, or before it: as `field` says."""
        if position == START:
            return []
        match = _matched(position, field)
        beyond = "$gt" if field == "after" else "$lt"
        if user_id is not None:
            # The user's own event has a place in the user's index; another's has none.
            own = await self._outbox.find_one(
                {"_id": match[2], "bucket": bucket_of(user_id), "user_id": user_id},
                {"sequence": 1},
            )
            if own is not None:
                return [{"sequence": {beyond: own["sequence"]}}]
        return _behind(match, beyond)

    async def _find_of(
        self,
        user_id: str | None,
        types: Sequence[str],
        conditions: list[Doc],
        limit: int,
        direction: int,
    ) -> list[RecordedEvent]:
        order = [("order", direction), ("_id", direction)]
        if user_id is not None:
            conditions = [*conditions, {"bucket": bucket_of(user_id), "user_id": user_id}]
            order = [("sequence", direction)]
        if types and COMMON_TYPE not in types:
            indexes = (TYPES_BELOW, TYPES_ABOVE) if user_id is None else (OWN_BELOW, OWN_ABOVE)
            return await self._find_rare(types, conditions, limit, order, indexes)
        if types:
            conditions = [*conditions, {"type": {"$in": list(types)}}]
        return await self._find({"$and": conditions} if conditions else {}, limit, order)

    async def _find_rare(
        self,
        types: Sequence[str],
        conditions: list[Doc],
        limit: int,
        order: list[tuple[str, int]],
        indexes: tuple[str, str],
    ) -> list[RecordedEvent]:
        """By the indexes that leave the common type out; of one moment, as `_find` says."""
        below = [kind for kind in types if kind < COMMON_TYPE]
        above = [kind for kind in types if kind > COMMON_TYPE]
        if below and above:
            return await self._find_in_both(below, above, conditions, limit, order)
        which = {"$and": [*conditions, {"type": {"$in": below or above}}]}
        return await self._find(which, limit, order, indexes[0] if below else indexes[1])

    async def _find_in_both(
        self,
        below: list[str],
        above: list[str],
        conditions: list[Doc],
        limit: int,
        order: list[tuple[str, int]],
    ) -> list[RecordedEvent]:
        first: list[Doc] = [{"$sort": dict(order)}, {"$limit": limit}]
        one, other = (
            [{"$match": {"$and": [*conditions, {"type": {"$in": types}}]}}, *first]
            for types in (below, above)
        )
        union = {"$unionWith": {"coll": names.OUTBOX, "pipeline": other}}
        outbox = self._outbox.with_options(read_concern=SNAPSHOT)
        cursor = await outbox.aggregate([*one, union, *first], batchSize=limit + 1)
        return [to_event(event) async for event in cursor]

    async def unpublished(
        self, partitions: Several[int], limit: int, without: Several[str] = ()
    ) -> list[RecordedEvent]:
        which: Doc = {"state": WAITING, "partition": rows.among(partitions)}
        if without:
            which["user_id"] = {"$nin": list(without)}
        return await self._oldest(which, limit)

    async def unpublished_of(self, user_id: str, limit: int) -> list[RecordedEvent]:
        own = {"state": WAITING, "partition": partition_of(user_id), "user_id": user_id}
        return await self._oldest(own, limit)

    async def unwanted(
        self, partitions: Several[int], limit: int, after: str = START
    ) -> list[RecordedEvent]:
        which: Doc = {"state": UNWANTED, "partition": rows.among(partitions)}
        if after != START:
            which["$and"] = _behind(_matched(after))
        return await self._oldest(which, limit)

    async def _oldest(self, which: Doc, limit: int) -> list[RecordedEvent]:
        with self._database.bounded():
            return await self._find(which, limit, _IN_ORDER, _TO_PUBLISH)

    async def _find(
        self, which: Doc, limit: int, order: list[tuple[str, int]], index: str | None = None
    ) -> list[RecordedEvent]:
        """Of one moment: a cursor that goes on while commits come in could find a user's event
        after it has passed the place of the one before."""
        outbox = self._outbox.with_options(read_concern=SNAPSHOT)
        cursor = outbox.find(which, batch_size=limit + 1, hint=index).sort(order).limit(limit)
        return [to_event(event) for event in await cursor.to_list()]

    async def mark(
        self, published: Sequence[RecordedEvent], unwanted: Sequence[RecordedEvent], at: Millis
    ) -> None:
        published_at: Doc = {"$set": {"published_at": at}, "$unset": {"state": ""}}
        operations = [
            UpdateMany({**which, "state": {"$exists": True}}, published_at, hint=rows.BY_ID)
            for which in _these(published)
        ]
        operations.extend(
            UpdateMany({**which, "state": WAITING}, {"$set": {"state": UNWANTED}}, hint=rows.BY_ID)
            for which in _these(unwanted)
        )
        count = len(published) + len(unwanted)
        if operations:
            with self._database.bounded(ANSWER_SECONDS + count * _SECONDS_AN_EVENT):
                await self._outbox.bulk_write(operations)

    async def backlog(self) -> Backlog:
        with self._database.bounded():
            outbox, index = self._outbox, _TO_PUBLISH
            waiting = await outbox.count_documents({"state": WAITING}, hint=index)
            unwanted = await outbox.count_documents({"state": UNWANTED}, hint=index)
            every = {"state": WAITING, "partition": {"$in": list(range(PARTITIONS))}}
            oldest = await outbox.find_one(every, {"at": 1}, sort=_IN_ORDER, hint=index)
        return Backlog(waiting, None if oldest is None else Millis(int(oldest["at"])), unwanted)


def _matched(position: str, field: str = "after") -> re.Match[str]:
    match = _POSITION.fullmatch(position)
    if match is None:
        raise InvalidRequest.of(field, "a position that this log has given")
    return match


def _behind(position: re.Match[str], beyond: str = "$gt") -> list[Doc]:
    order, event_id = int(position[1]), position[2]
    later = [{"order": {beyond: order}}, {"_id": {beyond: event_id}}]
    return [{"order": {f"{beyond}e": order}}, {"$or": later}]


def _these(events: Sequence[RecordedEvent]) -> Iterator[Doc]:
    """Ids first: a server that plans by the first field would go through whole buckets."""
    for start in range(0, len(events), _IDS_AT_ONCE):
        some = events[start : start + _IDS_AT_ONCE]
        yield {
            "_id": rows.among(event.id for event in some),
            "bucket": rows.among({bucket_of(event.user_id) for event in some}),
        }
