from __future__ import annotations

from hashlib import blake2b

from shothik_payment.adapters.redis.connection import RedisConnection
from shothik_payment.adapters.redis.round_trips import Reading
from shothik_payment.domain.ports.answer_cache import FinishedAnswer

_PREFIX = "idempotency:"
_DIGEST_BYTES = 16


class RedisAnswerCache:
    """Shared by all processes. A value is the fingerprint's length in a byte, the fingerprint,
    and the body; a key has a digest of what the client chose."""

    def __init__(self, connection: RedisConnection) -> None:
        self._round_trips = connection.round_trips

    def get(self, key: str) -> Reading[bytes, FinishedAnswer | None]:
        return Reading(self._round_trips.find(_place(key)), _unpacked)

    def put(self, key: str, answer: FinishedAnswer) -> None:
        length = len(answer.fingerprint).to_bytes(1)
        self._round_trips.keep(_place(key), length + answer.fingerprint + answer.body)


def _place(key: str) -> str:
    return _PREFIX + blake2b(key.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _unpacked(value: bytes | None) -> FinishedAnswer | None:
    if value is None:
        return None
    end = 1 + value[0]
    return FinishedAnswer(value[1:end], value[end:])
