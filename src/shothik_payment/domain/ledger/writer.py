"""The writer: the one way in which a user's state changes.

It takes what has queued up while the last commit was in flight, reads the users concerned (or
takes their wallets as it last stored them), applies the commands in order and hands one change
set a user to the store. A command is answered only when its group is stored, and refused only
after a fresh read, so nothing is ever told that could still turn out otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shothik_payment.domain.errors import PaymentServiceError, Unavailable
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import ChangeSet, LedgerStore, Needs, Snapshot

log = logging.getLogger(__name__)


_SMALL_WALLET = 50
"""Grants and holds of a wallet that is worth its memory."""


@dataclass(slots=True)
class _Pending:
    command: Command
    answer: asyncio.Future[Outcome]
    attempts: int = 0


@dataclass(slots=True)
class _Applied:
    """One user's commands of a batch, what came of them, and what is to be stored for it."""

    group: list[_Pending]
    outcomes: list[Outcome]
    change: ChangeSet


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """`max_queue`: commands admitted and unanswered; beyond it `submit` refuses.

    A command that loses a race for its user is replayed up to `max_attempts` times, the n-th time
    after a random pause of up to n × `retry_pause_seconds`.
    """

    max_batch: int = 128
    max_queue: int = 1024
    max_attempts: int = 40
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
        self._queue: deque[_Pending] = deque()
        self._recent: OrderedDict[str, Wallet] = OrderedDict()
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
        self._queue.append(_Pending(command, answer))
        self._unanswered += 1
        if not self._wake.is_set():
            self._wake.set()
        return answer

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing and not self._unanswered:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            size = min(len(self._queue), self._limits.max_batch)
            await self._process([self._queue.popleft() for _ in range(size)])

    async def _process(self, batch: list[_Pending]) -> None:
        groups: dict[str, list[_Pending]] = {}
        for pending in batch:
            groups.setdefault(pending.command.user_id, []).append(pending)
        rules = self._rules()
        changed: list[_Applied] = []
        unread: dict[str, list[_Pending]] = {}
        for user, group in groups.items():
            applied = self._apply_to_recent(user, group, rules)
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

    def _apply_to_recent(self, user: str, group: list[_Pending], rules: Rules) -> _Applied | None:
        """Apply to the wallet as this writer left it, without reading.

        Only a commit proves that it is still so: it fails where the version has moved or a request
        key is taken. So None, read first, where there would be nothing to commit, a refusal among
        the outcomes, or more to see than the wallet.
        """
        wallet = self._recent.pop(user, None)
        if wallet is None or any(_looks_beyond_wallet(p.command) for p in group):
            return None
        account = Account(Snapshot(wallet))
        try:
            outcomes = [apply(account, pending.command, rules) for pending in group]
        except Exception:  # noqa: BLE001 met again, and told, when applied to what is stored
            return None
        change = account.change_set()
        if change is None or any(outcome.refusal is not None for outcome in outcomes):
            return None
        return _Applied(group, outcomes, change)

    async def _apply_to_stored(
        self, groups: dict[str, list[_Pending]], rules: Rules
    ) -> list[_Applied]:
        try:
            needs = [_needs(user, group) for user, group in groups.items()]
            snapshots = await self._store.load(needs)
            read = list(zip(groups.values(), snapshots, strict=True))
        except Exception as error:  # noqa: BLE001 handed to every caller of the batch
            for group in groups.values():
                self._fail_all(group, error)
            return []
        changed = []
        for group, snapshot in read:
            account = Account(snapshot)
            outcomes = self._apply_all(account, group, rules)
            if outcomes is None:
                continue
            change = account.change_set()
            if change is None:
                self._answer(group, outcomes)
            else:
                changed.append(_Applied(group, outcomes, change))
        return changed

    async def _apply_by_fresh_rules(self, changed: list[_Applied], rules: Rules) -> list[_Applied]:
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

    async def _commit(self, changed: list[_Applied]) -> None:
        try:
            stored = await self._store.commit([applied.change for applied in changed])
            told = list(zip(stored, changed, strict=True))
        except Exception as error:  # noqa: BLE001 handed to every caller of the batch
            for applied in changed:
                self._fail_all(applied.group, error)
            return
        for won, applied in told:
            if won:
                self._remember(applied.change.wallet)
                self._answer(applied.group, applied.outcomes)
            else:
                self._replay_later(applied.group)
        if any(stored):
            self._committed()

    def _remember(self, wallet: Wallet) -> None:
        if len(wallet.grants) + len(wallet.holds) > _SMALL_WALLET:
            return
        self._recent[wallet.user_id] = wallet
        if len(self._recent) > self._limits.recent_wallets:
            self._recent.popitem(last=False)

    def _apply_all(
        self, account: Account, group: list[_Pending], rules: Rules
    ) -> list[Outcome] | None:
        """The outcomes of one user's commands; None where one broke, after putting the others
        back: what a broken command has half done is thrown away with the working copy."""
        outcomes = []
        for pending in group:
            try:
                outcomes.append(apply(account, pending.command, rules))
            except Exception as error:
                log.exception("%s failed", type(pending.command).__name__)
                self._fail(pending, error)
                self._queue.extendleft(reversed([p for p in group if p is not pending]))
                return None
        return outcomes

    def _answer(self, group: list[_Pending], outcomes: list[Outcome]) -> None:
        for pending, outcome in zip(group, outcomes, strict=True):
            if outcome.refusal is not None:
                self._fail(pending, outcome.refusal)
                continue
            self._unanswered -= 1
            if not pending.answer.done():
                pending.answer.set_result(outcome)

    def _fail(self, pending: _Pending, error: Exception) -> None:
        self._unanswered -= 1
        if not pending.answer.done():
            pending.answer.set_exception(error)

    def _fail_all(self, batch: list[_Pending], error: Exception) -> None:
        if not isinstance(error, PaymentServiceError):
            log.error("a batch of %d commands failed", len(batch), exc_info=error)
        for pending in batch:
            self._fail(pending, error)

    def _replay_later(self, group: list[_Pending]) -> None:
        """Another writer was faster for this user: again, from a fresh read, after a pause."""
        again = []
        for pending in group:
            pending.attempts += 1
            if pending.attempts >= self._limits.max_attempts:
                self._fail(pending, Unavailable("The wallet is too busy."))
            else:
                again.append(pending)
        if again:
            pause = again[0].attempts * self._limits.retry_pause_seconds * self._random()
            asyncio.get_running_loop().call_later(pause, self._requeue, again)

    def _requeue(self, group: list[_Pending]) -> None:
        self._queue.extendleft(reversed(group))
        self._wake.set()


def _looks_beyond_wallet(command: Command) -> bool:
    return bool(command.transaction_ids() or command.hold_ids() or command.payment_ids())


def _needs(user_id: str, group: list[_Pending]) -> Needs:
    needs = Needs(user_id)
    for pending in group:
        command = pending.command
        if command.request is not None:
            needs.request_keys.append(command.request.key)
        needs.transaction_ids.extend(command.transaction_ids())
        needs.hold_ids.extend(command.hold_ids())
        needs.payment_ids.extend(command.payment_ids())
    return needs
