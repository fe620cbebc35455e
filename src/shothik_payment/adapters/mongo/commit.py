"""Writing change sets: all groups in one transaction, and one by one where that does not go.

The transaction is two round trips: one bulk write over all collections, and the commit. Its groups
win or lose together, so where one lost (its wallet's version moved, or a request key is taken) the
losers are found out outside, and the others tried again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Iterator, Sequence
from enum import Enum, auto

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from shothik_payment.adapters import codec
from shothik_payment.adapters.mongo import names, rows
from shothik_payment.adapters.mongo.bulk import Bulk, write
from shothik_payment.adapters.mongo.charges import Shards
from shothik_payment.adapters.mongo.database import (
    LATEST,
    NO_READS,
    READ_PREFERENCE,
    WRITE_CONCERN,
    Collection,
    MongoDatabase,
)
from shothik_payment.adapters.mongo.errors import UNKNOWN_COMMIT, is_conflict
from shothik_payment.adapters.mongo.order import CommitOrder
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.errors import DependencyUnavailable, PaymentServiceError, StoreCorrupt
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.ports.ledger_store import ChangeSet, Stored

log = logging.getLogger(__name__)

_TOGETHER = 4
"""Attempts at all groups that may still win, before each is tried alone."""
_ALONE = 2
_PAUSE_SECONDS = 0.01
"""The first pause after a conflict is up to this long, each further one up to twice as long."""
_WRITE_SECONDS = 5.0
_SECONDS_AN_OPERATION = 0.004
"""What a write may take beyond that, so that a large one is not cut off by a slow server."""
_FINISH_SECONDS = 4.0
"""To learn how a commit ended whose answer was lost."""
_LOOK_SECONDS = 2.0
_ABORT_SECONDS = 1.0
_NOT_KNOWN = (
    "Whether the last commit was stored is not known: a repeat with the same request key is safe."
)


class _End(Enum):
    STORED = auto()
    LOST = auto()
    CONFLICT = auto()


class Committing:
    def __init__(self, database: MongoDatabase, order: CommitOrder) -> None:
        self._database = database
        self._order = order
        self._shards = Shards()

    async def commit(self, changes: Sequence[ChangeSet]) -> list[Stored]:
        """What became of each group."""
        stored: list[Stored] = [False] * len(changes)
        deadline = time.monotonic() + _WRITE_SECONDS
        waiting = list(range(len(changes)))
        for attempt in range(_TOGETHER):
            if not waiting:
                return stored
            end = await self._attempt([changes[i] for i in waiting], deadline)
            if end is _End.STORED:
                for i in waiting:
                    stored[i] = True
                return stored
            await _pause(attempt)
            lost = await self._losers([changes[i] for i in waiting])
            waiting = [i for i in waiting if changes[i].wallet.user_id not in lost]
        deadline = time.monotonic() + _WRITE_SECONDS
        for i in waiting if len(waiting) > 1 else ():
            stored[i] = await self._alone(changes[i], deadline)
        return stored

    async def _alone(self, change: ChangeSet, deadline: float) -> Stored:
        """One group after the attempts at all together failed. What others became must not depend
        on it, so its failure is its own; past the deadline it is left to be replayed."""
        try:
            for attempt in range(_ALONE):
                if time.monotonic() >= deadline:
                    break
                end = await self._attempt([change], deadline)
                if end is not _End.CONFLICT:
                    return end is _End.STORED
                await _pause(attempt)
        except PaymentServiceError as error:
            return error
        except Exception as error:  # raised, it would tell others as failed that are stored
            log.error("a group cannot be written", exc_info=error)
            return StoreCorrupt(f"What is to be written cannot be ({type(error).__name__}).")
        return False

    async def _attempt(self, changes: Sequence[ChangeSet], deadline: float) -> _End:
        shard, end = self._shards.take(), _End.CONFLICT
        try:
            end = await self._transact(
                Bulk(changes, self._order, os.urandom(8).hex(), shard), deadline
            )
        finally:
            self._shards.give_back(shard, worked=end is not _End.CONFLICT)
        return end

    async def _transact(self, bulk: Bulk, deadline: float) -> _End:
        # Without reads there is nothing to be causally consistent with.
        async with self._database.client.start_session(causal_consistency=False) as session:
            await session.start_transaction(NO_READS, WRITE_CONCERN, READ_PREFERENCE)
            end = _End.CONFLICT
            try:
                end = await self._write(bulk, session, deadline)
            finally:
                if end is not _End.STORED:
                    await _abort(session)
            return end if end is not _End.STORED else await self._finish(session, bulk)

    async def _write(self, bulk: Bulk, session: AsyncClientSession, deadline: float) -> _End:
        """STORED: in the transaction. Nobody has asked for its commit yet, so what fails here
        leaves nothing behind."""
        seconds = max(deadline - time.monotonic(), 0.001) + bulk.size * _SECONDS_AN_OPERATION
        with self._database.bounded(seconds):
            try:
                won = await write(self._database, bulk, session)
            except PyMongoError as error:
                if not is_conflict(error) or error.timeout or time.monotonic() >= deadline:
                    raise
                return _End.CONFLICT
        return _End.STORED if won else _End.LOST

    async def _finish(self, session: AsyncClientSession, bulk: Bulk) -> _End:
        """Commit. Where the answer is lost, ask again: the server knows the transaction by its
        session and number, so a repeat ends it one way or the other."""
        deadline = time.monotonic() + _FINISH_SECONDS
        ended = False
        with pymongo.timeout(_FINISH_SECONDS):
            while not ended and time.monotonic() < deadline:
                try:
                    await session.commit_transaction()
                    return _End.STORED
                except PyMongoError as error:
                    log.info("a commit's answer is missing: %s", type(error).__name__)
                    ended = not error.has_error_label(UNKNOWN_COMMIT)
                await asyncio.sleep(_PAUSE_SECONDS)
        # A server that was started anew has forgotten its sessions, not what it has stored: so it
        # may say that there is no such transaction of one that is stored.
        if await self._is_stored(bulk):
            return _End.STORED
        if ended:
            return _End.CONFLICT
        raise DependencyUnavailable(
            f"The data store went away during a commit. {_NOT_KNOWN}",
            f"MongoDB at {self._database.where} went away during a commit. {_NOT_KNOWN}",
        )

    async def _is_stored(self, bulk: Bulk) -> bool:
        """Whether a trace of the transaction is there: all of it is, then. A wallet's mark may be
        another commit's by now; what is appended stays as this commit alone wrote it."""
        buckets = rows.among({bucket_of(change.wallet.user_id) for change in bulk.changes})
        users = [change.wallet.user_id for change in bulk.changes]
        made = [row.id for change in bulk.changes for row in change.transactions]
        told = [event.id for change in bulk.changes for event in change.events]
        steps = [rows.step_id(step) for change in bulk.changes for step in change.steps]
        traces: list[tuple[str, Doc]] = [
            (names.WALLETS, {"_id": rows.among(users), "commit": bulk.commit}),
            (names.TRANSACTIONS, {"_id": rows.among(made)}),
            (names.OUTBOX, {"_id": rows.among(told)}),
            (names.SUBSCRIPTION_STEPS, {"_id": rows.among(steps), "commit": bulk.commit}),
        ]
        try:
            with self._database.bounded(_LOOK_SECONDS):
                for collection, trace in traces:
                    which = {**trace, "bucket": buckets}
                    if await self._database.collection(collection).find_one(which, {"_id": 1}):
                        return True
        except PaymentServiceError as error:
            raise DependencyUnavailable(
                f"The data store is away. {_NOT_KNOWN}", f"{error} {_NOT_KNOWN}"
            ) from error
        return False

    async def _losers(self, changes: Sequence[ChangeSet]) -> set[str]:
        """The users whose wallet has another version than expected, or a request key taken, as the
        primary has it now: what no majority has yet is what they lost against. A hint only: who is
        not found out loses again."""
        expected = {change.wallet.user_id: change.expected_version for change in changes}
        buckets = rows.among({bucket_of(user) for user in expected})
        keys = {digest: change.wallet.user_id for change in changes for digest in _binds(change)}
        with self._database.bounded():
            found = await (
                self._latest(names.WALLETS)
                .find({"_id": rows.among(expected), "bucket": buckets}, {"version": 1})
                .to_list()
            )
            taken = await (
                self._latest(names.REQUEST_KEYS)
                .find({"_id": rows.among(keys), "bucket": buckets}, {"_id": 1})
                .to_list()
            )
        versions = {wallet["_id"]: wallet["version"] for wallet in found}
        moved = {user for user, version in expected.items() if versions.get(user, 0) != version}
        return moved | {keys[key["_id"]] for key in taken}

    def _latest(self, collection: str) -> Collection:
        return self._database.collection(collection).with_options(read_concern=LATEST)


def _binds(change: ChangeSet) -> Iterator[bytes]:
    """Digests of the request keys that have to be free."""
    user = change.wallet.user_id
    keys = [row.request_key for row in change.transactions if row.request_key is not None]
    keys.extend(record.key for record in change.requests)
    for key in keys:
        if key not in change.forgotten_requests:
            yield codec.request_digest(user, key)


async def _abort(session: AsyncClientSession) -> None:
    """Give the locks back at once; a server that cannot be told does it by itself in a minute."""
    with pymongo.timeout(_ABORT_SECONDS):
        await session.abort_transaction()  # tells no errors


async def _pause(attempt: int) -> None:
    await asyncio.sleep(random.random() * _PAUSE_SECONDS * 2**attempt)  # noqa: S311 jitter
