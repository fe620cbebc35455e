"""Identifiers that carry the shard bucket of their user, so a look-up by id goes to one shard."""

from __future__ import annotations

import re
from zlib import crc32

BUCKETS = 4096
BUCKET_DIGITS = 3


def bucket_of(user_id: str) -> str:
    """The user's bucket: three hexadecimal digits, stable for ever."""
    return f"{crc32(user_id.encode()) % BUCKETS:03x}"


_USER_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._:@|+=~-]{1,128}")
USER_ID_SHAPE = "1 to 128 letters, digits or ._:@|+=~- and not . or .."


def is_user_id(text: str) -> bool:
    return _USER_ID.fullmatch(text) is not None
