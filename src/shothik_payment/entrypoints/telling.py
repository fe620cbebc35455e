"""Figures that nobody is told by the work itself: they are looked up now and then, and not while
somebody waits for an answer."""

from __future__ import annotations

from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import EventLog
from shothik_payment.domain.ports.observer import Observer
from shothik_payment.domain.use_cases.work_group import WorkGroup
from shothik_payment.entrypoints.background import Chore
from shothik_payment.entrypoints.chores import SHARED_TASKS

_TELL_SECONDS = 1.0
_BACKLOG_ROUNDS = 10


def telling_queue(writer: LedgerWriter, observer: Observer) -> Chore:
    """Runs in every process."""

    async def tell() -> bool:
        observer.unanswered(writer.unanswered)
        return False

    return Chore("writer's queue", tell, _TELL_SECONDS)


def telling_backlog(group: WorkGroup, log: EventLog, clock: Clock, observer: Observer) -> Chore:
    """Runs in whichever processes do background work; the owner of the first task tells it, and
    says so when it is that no more."""
    telling = False
    rounds = 0

    async def tell() -> bool:
        nonlocal telling, rounds
        if SHARED_TASKS[0] in group.owned():
            rounds += 1
            if telling and rounds % _BACKLOG_ROUNDS:
                return False  # it counts all that waits
            backlog = await log.backlog()
            since = backlog.oldest_at
            age = 0.0 if since is None else max(clock.now() - since, 0) / 1000
            observer.backlog(backlog.events, age, backlog.unwanted)
            telling = True
        elif telling:
            observer.backlog_is_others()
            telling = False
        return False

    return Chore("outbox figures", tell, _TELL_SECONDS)
