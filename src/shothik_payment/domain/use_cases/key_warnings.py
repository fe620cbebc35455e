"""Telling of API keys that end soon."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.model.api_key import ENDS_SOON, ApiKey
from shothik_payment.domain.model.time import Millis, rfc3339
from shothik_payment.domain.ports.api_keys import ApiKeys, AuditEntry, KeyChange, VersionConflict
from shothik_payment.domain.ports.clock import Clock

WARN_BATCH = 100
ACTOR = "scheduler"


class KeyWarnings:
    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def run(self) -> tuple[list[ApiKey], bool]:
        """The keys that are to be warned of now, and whether more wait. Each is given to one
        process, once for each end that it is given; it is in its audit log then. Rotated keys are
        left out: their end is planned, and another key is there."""
        now = self._clock.now()
        found = await self._keys.ending(now, Millis(now + ENDS_SOON), WARN_BATCH)
        warned = [key for key in found if await self._mark(key, now)]
        return warned, len(found) == WARN_BATCH

    async def _mark(self, key: ApiKey, now: Millis) -> bool:
        end = "" if key.expires_at is None else rfc3339(key.expires_at)
        entry = AuditEntry(key.id, now, ACTOR, "expires_soon", {"expiresAt": end})
        marked = replace(key, warned_for=key.expires_at)
        try:
            await self._keys.commit(KeyChange((), [marked], [entry]))
        except VersionConflict:
            return False  # another process was faster, or the key is another now
        return True
