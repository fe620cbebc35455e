"""What operators are told of the work: how much, how long, how late, and what came of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Step(Protocol):
    """A piece of work that takes time. `outcome` is what came of it, `done` unless somebody says
    otherwise, and `failed` where it raises."""

    outcome: str


class Observer(Protocol):
    """Nothing here waits or raises. What it is told in words are names out of a small set: never
    the id of a user, a key or a payment."""

    def charged(self, service: str, credits: int) -> None:
        """A deduction or a capture was made, and not just repeated."""
        ...

    def unanswered(self, commands: int) -> None:
        """So many commands of the writer wait for their answer now."""
        ...

    def commit(self, users: int, rows: int) -> AbstractContextManager[Step]:
        """Changes of so many users, with so many ledger rows, are stored together."""
        ...

    def conflicts(self, users: int) -> None:
        """For so many users of a commit another process was faster."""
        ...

    def publish(self, events: int) -> AbstractContextManager[Step]:
        """The relay hands a batch of events to the broker."""
        ...

    def published(self, taken: int, unwanted: int, refused: int) -> None:
        """What became of the batch's events."""
        ...

    def backlog(self, waiting: float, oldest_seconds: float, unwanted: float) -> None:
        """Of the outbox of all: events that wait, the age of the oldest (0: none waits), and those
        that no queue wanted. One process tells it."""
        ...

    def backlog_is_others(self) -> None:
        """Another process tells the backlog from now on, and may have begun to."""
        ...

    def gateway_call(self, gateway: str, operation: str) -> AbstractContextManager[Step]: ...

    def webhook_received(self, gateway: str, result: str) -> None: ...

    def webhook(self, gateway: str) -> AbstractContextManager[Step]:
        """A stored webhook is handled."""
        ...

    def late(self, work: str, seconds: float) -> None:
        """Something that was due so many seconds ago is begun now."""
        ...

    def failed(self, work: str) -> None:
        """A round of background work broke off; it comes again."""
        ...

    def key_looked_up(self) -> None:
        """An API key was not in the cache."""
        ...


class _Done:
    outcome = "done"


class Unobserved:
    """Told of everything, it does nothing."""

    def charged(self, service: str, credits: int) -> None: ...

    def unanswered(self, commands: int) -> None: ...

    def commit(self, users: int, rows: int) -> AbstractContextManager[Step]:
        return nullcontext(_Done())

    def conflicts(self, users: int) -> None: ...

    def publish(self, events: int) -> AbstractContextManager[Step]:
        return nullcontext(_Done())

    def published(self, taken: int, unwanted: int, refused: int) -> None: ...

    def backlog(self, waiting: float, oldest_seconds: float, unwanted: float) -> None: ...

    def backlog_is_others(self) -> None: ...

    def gateway_call(self, gateway: str, operation: str) -> AbstractContextManager[Step]:
        return nullcontext(_Done())

    def webhook_received(self, gateway: str, result: str) -> None: ...

    def webhook(self, gateway: str) -> AbstractContextManager[Step]:
        return nullcontext(_Done())

    def late(self, work: str, seconds: float) -> None: ...

    def failed(self, work: str) -> None: ...

    def key_looked_up(self) -> None: ...


UNOBSERVED: Observer = Unobserved()
