"""What was taken over of the replaced service, by its old identity, and what it is here.

It is kept for good, with a digest of the record it was: a claim comes before the work and becomes
its result afterwards, so a run that was killed is found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from shothik_payment.domain.errors import IdempotencyKeyReused
from shothik_payment.domain.ports.documents import Documents

TAKEN_OVER = "taken over"
"""The kind of the documents that say, by old identity, what was taken over as what."""


@dataclass(frozen=True, slots=True)
class Claim:
    stored: bytes
    done: bool


class OldIdentities:
    """A place is one old identity; the content is all that the record with it says."""

    def __init__(self, taken_over: Documents) -> None:
        self._taken_over = taken_over

    async def claim(self, place: str, content: str) -> Claim:
        """Raises IdempotencyKeyReused where another record has this identity."""
        await self._taken_over.replace(place, None, fingerprint(content).hex().encode())
        return _claim(await self._taken_over.get(place) or b"", content)

    async def finish(self, place: str, claim: Claim, result: str) -> None:
        if not claim.done:
            await self._taken_over.replace(
                place, claim.stored, claim.stored + f" {result}".encode()
            )

    async def find(self, place: str, content: str) -> Claim | None:
        """None: nobody has claimed it. Raises IdempotencyKeyReused where another record has this
        identity."""
        stored = await self._taken_over.get(place)
        return None if stored is None else _claim(stored, content)


def _claim(stored: bytes, content: str) -> Claim:
    known, _, result = stored.decode().partition(" ")
    if known != fingerprint(content).hex():
        raise IdempotencyKeyReused
    return Claim(stored, bool(result))


def deduction_place(old_id: str) -> str:
    """Where it is kept which of our transactions the replaced service's is."""
    return f"transaction {old_id}"


def own_id(stored: bytes | None) -> str | None:
    """Our transaction's id by what is kept there; None while it is not taken over."""
    _, _, result = (stored or b"").decode().partition(" ")
    return result or None


def fingerprint(content: str) -> bytes:
    return blake2b(content.encode(), digest_size=16).digest()
