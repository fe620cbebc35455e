from __future__ import annotations

import asyncio
import logging

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure, PyMongoError

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.database import ANSWER_SECONDS, MongoDatabase
from shothik_payment.adapters.mongo.errors import translated
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.errors import StoreUnavailable

log = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS = 2.0
_INSERTS: list[Doc] = [
    {"$changeStream": {}},
    {"$match": {"operationType": "insert"}},
    {"$project": {"_id": 1}},
]
_NOT_ALLOWED = (13, 8000)
_NO_CHANGE_STREAMS = (40573, 40324, 303)


class MongoOutboxWatch:
    """A change stream, opened when first asked. Where the server refuses one (a user without the
    right to it), nobody is woken, and whoever waits looks as often as it does anyway.

    The commands are sent by hand: one answer has all events since the last, and is one wake-up,
    where the driver's stream would hand each event out and cost as much as the relay itself. What
    was told while no stream was open is missed, as the port allows.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._session: AsyncClientSession | None = None
        self._cursor = 0
        self._refused = False

    async def changed(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._refused:
            wait = min(max(end - loop.time(), 0.001), _LONGEST_WAIT_SECONDS)
            if await self._inserts(wait):
                return True
            if loop.time() >= end:
                return False
        await asyncio.sleep(max(end - loop.time(), 0))
        return False

    async def close(self) -> None:
        session, self._session, self._cursor = self._session, None, 0
        if session is not None:
            await session.end_session()

    async def _inserts(self, wait_seconds: float) -> bool:
        """Not under the driver's own deadline: it would take the place of how long the server is
        to wait."""
        try:
            async with asyncio.timeout(wait_seconds + ANSWER_SECONDS):
                if not self._cursor:
                    await self._open()
                answer = await self._database.database.command(
                    {
                        "getMore": self._cursor,
                        "collection": names.OUTBOX,
                        "maxTimeMS": max(round(wait_seconds * 1000), 1),
                    },
                    session=self._session,
                )
        except TimeoutError as error:
            await self.close()
            raise StoreUnavailable(f"MongoDB at {self._database.where} does not answer.") from error
        except PyMongoError as error:
            await self.close()
            if self._is_refusal(error):
                self._refused = True
                return False
            raise translated(error, self._database.where) from error
        self._cursor = answer["cursor"]["id"]
        return bool(answer["cursor"]["nextBatch"])

    async def _open(self) -> None:
        await self.close()  # what is left of a stream that the server has ended
        self._session = self._database.client.start_session(causal_consistency=False)
        answer = await self._database.database.command(
            {"aggregate": names.OUTBOX, "pipeline": _INSERTS, "cursor": {"batchSize": 0}},
            session=self._session,
        )
        self._cursor = answer["cursor"]["id"]

    def _is_refusal(self, error: PyMongoError) -> bool:
        if not isinstance(error, OperationFailure):
            return False
        if error.code not in (*_NOT_ALLOWED, *_NO_CHANGE_STREAMS):
            return False
        log.warning("MongoDB gives no change stream, so the outbox is polled (%s)", error.code)
        return True
