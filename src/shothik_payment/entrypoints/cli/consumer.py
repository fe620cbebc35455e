"""What a microservice keeps of the events that it hears: whom to refuse."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from shothik_payment.domain.events import ServiceResumeUser, ServiceStopUser
from shothik_payment.domain.ports.event_stream import ReceivedEvent

MAX_IDS = 10_000
MAX_USERS = 100_000


class Effect(StrEnum):
    """`APPLIED`: the blocklist follows it. `OUTDATED`: something later was applied already.
    `DUPLICATE`: the same event came before. `NOTED`: it is not about the blocklist."""

    APPLIED = "applied"
    OUTDATED = "outdated"
    DUPLICATE = "duplicate"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Blocked:
    reason: str
    since: str
    sequence: int


class Consumer:
    """Of one service. Deliveries may come twice and late: events are told apart by their ids, and
    a control event counts only if it is the user's latest. Keeps the last ids and users only."""

    def __init__(self, service: str, max_ids: int = MAX_IDS, max_users: int = MAX_USERS) -> None:
        self.blocked: dict[str, Blocked] = {}
        self._service = service
        self._max_ids = max_ids
        self._max_users = max_users
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._sequences: OrderedDict[str, int] = OrderedDict()

    def take(self, event: ReceivedEvent) -> Effect:
        if event.id in self._ids:
            return Effect.DUPLICATE
        self._ids[event.id] = None
        if len(self._ids) > self._max_ids:
            self._ids.popitem(last=False)
        if event.type not in (ServiceStopUser.type, ServiceResumeUser.type):
            return Effect.NOTED
        data = json.loads(event.data)
        if data.get("service") != self._service:
            return Effect.NOTED
        return self._apply(event, str(data.get("reason")))

    def _apply(self, event: ReceivedEvent, reason: str) -> Effect:
        user = event.user_id
        if event.sequence <= self._sequences.get(user, 0):
            return Effect.OUTDATED
        self._sequences[user] = event.sequence
        self._sequences.move_to_end(user)
        if event.type == ServiceStopUser.type:
            self.blocked[user] = Blocked(reason, event.time, event.sequence)
        else:
            self.blocked.pop(user, None)
        if len(self._sequences) > self._max_users:
            oldest, _ = self._sequences.popitem(last=False)
            self.blocked.pop(oldest, None)
        return Effect.APPLIED
