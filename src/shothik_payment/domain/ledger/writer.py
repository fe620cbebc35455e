"""The writer: the one way in which a user's state changes.

It takes what has queued up while the last commits were in flight, reads the users concerned (or
takes their wallets as it last stored them), applies the commands in order and hands one change
set a user to the store. A command is answered only when its group is stored, and refused only
after a fresh read, so nothing is ever told that could still turn out otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.batch import Applied, Pending, RecentWallets, needs_of
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ports.ledger_store import LedgerStore, Snapshot

log = logging.getLogger(__name__)

_UNWRITABLE = (ValueError, TypeError, ArithmeticError)  # of a change, and nothing is stored
_COMMITS_AT_ONCE = 2
"""While the store writes one batch, the next is applied and stands ready."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """`max_queue`: commands admitted and unanswered; beyond it `submit` refuses.

    A command that loses a race for its user is replayed up to `max_attempts` times within
    `retry_seconds` of its first loss, the n-th time after a random pause of up to n ×
    `retry_pause_seconds`.
    """

    max_batch: int = 128
    max_queue: int = 1024
    max_attempts: int = 100
    retry_seconds: float = 5.0
    recent_wallets: int = 4096
    retry_pause_seconds: float = 0.002


class LedgerWriter:
    """`rules` gives the rules as last known, `fresh_rules` as they are; `random` a number from 0 up
    to 1, for jitter; `committed` is called after each batch that stored something, to wake whoever
    waits for it, and must not raise."""

    def __init__(
        self,
        store: LedgerStore,
        rules: Callable[[], Rules],
        fresh_rules: Callable[[], Awaitable[Rules]],
        random: Callable[[], float],
        limits: WriterLimits = WriterLimits(),
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._fresh_rules = fresh_rules
        self._random = random
        self._limits = limits
        self._committed = committed
        self._queue: deque[Pending] = deque()
        self._recent = RecentWallets(limits.recent_wallets)
        self._waiting: dict[str, list[Pending]] = {}  # by the users whose commands are in flight
        self._commits = 0
        self._in_flight = 0  # commands
        self._unanswered = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def unanswered(self) -> int:
        """Commands admitted and not answered yet."""
        return self._unanswered

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="ledger-writer")

    async def stop(self) -> None:
        """Refuse new commands, answer those admitted, end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    def full(self) -> bool:
        """Whether `submit` would refuse now: ask before doing work for a request."""
        return self._closing or self._unanswered >= self._limits.max_queue

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        """Queue the command. The future gives its outcome once that is stored for good; a refusal,
        or Unavailable (nothing was done), is raised by it. A caller who goes away changes nothing.
        """
        if self.full():
            raise Unavailable("The service is stopping." if self._closing else "The queue is full.")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(Pending(command, answer))
        self._unanswered += 1
        if not self._wake.is_set():
            self._wake.set()
        return answer

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as commits:
            while self._unanswered or not self._closing:
                if self._commits < _COMMITS_AT_ONCE and (batch := self._next_batch()):
                    self._commits += 1
                    commits.create_task(self._process(batch), name="ledger-batch")
                else:
                    self._wake.clear()
                    await self._wake.wait()

    def _next_batch(self) -> dict[str, list[Pending]]:
        """What is queued, by user. A user's next commands wait until the last ones are stored, and
        beside a commit goes only one of as many commands, since each has its price."""
        if len(self._queue) < self._in_flight:
            return {}
        batch: dict[str, list[Pending]] = {}
        for _ in range(min(len(self._queue), self._limits.max_batch)):
            pending = self._queue.popleft()
            user = pending.command.user_id
            if user in self._waiting:
                self._waiting[user].append(pending)
            else:
                batch.setdefault(user, []).append(pending)
        for user, group in batch.items():
            self._waiting[user] = []
            self._in_flight += len(group)
        return batch

    async def _process(self, groups: dict[str, list[Pending]]) -> None:
        try:
            await self._apply_and_commit(groups)
        except Exception as error:  # noqa: BLE001 a bug; the writer goes on without this batch
            self._fail_all([pending for group in groups.values() for pending in group], error)
        finally:
            self._commits -= 1
            for user, group in groups.items():
                self._in_flight -= len(group)
                self._queue.extendleft(reversed(self._waiting.pop(user)))
            self._wake.set()

    async def _apply_and_commit(self, groups: dict[str, list[Pending]]) -> None:
        rules = self._rules()
        self._recent.next_batch()
        changed: list[Applied] = []
        unread: dict[str, list[Pending]] = {}
        for user, group in groups.items():
            applied = self._recent.apply(user, group, rules)
            if applied is None:
                unread[user] = group
            else:
                changed.append(applied)
        if unread:
            changed.extend(await self._apply_to_stored(unread, rules))
        if any(applied.change.stops_changed for applied in changed):
            changed = await self._apply_by_fresh_rules(changed, rules)
        if changed:
            await self._commit(changed)

    async def _apply_to_stored(
        self, groups: dict[str, list[Pending]], rules: Rules
    ) -> list[Applied]:
        changed = []
        for group, snapshot in await self._load(groups):
            applied = self._apply_all(Account(snapshot), group, rules)
            if applied is not None:
                changed.append(applied)
        return changed

    async def _load(self, groups: dict[str, list[Pending]]) -> list[tuple[list[Pending], Snapshot]]:
        """The users' commands with what is stored of them; without those who cannot be read."""
        try:
            needs = [needs_of(user, group) for user, group in groups.items()]
            snapshots = await self._store.load(needs)
            return list(zip(groups.values(), snapshots, strict=True))
        except Exception as error:  # noqa: BLE001 handed to the callers concerned
            if len(groups) > 1 and not isinstance(error, Unavailable):
                # One record that nobody can read must not fail the others.
                alone = [await self._load({user: group}) for user, group in groups.items()]
                return [read for found in alone for read in found]
            for group in groups.values():
                self._fail_all(group, error)
            return []

    async def _apply_by_fresh_rules(self, changed: list[Applied], rules: Rules) -> list[Applied]:
        """A service that has just got its first key has to hear of stops too, so who is told is
        made sure of; if it was not known, those users' commands are applied anew."""
        moved = [applied for applied in changed if applied.change.stops_changed]
        kept = [applied for applied in changed if not applied.change.stops_changed]
        try:
            fresh = await self._fresh_rules()
        except Exception as error:  # noqa: BLE001 handed to every caller concerned
            for applied in moved:
                self._fail_all(applied.group, error)
            return kept
        if fresh == rules:
            return changed
        groups = {applied.change.wallet.user_id: applied.group for applied in moved}
        return kept + await self._apply_to_stored(groups, fresh)

    async def _commit(self, changed: list[Applied]) -> None:
        try:
            stored = await self._store.commit([applied.change for applied in changed])
        except Exception as error:  # noqa: BLE001 handed to every caller of the batch
            if len(changed) > 1 and isinstance(error, _UNWRITABLE):
                for applied in changed:
                    await self._commit([applied])
                return
            for applied in changed:
                self._fail_all(applied.group, error)
            return
        # Outside: what goes wrong from here on is stored, and must not be committed again.
        for end, applied in zip(stored, changed, strict=True):
            if isinstance(end, PaymentServiceError):
                self._fail_all(applied.group, end)
            elif end:
                self._recent.keep(applied.change.wallet)
                self._answer(applied.group, applied.outcomes)
            else:
                self._recent.doubt()
                self._replay_later(applied.group)
        if any(end is True for end in stored):
            self._committed()

    def _apply_all(self, account: Account, group: list[Pending], rules: Rules) -> Applied | None:
        """One user's commands and what is to be stored for them. None: nothing, and they are
        answered; or one broke, and the others are put back: what a broken command has half done is
        thrown away with the working copy."""
        outcomes = []
        for pending in group:
            try:
                outcomes.append(apply(account, pending.command, rules))
            except Exception as error:
                log.exception("%s failed", type(pending.command).__name__)
                self._fail(pending, error)
                self._queue.extendleft(reversed([p for p in group if p is not pending]))
                return None
        change = account.change_set()
        if change is None:
            self._answer(group, outcomes)
            return None
        return Applied(group, outcomes, change)

    def _answer(self, group: list[Pending], outcomes: list[Outcome]) -> None:
        for pending, outcome in zip(group, outcomes, strict=True):
            if outcome.refusal is not None:
                self._fail(pending, outcome.refusal)
            elif self._ends(pending):
                if outcome.subscription is not None:
                    # The next command may change it before the caller has read it.
                    outcome.subscription = outcome.subscription.copy()
                pending.answer.set_result(outcome)

    def _fail(self, pending: Pending, error: Exception) -> None:
        if self._ends(pending):
            pending.answer.set_exception(error)

    def _ends(self, pending: Pending) -> bool:
        """Count the command as answered, once. Whether its caller still waits for it."""
        if pending.told:
            return False
        pending.told = True
        self._unanswered -= 1
        return not pending.answer.done()

    def _fail_all(self, batch: list[Pending], error: Exception) -> None:
        if not isinstance(error, PaymentServiceError):
            log.error("a batch of %d commands failed", len(batch), exc_info=error)
        for pending in batch:
            self._fail(pending, error)

    def _replay_later(self, group: list[Pending]) -> None:
        """Another writer was faster for this user: again, from a fresh read, after a pause."""
        now = asyncio.get_running_loop().time()
        again = []
        for pending in group:
            pending.attempts += 1
            if pending.patience_ends is None:
                pending.patience_ends = now + self._limits.retry_seconds
            if pending.attempts >= self._limits.max_attempts or now > pending.patience_ends:
                self._fail(pending, Unavailable("The wallet is too busy."))
            else:
                again.append(pending)
        if again:
            pause = again[0].attempts * self._limits.retry_pause_seconds * self._random()
            asyncio.get_running_loop().call_later(pause, self._requeue, again)

    def _requeue(self, group: list[Pending]) -> None:
        self._queue.extendleft(reversed(group))
        self._wake.set()
