"""Identifiers that carry the shard bucket of their user, so a look-up by id goes to one shard."""

from __future__ import annotations

from zlib import crc32

BUCKETS = 4096
BUCKET_DIGITS = 3


def bucket_of(user_id: str) -> str:
    """The user's bucket: three hexadecimal digits, stable for ever."""
    return f"{crc32(user_id.encode()) % BUCKETS:03x}"
