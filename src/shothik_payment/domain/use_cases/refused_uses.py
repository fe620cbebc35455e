"""Refused uses of known keys, added up for their audit logs: nobody fills one by going on."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from shothik_payment.domain.model.networks import neighbourhood
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry

APART = 10 * MINUTE
"""Between two entries for the same key, reason and neighbourhood: what comes meanwhile is counted
in the next, so that a service which goes on with a key that is no good does not bury what else
happened to it."""
NEIGHBOURHOODS = 50
"""Of one key that have entries of their own in that time; what comes from others is one entry for
each reason."""
TOLD_APART = 10_000
"""Entries of all keys in that time; beyond, each key has one for each reason."""
A_BATCH = 1_000
ACTOR = "service"
REFUSED = "refused"

_Which = tuple[str, str, str | None]


class _Uses:
    """Those that are not told yet. `endpoint` None: at several; `told_at` None: never yet."""

    __slots__ = ("address", "at", "count", "endpoint", "told_at")

    def __init__(self) -> None:
        self.count = 0
        self.at = Millis(0)
        self.endpoint: str | None = None
        self.address: str | None = None
        self.told_at: Millis | None = None

    def add(self, at: Millis, endpoint: str, address: str | None, group: str | None) -> None:
        if not self.count:
            self.endpoint, self.address = endpoint, address
        if endpoint != self.endpoint:
            self.endpoint = None
        if address != self.address:
            self.address = group
        self.at = at
        self.count += 1

    def is_due(self, now: Millis, final: bool) -> bool:
        return self.count > 0 and (final or not self.is_recent(now))

    def is_recent(self, now: Millis) -> bool:
        return self.told_at is not None and 0 <= now - self.told_at < APART


class RefusedUses:
    """Each key, reason and neighbourhood is remembered for as long as the next entry has to wait,
    so its room bounds both what is kept and what is told."""

    def __init__(self) -> None:
        self._uses: dict[_Which, _Uses] = {}
        self._of_keys: Counter[str] = Counter()

    def add(
        self, key_id: str, reason: str, endpoint: str, address: str | None, now: Millis
    ) -> None:
        group = None if address is None else neighbourhood(address)
        which: _Which = key_id, reason, group
        found = self._uses.get(which)
        if found is None:
            if len(self._uses) >= TOLD_APART or self._of_keys[key_id] >= NEIGHBOURHOODS:
                which, address, group = (key_id, reason, None), None, None
            if group is not None:
                self._of_keys[key_id] += 1
            found = self._uses.setdefault(which, _Uses())
        found.add(now, endpoint, address, group)

    def due(self, now: Millis, *, final: bool) -> bool:
        """Whether there is something to tell; `final`: also what would have to wait."""
        return any(uses.is_due(now, final) for uses in self._uses.values())

    def tell(self, now: Millis, *, final: bool) -> list[AuditEntry]:
        """What is due, in the order in which it came; the rest of more than a batch next time."""
        due = (one for one in self._uses.items() if one[1].is_due(now, final))
        telling = sorted(islice(due, None if final else A_BATCH), key=lambda one: one[1].at)
        entries = [_entry(which, uses) for which, uses in telling]
        for _, uses in telling:
            uses.count, uses.told_at = 0, now
        self._forget(now)
        return entries

    def _forget(self, now: Millis) -> None:
        self._uses = {
            w: uses for w, uses in self._uses.items() if uses.count or uses.is_recent(now)
        }
        self._of_keys = Counter(w[0] for w in self._uses if w[2] is not None)


def _entry(which: _Which, uses: _Uses) -> AuditEntry:
    key_id, reason, _ = which
    changes = {"reason": reason, "count": str(uses.count)}
    if uses.endpoint is not None:
        changes["endpoint"] = uses.endpoint
    return AuditEntry(key_id, uses.at, ACTOR, REFUSED, changes, uses.address)
